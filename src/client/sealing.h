#pragma once

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "crypto/xaes_256_gcm.h"

namespace rowseal {

/// SealedBytes is a padded and sealed value: nonce, and ciphertext ‖ tag.
struct SealedBytes {
  XaesNonce nonce{};
  Bytes encrypted_data;
};

/// SealPadded pads `value` and seals it under `key` with `context`. The padded copy is wiped. A
/// call that seals many values draws their nonces together and takes one for each. Errors:
/// kInvalidArgument (over kMaxSecretSize), kRandomFailure, kResourceExhausted.
Result<SealedBytes> SealPadded(const XaesKey& key, ByteView value, ByteView context,
                               FreshNonces& nonces);

/// SealProven seals, opens that again and compares, for what is to replace or become the only copy
/// of a value: a byte that the machine changed is found while the value is still at hand. Errors:
/// as SealPadded; kInternal (it opened to something else).
Result<SealedBytes> SealProven(const XaesKey& key, ByteView value, ByteView context,
                               FreshNonces& nonces);

/// OpenPadded opens and unpads. Errors: kIntegrity.
Result<SecretBytes> OpenPadded(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                               ByteView context);

/// OpenPaddedInto is OpenPadded into a buffer that is used again and again, of at least
/// `encrypted_data.size()` bytes of capacity. After an error the buffer is empty.
Result<void> OpenPaddedInto(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                            ByteView context, SecretBuffer& value);

}  // namespace rowseal
