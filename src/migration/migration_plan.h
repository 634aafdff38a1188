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
};

struct MigrationPlan {
  std::vector<ColumnPlanReport> columns;
};

/// PlanMigration counts what there is to migrate and looks for what stands in the way. It changes
/// nothing, and needs no store. Errors: AppRows's, CheckManifest's.
Result<MigrationPlan> PlanMigration(const MigrationManifest& manifest);

}  // namespace rowseal
