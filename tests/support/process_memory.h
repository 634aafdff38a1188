#pragma once

#include <cstddef>

#include <rowseal/bytes.h>

namespace rowseal::testing {

/// Searched says where to look: everywhere, or only outside guarded memory (mappings that were
/// taken out of core files): heap, stacks and globals.
enum class Searched { kAll, kPlain };

/// CountInMemory counts how often some bytes are in this process. They are given inverted, each
/// byte as its complement, so that the search does not find itself.
std::size_t CountInMemory(ByteView inverted, Searched searched);

/// CanSearchMemory is false under a sanitizer, whose shadow memory is too large to be searched.
constexpr bool CanSearchMemory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return true;
#endif
}

}  // namespace rowseal::testing
