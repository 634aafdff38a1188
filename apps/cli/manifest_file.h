#pragma once

#include <string>

#include <rowseal/error.h>

#include "migration/manifest.h"

namespace rowseal::cli {

/// ReadManifest reads a migration's manifest, a TOML file. Errors: kInvalidArgument, with the line
/// or the column's number.
Result<MigrationManifest> ReadManifest(const std::string& path);

}  // namespace rowseal::cli
