#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/error.h>

#include "migration/manifest.h"
#include "store/app_rows.h"

namespace rowseal {

struct ColumnPlanReport {
  std::string column;
  MigrationCounts counts;
  std::vector<Obstacle> obstacles;
  /// Of some rows, where the app had encrypted the values: how each opens, masked, or why not.
  std::vector<std::string> samples;
  bool is_authenticated = true;  ///< opening proves that a value is what the app wrote
  /// Of the column's plaintext once it is sealed in place; none where it is moved, or where several
  /// values stand in a row.
  std::optional<std::int64_t> sealed_bytes;
  /// At the rate of a small machine: the run itself says how fast it is.
  std::int64_t estimated_seconds = 0;
};

struct MigrationPlan {
  std::vector<ColumnPlanReport> columns;
};

/// PlanMigration counts what there is to migrate and looks for what stands in the way. It changes
/// nothing, and needs no store. Errors: AppRows's, CheckManifest's.
Result<MigrationPlan> PlanMigration(const MigrationManifest& manifest);

}  // namespace rowseal
