#pragma once

#include <rowseal/key_destruction.h>

#include "client/session.h"
#include "lifecycle/destroyed_keys.h"

namespace rowseal {

/// DestroyDekRow writes the evidence and an audit entry and deletes the row, in the open exclusive
/// transaction. The row's tag was verified. Errors: kConflict (a version stands under it, or
/// somebody changed it).
Result<void> DestroyDekRow(Connection& connection, Session& session, const DekRecord& dek,
                           const Evidence& evidence, const Access& access);

/// DestroyDueDeks destroys the drained DEKs that have waited, in pages of a transaction each.
Result<void> DestroyDueDeks(Client& client, const Access& access, DestructionReport& report);

}  // namespace rowseal
