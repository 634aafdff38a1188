// Whatever decodes re-encodes to the same bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "envelope/wrapped_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto wrapped = rowseal::DecodeWrappedKey({data, size});
  if (wrapped &&
      !std::ranges::equal(rowseal::EncodeWrappedKey(*wrapped), rowseal::ByteView(data, size))) {
    std::abort();
  }
  return 0;
}
