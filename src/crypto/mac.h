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

/// HmacHash is the hash of a MAC that somebody else chose; Rowseal's own are HmacSha256.
enum class HmacHash : std::uint8_t { kSha1, kSha256, kSha512 };

/// HmacSize is the size of a MAC with that hash, in bytes.
std::size_t HmacSize(HmacHash hash) noexcept;

/// Hmac computes HMAC (RFC 2104) of `message`. Errors: kInternal.
Result<Bytes> Hmac(HmacHash hash, ByteView key, ByteView message);

/// Sha256 hashes `message` (FIPS 180-4).
Result<Mac> Sha256(ByteView message);

/// EqualInConstantTime compares; the time depends on the sizes only.
bool EqualInConstantTime(ByteView a, ByteView b) noexcept;

}  // namespace rowseal
