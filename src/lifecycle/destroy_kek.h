#pragma once

#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>
#include <rowseal/ids.h>

namespace rowseal {

/// DueKeks gives the KEKs whose destruction has waited long enough, in a read of the caller's.
Result<std::vector<KekId>> DueKeks(Connection& connection, Timestamp now);

}  // namespace rowseal
