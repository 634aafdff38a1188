#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// Values are padded to a multiple of 32 bytes before sealing (0x80, then zeros: ISO/IEC 7816-4),
/// so that the length of what is stored tells little of the length of what was sealed.
inline constexpr std::size_t kPaddingBlock = 32;  ///< bytes

/// PaddedSize is at least `size + 1`, because the mark is always there.
constexpr std::size_t PaddedSize(std::size_t size) noexcept {
  return (size / kPaddingBlock + 1) * kPaddingBlock;
}

/// Pad writes the padding behind the first `size` bytes of `buffer`, whose size is
/// PaddedSize(size).
void Pad(std::span<std::uint8_t> buffer, std::size_t size) noexcept;

/// UnpaddedSize finds the size before padding. Called on verified plaintext only, so a refusal
/// means a writer that broke the format, not an attacker's oracle. Errors: kIntegrity.
Result<std::size_t> UnpaddedSize(ByteView padded);

}  // namespace rowseal
