#pragma once

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// Base64 of RFC 4648 section 4, padded, for bytes that are secret: in guarded memory, without a
/// table or a branch on them.

/// AppendBase64 writes `bytes` behind what is in `text`. Errors: kInvalidArgument (no room).
Result<void> AppendBase64(ByteView bytes, SecretBuffer& text);

/// DecodeBase64 reads exactly what AppendBase64 writes. Errors: kIntegrity.
Result<SecretBytes> DecodeBase64(ByteView text);

}  // namespace rowseal
