#pragma once

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// A root key as text: `rsroot1`, then lower-case RFC 4648 base32, unpadded, of key ‖ first 4 bytes
/// of SHA-256(`rsroot1` ‖ key); 65 characters. One final newline is allowed. The same in a file and
/// in an environment variable. Format: docs/spec/keys.md.

/// EncodeRootKey writes `key` (32 bytes) as text without a newline.
Result<SecretBytes> EncodeRootKey(const SecretBytes& key);

/// DecodeRootKey reads the text. Errors: kRootKeyMalformed, saying the defect (empty, hexadecimal
/// or base64 instead of base32, cut off, damaged, all zeros) and never a byte of the key.
Result<SecretBytes> DecodeRootKey(ByteView text);

}  // namespace rowseal
