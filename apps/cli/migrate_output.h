#pragma once

#include <map>
#include <optional>
#include <string>

#include "migration/migration_plan.h"
#include "migration/online_migration.h"
#include "program.h"
#include "progress.h"
#include "shown.h"
#include "stop_signal.h"

namespace rowseal {

ROWSEAL_FIELDS(MigrationCounts, rows, empty, plaintext, originals, queued, quarantined)
ROWSEAL_FIELDS(ColumnReport, column, rows, values, write_backs, counts)
ROWSEAL_FIELDS(RunMigrationReport, columns, stopped)
ROWSEAL_FIELDS(ColumnVerdict, column, opened, changed, plaintext, quarantined, failures)
ROWSEAL_FIELDS(ReadableRow, column, project, row, secrets)
ROWSEAL_FIELDS(Obstacle, weight, text)

template <class Field>
void Describe(const ColumnPlanReport& column, Field&& field) {
  field("column", column.column);
  field("counts", column.counts);
  field("bytes", column.counts.plaintext_bytes);
  field("sealed_bytes", column.sealed_bytes);
  field("estimated_seconds", column.estimated_seconds);
  field("obstacles", column.obstacles);
  field("samples", column.samples);
  field("authenticated", column.is_authenticated);
}

}  // namespace rowseal

namespace rowseal::cli {

/// MigrationState is how the migration of one column stands.
struct MigrationState {
  std::string column;
  std::string state;
  MigrationCounts counts;
};
ROWSEAL_FIELDS(MigrationState, column, state, counts)

/// What the steps of a migration show alike.

/// NameQuarantined names the rows that could not be migrated, on stderr, and gives the exit status.
Result<int> NameQuarantined(const MigrationManifest& manifest);

/// MigrationProgress shows how far a step is, and says that it is paused.
class MigrationProgress final {
 public:
  MigrationProgress(const MigrationPlan& plan, bool json);
  ~MigrationProgress() { Clear(); }
  MigrationProgress(const MigrationProgress&) = delete;
  MigrationProgress& operator=(const MigrationProgress&) = delete;

  /// Show gives false once a signal asked to stop.
  bool Show(const ColumnReport& report);
  void Clear();

  /// Options are those of a step that shows itself here.
  RunMigrationOptions Options(int share_percent);

 private:
  StopSignal stop_;
  bool json_;
  bool was_paused_ = false;
  std::map<std::string, std::int64_t> totals_;
  std::string column_;
  std::optional<Progress> progress_;
};

inline constexpr std::string_view kMigrated = "migrated";

Result<void> PrintReport(const Program& program, const RunMigrationReport& report,
                         std::string_view verb);

void AddMigrationShare(CLI::App& verb, int& share);

/// AddMigrateRunVerbs adds plan, run, pause and resume.
void AddMigrateRunVerbs(Verbs& migrate);

}  // namespace rowseal::cli
