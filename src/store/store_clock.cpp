#include "store/store_clock.h"

namespace rowseal {

Result<Timestamp> StoreClock(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Call(Procedure::kClock)));
  if (answer.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "the store did not say what time it is");
  }
  RowReader reader(answer.rows.front());
  const Timestamp now = reader.Time();
  ROWSEAL_TRY(reader.status());
  return now;
}

}  // namespace rowseal
