#include "db/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/encoding.h"
#include "db/sqlite/harden.h"
#include "db/sqlite/schema_check.h"
#include "store/schema/sqlite_upgrades.h"

namespace rowseal {
namespace {

constexpr std::int64_t kApplicationId = 0x5253'4C31;  // "RSL1"
constexpr std::chrono::seconds kUpgradePatience{10};

struct Marks {
  std::int64_t application_id = 0;
  std::int64_t format = 0;
  std::int64_t tables = 0;
};

Result<std::int64_t> QueryInteger(SqliteConnection& connection, std::string_view sql) {
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Sql(sql)));
  if (rows.rows.empty()) {
    return Fail(ErrorCode::kInternal, "a query of the store's marks gave no row");
  }
  RowReader reader(rows.rows.front());
  const std::int64_t value = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return value;
}

Result<Marks> ReadMarks(SqliteConnection& connection) {
  Marks marks;
  ROWSEAL_ASSIGN(marks.application_id, QueryInteger(connection, "PRAGMA application_id"));
  ROWSEAL_ASSIGN(marks.format, QueryInteger(connection, "PRAGMA user_version"));
  ROWSEAL_ASSIGN(marks.tables, QueryInteger(connection, "SELECT count(*) FROM sqlite_schema"));
  return marks;
}

// Read in one transaction: whoever is just making the store would be seen half-way otherwise, its
// tables without its mark.
Result<Marks> ReadMarksOfOneMoment(SqliteConnection& connection) {
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_ASSIGN(const Marks marks, ReadMarks(connection));
  ROWSEAL_TRY(transaction.Commit());
  return marks;
}

std::string Named(const SqliteConnection& connection) {
  return "'" + Printable(connection.path()) + "'";
}

Result<void> CheckIsRowseals(const SqliteConnection& connection, const Marks& marks) {
  if (marks.application_id != kApplicationId) {
    return Fail(ErrorCode::kRefusedByState, Named(connection) + " is not a Rowseal store",
                "Rowseal keeps a file of its own; name another path");
  }
  if (marks.format > SqliteFormat()) {
    return Fail(ErrorCode::kNewerSchema,
                "the store " + Named(connection) + " has format " + std::to_string(marks.format) +
                    "; this program knows formats up to " + std::to_string(SqliteFormat()),
                "use the newer release of rowseal that upgraded it");
  }
  return {};
}

Result<void> CheckSchemaOfThisRelease(SqliteConnection& connection) {
  return CheckSqliteSchema(connection, SqliteFormat());
}

// Steps from the format found to this release's, inside the caller's transaction.
Result<int> ApplyUpgrades(SqliteConnection& connection, std::int64_t format) {
  int steps = 0;
  for (const schema::Upgrade& upgrade : schema::SqliteUpgrades()) {
    if (upgrade.format <= format) {
      continue;
    }
    ROWSEAL_TRY(connection.ExecuteScript(upgrade.sql));
    ROWSEAL_TRY(connection.ExecuteScript("PRAGMA user_version=" + std::to_string(upgrade.format)));
    ++steps;
  }
  ROWSEAL_TRY(connection.ExecuteScript("PRAGMA application_id=" + std::to_string(kApplicationId)));
  return steps;
}

// Switching to WAL needs the file alone for a moment, and SQLite does not wait for it by itself.
Result<void> SwitchToWal(SqliteConnection& connection) {
  const auto deadline = std::chrono::steady_clock::now() + kUpgradePatience;
  while (true) {
    Result<void> switched = connection.ExecuteScript("PRAGMA journal_mode=WAL");
    if (switched || switched.error().code != ErrorCode::kUnavailable ||
        std::chrono::steady_clock::now() > deadline) {
      return switched;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The mode is set at creation: no moment passes in which others could open the file.
Result<void> CreateFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return Fail(ErrorCode::kUnavailable,
                "cannot create the store '" + Printable(path) + "': " + std::strerror(errno),
                "check that its folder exists and is writable");
  }
  close(file);
  return {};
}

}  // namespace

int SqliteFormat() noexcept { return schema::SqliteUpgrades().back().format; }

std::string SqliteUpgradeSql() {
  std::string text;
  for (const schema::Upgrade& upgrade : schema::SqliteUpgrades()) {
    text += "-- format " + std::to_string(upgrade.format) + ": " + std::string(upgrade.name) +
            "\n" + std::string(upgrade.sql) + "\n";
  }
  return text;
}

Result<std::unique_ptr<SqliteConnection>> OpenSqliteStore(const std::string& path) {
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, SqliteConnection::Open(path));
  ROWSEAL_ASSIGN(const Marks marks, ReadMarksOfOneMoment(*connection));
  if (marks.format == 0 && marks.tables == 0) {
    return Fail(ErrorCode::kNotFound, "there is no store at '" + Printable(path) + "'",
                "make one: rowseal init --store sqlite:PATH --root file:PATH");
  }
  ROWSEAL_TRY(CheckIsRowseals(*connection, marks));
  if (marks.format < SqliteFormat()) {
    return Fail(ErrorCode::kOlderSchema,
                "the store " + Named(*connection) + " has format " + std::to_string(marks.format) +
                    "; this program needs " + std::to_string(SqliteFormat()),
                "back it up, then run `rowseal upgrade`");
  }
  ROWSEAL_TRY(connection->HoldSchema(CheckSchemaOfThisRelease));
  return connection;
}

Result<std::unique_ptr<SqliteConnection>> CreateSqliteStore(const std::string& path) {
  ROWSEAL_TRY(CheckSqlitePath(path));
  ROWSEAL_TRY(CreateFile(path));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, SqliteConnection::Open(path));
  ROWSEAL_ASSIGN(const Marks before, ReadMarksOfOneMoment(*connection));
  if (before.tables != 0 || before.application_id != 0) {
    // The file is somebody's: nothing is touched unless it is a store.
    ROWSEAL_TRY(CheckIsRowseals(*connection, before));
    return OpenSqliteStore(path);
  }
  ROWSEAL_TRY(SwitchToWal(*connection));
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(*connection, TransactionKind::kWrite));
  ROWSEAL_ASSIGN(const Marks marks, ReadMarks(*connection));
  if (marks.tables == 0) {
    ROWSEAL_TRY(ApplyUpgrades(*connection, 0));
    ROWSEAL_TRY(transaction.Commit());
  } else {
    // Another process was first.
    ROWSEAL_TRY(CheckIsRowseals(*connection, marks));
    ROWSEAL_TRY(transaction.Commit());
  }
  ROWSEAL_TRY(connection->HoldSchema(CheckSchemaOfThisRelease));
  return connection;
}

Result<std::unique_ptr<SqliteConnection>> OpenOldSqliteStore(const std::string& path) {
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, SqliteConnection::Open(path));
  ROWSEAL_ASSIGN(const Marks marks, ReadMarksOfOneMoment(*connection));
  ROWSEAL_TRY(CheckIsRowseals(*connection, marks));
  ROWSEAL_TRY(CheckSqliteSchema(*connection, static_cast<int>(marks.format)));
  return connection;
}

Result<int> UpgradeSqliteStore(const std::string& path, const TagRenewal& renew) {
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, SqliteConnection::Open(path));
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(*connection, TransactionKind::kWrite));
  ROWSEAL_ASSIGN(const Marks marks, ReadMarks(*connection));
  ROWSEAL_TRY(CheckIsRowseals(*connection, marks));
  // The steps would carry what somebody added to the old schema over into the new one.
  ROWSEAL_TRY(CheckSqliteSchema(*connection, static_cast<int>(marks.format)));
  ROWSEAL_ASSIGN(const int steps, ApplyUpgrades(*connection, marks.format));
  if (steps > 0) {
    ROWSEAL_TRY(renew(*connection));
  }
  ROWSEAL_TRY(CheckSchemaOfThisRelease(*connection));
  ROWSEAL_TRY(transaction.Commit());
  return steps;
}

}  // namespace rowseal
