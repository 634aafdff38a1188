#pragma once

#include <string>
#include <string_view>

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "base/clock.h"
#include "keys/root_provider.h"

namespace rowseal {

/// HasInstallation tells whether the store's keys were made.
Result<bool> HasInstallation(Connection& connection);

/// NewInstallation is what an installation begins with. `root` has its key (NewRoot); the projects
/// table is the app's, with its key column, or empty.
struct NewInstallation {
  const RootProvider& root;
  Timestamp now;
  std::string_view actor;
  std::string projects_table{};
  std::string project_key_type = "text";
};

/// CreateInstallation writes the installation, root 1, the default KEK (id 1) and the integrity key
/// (id 2) in the open write transaction. Errors: kConflict when they are there already.
Result<void> CreateInstallation(Connection& connection, const NewInstallation& installation);

}  // namespace rowseal
