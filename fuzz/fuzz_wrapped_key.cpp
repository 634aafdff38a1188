// Whatever decodes re-encodes to the same bytes.
#include <algorithm>
#include <cstdint>

#include "envelope/wrapped_key.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rowseal::ByteView bytes(data, size);
  const auto wrapped = rowseal::DecodeWrappedKey(bytes);
  Require(!wrapped || std::ranges::equal(rowseal::EncodeWrappedKey(*wrapped), bytes));
  return 0;
}
