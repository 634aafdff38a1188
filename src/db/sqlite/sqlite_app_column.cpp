#include "db/sqlite/sqlite_app_column.h"

#include <sqlite3.h>

#include "base/encoding.h"
#include "base/text.h"
#include "db/sqlite/app_database.h"
#include "db/sqlite/sqlite_row_key.h"

namespace rowseal {
namespace {

// `(k1, k2) > (?2, ?3)`, or `k1 = ?2 AND k2 = ?3`.
std::string KeyCondition(const std::vector<std::string>& quoted, std::string_view comparison,
                         int first) {
  std::string columns;
  std::string parameters;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    columns += (i == 0 ? "" : ", ") + quoted[i];
    parameters += (i == 0 ? "?" : ", ?") + std::to_string(first + static_cast<int>(i));
  }
  return "(" + columns + ") " + std::string(comparison) + " (" + parameters + ")";
}

class SqliteAppColumn final : public AppColumn {
 public:
  SqliteAppColumn(AppDatabase database, const ColumnSource& source)
      : database_(std::move(database)),
        table_(QuotedIdentifier(source.table)),
        column_(QuotedIdentifier(source.column)),
        project_(QuotedIdentifier(source.project_column)) {
    for (const std::string& key : source.keys) {
      keys_.push_back(QuotedIdentifier(key));
    }
  }

  Result<std::int64_t> Count() override {
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   database_.Prepare("SELECT count(*) FROM " + table_ + " WHERE " + HoldsSealed()));
    ROWSEAL_TRY(database_.Step(statement));
    return sqlite3_column_int64(statement.get(), 0);
  }

  Result<std::vector<AppValue>> Read(const std::string& position, std::size_t limit,
                                     std::int64_t bytes) override {
    ROWSEAL_ASSIGN(const SqliteKey after, DecodeKey(position));
    if (!after.empty() && after.size() != keys_.size()) {
      return Fail(ErrorCode::kIntegrity, "a job's position in an app's table was changed",
                  "cancel the job and rotate again");
    }
    const std::string order = Join(keys_, ", ");
    const std::string behind = after.empty() ? "" : " AND " + KeyCondition(keys_, ">", 2);
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        database_.Prepare("SELECT " + project_ + ", " + column_ + ", " + order + " FROM " + table_ +
                          " WHERE " + HoldsSealed() + behind + " ORDER BY " + order + " LIMIT ?1"));
    sqlite3_bind_int64(statement.get(), 1, static_cast<std::int64_t>(limit));
    BindKey(statement.get(), 2, after);
    std::vector<AppValue> values;
    std::int64_t taken = 0;
    while (taken < bytes) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(statement));
      if (!more) {
        break;
      }
      ROWSEAL_ASSIGN(AppValue value, TakeValue(statement.get()));
      taken += static_cast<std::int64_t>(value.text.size());
      values.push_back(std::move(value));
    }
    return values;
  }

  Result<std::vector<bool>> Replace(const std::vector<AppChange>& changes) override {
    if (changes.empty()) {
      return std::vector<bool>();
    }
    ROWSEAL_TRY(database_.AllowChanges());
    const int first = 3;
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        database_.Prepare("UPDATE " + table_ + " SET " + column_ + " = CASE typeof(" + column_ +
                          ") WHEN 'blob' THEN CAST(?1 AS BLOB) ELSE ?1 END WHERE " +
                          KeyCondition(keys_, "=", first) + " AND CAST(" + column_ +
                          " AS TEXT) = ?2"));
    ROWSEAL_TRY(database_.Execute("BEGIN IMMEDIATE"));
    Result<std::vector<bool>> replaced = ReplaceEach(statement, changes, first);
    if (replaced) {
      if (Result<void> committed = database_.Execute("COMMIT"); !committed) {
        replaced = tl::unexpected(std::move(committed).error());
      }
    }
    if (!replaced) {
      static_cast<void>(database_.Execute("ROLLBACK"));
    }
    return replaced;
  }

 private:
  std::string HoldsSealed() const { return "instr(CAST(" + column_ + " AS TEXT), 'rs1.') > 0"; }

  Result<AppValue> TakeValue(sqlite3_stmt* row) const {
    AppValue value;
    const auto say = [&](std::string_view what, int type) {
      if (value.defect.empty()) {
        value.defect = "its " + std::string(what) + " is " + std::string(SqliteTypeName(type)) +
                       ", not TEXT or an INTEGER";
      }
    };
    SqliteKey key;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const int column = static_cast<int>(i) + 2;
      const int type = sqlite3_column_type(row, column);
      if (type == SQLITE_INTEGER) {
        key.push_back({true, sqlite3_column_int64(row, column), {}});
      } else if (type == SQLITE_TEXT) {
        key.push_back({false, 0, std::string(AsText(ColumnBytes(row, column)))});
      } else {
        // Without a key the next page cannot be found either.
        return Fail(ErrorCode::kInvalidArgument,
                    "table " + table_ + " has a row whose key column " + keys_[i] + " is " +
                        std::string(SqliteTypeName(type)),
                    "keys are INTEGER or TEXT; mend the row, then run the job again");
      }
      value.key.push_back(key.back().Text());
    }
    value.position = EncodeKey(key);
    const int project_type = sqlite3_column_type(row, 0);
    if (project_type == SQLITE_TEXT || project_type == SQLITE_INTEGER) {
      value.project = AsText(ColumnBytes(row, 0));
    } else {
      say("project", project_type);
    }
    value.text = AsText(ColumnBytes(row, 1));
    return value;
  }

  Result<std::vector<bool>> ReplaceEach(const AppDatabase::Statement& statement,
                                        const std::vector<AppChange>& changes, int first) {
    std::vector<bool> replaced;
    for (const AppChange& change : changes) {
      ROWSEAL_ASSIGN(const SqliteKey key, DecodeKey(change.position));
      sqlite3_reset(statement.get());
      const auto bind = [&](int number, const std::string& text) {
        sqlite3_bind_text64(statement.get(), number, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8);
      };
      bind(1, change.new_text);
      bind(2, change.old_text);
      BindKey(statement.get(), first, key);
      const WholeRows whole(sqlite3_db_handle(statement.get()));
      ROWSEAL_TRY(database_.Step(statement));
      replaced.push_back(database_.changes() == 1);
    }
    sqlite3_reset(statement.get());
    return replaced;
  }

  AppDatabase database_;
  std::string table_;
  std::string column_;
  std::string project_;
  std::vector<std::string> keys_;
};

}  // namespace

Result<std::unique_ptr<AppColumn>> OpenSqliteAppColumn(const std::string& path,
                                                       const ColumnSource& source) {
  ROWSEAL_ASSIGN(AppDatabase database, AppDatabase::Open(path, AppDatabase::Mode::kReadWrite));
  ROWSEAL_TRY(database.CheckTable(source.table, AppDatabase::Kind::kTable));
  ROWSEAL_TRY(database.CheckColumn(source.table, source.column));
  ROWSEAL_TRY(database.CheckColumn(source.table, source.project_column));
  for (const std::string& key : source.keys) {
    ROWSEAL_TRY(database.CheckColumn(source.table, key));
  }
  ROWSEAL_TRY(database.CheckUniqueKey(source.table, source.keys));
  return std::make_unique<SqliteAppColumn>(std::move(database), source);
}

}  // namespace rowseal
