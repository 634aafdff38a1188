#include "envelope/padding.h"

#include <algorithm>
#include <cstring>

namespace rowseal {

void Pad(std::span<std::uint8_t> buffer, std::size_t size) noexcept {
  buffer[size] = 0x80;
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(size) + 1, buffer.end(), std::uint8_t{0});
}

Result<std::size_t> UnpaddedSize(ByteView padded) {
  if (!padded.empty() && padded.size() % kPaddingBlock == 0) {
    const std::size_t first_possible = padded.size() - kPaddingBlock;
    std::size_t end = padded.size();
    // Words first: there are up to 31 zeros.
    for (std::uint64_t word = 0; end > first_possible + sizeof(word); end -= sizeof(word)) {
      std::memcpy(&word, padded.data() + end - sizeof(word), sizeof(word));
      if (word != 0) {
        break;
      }
    }
    while (end > first_possible + 1 && padded[end - 1] == 0) {
      --end;
    }
    if (padded[end - 1] == 0x80) {
      return end - 1;
    }
  }
  return Fail(ErrorCode::kIntegrity, "the sealed value's padding is not canonical");
}

}  // namespace rowseal
