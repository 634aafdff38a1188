#pragma once

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "base/clock.h"
#include "keys/root_provider.h"

namespace rowseal {

/// HasInstallation tells whether the store's keys were made.
Result<bool> HasInstallation(Connection& connection);

/// CreateInstallation writes the installation, root 1, the default KEK (id 1) and the integrity key
/// (id 2) in the open write transaction. `root` has its key (NewRoot). Errors: kConflict when they
/// are there already.
Result<void> CreateInstallation(Connection& connection, const RootProvider& root, Timestamp now,
                                std::string_view actor);

}  // namespace rowseal
