#pragma once

#include <string>
#include <string_view>

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "base/clock.h"
#include "keys/records.h"
#include "keys/root_provider.h"

namespace rowseal {

/// HasInstallation tells whether the store's keys were made.
Result<bool> HasInstallation(Connection& connection);

/// NewInstallation is what an installation begins with. `root` has its key (NewRoot); the projects
/// table is the app's, with its key column, or empty.
struct NewInstallation {
  const RootProvider& root;
  Timestamp now;
  std::string projects_table{};
  std::string project_key_type = "text";
};

/// MakeInstallation makes the installation, root 1, the default KEK (id 1) and the integrity key
/// (id 2) in memory. It asks the root, so it comes before the store is locked. Errors: the root's.
Result<TrustRows> MakeInstallation(const NewInstallation& begins);

/// WriteInstallation writes them in the open write transaction, in which HasInstallation found
/// none. Errors: kConflict when they are there already.
Result<void> WriteInstallation(Connection& connection, const TrustRows& rows,
                               std::string_view actor);

}  // namespace rowseal
