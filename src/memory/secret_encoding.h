#pragma once

#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "base/encoding.h"

namespace rowseal {

/// AppendBase64 writes `bytes` behind what is in `text`, which has room for one byte more than
/// that. Errors: kInvalidArgument (no room).
Result<void> AppendBase64(Base64 form, ByteView bytes, SecretBuffer& text);

/// SecretFromBase64 reads what AppendBase64 writes. Errors: kIntegrity, kResourceExhausted.
Result<SecretBytes> SecretFromBase64(Base64 form, std::string_view text);

}  // namespace rowseal
