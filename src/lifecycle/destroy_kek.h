#pragma once

#include <vector>

#include <rowseal/ids.h>

#include "client/change.h"

namespace rowseal {

/// DueKeks gives the KEKs whose destruction has waited long enough.
Result<std::vector<KekId>> DueKeks(StoreRead& store);

}  // namespace rowseal
