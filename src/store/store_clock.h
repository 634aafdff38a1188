#pragma once

#include <rowseal/connection.h>
#include <rowseal/ids.h>

namespace rowseal {

/// StoreClock asks the store for its time. Ages, due dates and leases go by it, not by the clock of
/// the machine that asks.
Result<Timestamp> StoreClock(Connection& connection);

}  // namespace rowseal
