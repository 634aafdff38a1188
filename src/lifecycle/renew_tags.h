#pragma once

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "keys/integrity_key.h"

namespace rowseal {

/// RenewTags brings tags and MACs from format 2 to this one, in the transaction of an upgrade that
/// has changed the tables. What does not match its old tag or MAC gets no new one: it stays
/// refused, and `verify` names it. `known` is the set by which the integrity key was opened.
/// Errors: kConflict (the set was changed since), kIntegrity (it is not what Rowseal wrote), the
/// store's.
Result<void> RenewTags(Connection& connection, const IntegrityKey& integrity,
                       const TrustRows& known);

}  // namespace rowseal
