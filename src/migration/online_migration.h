#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <rowseal/client.h>

#include "migration/manifest.h"
#include "store/app_rows.h"

namespace rowseal {

/// Moving the secrets of a live application: run, verify and finalize, or roll back. Each step may
/// be killed anywhere and begun again. Errors of each: the client's, AppRows's, CheckManifest's.

using AppRowsOpener = std::function<Result<std::unique_ptr<AppRows>>(const MigratedColumn&)>;

/// OpenAppRows opens a column in the database that the manifest names: `sqlite:PATH` or a URL of
/// PostgreSQL.
Result<std::unique_ptr<AppRows>> OpenAppRows(const std::string& database,
                                             const MigratedColumn& column);

/// ColumnReport is what a step did with a column, and how it stands.
struct ColumnReport {
  std::string column;
  std::int64_t rows = 0;         ///< written by this call
  std::int64_t values = 0;       ///< in them
  std::int64_t write_backs = 0;  ///< of them: old text that the app saved again
  MigrationCounts counts;        ///< at the end
  bool is_paused = false;        ///< it waits for PauseMigration(…, false)
};

struct RunMigrationOptions {
  /// The share of the time in which batches run, 1 to 100 percent.
  int share_percent = 100;
  /// Called after each batch, and while a step is paused; false stops, and the next run goes on.
  std::function<bool(const ColumnReport&)> on_progress;
};

struct RunMigrationReport {
  std::vector<ColumnReport> columns;
  bool stopped = false;
};

/// InstallGuards puts the guard of every column in place, as RunMigration does first. Errors:
/// AppRows's, kRefusedByState (a rollback is under way, or the store is an older copy).
Result<void> InstallGuards(Client& client, const MigrationManifest& manifest, const Access& access);

/// RunMigration seals or moves what is plaintext, and what the app writes meanwhile, until nothing
/// is left but quarantined rows. Several processes may run it. Errors: kUnavailable (rows stay
/// locked by others), kRefusedByState (a rollback is under way, or the migration was finalized).
Result<RunMigrationReport> RunMigration(Client& client, const MigrationManifest& manifest,
                                        const RunMigrationOptions& options, const Access& access);

/// PauseMigration makes every process that runs or rolls back a migration wait behind its batch, or
/// go on. Errors: kRefusedByState (it was not begun).
Result<void> PauseMigration(const MigrationManifest& manifest, bool paused);

/// ColumnVerdict is what VerifyMigration found in a column.
struct ColumnVerdict {
  std::string column;
  std::int64_t opened = 0;       ///< values that open and are what the row held
  std::int64_t changed = 0;      ///< values that open and that the app changed meanwhile
  std::int64_t plaintext = 0;    ///< rows that still hold some, quarantined ones included
  std::int64_t quarantined = 0;  ///< rows
  std::int64_t failures = 0;     ///< values that do not open, or whose secret is gone
};

struct MigrationFailure {
  std::string row;  ///< `public.users.totp 42`
  std::string message;
};

/// VerifyMigration opens every value and compares it with the original while that is kept. Errors:
/// kNotFound (there is nothing migrated at all).
Result<std::vector<ColumnVerdict>> VerifyMigration(
    Client& client, const MigrationManifest& manifest,
    const std::function<void(const MigrationFailure&)>& on_failure, const Access& access);

/// RollBackMigration gives every row back what it held: byte for byte where neither the app nor a
/// new version of the secret changed it, else its newest value. Secrets that were moved stay in the
/// store. Errors: kRefusedByState (it was finalized), kIntegrity (rows that do not open; the others
/// are done).
Result<RunMigrationReport> RollBackMigration(Client& client, const MigrationManifest& manifest,
                                             const RunMigrationOptions& options,
                                             const Access& access);

struct FinalizeReport {
  std::vector<ColumnReport> columns;
  std::vector<std::string> left;       ///< what could not be scrubbed
  std::vector<std::string> elsewhere;  ///< where old values may stand, and when they are gone
  Residue residue;                     ///< of a sample of the old values, in all columns
  std::size_t searched_values = 0;
  std::int64_t exposed = 0;  ///< rows whose secrets had stood readable
};

/// ReadableRow is a row whose secrets stood readable until it was migrated.
struct ReadableRow {
  std::string column;
  std::string project;
  std::vector<std::string> row;      ///< its key
  std::vector<std::string> secrets;  ///< where it was moved: their names
};

struct FinalizeOptions {
  RunMigrationOptions run;
  ScrubLocks locks = ScrubLocks::kHeavy;
  /// Called for every row that had been migrated, before its original is deleted: what may have to
  /// be issued anew; and then once all were named. An error ends the step; nothing was deleted.
  std::function<Result<void>(const ReadableRow&)> on_exposed;
  std::function<Result<void>()> before_deletion;
};

/// FinalizeMigration refuses plaintext from here on, migrates what was written until then, verifies
/// all, deletes the originals and scrubs the tables. Errors: kRefusedByState (rows are quarantined,
/// or values fail: nothing was deleted).
Result<FinalizeReport> FinalizeMigration(Client& client, const MigrationManifest& manifest,
                                         const FinalizeOptions& options, const Access& access);

}  // namespace rowseal
