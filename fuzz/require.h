#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

/// Require ends the program, which libFuzzer reports, where a property does not hold.
inline void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// Damage changes bytes of `text`, each as three bytes of `edits` say: a place, in two, and what is
/// put there. So a fuzzer that cannot guess a checksum or a length still reaches what lies behind.
inline void Damage(std::span<std::uint8_t> text, std::span<const std::uint8_t> edits) {
  for (; edits.size() >= 3 && !text.empty(); edits = edits.subspan(3)) {
    text[(std::size_t{edits[0]} * 256 + edits[1]) % text.size()] = edits[2];
  }
}
