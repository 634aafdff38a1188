#pragma once

#include <cstdint>

namespace rowseal {

/// Suite names the algorithms behind a stored form. A closed set: an unknown byte is an integrity
/// error, never a fallback. Room is left for a key-committing suite.
enum class Suite : std::uint8_t { kXaes256Gcm = 1 };

/// kFormatVersion is the first byte of every stored form.
inline constexpr std::uint8_t kFormatVersion = 1;

}  // namespace rowseal
