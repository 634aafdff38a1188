#include <algorithm>

#include "client/change.h"
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

// Opens what some rows held before, to be looked for afterwards.
Result<void> TakeOldValues(Client& client, const MigrationManifest& manifest, std::size_t number,
                           const Access& access, std::vector<SecretBytes>& sample) {
  constexpr std::size_t kRows = 500;
  constexpr std::int64_t kBytes = 1'000'000;
  ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                 OpenAppRows(manifest.database, ColumnOf(manifest, number)));
  ROWSEAL_ASSIGN(ColumnMigrator migrator,
                 ColumnMigrator::Make(client, manifest, number, std::move(rows), access));
  ROWSEAL_ASSIGN(const std::vector<MigratingRow> read, migrator.rows().Read({}, kRows, kBytes));
  ROWSEAL_ASSIGN(auto originals, migrator.OpenOriginals(read));
  for (auto& [position, content] : originals) {
    if (!content) {
      continue;  // verified before; gone meanwhile
    }
    Result<std::vector<FoundValue>> values =
        FindValues(migrator.plan(), migrator.column().settled, nullptr, *content);
    if (!values) {
      continue;
    }
    for (FoundValue& value : *values) {
      sample.push_back(std::move(value.value));
    }
  }
  return {};
}

Result<void> ListExposed(AppRows& rows, const std::string& column, const FinalizeOptions& options,
                         std::int64_t& exposed) {
  constexpr std::size_t kRows = 2000;
  constexpr std::int64_t kBytes = 4'000'000;
  std::string position;
  while (true) {
    ROWSEAL_ASSIGN(const std::vector<MigratingRow> page, rows.Read(position, kRows, kBytes));
    if (page.empty()) {
      return {};
    }
    position = page.back().position;
    for (const MigratingRow& row : page) {
      if (!row.original) {
        continue;
      }
      ++exposed;
      if (options.on_exposed) {
        ROWSEAL_TRY(options.on_exposed({column, row.project, row.key, row.original->secrets}));
      }
    }
  }
}

}  // namespace

Result<FinalizeReport> FinalizeMigration(Client& client, const MigrationManifest& manifest,
                                         const FinalizeOptions& options, const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  ROWSEAL_TRY(CheckMayChange(client, access));
  std::vector<std::unique_ptr<AppRows>> columns;
  bool was_finalized = true;
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
    was_finalized = was_finalized && *guard == Guard::kRefuse;
    columns.push_back(std::move(rows));
  }
  // Whether it can be finalized is known before anything is refused to the app.
  ROWSEAL_TRY(RunMigration(client, manifest, options.run, access));
  std::int64_t failures = 0;
  const Result<std::vector<ColumnVerdict>> verdicts = VerifyMigration(
      client, manifest, [&](const MigrationFailure&) { ++failures; }, access);
  // Of moved values nothing is left to compare once it was finalized; what it was stopped in goes
  // on.
  const bool is_over = !verdicts && verdicts.error().code == ErrorCode::kNotFound && was_finalized;
  if (!verdicts && !is_over) {
    return tl::unexpected(verdicts.error());
  }
  std::int64_t quarantined = 0;
  for (const ColumnVerdict& verdict : verdicts.value_or(std::vector<ColumnVerdict>())) {
    quarantined += verdict.quarantined;
  }
  if (failures > 0 || quarantined > 0) {
    return NotReady(failures, quarantined);
  }
  // From here on nothing new can come; what came before is migrated.
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_TRY(rows->SetGuard(Guard::kRefuse));
  }
  ROWSEAL_ASSIGN(RunMigrationReport run, RunMigration(client, manifest, options.run, access));
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
  std::vector<SecretBytes> sample;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_TRY(TakeOldValues(client, manifest, number, access, sample));
    ROWSEAL_TRY(ListExposed(*columns[number - 1], TextOf(manifest.columns[number - 1]), options,
                            report.exposed));
  }
  if (options.before_deletion) {
    ROWSEAL_TRY(options.before_deletion());
  }
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_TRY(rows->ForgetOriginals());
  }
  ROWSEAL_TRY(ColumnMigrator::ForgetLabel(client, manifest, access));
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ROWSEAL_ASSIGN(const std::vector<std::string> left, rows->Scrub(options.locks));
    for (const std::string& what : left) {
      if (std::ranges::find(report.left, what) == report.left.end()) {
        report.left.push_back(what);
      }
    }
  }
  report.residue.in_files = true;
  for (const std::unique_ptr<AppRows>& rows : columns) {
    ResidueSearch search(sample);
    report.searched_values = search.values();
    ROWSEAL_ASSIGN(const Residue residue, rows->Search(search));
    report.residue.found += residue.found;
    report.residue.bytes += residue.bytes;
    report.residue.in_files = report.residue.in_files && residue.in_files;
  }
  ROWSEAL_ASSIGN(report.elsewhere, columns.front()->Elsewhere());
  return report;
}

}  // namespace rowseal
