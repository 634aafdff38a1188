#include "db/postgres/postgres_format.h"

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
  ROWSEAL_ASSIGN(Row row,
                 OneRow(connection, Statement::Sql("SELECT count(*) FROM pg_catalog.pg_namespace"
                                                   " WHERE nspname = 'rowseal'")));
  if (row.front() == Value(std::int64_t{0})) {
    return 0;
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
