#include <chrono>
#include <thread>

#include "client/change.h"
#include "db/postgres/postgres_app_rows.h"
#include "db/sqlite/sqlite_app_rows.h"
#include "migration/column_migrator.h"
#include "migration/migration_batches.h"
#include "migration/online_migration.h"

namespace rowseal {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

Result<ColumnReport> RunColumn(ColumnMigrator& migrator, const RunMigrationOptions& options) {
  BatchPace pace(options.share_percent);
  ColumnReport report;
  report.column = TextOf(migrator.plan());
  AppRows& rows = migrator.rows();
  const auto add = [&](const MigratedBatch& batch) {
    report.rows += batch.rows;
    report.values += batch.values;
    report.write_backs += batch.write_backs;
  };
  const auto show = [&](bool paused) {
    report.is_paused = paused;
    return !options.on_progress || options.on_progress(report);
  };
  StallWatch watch;
  ROWSEAL_TRY(AwaitResume(rows, watch, show));
  while (true) {
    std::string position;
    while (true) {
      ROWSEAL_ASSIGN(const MigratedBatch queued,
                     pace.Run([&](std::size_t limit) { return migrator.MigrateQueued(limit); }));
      ROWSEAL_ASSIGN(const MigratedBatch batch, pace.Run([&](std::size_t limit) {
        return migrator.MigrateNext(position, limit);
      }));
      add(queued);
      add(batch);
      watch.Note(queued.rows + batch.rows);
      ROWSEAL_TRY(AwaitResume(rows, watch, show));
      if (batch.seen == 0 && queued.seen == 0) {
        break;
      }
      position = batch.seen == 0 ? position : batch.position;
    }
    ROWSEAL_ASSIGN(report.counts, rows.Count());
    if (report.counts.left == 0 && report.counts.queued == 0) {
      return report;
    }
    ROWSEAL_TRY(watch.Check(report.column, report.counts.left));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

Result<std::unique_ptr<AppRows>> OpenAppRows(const std::string& database,
                                             const MigratedColumn& column) {
  if (database.starts_with(kSqlite)) {
    return OpenSqliteAppRows(database.substr(kSqlite.size()), column);
  }
  return OpenPostgresAppRows(database, column);
}

Result<void> PauseMigration(const MigrationManifest& manifest, bool paused) {
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (!guard) {
      return Fail(ErrorCode::kRefusedByState, "migration '" + manifest.name + "' was not begun",
                  "rowseal migrate status MANIFEST shows how it stands");
    }
    ROWSEAL_TRY(rows->SetPaused(paused));
  }
  return {};
}

// Every guard stands before the first value is migrated: nothing is written past them.
Result<void> InstallGuards(Client& client, const MigrationManifest& manifest,
                           const Access& access) {
  ROWSEAL_TRY(CheckMayChange(client, access));
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_TRY(rows->Install());
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (guard == Guard::kReverse) {
      return Fail(ErrorCode::kRefusedByState,
                  "migration '" + manifest.name + "' is being rolled back",
                  "end it: rowseal migrate rollback MANIFEST; then run it anew");
    }
  }
  return {};
}

Result<RunMigrationReport> RunMigration(Client& client, const MigrationManifest& manifest,
                                        const RunMigrationOptions& options, const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  RunMigrationReport report;
  ROWSEAL_TRY(InstallGuards(client, manifest, access));
  std::vector<ColumnMigrator> migrators;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(ColumnMigrator migrator,
                   ColumnMigrator::Make(client, manifest, number, std::move(rows), access));
    migrators.push_back(std::move(migrator));
  }
  for (ColumnMigrator& migrator : migrators) {
    Result<ColumnReport> column = RunColumn(migrator, options);
    if (!column && column.error().code == ErrorCode::kCancelled) {
      report.stopped = true;
      return report;
    }
    ROWSEAL_TRY(column);
    report.columns.push_back(std::move(*column));
  }
  return report;
}

}  // namespace rowseal
