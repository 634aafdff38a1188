#include "store/numbers.h"

namespace rowseal {

Result<std::int64_t> OneNumber(Connection& connection, std::string_view sql,
                               std::vector<Param> params) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql, std::move(params))));
  if (answer.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "a query of one number gave another number of rows");
  }
  RowReader reader(answer.rows.front());
  const std::int64_t number = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return number;
}

}  // namespace rowseal
