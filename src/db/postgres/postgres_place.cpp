#include "db/postgres/postgres_place.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "db/postgres/app_types.h"

namespace rowseal {
namespace {

// Reads the catalogue for FindPostgresPlace.
class PlaceFinder final {
 public:
  PlaceFinder(PostgresConnection& connection, const ColumnSource& source)
      : connection_(connection), source_(source) {}

  Result<PostgresPlace> Find() {
    ROWSEAL_TRY(FindTable());
    if (!source_.column.empty()) {
      ROWSEAL_ASSIGN(const Column column, FindColumn(source_.column));
      ROWSEAL_TRY(CheckContent(column));
      place_.column = column.name;
      place_.type = column.type;
      place_.declared.emplace_back(column.name, column.type_id);
    }
    ROWSEAL_ASSIGN(const Column project, FindColumn(source_.project_column));
    place_.project = project.name;
    for (const std::string& name : source_.keys) {
      ROWSEAL_ASSIGN(Column key, FindColumn(name));
      place_.declared.emplace_back(key.name, key.type_id);
      place_.keys.push_back(std::move(key.name));
      place_.key_types.push_back(std::move(key.type));
    }
    ROWSEAL_TRY(CheckKey());
    return std::move(place_);
  }

  Result<std::vector<std::string>> FindColumns(const std::vector<std::string>& names) {
    ROWSEAL_TRY(FindTable());
    std::vector<std::string> quoted;
    for (const std::string& name : names) {
      ROWSEAL_ASSIGN(Column column, FindColumn(name));
      quoted.push_back(std::move(column.name));
    }
    return quoted;
  }

 private:
  struct Column {
    std::string name;
    std::string type;
    bool is_text = false;
    bool is_generated = false;
    std::string type_id;
  };

  Result<void> FindTable() {
    // Once found, the table is named with its schema only.
    ROWSEAL_ASSIGN(const std::string table, connection_.ResolveTable(source_.table));
    ROWSEAL_ASSIGN(Rows found,
                   connection_.Execute(Statement::Sql(
                       "SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text,"
                       " row_security_active(c.oid), c.relkind = 'r' AND EXISTS (SELECT 1 FROM"
                       "  pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)"
                       " FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE c.oid = to_regclass(nullif($1::text, ''))",
                       {table})));
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
    const bool has_children = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    if (kind != "r" && kind != "p") {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + Printable(place_.table) + "' is not a table, or a foreign one",
                  "name the table that holds the rows");
    }
    // A key is unique within one table: a row of the parent and one of a child may share it.
    if (has_children) {
      return Fail(ErrorCode::kInvalidArgument,
                  "other tables inherit from " + Printable(place_.table) +
                      ": their rows cannot be told from its own",
                  "register the columns of tables without children; partitions are no children");
    }
    // One that begins to inherit while a job runs is left alone too.
    place_.rows = (kind == "r" ? "ONLY " : "") + place_.table;
    if (rows_hidden) {
      return Fail(ErrorCode::kInvalidArgument,
                  "row-level security of table " + Printable(place_.table) +
                      " would hide rows from this login",
                  "use a login that owns the table or has BYPASSRLS");
    }
    return {};
  }

  Result<Column> FindColumn(const std::string& name) {
    // The base type of a domain, for casts and to know what the column holds. With a length of -1:
    // the cast to `character` or `bit` that NULL gives would cut a key to one character.
    ROWSEAL_ASSIGN(Rows found,
                   connection_.Execute(Statement::Sql(
                       "SELECT quote_ident(a.attname), format_type(b.oid, -1),"
                       " b.typcategory = 'S', a.attgenerated <> '', "
                       "a.atttypid::bigint::text, " ROWSEAL_TYPE_IS_PLAIN(
                           "b") " FROM pg_catalog.pg_attribute a"
                                " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
                                " JOIN pg_catalog.pg_type b ON b.oid = " ROWSEAL_BASE_TYPE(
                                    "t") " WHERE a.attrelid = to_regclass($1) AND a.attname = $2 "
                                         "AND a.attnum > 0"
                                         "  AND NOT a.attisdropped",
                       {place_.table, name})));
    if (found.rows.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "table " + Printable(place_.table) + " has no column '" + Printable(name) + "'");
    }
    RowReader reader(found.rows.front());
    Column column{reader.Text(), reader.Text(), reader.Integer() != 0, reader.Integer() != 0,
                  reader.Text()};
    const bool has_plain_casts = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    // Every statement over the column casts it to text and back: a type's owner may have made casts
    // of its own, and they would run with this login's rights.
    if (!has_plain_casts) {
      return Fail(ErrorCode::kInvalidArgument,
                  "column " + Printable(column.name) + " of table " + Printable(place_.table) +
                      " is of type " + Printable(column.type) + ", which is the application's own",
                  "use a column of one of PostgreSQL's types, or a domain over one");
    }
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
            // Its operators are PostgreSQL's own: others are not found without the session's path.
            " AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS k (oid)"
            "  JOIN pg_catalog.pg_opclass o ON o.oid = k.oid WHERE o.oid >= 16384)"
            " AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE \"C\")"
            "      FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnotnull"
            "      AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) = $2"
            " LIMIT 1",
            {place_.table, std::move(names)})));
    if (found.rows.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the key of table " + Printable(place_.table) +
                      " is neither its primary key nor unique and NOT NULL, or of a type from an"
                      " extension",
                  "give all columns of its primary key, each with --key");
    }
    return {};
  }

  PostgresConnection& connection_;
  const ColumnSource& source_;
  PostgresPlace place_;
};

}  // namespace

std::string EncodePosition(const PostgresPosition& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += std::to_string(part.size()) + ":" + part;
  }
  return text;
}

Result<PostgresPosition> DecodePosition(std::string_view text, std::size_t parts) {
  PostgresPosition position;
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

Result<std::vector<std::string>> FindPostgresColumns(PostgresConnection& connection,
                                                     const std::string& table,
                                                     const std::vector<std::string>& names) {
  ColumnSource source;
  source.table = table;
  return PlaceFinder(connection, source).FindColumns(names);
}

Result<PostgresPlace> FindPostgresPlace(PostgresConnection& connection,
                                        const ColumnSource& source) {
  return PlaceFinder(connection, source).Find();
}

}  // namespace rowseal
