#pragma once

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "client/change.h"

namespace rowseal {

/// FindWrapKek returns a KEK of the set that wraps DEKs. Errors: kNotFound; kRefusedByState for the
/// integrity key, whose states never change.
Result<const KekRecord*> FindWrapKek(const TrustRows& rows, KekId id);

/// MoveKek gives a KEK another state. A suspended one remembers the state it had. Errors:
/// FindWrapKek's, kRefusedByState (no such transition), kConflict (another writer was first).
Result<void> MoveKek(Change& change, KekId id, KeyState to);

/// CheckRemovable refuses a KEK whose state forbids that it is destroyed. Errors: kRefusedByState.
Result<void> CheckRemovable(const KekRecord& kek);

/// RemoveKek takes a KEK and its wrappings out of the set, for good. Errors: FindWrapKek's,
/// CheckRemovable's, kConflict (something needs it).
Result<void> RemoveKek(Change& change, KekId id);

}  // namespace rowseal
