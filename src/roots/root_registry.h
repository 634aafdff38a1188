#pragma once

#include <memory>
#include <string_view>

#include <rowseal/error.h>

#include "keys/root_provider.h"

namespace rowseal {

/// OpenRoot makes the provider that `uri` names:
/// - `file:PATH` reads a root key file; refused when group or others have any right on it, unless
/// the
///   URI ends in `?mounted` (an orchestrator's mount, whose modes it chooses);
/// - `env:NAME` reads an environment variable; it is left as it is, the host owns it.
/// Everything after the colon is literal up to `?`; a relative path is made absolute.
/// Errors: kInvalidArgument (scheme), kRootKeyMissing, kRootKeyMalformed, kRootKeyExposed.
Result<std::shared_ptr<const RootProvider>> OpenRoot(std::string_view uri);

}  // namespace rowseal
