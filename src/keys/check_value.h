#pragma once

#include <string_view>

#include <rowseal/error.h>

#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"

namespace rowseal {

/// CheckValue is HMAC-SHA256(key, label ‖ id): stored beside every wrapped key, bound in its wrap
/// context and compared after every unwrap, so that one ciphertext cannot serve as two keys (GCM
/// commits to neither). `id` is the key's canonical text.
Result<Mac> CheckValue(const XaesKey& key, std::string_view id);

/// RootFingerprint is HMAC-SHA256(root key, label): it names a root key without telling it.
Result<Mac> RootFingerprint(const XaesKey& root_key);

}  // namespace rowseal
