#pragma once

#include <rowseal/key_destruction.h>

#include "client/change.h"
#include "lifecycle/destroyed_keys.h"

namespace rowseal {

/// DestroyDekRow writes the evidence and an audit entry and deletes the row. The row's tag was
/// verified. Errors: kConflict (a version stands under it, or somebody changed it).
Result<void> DestroyDekRow(Change& change, const DekRecord& dek, const Evidence& evidence);

}  // namespace rowseal
