#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <rowseal/key_bundle.h>

#include "keys/root_provider.h"
#include "lifecycle/key_rows.h"

namespace rowseal {

/// CheckKeyRows verifies every tag and opens every key with `roots`. Errors: Keyring::Adopt's; keys
/// that do not open are the report's.
Result<KeySet> CheckKeyRows(KeyRows rows, std::vector<std::shared_ptr<const RootProvider>> roots);

/// CheckBundle is CheckKeyRows for the rows of a bundle whose MAC stands. Errors: kIntegrity.
Result<KeySet> CheckBundle(std::string_view bundle,
                           std::vector<std::shared_ptr<const RootProvider>> roots);

}  // namespace rowseal
