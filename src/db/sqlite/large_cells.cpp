#include "db/sqlite/large_cells.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

constexpr std::size_t kMostLargeCells = 100;  // each takes 200 bytes of the query's text
constexpr std::size_t kShownBytes = 80;

using Query = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

Query Prepared(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(database, sql.c_str(), -1, &query, nullptr);
  return {query, sqlite3_finalize};
}

bool Next(const Query& query) { return query && sqlite3_step(query.get()) == SQLITE_ROW; }

std::string TextOf(const Query& query, int column) {
  const auto* text = sqlite3_column_text(query.get(), column);
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

// The texts that stand for the large cells of one column, by the numbers of their rows.
using StandIns = std::vector<std::pair<std::int64_t, std::string>>;

class LargeCells final {
 public:
  explicit LargeCells(sqlite3* database) : database_(database) {}

  StandIns Find(const std::string& table, const std::string& column) {
    StandIns found;
    const Query rows = Prepared(database_, "SELECT rowid FROM main." + QuotedIdentifier(table));
    while (Next(rows) && count_ <= kMostLargeCells) {
      const std::int64_t row = sqlite3_column_int64(rows.get(), 0);
      if (!Open(table, column, row)) {
        continue;  // NULL or a number
      }
      const auto size = static_cast<std::size_t>(sqlite3_blob_bytes(cell_));
      if (size <= kLargestStoredText) {
        continue;
      }
      const bool is_text = IsText(table, column, row);
      if (is_text || size > kLargestStoredBytes) {
        found.emplace_back(row, is_text ? Beginning() : "X''");
        ++count_;
      }
    }
    Close();
    return found;
  }
  bool too_many() const noexcept { return count_ > kMostLargeCells; }

 private:
  // A handle goes from row to row of its column, until it meets a value that is none of bytes.
  bool Open(const std::string& table, const std::string& column, std::int64_t row) {
    if (cell_ != nullptr && sqlite3_blob_reopen(cell_, row) == SQLITE_OK) {
      return true;
    }
    Close();
    return sqlite3_blob_open(database_, "main", table.c_str(), column.c_str(), row, 0, &cell_) ==
               SQLITE_OK ||
           (Close(), false);
  }
  void Close() { sqlite3_blob_close(std::exchange(cell_, nullptr)); }

  bool IsText(const std::string& table, const std::string& column, std::int64_t row) {
    const Query type =
        Prepared(database_, "SELECT typeof(" + QuotedIdentifier(column) + ") FROM main." +
                                QuotedIdentifier(table) + " WHERE rowid = " + std::to_string(row));
    return Next(type) && TextOf(type, 0) == "text";
  }

  std::string Beginning() {
    Bytes bytes(kShownBytes + 1, 0xFF);
    sqlite3_blob_read(cell_, bytes.data(), static_cast<int>(kShownBytes), 0);
    return "CAST(X'" + ToHex(bytes) + "' AS TEXT)";
  }

  sqlite3* database_;
  sqlite3_blob* cell_ = nullptr;
  std::size_t count_ = 0;
};

bool Names(std::string_view query, std::string_view table) {
  constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyz_0123456789";
  for (std::size_t at = query.find(table); at != std::string_view::npos;
       at = query.find(table, at + 1)) {
    const std::size_t end = at + table.size();
    const bool begins = at == 0 || kWord.find(query[at - 1]) == std::string_view::npos;
    if (begins && (end == query.size() || kWord.find(query[end]) == std::string_view::npos)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::string> WithoutLargeCells(sqlite3* database, std::string_view query) {
  LargeCells cells(database);
  std::string with;
  const Query tables =
      Prepared(database, "SELECT name FROM main.sqlite_schema WHERE type = 'table'");
  while (query.starts_with("SELECT") && Next(tables)) {
    const std::string table = TextOf(tables, 0);
    if (!Names(query, table)) {
      continue;
    }
    std::string columns;
    bool has_large = false;
    const Query names =
        Prepared(database, "SELECT name FROM pragma_table_info(" + SqlLiteral(table) + ")");
    while (Next(names)) {
      const std::string name = TextOf(names, 0);
      const std::string column = QuotedIdentifier(name);
      columns += columns.empty() ? "" : ", ";
      const StandIns stand_ins = cells.Find(table, name);
      if (stand_ins.empty()) {
        columns += column;
        continue;
      }
      has_large = true;
      columns += "CASE rowid";
      for (const auto& [row, text] : stand_ins) {
        columns += " WHEN " + std::to_string(row) + " THEN " + text;
      }
      columns += " ELSE " + column + " END AS " + column;
    }
    // A name within WITH stands before the table's. Not materialized: nothing reads columns that
    // the query does not.
    if (has_large) {
      with += (with.empty() ? "WITH " : ", ") + QuotedIdentifier(table) +
              " AS NOT MATERIALIZED (SELECT " + columns + " FROM main." + QuotedIdentifier(table) +
              ")";
    }
  }
  if (with.empty() || cells.too_many()) {
    return Fail(ErrorCode::kIntegrity, "a value is too large to be read", kTooLargeHint);
  }
  return with + " " + std::string(query);
}

}  // namespace rowseal
