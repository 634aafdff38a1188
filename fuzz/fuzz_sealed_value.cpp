// Whatever decodes re-encodes to the same text, and nothing else is accepted.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "envelope/padding.h"
#include "envelope/sealed_value.h"
#include "require.h"

namespace {

void Check(std::string_view text) {
  const auto value = rowseal::DecodeSealedValue(text);
  Require(!value || rowseal::EncodeSealedValue(*value) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Check({reinterpret_cast<const char*>(data), size});

  // A sealed value of a few blocks, and the same with damage.
  if (size == 0) {
    return 0;
  }
  constexpr std::size_t kTagSize = 16;
  rowseal::SealedValue value;
  value.context_kind =
      data[0] % 2 == 0 ? rowseal::ContextKind::kField : rowseal::ContextKind::kCell;
  value.sealed.resize(rowseal::kPaddingBlock * (1 + data[0] / 2 % 4) + kTagSize, data[0]);
  std::copy_n(data, std::min(size, value.nonce.size()), value.nonce.begin());
  std::string text = rowseal::EncodeSealedValue(value);
  Require(rowseal::DecodeSealedValue(text).has_value());
  Damage({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}, {data + 1, size - 1});
  Check(text);
  return 0;
}
