#include "store/store_clock.h"

#include "store/calls/store_time.h"

namespace rowseal {

Result<Timestamp> StoreClock(Connection& connection) {
  return Ask(connection, StoreTime::Request{});
}

}  // namespace rowseal
