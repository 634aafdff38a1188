#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace rowseal {

/// Wipe overwrites secret bytes with zeros, also where the compiler sees that nobody reads them. In
/// place of explicit_bzero, whose call costs as much as the few bytes that are mostly wiped.
inline void Wipe(std::span<std::uint8_t> bytes) noexcept {
  if (!bytes.empty()) {
    std::memset(bytes.data(), 0, bytes.size());
  }
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");  // for all it knows, this reads them
}

template <std::size_t Size>
void Wipe(std::array<std::uint8_t, Size>& bytes) noexcept {
  Wipe(std::span<std::uint8_t>(bytes));
}

}  // namespace rowseal
