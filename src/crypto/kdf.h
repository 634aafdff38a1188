#pragma once

#include <cstdint>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// HkdfSha256 derives `size` bytes (1 to 8,160) from `key` (RFC 5869). Errors: kInvalidArgument.
Result<SecretBytes> HkdfSha256(ByteView key, ByteView salt, ByteView info, std::size_t size);

/// Argon2idCost says how expensive a passphrase is to try. Bounds are checked before any work,
/// because the numbers are read from a store that an attacker may have written.
struct Argon2idCost {
  std::uint32_t passes = 3;          ///< 1 to 16
  std::uint32_t memory_kib = 65536;  ///< 8 KiB to 1 GiB
};

inline constexpr std::size_t kArgon2idSaltSize = 16;  ///< bytes

/// Argon2id derives `size` bytes (16 to 64) from a passphrase (RFC 9106, one lane).
/// Errors: kInvalidArgument (bounds), kResourceExhausted (memory).
Result<SecretBytes> Argon2id(ByteView passphrase, ByteView salt, Argon2idCost cost,
                             std::size_t size);

}  // namespace rowseal
