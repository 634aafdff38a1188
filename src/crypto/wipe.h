#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rowseal {

/// Wipe overwrites secret bytes with zeros, also where the compiler sees that nobody reads them.
void Wipe(std::span<std::uint8_t> bytes) noexcept;

template <std::size_t Size>
void Wipe(std::array<std::uint8_t, Size>& bytes) noexcept {
  bytes.fill(0);
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");  // for all it knows, this reads them
}

}  // namespace rowseal
