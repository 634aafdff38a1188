#include "migration/column_migrator.h"
#include "migration/online_migration.h"

namespace rowseal {
namespace {

tl::unexpected<Error> NotReady(std::int64_t failures, std::int64_t plaintext) {
  return Fail(ErrorCode::kRefusedByState,
              std::to_string(failures) + " values fail and " + std::to_string(plaintext) +
                  " rows hold plaintext; nothing was deleted",
              "rowseal migrate status MANIFEST names the rows; mend them, then run it again");
}

}  // namespace

Result<FinalizeReport> FinalizeMigration(Client& client, const MigrationManifest& manifest,
                                         ScrubLocks locks, const RunMigrationOptions& options,
                                         const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  std::vector<std::unique_ptr<AppRows>> columns;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (!guard) {
      return Fail(ErrorCode::kRefusedByState, "migration '" + manifest.name + "' was not run",
                  "run it first: rowseal migrate run MANIFEST");
    }
    if (*guard == Guard::kReverse) {
      return Fail(ErrorCode::kRefusedByState,
                  "migration '" + manifest.name + "' is being rolled back",
                  "end it: rowseal migrate rollback MANIFEST");
    }
    columns.push_back(std::move(rows));
  }
  // Whether it can be finalized is known before anything is refused to the app.
  ROWSEAL_TRY(RunMigration(client, manifest, options, access));
  std::int64_t failures = 0;
  ROWSEAL_ASSIGN(const std::vector<ColumnVerdict> verdicts,
                 VerifyMigration(
                     client, manifest, [&](const MigrationFailure&) { ++failures; }, access));
  std::int64_t quarantined = 0;
  for (const ColumnVerdict& verdict : verdicts) {
    quarantined += verdict.quarantined;
  }
  if (failures > 0 || quarantined > 0) {
    return NotReady(failures, quarantined);
  }
  // From here on nothing new can come; what came before is migrated.
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_TRY(rows->SetGuard(Guard::kRefuse));
  }
  ROWSEAL_ASSIGN(RunMigrationReport run, RunMigration(client, manifest, options, access));
  std::int64_t plaintext = 0;
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_ASSIGN(const MigrationCounts counts, rows->Count());
    plaintext += counts.plaintext;
  }
  if (plaintext > 0) {
    for (const std::unique_ptr<AppRows>& rows : columns) {
      ROWSEAL_TRY(rows->SetGuard(Guard::kQueue));
    }
    return NotReady(0, plaintext);
  }
  FinalizeReport report;
  report.columns = std::move(run.columns);
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_TRY(rows->ForgetOriginals());
  }
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_ASSIGN(const std::vector<std::string> left, rows->Scrub(locks));
    report.left.insert(report.left.end(), left.begin(), left.end());
  }
  return report;
}

}  // namespace rowseal
