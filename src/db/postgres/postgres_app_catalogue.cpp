#include "db/postgres/postgres_app_catalogue.h"

#include <algorithm>
#include <map>
#include <span>

#include "base/encoding.h"
#include "base/text.h"
#include "db/postgres/app_types.h"
#include "db/postgres/postgres_connection.h"
#include "memory/wipe.h"

namespace rowseal {
namespace {

// A statement reads at most a few thousand rows; one that takes longer meets a lock or a slow disk.
constexpr std::string_view kStatementSettings =
    "SET LOCAL row_security = off; SET LOCAL statement_timeout = '15s';"
    " SET LOCAL lock_timeout = '3s'; SET LOCAL search_path = pg_catalog, pg_temp";
// Up to here the first rows are as good as any, because a sample is most of the table.
constexpr std::int64_t kSmallTablePages = 128;
// Of larger ones so many pages are read, from all over the table.
constexpr std::int64_t kSampledPages = 500;
constexpr std::int64_t kGivenRows = 200;

// Which tables; used by each of the statements below.
#define ROWSEAL_APP_TABLES                                                            \
  " pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"                         \
  " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'" \
  " AND n.nspname !~ '^(pg_|rowseal)' AND n.nspname <> 'information_schema'"

constexpr std::string_view kTablesSql =
    "SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), n.nspname, c.relname,"
    " c.relkind = 'p', row_security_active(c.oid),"
    " has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'),"
    " coalesce((SELECT string_agg(t.tgname, ', ' ORDER BY t.tgname) FROM pg_trigger t"
    "  WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'"
    "  AND t.tgname NOT LIKE 'rowseal%' AND t.tgtype & 16 <> 0), '')"  // 16: ON UPDATE
    " FROM" ROWSEAL_APP_TABLES
    " ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\"";

constexpr std::string_view kColumnsSql =
    "SELECT c.oid::bigint, a.attname, format_type(a.atttypid, a.atttypmod),"
    // A type of the application's own is not read: its casts are its owner's code.
    " CASE WHEN NOT " ROWSEAL_TYPE_IS_PLAIN("b") " THEN 'o'"
    "  WHEN b.typname IN ('json', 'jsonb') THEN 'j' WHEN b.typname = 'bytea' THEN 'b'"
    "  WHEN b.typcategory = 'S' THEN 't' WHEN b.typcategory = 'A' OR b.typname IN ('hstore', 'xml')"
    "  OR t.typtype = 'c' THEN 'a' ELSE 'o' END,"
    " NOT (a.attnotnull OR t.typnotnull), a.attgenerated <> '' OR a.attidentity = 'a',"
    " has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'),"
    " EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid"
    "  AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT FROM pg_depend d"
    "   WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid"
    "   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
    "   AND d.refobjsubid = a.attnum))),"
    " EXISTS (SELECT FROM pg_constraint k WHERE k.contype IN ('c', 'x')"
    "  AND (k.conrelid = c.oid AND a.attnum = ANY (k.conkey) OR k.contypid = t.oid)),"
    " CASE WHEN b.typname IN ('varchar', 'bpchar') THEN"
    "  nullif(CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END, -1)::bigint - 4"
    "  WHEN b.typname = 'name' THEN 63 END"
    " FROM" ROWSEAL_APP_TABLES
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " JOIN pg_type t ON t.oid = a.atttypid"
    " JOIN pg_type b ON b.oid = " ROWSEAL_BASE_TYPE("t")
    " ORDER BY c.oid, a.attnum";

constexpr std::string_view kUniqueKeysSql =
    "SELECT c.oid::bigint, i.indexrelid::bigint, i.indisprimary, a.attname"
    " FROM" ROWSEAL_APP_TABLES
    " JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS "
    "NULL"
    "  AND i.indexprs IS NULL AND i.indimmediate"
    " CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum"
    " WHERE k.place <= i.indnkeyatts ORDER BY c.oid, i.indisprimary DESC, i.indexrelid, k.place";

constexpr std::string_view kReferencesSql =
    "SELECT c.oid::bigint, a.attname, format('%I.%I', tn.nspname, t.relname), ta.attname"
    " FROM" ROWSEAL_APP_TABLES
    " JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f'"
    "  AND array_length(k.conkey, 1) = 1 AND k.conparentid = 0"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]"
    " JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace"
    " JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = k.confkey[1]"
    " ORDER BY c.oid, a.attnum, k.oid";

#undef ROWSEAL_APP_TABLES

constexpr std::string_view kPagesSql =
    "SELECT (CASE c.relkind WHEN 'p' THEN (SELECT coalesce(sum(pg_relation_size(p.relid)), 0)"
    "  FROM pg_partition_tree(c.oid) p) ELSE pg_relation_size(c.oid) END / 8192)::bigint"
    " FROM pg_class c WHERE c.oid = $1::regclass";

ContentKind ContentOf(const std::string& letter) {
  if (letter == "t") {
    return ContentKind::kText;
  }
  if (letter == "b") {
    return ContentKind::kBytes;
  }
  if (letter == "j") {
    return ContentKind::kJson;
  }
  return letter == "a" ? ContentKind::kArray : ContentKind::kOther;
}

// How a column is read: the value itself, its size, and whether it is too large to be sent. A long
// text that does not begin as JSON does is cut, because its first part says what it is.
struct ColumnSql {
  std::string value;
  std::string size;
};

ColumnSql ReadingOf(const CatalogueColumn& column) {
  const std::string name = "r." + QuotedIdentifier(column.name);
  const std::string largest = std::to_string(kLargestSampledValue);
  const std::string prefix = std::to_string(kSampledPrefix);
  switch (column.content) {
    case ContentKind::kJson:
      return {
          "CASE WHEN pg_column_size(" + name + ") <= " + largest + " THEN " + name + "::text END",
          "pg_column_size(" + name + ")::bigint"};
    case ContentKind::kBytes:
      return {"CASE WHEN octet_length(" + name + ") <= " + largest + " THEN CASE WHEN substring(" +
                  name + " from 1 for 1) IN ('\\x7b', '\\x5b') THEN " + name + " ELSE substring(" +
                  name + " from 1 for " + prefix + ") END END",
              "octet_length(" + name + ")::bigint"};
    default:
      return {"CASE WHEN octet_length(" + name + "::text) <= " + largest +
                  " THEN CASE WHEN ltrim(left(" + name +
                  "::text, 64), E' \\t\\r\\n') ~ '^[{[]' THEN " + name + "::text ELSE left(" +
                  name + "::text, " + prefix + ") END END",
              "octet_length(" + name + "::text)::bigint"};
  }
}

// Tables that inherit are sampled by themselves.
std::string RowsOf(const CatalogueTable& table) {
  return (table.is_partitioned ? "" : "ONLY ") + table.name;
}

// A row as it was sent, wiped when it was shown.
class WipedRows final {
 public:
  explicit WipedRows(Rows rows) : rows_(std::move(rows)) {}
  WipedRows(const WipedRows&) = delete;
  WipedRows& operator=(const WipedRows&) = delete;
  ~WipedRows() {
    for (Row& row : rows_.rows) {
      for (Value& value : row) {
        if (auto* text = std::get_if<std::string>(&value)) {
          Wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
        } else if (auto* bytes = std::get_if<Bytes>(&value)) {
          Wipe(*bytes);
        }
      }
    }
  }
  const std::vector<Row>& rows() const noexcept { return rows_.rows; }

 private:
  Rows rows_;
};

SampledValue ValueAt(const Row& row, std::size_t column) {
  SampledValue value;
  const auto* size = std::get_if<std::int64_t>(&row[2 * column + 1]);
  if (size == nullptr) {
    return value;
  }
  value.size = *size;
  value.state = SampledValue::State::kGiven;
  if (const auto* text = std::get_if<std::string>(&row[2 * column])) {
    value.bytes = AsBytes(*text);
  } else if (const auto* bytes = std::get_if<Bytes>(&row[2 * column])) {
    value.bytes = *bytes;
  } else {
    value.state = SampledValue::State::kTooLarge;
  }
  return value;
}

class PostgresAppCatalogue final : public AppCatalogue {
 public:
  explicit PostgresAppCatalogue(std::unique_ptr<PostgresConnection> connection)
      : connection_(std::move(connection)) {}

  Result<std::vector<CatalogueTable>> Tables() override {
    ROWSEAL_ASSIGN(Transaction transaction, Begin());
    ROWSEAL_TRY(ReadTables());
    ROWSEAL_TRY(ReadColumns());
    ROWSEAL_TRY(ReadUniqueKeys());
    ROWSEAL_TRY(ReadReferences());
    ROWSEAL_TRY(transaction.Commit());
    return std::move(tables_);
  }

  Result<void> Sample(const CatalogueTable& table, const std::vector<std::size_t>& columns,
                      const Visitor& visit) override {
    ROWSEAL_ASSIGN(const std::string part, PartOf(table));
    const std::string limit = " LIMIT " + std::to_string(kMostSampledRows);
    ROWSEAL_ASSIGN(const std::size_t shown, Show(table, columns, part + limit, visit));
    if (shown == 0 && !part.empty()) {  // the pages that chance chose are empty
      ROWSEAL_TRY(Show(table, columns, limit, visit));
    }
    return {};
  }

  Result<void> SampleGiven(const CatalogueTable& table, std::size_t column,
                           const Visitor& visit) override {
    const std::string part = " WHERE " + QuotedIdentifier(table.columns[column].name) +
                             " IS NOT NULL LIMIT " + std::to_string(kGivenRows);
    ROWSEAL_TRY(Show(table, std::span(&column, 1), part, visit));
    return {};
  }

 private:
  Result<Transaction> Begin() {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection_, TransactionKind::kRead));
    ROWSEAL_TRY(connection_->ExecuteScript(std::string(kStatementSettings)));
    return transaction;
  }

  // Of a statement over one table, whose failure says nothing of the others: a server that is gone
  // fails the next transaction. What a hint says is of Rowseal's own tables.
  Result<Rows> Read(const Statement& statement) {
    Result<Rows> answer = connection_->Execute(statement);
    if (!answer) {
      answer.error().code = ErrorCode::kPartial;
      answer.error().hint.clear();
    }
    return answer;
  }

  CatalogueTable* TableOf(std::int64_t id) {
    const auto found = numbers_.find(id);
    return found == numbers_.end() ? nullptr : &tables_[found->second];
  }

  Result<void> ReadTables() {
    tables_.clear();
    numbers_.clear();
    ROWSEAL_ASSIGN(Rows answer, connection_->Execute(Statement::Sql(kTablesSql)));
    for (Row& row : answer.rows) {
      RowReader reader(row);
      CatalogueTable table;
      numbers_[reader.Integer()] = tables_.size();
      table.name = reader.Text();
      table.schema = reader.Text();
      table.base_name = reader.Text();
      table.is_partitioned = reader.Integer() != 0;
      const bool hides_rows = reader.Integer() != 0;
      const bool is_readable = reader.Integer() != 0;
      table.update_triggers = reader.Text();
      ROWSEAL_TRY(reader.status());
      if (!is_readable) {
        table.unreadable = "the login may not read it";
      } else if (hides_rows) {
        table.unreadable = "row-level security would hide rows from the login";
      }
      tables_.push_back(std::move(table));
    }
    return {};
  }

  Result<void> ReadColumns() {
    ROWSEAL_ASSIGN(Rows answer, connection_->Execute(Statement::Sql(kColumnsSql)));
    for (Row& row : answer.rows) {
      RowReader reader(row);
      CatalogueTable* const table = TableOf(reader.Integer());
      CatalogueColumn column;
      column.name = reader.Text();
      column.type = reader.Text();
      column.content = ContentOf(reader.Text());
      column.nullable = reader.Integer() != 0;
      column.generated = reader.Integer() != 0;
      column.readable = reader.Integer() != 0;
      column.indexed = reader.Integer() != 0;
      column.checked = reader.Integer() != 0;
      if (!reader.NextIsNull()) {
        column.max_length = reader.Integer();
      }
      ROWSEAL_TRY(reader.status());
      if (table != nullptr) {
        table->columns.push_back(std::move(column));
      }
    }
    return {};
  }

  Result<void> ReadUniqueKeys() {
    ROWSEAL_ASSIGN(Rows answer, connection_->Execute(Statement::Sql(kUniqueKeysSql)));
    std::int64_t last_index = 0;
    for (Row& row : answer.rows) {
      RowReader reader(row);
      CatalogueTable* const table = TableOf(reader.Integer());
      const std::int64_t index = reader.Integer();
      const bool is_primary = reader.Integer() != 0;
      const std::string column = reader.Text();
      ROWSEAL_TRY(reader.status());
      if (table == nullptr) {
        continue;
      }
      if (index != last_index) {
        table->unique_keys.emplace_back();
        last_index = index;
      }
      table->unique_keys.back().push_back(column);
      if (is_primary) {
        table->primary_key.push_back(column);
      }
    }
    return {};
  }

  Result<void> ReadReferences() {
    ROWSEAL_ASSIGN(Rows answer, connection_->Execute(Statement::Sql(kReferencesSql)));
    for (Row& row : answer.rows) {
      RowReader reader(row);
      CatalogueTable* const table = TableOf(reader.Integer());
      CatalogueReference reference{reader.Text(), reader.Text(), reader.Text()};
      ROWSEAL_TRY(reader.status());
      if (table != nullptr) {
        table->references.push_back(std::move(reference));
      }
    }
    return {};
  }

  Result<std::int64_t> CountOf(const Statement& statement) {
    ROWSEAL_ASSIGN(Rows answer, Read(statement));
    if (answer.rows.empty()) {
      return Fail(ErrorCode::kPartial, "the table was dropped meanwhile");
    }
    RowReader reader(answer.rows.front());
    const std::int64_t count = reader.Integer();
    ROWSEAL_TRY(reader.status());
    return count;
  }

  // Of a large table, rows by chance on pages by chance. The rows on those pages are counted first:
  // a limit alone would take them from the first pages, where the oldest rows are.
  Result<std::string> PartOf(const CatalogueTable& table) {
    ROWSEAL_ASSIGN(Transaction transaction, Begin());
    ROWSEAL_ASSIGN(const std::int64_t pages, CountOf(Statement::Sql(kPagesSql, {table.name})));
    if (pages <= kSmallTablePages) {
      ROWSEAL_TRY(transaction.Commit());
      return std::string();
    }
    const double percent =
        std::min(100.0, 100.0 * static_cast<double>(kSampledPages) / static_cast<double>(pages));
    const std::string part = " TABLESAMPLE SYSTEM (" + std::to_string(percent) + ") REPEATABLE (1)";
    const std::string count = "SELECT count(*) FROM " + RowsOf(table) + part;
    ROWSEAL_ASSIGN(const std::int64_t rows, CountOf(Statement::Sql(count)));
    ROWSEAL_TRY(transaction.Commit());
    // A little less than the limit, so that the limit takes nothing away.
    const double share = 0.95 * static_cast<double>(kMostSampledRows) /
                         static_cast<double>(std::max(rows, std::int64_t{1}));
    return share < 1 ? part + " WHERE random() < " + std::to_string(share) : part;
  }

  // Reads the rows that `part` leaves, in a transaction of their own: one table's failure is no
  // other's. The server stops giving rows where the bytes of all become too many.
  Result<std::size_t> Show(const CatalogueTable& table, std::span<const std::size_t> columns,
                           const std::string& part, const Visitor& visit) {
    std::string names;
    std::string readings;
    std::string given;
    std::string bytes = "0";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const CatalogueColumn& column = table.columns[columns[i]];
      const ColumnSql reading = ReadingOf(column);
      const std::string number = std::to_string(i);
      const std::string separator = i == 0 ? "" : ", ";
      // jsonb is compressed where it is stored, so its text is measured too.
      const std::string fits =
          "octet_length(v" + number + ") <= " + std::to_string(kLargestSampledValue);
      names += separator + QuotedIdentifier(column.name);
      readings +=
          separator + reading.value + " AS v" + number + ", " + reading.size + " AS s" + number;
      given += separator + "CASE WHEN " + fits + " THEN v" + number + " END, s" + number;
      bytes += " + CASE WHEN " + fits + " THEN octet_length(v" + number + ") ELSE 0 END";
    }
    // OFFSET 0 keeps the query inside whole, so that each value is read once.
    const std::string sql =
        "SELECT " + given + " FROM (SELECT q.*, sum((" + bytes +
        ")::bigint) OVER (ROWS UNBOUNDED PRECEDING) AS total FROM (SELECT " + readings +
        " FROM (SELECT " + names + " FROM " + RowsOf(table) + part +
        ") r OFFSET 0) q) b WHERE total <= " + std::to_string(kMostSampledBytes);
    ROWSEAL_ASSIGN(Transaction transaction, Begin());
    ROWSEAL_ASSIGN(Rows answer, Read(Statement::Sql(sql)));
    const WipedRows wiped(std::move(answer));
    for (const Row& row : wiped.rows()) {
      for (std::size_t i = 0; i < columns.size(); ++i) {
        visit(columns[i], ValueAt(row, i));
      }
    }
    ROWSEAL_TRY(transaction.Commit());
    return wiped.rows().size();
  }

  std::unique_ptr<PostgresConnection> connection_;
  std::vector<CatalogueTable> tables_;           // while they are read
  std::map<std::int64_t, std::size_t> numbers_;  // by the server's id
};

}  // namespace

Result<std::unique_ptr<AppCatalogue>> OpenPostgresAppCatalogue(const std::string& url) {
  PostgresOptions options;
  options.maintenance_deadline = std::chrono::milliseconds(30'000);
  options.wipe_results = true;
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                 PostgresConnection::Open(url, options));
  return std::make_unique<PostgresAppCatalogue>(std::move(connection));
}

}  // namespace rowseal
