// What is taken for a padded value is exactly that value padded.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "envelope/padding.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rowseal::ByteView padded(data, size);
  if (const auto unpadded = rowseal::UnpaddedSize(padded)) {
    Require(rowseal::PaddedSize(*unpadded) == size);
    std::vector<std::uint8_t> again(data, data + size);
    std::fill(again.begin() + static_cast<std::ptrdiff_t>(*unpadded), again.end(), 0xFF);
    rowseal::Pad(again, *unpadded);
    Require(std::ranges::equal(again, padded));
  }
  // Any value can be padded, and is found again.
  std::vector<std::uint8_t> value(data, data + size);
  value.resize(rowseal::PaddedSize(size));
  rowseal::Pad(value, size);
  const auto found = rowseal::UnpaddedSize(value);
  Require(found && *found == size);
  return 0;
}
