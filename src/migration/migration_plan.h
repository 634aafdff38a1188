#pragma once

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
};

struct MigrationPlan {
  std::vector<ColumnPlanReport> columns;
};

/// PlanMigration counts what there is to migrate and looks for what stands in the way. It changes
/// nothing, and needs no store. Errors: AppRows's, CheckManifest's.
Result<MigrationPlan> PlanMigration(const MigrationManifest& manifest);

}  // namespace rowseal
