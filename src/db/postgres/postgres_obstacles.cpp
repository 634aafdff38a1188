#include "db/postgres/postgres_obstacles.h"

#include <string_view>

#include "base/encoding.h"

namespace rowseal {
namespace {

// What is looked for: the names that a query on the catalogue finds. $1 is the table, $2 the
// column.
struct Check {
  ObstacleWeight sealed;  // where the values stay, sealed
  ObstacleWeight moved;
  std::string_view before;  // `trigger `
  std::string_view behind;  // ` fires at every change`
  std::string_view sql;
};

constexpr auto kNote = ObstacleWeight::kNote;
constexpr auto kToAccept = ObstacleWeight::kToAccept;
constexpr auto kRefused = ObstacleWeight::kRefused;

constexpr Check kChecks[] = {
    {kToAccept, kToAccept, "trigger ", " runs at every row that is written",
     "SELECT t.tgname::text FROM pg_catalog.pg_trigger t WHERE t.tgrelid = to_regclass($1)"
     " AND NOT t.tgisinternal AND NOT starts_with(t.tgname, 'rowseal_guard_') AND $2 <> ''"
     " AND t.tgtype & 16 <> 0 ORDER BY 1"},
    {kToAccept, kToAccept, "rule ", " rewrites statements on the table",
     "SELECT r.rulename::text FROM pg_catalog.pg_rewrite r WHERE r.ev_class = to_regclass($1)"
     " AND r.ev_type <> '1' AND $2 <> '' ORDER BY 1"},
    {kToAccept, kToAccept, "generated column ", " is made of it, and changes with it",
     "SELECT a.attname::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d"
     " ON d.adrelid = a.attrelid AND d.adnum = a.attnum JOIN pg_catalog.pg_depend p"
     " ON p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid"
     " AND p.refobjid = a.attrelid AND p.refobjsubid = (SELECT c.attnum FROM"
     " pg_catalog.pg_attribute c WHERE c.attrelid = to_regclass($1) AND c.attname = $2)"
     " WHERE a.attrelid = to_regclass($1) AND a.attgenerated <> '' ORDER BY 1"},
    {kToAccept, kToAccept, "constraint ", " checks it: rows that do not pass are quarantined",
     "SELECT c.conname::text FROM pg_catalog.pg_constraint c WHERE c.conrelid = to_regclass($1)"
     " AND c.contype IN ('c', 'x') AND (SELECT a.attnum FROM pg_catalog.pg_attribute a"
     " WHERE a.attrelid = to_regclass($1) AND a.attname = $2) = ANY (c.conkey) ORDER BY 1"},
    {kRefused, kRefused, "foreign key ", " ties it to another table's values",
     "SELECT c.conname::text FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' AND"
     " ((c.conrelid = to_regclass($1) AND (SELECT a.attnum FROM pg_catalog.pg_attribute a"
     " WHERE a.attrelid = to_regclass($1) AND a.attname = $2) = ANY (c.conkey)) OR"
     " (c.confrelid = to_regclass($1) AND (SELECT a.attnum FROM pg_catalog.pg_attribute a"
     " WHERE a.attrelid = to_regclass($1) AND a.attname = $2) = ANY (c.confkey))) ORDER BY 1"},
    {kRefused, kRefused, "unique index ",
     " keeps equal values apart: sealed ones always differ, and marks are all the same",
     "SELECT x.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x"
     " ON x.oid = i.indexrelid"
     " WHERE i.indrelid = to_regclass($1) AND i.indisunique AND (SELECT a.attnum FROM"
     " pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = $2)"
     " = ANY (i.indkey::int2[]) ORDER BY 1"},
    {kToAccept, kToAccept, "index ", " finds nothing by its values any more; drop it afterwards",
     "SELECT x.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x"
     " ON x.oid = i.indexrelid"
     " WHERE i.indrelid = to_regclass($1) AND NOT i.indisunique AND (SELECT a.attnum FROM"
     " pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attname = $2)"
     " = ANY (i.indkey::int2[]) ORDER BY 1"},
    {kToAccept, kToAccept, "materialized view ", " keeps a copy of the plaintext until its refresh",
     "SELECT DISTINCT w.ev_class::regclass::text FROM pg_catalog.pg_depend p"
     " JOIN pg_catalog.pg_rewrite w ON w.oid = p.objid JOIN pg_catalog.pg_class v"
     " ON v.oid = w.ev_class WHERE p.refobjid = to_regclass($1) AND v.relkind = 'm'"
     " AND p.classid = 'pg_catalog.pg_rewrite'::regclass AND $2 <> '' ORDER BY 1"},
    {kNote, kNote, "view ", " shows the sealed values, or the marks",
     "SELECT DISTINCT w.ev_class::regclass::text FROM pg_catalog.pg_depend p"
     " JOIN pg_catalog.pg_rewrite w ON w.oid = p.objid JOIN pg_catalog.pg_class v"
     " ON v.oid = w.ev_class WHERE p.refobjid = to_regclass($1) AND v.relkind = 'v'"
     " AND p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.refobjsubid ="
     " (SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass($1)"
     " AND a.attname = $2) ORDER BY 1"},
    {kNote, kNote, "policy ", " of row-level security stays as it is",
     "SELECT p.polname::text FROM pg_catalog.pg_policy p WHERE p.polrelid = to_regclass($1)"
     " AND $2 <> '' ORDER BY 1"},
    {kToAccept, kToAccept, "publication ",
     " sends every written row to its subscribers (Supabase Realtime among them)",
     "SELECT p.pubname::text FROM pg_catalog.pg_publication_tables p WHERE"
     " format('%I.%I', p.schemaname, p.tablename) = $1 AND $2 <> '' ORDER BY 1"},
    {kToAccept, kToAccept, "replica identity ",
     ": the old row, plaintext and all, goes into the log and to subscribers",
     "SELECT 'full'::text FROM pg_catalog.pg_class c WHERE c.oid = to_regclass($1)"
     " AND c.relreplident = 'f' AND $2 <> ''"},
};

}  // namespace

Result<std::vector<Obstacle>> FindPostgresObstacles(PostgresConnection& connection,
                                                    const std::string& table,
                                                    const std::string& column, bool is_json,
                                                    Treatment treatment) {
  std::vector<Obstacle> obstacles;
  const bool is_sealed = treatment == Treatment::kSealed;
  for (const Check& check : kChecks) {
    ROWSEAL_ASSIGN(const Rows found,
                   connection.Execute(Statement::Sql(check.sql, {table, column})));
    for (const Row& row : found.rows) {
      obstacles.push_back(
          {is_sealed ? check.sealed : check.moved,
           std::string(check.before) + Printable(TextAt(row, 0)) + std::string(check.behind)});
    }
  }
  ROWSEAL_ASSIGN(Rows found,
                 connection.Execute(Statement::Sql(
                     "SELECT a.attnotnull::int::bigint, CASE WHEN a.atttypmod > 4 THEN"
                     " (a.atttypmod - 4)::bigint ELSE 0 END FROM pg_catalog.pg_attribute a"
                     " WHERE a.attrelid = to_regclass($1) AND a.attname = $2",
                     {table, column})));
  if (found.rows.empty()) {
    return obstacles;
  }
  RowReader reader(found.rows.front());
  const bool not_null = reader.Integer() != 0;
  const std::int64_t length = reader.Integer();
  ROWSEAL_TRY(reader.status());
  if (not_null && treatment == Treatment::kEmptied) {
    obstacles.push_back({kRefused, "the column is NOT NULL: leave a marker or a reference"});
  }
  constexpr std::int64_t kSealed64Bytes = 211;
  if (length > 0 && is_sealed && !is_json) {
    obstacles.push_back({length < kSealed64Bytes ? kRefused : kToAccept,
                         "the column takes " + std::to_string(length) +
                             " characters; a sealed value of 64 bytes has 211"});
  }
  return obstacles;
}

}  // namespace rowseal
