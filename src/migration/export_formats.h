#pragma once

#include <vector>

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "migration/import_formats.h"
#include "migration/secret_writer.h"

namespace rowseal {

/// ExportItem is one opened secret; the view must outlive the call.
struct ExportItem {
  SecretName name;
  SecretKind kind;
  ByteView value;
};

/// WriteSecrets writes all items to `out` so that the parser of the same format reads back exactly
/// them (kinds in CSV only). Errors: kInvalidArgument, naming the first secret that the format
/// cannot carry, and kResourceExhausted.
Result<void> WriteSecrets(FileFormat format, const std::vector<ExportItem>& items,
                          SecretWriter& out);

}  // namespace rowseal
