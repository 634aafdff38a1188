#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rowseal {

/// ByteView is a read-only view of bytes; it owns nothing.
using ByteView = std::span<const std::uint8_t>;

/// Bytes holds public bytes (ciphertext, nonces, tags). Secrets live in SecretBytes.
using Bytes = std::vector<std::uint8_t>;

/// AsBytes views text as bytes, without a copy.
inline ByteView AsBytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// AsText views bytes as text, without a copy and without checking that they are UTF-8.
inline std::string_view AsText(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace rowseal
