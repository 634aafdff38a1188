#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <rowseal/connection.h>

#include "base/clock.h"

struct sqlite3;
struct sqlite3_stmt;

namespace rowseal {

/// StatementCursor is a prepared statement in use: it is reset and its parameters are cleared when
/// the cursor goes.
class StatementCursor final {
 public:
  explicit StatementCursor(sqlite3_stmt* statement) : statement_(statement) {}
  StatementCursor(StatementCursor&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  StatementCursor& operator=(StatementCursor&&) = delete;
  ~StatementCursor();

  /// Bind sets parameter $`number`, from 1. Views must outlive the cursor.
  void Bind(int number, const Param& value);
  void BindText(int number, std::string_view text);
  void BindBlob(int number, ByteView bytes);
  void BindInteger(int number, std::int64_t value);
  void BindNull(int number);

  /// Step moves to the next row; false when there is none. Errors: as Connection.
  Result<bool> Step();
  /// TakeRow copies the row. Errors: kIntegrity (a value that is larger than any of Rowseal's).
  Result<Row> TakeRow() const;

 private:
  int IndexOf(int number) const;
  sqlite3_stmt* statement_;
};

/// SqliteConnection is a Connection to one SQLite file: WAL, foreign keys on, 10 s of patience with
/// other writers, deleted content overwritten. Nothing that stands in the file runs (HardenSqlite).
class SqliteConnection final : public Connection {
 public:
  /// Open opens an existing file and sets up the connection; it looks at no table.
  /// Errors: kInvalidArgument (CheckSqlitePath), kNotFound (no file), kIntegrity (not a database),
  /// kUnavailable.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path);
  ~SqliteConnection() override;

  Result<Rows> Execute(const Statement& statement) override;
  Result<void> Begin(TransactionKind kind) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;

  /// Prepare gives a cursor over a cached prepared statement. `rowseal.` before a table and a final
  /// `FOR UPDATE` are dropped: PostgreSQL has schemas, and locks single rows.
  Result<StatementCursor> Prepare(std::string_view sql);

  /// ExecuteScript runs several statements without parameters, in the open transaction.
  Result<void> ExecuteScript(std::string_view sql);

  /// SchemaCheck compares the file's schema with what it should be; it runs inside a transaction.
  using SchemaCheck = Result<void> (*)(SqliteConnection& connection);
  /// HoldSchema runs `check` now, and again before the first statement after each change of the
  /// schema: a process that lives for months must notice one as a new process does.
  Result<void> HoldSchema(SchemaCheck check);

  bool in_transaction() const noexcept;
  std::int64_t changes() const noexcept;
  const std::string& path() const noexcept { return path_; }

  /// Now is the store's time: this machine's, because only one machine uses the file.
  Timestamp Now() const { return clock_(); }
  /// UseClock gives the store another clock.
  void UseClock(Clock clock) { clock_ = std::move(clock); }

 private:
  SqliteConnection(sqlite3* database, std::string path)
      : database_(database), path_(std::move(path)) {}
  Result<Rows> ExecuteSql(const Statement& statement);
  Result<Rows> RunSql(std::string_view sql, const std::vector<Param>& params);
  static std::string SqliteText(std::string_view sql);
  Result<void> CheckSchema();
  static int WaitForOthers(void* connection, int calls_before);

  sqlite3* database_;
  std::string path_;
  Clock clock_ = SystemClock;
  std::unordered_map<std::string, sqlite3_stmt*> prepared_;
  SchemaCheck schema_check_ = nullptr;
  std::optional<std::int64_t> checked_schema_;  // SQLite's counter of changes of the schema
  std::chrono::steady_clock::time_point waiting_since_;
};

}  // namespace rowseal
