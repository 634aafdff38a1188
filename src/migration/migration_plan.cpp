#include "migration/migration_plan.h"

#include "migration/online_migration.h"

namespace rowseal {
namespace {

Treatment TreatmentOf(const ColumnPlan& plan) {
  if (plan.mode == MigrationMode::kValue) {
    return Treatment::kSealed;
  }
  switch (plan.leave) {
    case Leave::kNull:
      return Treatment::kEmptied;
    case Leave::kMarker:
      return Treatment::kMarked;
    case Leave::kReference:
      return Treatment::kReferred;
  }
  return Treatment::kMarked;
}

}  // namespace

Result<MigrationPlan> PlanMigration(const MigrationManifest& manifest) {
  ROWSEAL_TRY(CheckManifest(manifest));
  MigrationPlan plan;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    const ColumnPlan& column = manifest.columns[number - 1];
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const MigrationCounts counts, rows->Count());
    ROWSEAL_ASSIGN(std::vector<Obstacle> obstacles, rows->Inspect(TreatmentOf(column)));
    plan.columns.push_back({TextOf(column), counts, std::move(obstacles)});
  }
  return plan;
}

}  // namespace rowseal
