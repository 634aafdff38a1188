#pragma once

#include <cstdint>
#include <span>

namespace rowseal {

/// Wipe overwrites `bytes` with zeros; the compiler cannot leave it out.
void Wipe(std::span<std::uint8_t> bytes) noexcept;

}  // namespace rowseal
