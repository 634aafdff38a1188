#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

inline constexpr std::size_t kMacSize = 32;  ///< bytes: HMAC-SHA256, untruncated
using Mac = std::array<std::uint8_t, kMacSize>;

/// HmacSha256 computes HMAC-SHA256 (RFC 2104, FIPS 198-1) of `message`. Errors: kInternal.
Result<Mac> HmacSha256(ByteView key, ByteView message);

/// Sha256 hashes `message` (FIPS 180-4).
Result<Mac> Sha256(ByteView message);

/// EqualInConstantTime compares; the time depends on the sizes only.
bool EqualInConstantTime(ByteView a, ByteView b) noexcept;

}  // namespace rowseal
