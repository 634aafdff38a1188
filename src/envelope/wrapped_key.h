#pragma once

#include <array>
#include <cstddef>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "envelope/suite.h"

namespace rowseal {

/// WrappedKey is a 32-byte key under another one: version 1 ‖ suite 1 ‖ nonce 24 ‖ key 32 ‖ tag 16,
/// 74 bytes. Format: docs/spec/keys.md.
struct WrappedKey {
  Suite suite = Suite::kXaes256Gcm;
  std::array<std::uint8_t, 24> nonce{};
  std::array<std::uint8_t, 48> sealed_key{};  ///< ciphertext ‖ tag
};

inline constexpr std::size_t kWrappedKeySize = 74;  ///< bytes

Bytes EncodeWrappedKey(const WrappedKey& wrapped);

/// DecodeWrappedKey accepts exactly what EncodeWrappedKey writes. Errors: kIntegrity.
Result<WrappedKey> DecodeWrappedKey(ByteView bytes);

}  // namespace rowseal
