// Whatever decodes re-encodes to the same bytes, and its cost is one that may be run.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "roots/passphrase_part.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rowseal::ByteView given(data, size);
  const auto part = rowseal::DecodePassphrasePart(given);
  if (!part) {
    return 0;
  }
  const std::uint64_t work = std::uint64_t{part->cost.passes} * part->cost.memory_kib;
  if (!std::ranges::equal(rowseal::EncodePassphrasePart(*part), given) ||
      !rowseal::IsPassphrasePart(given) || work > rowseal::kMaxPassphraseWorkKib) {
    std::abort();
  }
  return 0;
}
