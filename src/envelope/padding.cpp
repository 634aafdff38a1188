#include "envelope/padding.h"

#include <algorithm>

namespace rowseal {

void Pad(std::span<std::uint8_t> buffer, std::size_t size) noexcept {
  buffer[size] = 0x80;
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(size) + 1, buffer.end(), std::uint8_t{0});
}

Result<std::size_t> UnpaddedSize(ByteView padded) {
  if (!padded.empty() && padded.size() % kPaddingBlock == 0) {
    const std::size_t first_possible = padded.size() - kPaddingBlock;
    std::size_t mark = padded.size() - 1;
    while (mark > first_possible && padded[mark] == 0) {
      --mark;
    }
    if (padded[mark] == 0x80) {
      return mark;
    }
  }
  return Fail(ErrorCode::kIntegrity, "the sealed value's padding is not canonical");
}

}  // namespace rowseal
