#pragma once

#include <string>
#include <string_view>

#include "client/change.h"

namespace rowseal {

/// Floors make a compromise final: what was made before it was declared is not used again, whoever
/// puts its rows back.

/// RaiseSealFloor ends sealing with every DEK of a scope that was made before this change, and
/// makes every process that knows the scope's KEKs load the set again. Errors: kConflict.
Result<void> RaiseSealFloor(Change& change, std::string_view scope);

/// RaiseSecretsFloors ends opening secrets with the DEKs below a scope's seal floor, where no
/// version stands under one of them any more: each was sealed again. A version that does not open
/// keeps the floor down until it is restored from a backup and sealed again, or deleted: raised
/// before, the floor would take what the backup holds. Called at the end of a job that seals
/// secrets again. Errors: the store's.
Result<void> RaiseSecretsFloors(Change& change);

}  // namespace rowseal
