// Whatever decodes re-encodes to the same text, and nothing else is accepted.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "envelope/sealed_value.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = rowseal::DecodeSealedValue(text);
  if (value && rowseal::EncodeSealedValue(*value) != text) {
    std::abort();
  }
  return 0;
}
