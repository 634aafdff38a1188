#include "db/sqlite/sqlite_app_catalogue.h"

#include <algorithm>
#include <chrono>
#include <span>

#include <sqlite3.h>

#include "base/text.h"
#include "db/sqlite/app_database.h"

namespace rowseal {
namespace {

constexpr std::int64_t kRanges = 20;  // of row ids, from which a large table's sample is taken
constexpr std::int64_t kGivenRows = 200;
// SQLite reads the whole of each value of a row, however little of it is wanted.
constexpr std::int64_t kMostReadBytes = 8 * kMostSampledBytes;
constexpr std::chrono::seconds kLongestStatement{15};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return lower;
}

// SQLite keeps any value in any column, but what is declared a number holds no secret.
ContentKind ContentOf(const std::string& type) {
  const std::string lower = Lower(type);
  for (const std::string_view word :
       {"int", "real", "floa", "doub", "numeric", "decimal", "bool", "date", "time"}) {
    if (lower.find(word) != std::string::npos) {
      return ContentKind::kOther;
    }
  }
  return lower.find("blob") != std::string::npos ? ContentKind::kBytes : ContentKind::kText;
}

// What stands in the parentheses behind each CHECK of a table's definition, in lower case.
std::string ChecksOf(const std::string& definition) {
  constexpr std::string_view kCheck = "check";
  const std::string lower = Lower(definition);
  std::string checks;
  for (std::size_t at = lower.find(kCheck); at != std::string::npos; at = lower.find(kCheck, at)) {
    const std::size_t begin = lower.find_first_not_of(" \t\r\n", at + kCheck.size());
    at += kCheck.size();
    if (begin == std::string::npos || lower[begin] != '(') {
      continue;  // a word that begins so
    }
    int depth = 0;
    for (at = begin; at < lower.size(); ++at) {
      depth += lower[at] == '(' ? 1 : lower[at] == ')' ? -1 : 0;
      if (depth == 0) {
        break;
      }
    }
    checks += lower.substr(begin, at - begin) + "\n";
  }
  return checks;
}

bool SameName(const std::string& a, const std::string& b) {
  return sqlite3_stricmp(a.c_str(), b.c_str()) == 0;
}

std::string TextAt(const AppDatabase::Statement& row, int column) {
  return std::string(AsText(ColumnBytes(row.get(), column)));
}

bool BeginsLikeJson(ByteView bytes) {
  const std::string_view text = AsText(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (text[at] == '{' || text[at] == '[');
}

SampledValue ValueAt(const AppDatabase::Statement& row, int column) {
  SampledValue value;
  if (sqlite3_column_type(row.get(), column) == SQLITE_NULL) {
    return value;
  }
  const ByteView bytes = ColumnBytes(row.get(), column);
  value.size = static_cast<std::int64_t>(bytes.size());
  if (value.size > kLargestSampledValue) {
    value.state = SampledValue::State::kTooLarge;
    return value;
  }
  value.state = SampledValue::State::kGiven;
  constexpr std::size_t kPrefix = kSampledPrefix;
  value.bytes = BeginsLikeJson(bytes) ? bytes : bytes.first(std::min(bytes.size(), kPrefix));
  return value;
}

// Ends a statement that runs too long.
class TimeLimit final {
 public:
  explicit TimeLimit(sqlite3* database)
      : database_(database), deadline_(std::chrono::steady_clock::now() + kLongestStatement) {
    constexpr int kInstructions = 100'000;
    sqlite3_progress_handler(database_, kInstructions, &TimeLimit::IsOver, this);
  }
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { sqlite3_progress_handler(database_, 0, nullptr, nullptr); }

  bool was_over() const noexcept { return was_over_; }

 private:
  static int IsOver(void* limit) {
    auto* const self = static_cast<TimeLimit*>(limit);
    self->was_over_ = std::chrono::steady_clock::now() > self->deadline_;
    return self->was_over_ ? 1 : 0;
  }

  sqlite3* database_;
  const std::chrono::steady_clock::time_point deadline_;
  bool was_over_ = false;
};

class SqliteAppCatalogue final : public AppCatalogue {
 public:
  explicit SqliteAppCatalogue(AppDatabase database) : database_(std::move(database)) {}

  Result<std::vector<CatalogueTable>> Tables() override {
    std::vector<CatalogueTable> tables;
    ROWSEAL_ASSIGN(const auto names,
                   database_.Prepare("SELECT l.name, m.sql FROM pragma_table_list l"
                                     " JOIN sqlite_master m ON m.type = 'table' AND m.name = l.name"
                                     " WHERE l.schema = 'main' AND l.type = 'table'"
                                     " AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                                     " AND l.name NOT LIKE 'rowseal%' ORDER BY l.name"));
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(names));
      if (!more) {
        break;
      }
      CatalogueTable table;
      table.name = TextAt(names, 0);
      table.base_name = table.name;
      ROWSEAL_TRY(ReadColumns(table, ChecksOf(TextAt(names, 1))));
      ROWSEAL_TRY(ReadIndexes(table));
      ROWSEAL_TRY(ReadReferences(table));
      ROWSEAL_TRY(ReadTriggers(table));
      tables.push_back(std::move(table));
    }
    for (CatalogueTable& table : tables) {
      CompleteReferences(table, tables);
    }
    return tables;
  }

  Result<void> Sample(const CatalogueTable& table, const std::vector<std::size_t>& columns,
                      const Visitor& visit) override {
    ROWSEAL_TRY(database_.Execute("BEGIN"));
    Result<void> sampled = SampleRows(table, columns, visit);
    ROWSEAL_TRY(database_.Execute("COMMIT"));
    return OfOneTable(std::move(sampled));
  }

  Result<void> SampleGiven(const CatalogueTable& table, std::size_t column,
                           const Visitor& visit) override {
    return OfOneTable(ShowGiven(table, column, visit));
  }

 private:
  static Result<void> OfOneTable(Result<void> outcome) {
    if (!outcome && outcome.error().code != ErrorCode::kResourceExhausted) {
      outcome.error().code = ErrorCode::kPartial;
    }
    return outcome;
  }

  Result<void> ShowGiven(const CatalogueTable& table, std::size_t column, const Visitor& visit) {
    const std::string name = QuotedIdentifier(table.columns[column].name);
    ROWSEAL_ASSIGN(
        const auto rows,
        database_.Prepare("SELECT " + name + " FROM " + QuotedIdentifier(table.name) + " WHERE " +
                          name + " IS NOT NULL LIMIT " + std::to_string(kGivenRows)));
    ROWSEAL_TRY(Show(rows, std::span(&column, 1), visit));
    return {};
  }

  Result<AppDatabase::Statement> About(const std::string& sql, const std::string& name) {
    ROWSEAL_ASSIGN(AppDatabase::Statement statement, database_.Prepare(sql));
    sqlite3_bind_text64(statement.get(), 1, name.data(), name.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
    return statement;
  }

  Result<void> ReadColumns(CatalogueTable& table, const std::string& checks) {
    ROWSEAL_ASSIGN(const auto rows,
                   About("SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1)"
                         " WHERE hidden <> 1 ORDER BY cid",
                         table.name));
    std::vector<std::pair<int, std::string>> keys;
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(rows));
      if (!more) {
        break;
      }
      CatalogueColumn column;
      column.name = TextAt(rows, 0);
      column.type = TextAt(rows, 1);
      column.content = ContentOf(column.type);
      column.nullable = sqlite3_column_int(rows.get(), 2) == 0;
      const int place_in_key = sqlite3_column_int(rows.get(), 3);
      column.generated = sqlite3_column_int(rows.get(), 4) != 0;
      column.checked = checks.find(Lower(column.name)) != std::string::npos;
      if (place_in_key > 0) {
        keys.emplace_back(place_in_key, column.name);
        column.indexed = true;
      }
      table.columns.push_back(std::move(column));
    }
    std::ranges::sort(keys);
    for (auto& [place, name] : keys) {
      table.primary_key.push_back(std::move(name));
    }
    if (!table.primary_key.empty()) {
      table.unique_keys.push_back(table.primary_key);
    }
    return {};
  }

  Result<void> ReadIndexes(CatalogueTable& table) {
    ROWSEAL_ASSIGN(const auto indexes,
                   About("SELECT name, \"unique\" = 1 AND partial = 0 FROM pragma_index_list(?1)"
                         " ORDER BY seq",
                         table.name));
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(indexes));
      if (!more) {
        return {};
      }
      bool is_key = sqlite3_column_int(indexes.get(), 1) != 0;
      ROWSEAL_ASSIGN(
          const auto parts,
          About("SELECT name FROM pragma_index_info(?1) ORDER BY seqno", TextAt(indexes, 0)));
      std::vector<std::string> names;
      while (true) {
        ROWSEAL_ASSIGN(const bool has_part, database_.Step(parts));
        if (!has_part) {
          break;
        }
        is_key = is_key && sqlite3_column_type(parts.get(), 0) != SQLITE_NULL;  // an expression
        names.push_back(TextAt(parts, 0));
      }
      for (CatalogueColumn& column : table.columns) {
        column.indexed = column.indexed || std::ranges::any_of(names, [&](const auto& name) {
                           return SameName(name, column.name);
                         });
      }
      if (is_key) {
        table.unique_keys.push_back(std::move(names));
      }
    }
  }

  Result<void> ReadReferences(CatalogueTable& table) {
    ROWSEAL_ASSIGN(const auto rows,
                   About("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1) f"
                         " WHERE NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(?1) g"
                         " WHERE g.id = f.id AND g.seq > 0) ORDER BY id",
                         table.name));
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(rows));
      if (!more) {
        return {};
      }
      table.references.push_back({TextAt(rows, 0), TextAt(rows, 1), TextAt(rows, 2)});
    }
  }

  Result<void> ReadTriggers(CatalogueTable& table) {
    ROWSEAL_ASSIGN(const auto rows,
                   About("SELECT coalesce(group_concat(name, ', '), '') FROM sqlite_master"
                         " WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE"
                         " AND sql LIKE '%UPDATE%' AND name NOT LIKE 'rowseal%'",
                         table.name));
    ROWSEAL_TRY(database_.Step(rows));
    table.update_triggers = TextAt(rows, 0);
    return {};
  }

  // A foreign key may name a table in another case, and leave out the key, which is then its
  // primary one.
  static void CompleteReferences(CatalogueTable& table, const std::vector<CatalogueTable>& tables) {
    std::erase_if(table.references, [&](CatalogueReference& reference) {
      const auto target = std::ranges::find_if(tables, [&](const CatalogueTable& other) {
        return SameName(other.name, reference.table);
      });
      if (target == tables.end() || (reference.key.empty() && target->primary_key.size() != 1)) {
        return true;
      }
      reference.table = target->name;
      if (reference.key.empty()) {
        reference.key = target->primary_key.front();
      }
      return false;
    });
  }

  Result<void> SampleRows(const CatalogueTable& table, const std::vector<std::size_t>& columns,
                          const Visitor& visit) {
    const std::string names = Join(columns, ", ", [&](std::size_t column) {
      return QuotedIdentifier(table.columns[column].name);
    });
    const std::string from = " FROM " + QuotedIdentifier(table.name);
    ROWSEAL_ASSIGN(const std::optional<std::string> row_id, database_.RowIdName(table.name));
    if (!row_id) {
      ROWSEAL_ASSIGN(const auto rows, database_.Prepare("SELECT " + names + from + " LIMIT " +
                                                        std::to_string(kMostSampledRows)));
      ROWSEAL_TRY(Show(rows, columns, visit));
      return {};
    }
    ROWSEAL_ASSIGN(const auto ends,
                   database_.Prepare("SELECT coalesce(min(" + *row_id + "), 0), coalesce(max(" +
                                     *row_id + "), 0)" + from));
    ROWSEAL_TRY(database_.Step(ends));
    const std::int64_t first = sqlite3_column_int64(ends.get(), 0);
    const std::int64_t last = sqlite3_column_int64(ends.get(), 1);
    const bool is_small = last / 2 - first / 2 < kMostSampledRows;
    const std::int64_t ranges = is_small ? 1 : kRanges;
    ROWSEAL_ASSIGN(const auto rows,
                   database_.Prepare("SELECT " + names + ", " + *row_id + from + " WHERE " +
                                     *row_id + " >= ?1 ORDER BY " + *row_id + " LIMIT " +
                                     std::to_string(kMostSampledRows / ranges)));
    std::int64_t next = first;
    for (std::int64_t range = 0; range < ranges; ++range) {
      next = std::max(next, first + (last / ranges - first / ranges) * range);
      sqlite3_reset(rows.get());
      sqlite3_bind_int64(rows.get(), 1, next);
      ROWSEAL_ASSIGN(const std::optional<std::int64_t> end, Show(rows, columns, visit));
      if (!end || *end == INT64_MAX) {
        return {};
      }
      next = *end + 1;
    }
    return {};
  }

  // Shows the rows of a statement, and gives the row id of the last, which stands behind the
  // columns. Nothing: there was none, or so much was read that it is enough.
  Result<std::optional<std::int64_t>> Show(const AppDatabase::Statement& rows,
                                           std::span<const std::size_t> columns,
                                           const Visitor& visit) {
    const TimeLimit limit(sqlite3_db_handle(rows.get()));
    std::optional<std::int64_t> last;
    std::int64_t read = 0;
    while (true) {
      const Result<bool> more = database_.Step(rows);
      if (!more && limit.was_over()) {
        return Fail(ErrorCode::kUnavailable, "reading it took too long");
      }
      if (!more || !*more) {
        return more ? Result<std::optional<std::int64_t>>(last) : tl::unexpected(more.error());
      }
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const SampledValue value = ValueAt(rows, static_cast<int>(i));
        read += value.size;
        visit(columns[i], value);
      }
      last = sqlite3_column_int64(rows.get(), static_cast<int>(columns.size()));
      if (read > kMostReadBytes) {
        sqlite3_reset(rows.get());
        return std::optional<std::int64_t>();
      }
    }
  }

  AppDatabase database_;
};

}  // namespace

Result<std::unique_ptr<AppCatalogue>> OpenSqliteAppCatalogue(const std::string& path) {
  ROWSEAL_ASSIGN(AppDatabase database, AppDatabase::Open(path, AppDatabase::Mode::kReadOnly));
  // Damage and files that are no database show here.
  ROWSEAL_TRY(database.Execute("SELECT count(*) FROM sqlite_master"));
  return std::make_unique<SqliteAppCatalogue>(std::move(database));
}

}  // namespace rowseal
