#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "migration/import_formats.h"
#include "migration/import_source.h"

namespace rowseal {

/// OpenFileSource reads a file of secrets, which all belong to `project`; a secret that says no
/// kind gets `kind`. Errors: kInvalidArgument (not readable, over 64 MiB, not of the format; with
/// the line).
Result<std::unique_ptr<ImportSource>> OpenFileSource(const std::string& path, FileFormat format,
                                                     const ProjectId& project,
                                                     std::optional<SecretKind> kind);

}  // namespace rowseal
