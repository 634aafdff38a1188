#include "db/postgres/postgres_app_column.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "db/postgres/postgres_connection.h"

namespace rowseal {
namespace {

// A position is the row's version (xmin) as the first part and each part of its key behind it, each
// as its length, a colon and the text. It is read back only by this file.
using Position = std::vector<std::string>;

std::string EncodePosition(const Position& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += std::to_string(part.size()) + ":" + part;
  }
  return text;
}

Result<Position> DecodePosition(std::string_view text, std::size_t parts) {
  Position position;
  while (!text.empty()) {
    std::size_t size = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, size);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':') {
      break;
    }
    text.remove_prefix(static_cast<std::size_t>(read.ptr + 1 - text.data()));
    if (size > text.size()) {
      break;
    }
    position.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  if (!text.empty() || position.size() != parts) {
    return Fail(ErrorCode::kIntegrity, "a job's position in an app's table was changed",
                "cancel the job and rotate again");
  }
  return position;
}

// What the catalogue says of the column and its table. Names are quoted for SQL.
struct Place {
  std::string table;
  std::string column;
  std::string type;  // without length; of the base type where it is a domain
  std::string project;
  std::vector<std::string> keys;
  std::vector<std::string> key_types;

  bool IsBinary() const { return type == "bytea"; }
  // json and jsonb are not assigned from text without a cast. Others are, and refuse what is too
  // long for them, where a cast would cut it.
  std::string CastOf(const std::string& text) const {
    return type == "json" || type == "jsonb" ? text + "::" + type : text;
  }
  std::string Content() const { return IsBinary() ? column : column + "::text"; }
  std::string HoldsSealed() const {
    return IsBinary() ? "position('\\x7273312e'::bytea in " + column + ") > 0"  // rs1.
                      : "position('rs1.' in " + column + "::text) > 0";
  }
  std::string KeyList() const {
    std::string list;
    for (const std::string& key : keys) {
      list += (list.empty() ? "" : ", ") + key;
    }
    return list;
  }
};

// What a store's connection makes of an error speaks of Rowseal's own tables.
Result<Rows> RunOnApp(PostgresConnection& connection, const Statement& statement,
                      const std::string& table) {
  Result<Rows> rows = connection.Execute(statement);
  if (!rows && (rows.error().code == ErrorCode::kIntegrity ||
                rows.error().code == ErrorCode::kInvalidArgument)) {
    rows.error().code = ErrorCode::kInvalidArgument;
    rows.error().hint = "check the column's place, and the login's rights on " + Printable(table);
  }
  return rows;
}

std::string Numbered(std::string_view prefix, std::size_t number) {
  return std::string(prefix) + std::to_string(number);
}

class PostgresAppColumn final : public AppColumn {
 public:
  PostgresAppColumn(std::unique_ptr<PostgresConnection> connection, Place place)
      : connection_(std::move(connection)), place_(std::move(place)) {}

  Result<std::int64_t> Count() override {
    const std::string sql =
        "SELECT count(*) FROM " + place_.table + " WHERE " + place_.HoldsSealed();
    ROWSEAL_ASSIGN(Rows answer, RunOnApp(*connection_, Statement::Sql(sql), place_.table));
    RowReader reader(answer.rows.front());
    const std::int64_t count = reader.Integer();
    ROWSEAL_TRY(reader.status());
    return count;
  }

  Result<std::vector<AppValue>> Read(const std::string& position, std::size_t limit,
                                     std::int64_t bytes) override {
    std::vector<Param> params = {static_cast<std::int64_t>(limit), bytes};
    if (!position.empty()) {
      ROWSEAL_ASSIGN(Position after, DecodePosition(position, place_.keys.size() + 1));
      for (std::size_t i = 1; i < after.size(); ++i) {
        params.emplace_back(std::move(after[i]));
      }
    }
    const std::string sql = ReadSql(!position.empty());
    ROWSEAL_ASSIGN(Rows answer,
                   RunOnApp(*connection_, Statement::Sql(sql, std::move(params)), place_.table));
    std::vector<AppValue> values;
    for (Row& row : answer.rows) {
      ROWSEAL_ASSIGN(AppValue value, TakeValue(row));
      values.push_back(std::move(value));
    }
    return values;
  }

  Result<std::vector<bool>> Replace(const std::vector<AppChange>& changes) override {
    std::vector<bool> replaced(changes.size(), false);
    if (changes.empty()) {
      return replaced;
    }
    std::vector<std::string> contents;
    std::vector<std::vector<std::string>> parts(place_.keys.size() + 1);  // versions, then keys
    for (const AppChange& change : changes) {
      ROWSEAL_ASSIGN(Position position, DecodePosition(change.position, parts.size()));
      contents.push_back(change.new_text);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].push_back(std::move(position[i]));
      }
    }
    std::vector<Param> params;
    params.push_back(ContentParam(std::move(contents)));
    for (std::vector<std::string>& part : parts) {
      params.emplace_back(std::move(part));
    }
    const std::string sql = ReplaceSql();
    ROWSEAL_ASSIGN(Rows answer,
                   RunOnApp(*connection_, Statement::Sql(sql, std::move(params)), place_.table));
    for (Row& row : answer.rows) {
      RowReader reader(row);
      const std::int64_t number = reader.Integer();
      ROWSEAL_TRY(reader.status());
      replaced.at(static_cast<std::size_t>(number - 1)) = true;
    }
    return replaced;
  }

 private:
  // $1: rows, $2: bytes, $3…: the key behind which to begin.
  std::string ReadSql(bool behind) const {
    std::string keys;
    std::string names;
    std::string after;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      keys += ", " + place_.keys[i] + "::text AS " + Numbered("k", i);
      names += ", " + Numbered("k", i);
      after += (i == 0 ? "$" : ", $") + std::to_string(i + 3);
    }
    const std::string order = place_.KeyList();
    const std::string page = "SELECT " + place_.project + "::text AS project, " + place_.Content() +
                             " AS content, xmin::text AS version" + keys +
                             ", row_number() OVER (ORDER BY " + order + ") AS number FROM " +
                             place_.table + " WHERE " + place_.HoldsSealed() +
                             (behind ? " AND (" + order + ") > (" + after + ")" : "") +
                             " ORDER BY " + order + " LIMIT $1";
    return "SELECT project, content, version" + names +
           " FROM (SELECT p.*, sum(octet_length(content)) OVER (ORDER BY number) -"
           " octet_length(content) AS before FROM (" +
           page + ") p) b WHERE before < $2 ORDER BY number";
  }

  // A row that was changed since it was read has another version. The old text is not sent: it may
  // hold more of the app's data than sealed values.
  std::string ReplaceSql() const {
    std::string arrays = "$1";
    std::string names = "content";
    std::string condition = "t.xmin = n.version::xid";
    arrays += ", $2";
    names += ", version";
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      arrays += ", $" + std::to_string(i + 3);
      names += ", " + Numbered("k", i);
      condition +=
          " AND t." + place_.keys[i] + " = n." + Numbered("k", i) + "::" + place_.key_types[i];
    }
    return "UPDATE " + place_.table + " t SET " + place_.column + " = " +
           place_.CastOf("n.content") + " FROM unnest(" + arrays + ") WITH ORDINALITY AS n(" +
           names + ", number) WHERE " + condition + " RETURNING n.number";
  }

  Param ContentParam(std::vector<std::string> contents) const {
    if (!place_.IsBinary()) {
      return contents;
    }
    std::vector<Bytes> blobs;
    for (const std::string& content : contents) {
      blobs.emplace_back(content.begin(), content.end());
    }
    return blobs;
  }

  Result<AppValue> TakeValue(Row& row) const {
    AppValue value;
    RowReader reader(row);
    if (reader.NextIsNull()) {
      value.defect = "its project is NULL";
      reader.Skip();
    } else {
      value.project = reader.Text();
    }
    value.text = place_.IsBinary() ? std::string(AsText(reader.Blob())) : reader.Text();
    Position position = {reader.Text()};
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      value.key.push_back(reader.Text());
      position.push_back(value.key.back());
    }
    ROWSEAL_TRY(reader.status());
    value.position = EncodePosition(position);
    return value;
  }

  std::unique_ptr<PostgresConnection> connection_;
  const Place place_;
};

// Reads the catalogue for OpenPostgresAppColumn.
class PlaceFinder final {
 public:
  PlaceFinder(PostgresConnection& connection, const ColumnSource& source)
      : connection_(connection), source_(source) {}

  Result<Place> Find() {
    ROWSEAL_TRY(FindTable());
    ROWSEAL_ASSIGN(const Column column, FindColumn(source_.column));
    ROWSEAL_TRY(CheckContent(column));
    place_.column = column.name;
    place_.type = column.type;
    ROWSEAL_ASSIGN(const Column project, FindColumn(source_.project_column));
    place_.project = project.name;
    for (const std::string& name : source_.keys) {
      ROWSEAL_ASSIGN(Column key, FindColumn(name));
      place_.keys.push_back(std::move(key.name));
      place_.key_types.push_back(std::move(key.type));
    }
    ROWSEAL_TRY(CheckKey());
    return std::move(place_);
  }

 private:
  struct Column {
    std::string name;
    std::string type;
    bool is_text = false;
    bool is_generated = false;
  };

  Result<void> FindTable() {
    ROWSEAL_ASSIGN(Rows found, connection_.Execute(Statement::Sql(
                                   "SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text,"
                                   " row_security_active(c.oid) FROM pg_catalog.pg_class c"
                                   " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                   " WHERE c.oid = to_regclass($1)",
                                   {source_.table})));
    if (found.rows.empty()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "there is no table '" + Printable(source_.table) + "' in '" + connection_.name() + "'",
          "name it as SQL does: SCHEMA.TABLE");
    }
    RowReader reader(found.rows.front());
    place_.table = reader.Text();
    const std::string kind = reader.Text();
    const bool rows_hidden = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    if (kind != "r" && kind != "p") {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + Printable(place_.table) + "' is not a table, or a foreign one",
                  "name the table that holds the rows");
    }
    if (rows_hidden) {
      return Fail(ErrorCode::kInvalidArgument,
                  "row-level security of table " + Printable(place_.table) +
                      " would hide rows from this login",
                  "use a login that owns the table or has BYPASSRLS");
    }
    return {};
  }

  Result<Column> FindColumn(const std::string& name) {
    // The base type of a domain, for casts and to know what the column holds.
    ROWSEAL_ASSIGN(Rows found,
                   connection_.Execute(Statement::Sql(
                       "SELECT quote_ident(a.attname), format_type(b.oid, NULL),"
                       " b.typcategory = 'S', a.attgenerated <> ''"
                       " FROM pg_catalog.pg_attribute a"
                       " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
                       " JOIN pg_catalog.pg_type b ON b.oid ="
                       "  CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END"
                       " WHERE a.attrelid = to_regclass($1) AND a.attname = $2 AND a.attnum > 0"
                       "  AND NOT a.attisdropped",
                       {source_.table, name})));
    if (found.rows.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "table " + Printable(place_.table) + " has no column '" + Printable(name) + "'");
    }
    RowReader reader(found.rows.front());
    Column column{reader.Text(), reader.Text(), reader.Integer() != 0, reader.Integer() != 0};
    ROWSEAL_TRY(reader.status());
    return column;
  }

  Result<void> CheckContent(const Column& column) const {
    const bool is_known =
        column.is_text || column.type == "json" || column.type == "jsonb" || column.type == "bytea";
    if (!is_known || column.is_generated) {
      return Fail(ErrorCode::kInvalidArgument,
                  "column " + Printable(column.name) + " of table " + Printable(place_.table) +
                      (is_known ? " is a generated one" : " is of type " + column.type),
                  "sealed values are kept in text, varchar, json, jsonb or bytea");
    }
    return {};
  }

  // Only then does a key name one row: an index over exactly these columns, all rows, checked at
  // once, and no NULL.
  Result<void> CheckKey() {
    std::vector<std::string> names = source_.keys;
    std::sort(names.begin(), names.end());
    ROWSEAL_ASSIGN(
        const Rows found,
        connection_.Execute(Statement::Sql(
            "SELECT 1::bigint FROM pg_catalog.pg_index i"
            " WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid"
            " AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL"
            " AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE \"C\")"
            "      FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnotnull"
            "      AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = $2"
            " LIMIT 1",
            {source_.table, std::move(names)})));
    if (found.rows.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the key of table " + Printable(place_.table) +
                      " is neither its primary key nor unique and NOT NULL",
                  "give all columns of its primary key, each with --key");
    }
    return {};
  }

  PostgresConnection& connection_;
  const ColumnSource& source_;
  Place place_;
};

}  // namespace

Result<std::unique_ptr<AppColumn>> OpenPostgresAppColumn(const std::string& url,
                                                         const ColumnSource& source) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::Open(url));
  ROWSEAL_ASSIGN(Place place, PlaceFinder(*connection, source).Find());
  return std::make_unique<PostgresAppColumn>(std::move(connection), std::move(place));
}

}  // namespace rowseal
