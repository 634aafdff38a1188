#include "db/postgres/postgres_format.h"

#include "base/encoding.h"
#include "store/calls/store_format.h"
#include "store/schema/postgres_upgrades.h"

namespace rowseal {

int PostgresFormat() noexcept { return schema::PostgresUpgrades().back().format; }

Result<Row> OneRow(Connection& connection, const Statement& statement) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(statement));
  if (answer.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "a query of the catalogue gave no row");
  }
  return std::move(answer.rows.front());
}

Result<int> ReadPostgresFormat(Connection& connection) {
  // Asked of the catalogue alone: whoever may create a schema could have made one of this name, and
  // what is called in it runs with the rights of who asks.
  ROWSEAL_ASSIGN(Rows found,
                 connection.Execute(Statement::Sql(
                     "SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text,"
                     " coalesce((SELECT min(format('function %s, which belongs to %s', p.proname,"
                     "   pg_catalog.pg_get_userbyid(p.proowner))) FROM pg_catalog.pg_proc p"
                     // Those that are called before anything was compared. In format 1 others
                     // belong to the installer; whoever may add one to the schema is its owner.
                     "   WHERE p.pronamespace = n.oid AND p.proname = ANY (ARRAY['store_format', "
                     "'trust_load'])"
                     "   AND pg_catalog.pg_get_userbyid(p.proowner)::text <> ALL"
                     "   (ARRAY['rowseal_owner', 'rowseal_runner', 'rowseal_projects'])), '')"
                     " FROM pg_catalog.pg_namespace n WHERE n.nspname = 'rowseal'")));
  if (found.rows.empty()) {
    return 0;
  }
  RowReader reader(found.rows.front());
  const std::string owner = reader.Text();
  const std::string foreign = reader.Text();
  ROWSEAL_TRY(reader.status());
  if (owner != "rowseal_owner" || !foreign.empty()) {
    return Fail(ErrorCode::kIntegrity,
                owner != "rowseal_owner"
                    ? "schema rowseal belongs to '" + Printable(owner) + "', not to Rowseal"
                    : "schema rowseal was not made by Rowseal alone: " + Printable(foreign),
                "nothing of it was called; find out who made it, then drop it or restore the"
                " store's objects");
  }
  ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(connection, StoreFormat::Request{}));
  return static_cast<int>(format.format);
}

Result<void> CheckPostgresFormat(int format, const std::string& store) {
  const std::string has = "store '" + store + "' has format " + std::to_string(format);
  if (format > PostgresFormat()) {
    return Fail(ErrorCode::kNewerSchema,
                has + "; this program knows formats up to " + std::to_string(PostgresFormat()),
                "use the newer release of rowseal that upgraded it");
  }
  if (format < PostgresFormat()) {
    return Fail(ErrorCode::kOlderSchema,
                has + "; this program needs " + std::to_string(PostgresFormat()),
                "back it up, then run `rowseal upgrade`");
  }
  return {};
}

Result<void> CheckPostgresStore(Connection& connection, const std::string& store) {
  ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(connection));
  if (format == 0) {
    return Fail(ErrorCode::kNotFound, "there is no store in '" + store + "'",
                "make one: rowseal init --store postgres://… --root file:PATH");
  }
  return CheckPostgresFormat(format, store);
}

}  // namespace rowseal
