#include "db/sqlite/schema_check.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "base/encoding.h"
#include "base/text.h"
#include "store/schema/sqlite_upgrades.h"

namespace rowseal {
namespace {

struct SchemaObject {
  std::string type;
  std::string name;
  std::string table;
  std::string definition;  // its SQL, in one form; empty: SQLite made it for a key of the table
};

using Schema = std::map<std::string, SchemaObject>;  // by name: SQLite has one namespace

constexpr const char* kSchemaSql =
    "SELECT type, name, tbl_name, coalesce(sql, ''), rootpage FROM main.sqlite_schema";

bool IsPunctuation(char character) {
  return std::string_view("(),;=.").find(character) != std::string_view::npos;
}

// Where a quoted name or string that begins at `at` ends. A doubled quote begins the next part,
// which is copied as well.
std::size_t EndOfQuoted(std::string_view sql, std::size_t at) {
  const char close = sql[at] == '[' ? ']' : sql[at];
  const std::size_t end = sql.find(close, at + 1);
  return end == std::string_view::npos ? sql.size() : end + 1;
}

std::size_t EndOfComment(std::string_view sql, std::size_t at) {
  const bool is_line = sql[at] == '-';
  const std::size_t end = sql.find(is_line ? "\n" : "*/", at + 2);
  return end == std::string_view::npos ? sql.size() : end + (is_line ? 1 : 2);
}

bool IsPlain(char character) {
  return (character >= ' ' && character <= '~') || character == '\n' || character == '\r' ||
         character == '\t';
}

// One text for definitions that differ only in white space and comments: SQLite keeps the text as
// it was written, and ALTER TABLE splices into it.
std::string OneForm(std::string_view sql) {
  // SQLite reads no further than a NUL, and takes other characters for parts of names: a comment
  // with one here may be none there. Rowseal's definitions hold none.
  if (!std::ranges::all_of(sql, IsPlain)) {
    return "characters that no definition of Rowseal's has: " + Escaped(sql);
  }
  std::string form;
  bool gap = false;
  for (std::size_t at = 0; at < sql.size();) {
    const std::string_view rest = sql.substr(at);
    if (rest.starts_with("--") || rest.starts_with("/*")) {
      at = EndOfComment(sql, at);
      gap = true;
      continue;
    }
    if (std::string_view(" \t\n\r").find(sql[at]) != std::string_view::npos) {
      ++at;
      gap = true;
      continue;
    }
    const bool joins = form.empty() || IsPunctuation(sql[at]) || IsPunctuation(form.back());
    form += gap && !joins ? " " : "";
    gap = false;
    const bool quoted = std::string_view("'\"`[").find(sql[at]) != std::string_view::npos;
    const std::size_t end = quoted ? EndOfQuoted(sql, at) : at + 1;
    form += sql.substr(at, end - at);
    at = end;
  }
  return form;
}

// The schema that the first `format` upgrades make, made once by this process's SQLite.
Result<Schema> MakeSchema(int format) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open(":memory:", &opened);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(opened, sqlite3_close_v2);
  const auto fail = [&] {
    return Fail(ErrorCode::kInternal, "the store's schema cannot be made in memory: " +
                                          std::string(sqlite3_errmsg(database.get())));
  };
  if (status != SQLITE_OK) {
    return fail();
  }
  for (const schema::Upgrade& upgrade : schema::SqliteUpgrades()) {
    if (upgrade.format <= format && sqlite3_exec(opened, std::string(upgrade.sql).c_str(), nullptr,
                                                 nullptr, nullptr) != SQLITE_OK) {
      return fail();
    }
  }
  Schema schema;
  const auto add = [](void* made, int, char** values, char**) {
    static_cast<Schema*>(made)->emplace(
        values[1], SchemaObject{values[0], values[1], values[2], OneForm(values[3])});
    return 0;
  };
  return sqlite3_exec(opened, kSchemaSql, add, &schema, nullptr) == SQLITE_OK
             ? Result<Schema>(std::move(schema))
             : fail();
}

Result<const Schema*> ExpectedSchema(int format) {
  static std::mutex mutex;
  static std::map<int, Schema> schemas;
  const std::lock_guard lock(mutex);
  auto found = schemas.find(format);
  if (found == schemas.end()) {
    ROWSEAL_ASSIGN(Schema schema, MakeSchema(format));
    found = schemas.emplace(format, std::move(schema)).first;
  }
  return &found->second;
}

// ANALYZE and `PRAGMA optimize` leave these. They steer how SQLite searches, never what it finds.
bool IsStatistics(const SchemaObject& object) {
  return object.type == "table" &&
         ((object.name == "sqlite_stat1" &&
           object.definition == "CREATE TABLE sqlite_stat1(tbl,idx,stat)") ||
          (object.name == "sqlite_stat4" &&
           object.definition == "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"));
}

std::string Called(const SchemaObject& object) {
  const bool of_table = object.type == "trigger" || object.type == "index";
  return Printable(object.type) + " '" + Printable(object.name) + "'" +
         (of_table ? " of table '" + Printable(object.table) + "'" : std::string());
}

// Nothing for an index that SQLite keeps for a key, and for a name that cannot be shown as it is.
std::string CommandToDrop(const SqliteConnection& connection, const SchemaObject& object) {
  if (object.name.starts_with("sqlite_autoindex") || Escaped(object.name) != object.name) {
    return {};
  }
  for (const auto& [type, verb] : {std::pair("trigger", "TRIGGER"), std::pair("view", "VIEW"),
                                   std::pair("index", "INDEX"), std::pair("table", "TABLE")}) {
    if (object.type == type) {
      return "sqlite3 " + ShellWord(connection.path()) + " " +
             ShellWord(std::string("DROP ") + verb + " " + QuotedIdentifier(object.name));
    }
  }
  return {};
}

class SchemaComparison final {
 public:
  explicit SchemaComparison(const Schema& expected) : expected_(expected) {}

  void Add(SchemaObject found, std::int64_t root_page) {
    // Two tables in one tree, or a table in none, come from an edit of sqlite_schema itself.
    const bool has_pages = found.type == "table" || found.type == "index";
    if (has_pages ? root_page < 2 || !pages_.insert(root_page).second : root_page != 0) {
      Differs(Called(found) + " has the pages of another object");
    }
    const auto expected = expected_.find(found.name);
    if (expected == expected_.end()) {
      if (!IsStatistics(found)) {
        extra_.push_back(std::move(found));
      }
      return;
    }
    const SchemaObject& ours = expected->second;
    const bool is_second = !seen_.insert(found.name).second;
    if (found.type != ours.type) {
      Differs(Called(found) + " is in the place of a " + ours.type);
    } else if (is_second || found.table != ours.table || found.definition != ours.definition) {
      Differs("the definition of " + Called(found) + " was changed");
    }
  }

  void Differs(std::string what) { differences_.push_back(std::move(what)); }

  // All of it is named: one change may be the cause of another.
  Result<void> End(const SqliteConnection& connection) && {
    for (const auto& [name, object] : expected_) {
      if (!seen_.contains(name)) {
        Differs(Called(object) + " is missing");
      }
    }
    const bool only_added = differences_.empty() && extra_.size() == 1;
    const std::string command = only_added ? CommandToDrop(connection, extra_.front()) : "";
    for (const SchemaObject& object : extra_) {
      Differs(Called(object) + " is not Rowseal's");
    }
    if (differences_.empty()) {
      return {};
    }
    return Fail(ErrorCode::kIntegrity,
                "the schema of store '" + Printable(connection.path()) +
                    "' is not the one that Rowseal made: " + Listed(),
                command.empty() ? "find out who changed it; restore the file from a backup"
                                : "find out who made it; then remove it: " + command);
  }

 private:
  std::string Listed() const {
    constexpr std::size_t kMostNamed = 8;
    std::string list;
    for (std::size_t i = 0; i < std::min(differences_.size(), kMostNamed); ++i) {
      list += (i == 0 ? "" : "; ") + differences_[i];
    }
    return differences_.size() <= kMostNamed
               ? list
               : list + "; and " + std::to_string(differences_.size() - kMostNamed) + " more";
  }

  const Schema& expected_;
  std::set<std::int64_t> pages_;
  std::set<std::string> seen_;
  std::vector<std::string> differences_;
  std::vector<SchemaObject> extra_;
};

}  // namespace

Result<void> CheckSqliteSchema(SqliteConnection& connection, int format) {
  ROWSEAL_ASSIGN(const Schema* const expected, ExpectedSchema(format));
  SchemaComparison comparison(*expected);
  ROWSEAL_ASSIGN(StatementCursor encoding, connection.Prepare("PRAGMA encoding"));
  ROWSEAL_TRY(encoding.Step());
  ROWSEAL_ASSIGN(const Row text, encoding.TakeRow());
  if (TextAt(text, 0) != "UTF-8") {
    comparison.Differs("its encoding is " + Printable(TextAt(text, 0)));
  }
  ROWSEAL_ASSIGN(StatementCursor cursor, connection.Prepare(kSchemaSql));
  while (true) {
    ROWSEAL_ASSIGN(const bool more, cursor.Step());
    if (!more) {
      return std::move(comparison).End(connection);
    }
    ROWSEAL_ASSIGN(Row row, cursor.TakeRow());
    RowReader reader(row);
    SchemaObject found{reader.Text(), reader.Text(), reader.Text(), OneForm(reader.Text())};
    const std::int64_t root_page = reader.Integer();
    if (reader.status()) {
      comparison.Add(std::move(found), root_page);
    } else {
      comparison.Differs("sqlite_schema has a row that SQLite does not write");
    }
  }
}

}  // namespace rowseal
