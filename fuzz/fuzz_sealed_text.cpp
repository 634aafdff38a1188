// What looks like sealed values in an app's text: found in order, apart, within the text, and each
// is found again when it stands alone.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "envelope/sealed_text.h"
#include "require.h"

namespace {

std::size_t Check(std::string_view text) {
  std::size_t end = 0;
  const auto spans = rowseal::FindSealedValues(text);
  for (const rowseal::SealedSpan& span : spans) {
    Require(span.offset >= end && span.offset <= text.size());
    Require(span.size > 0 && span.size <= text.size() - span.offset);
    end = span.offset + span.size;
    const std::string_view alone = text.substr(span.offset, span.size);
    Require(alone.starts_with("rs1."));
    const auto again = rowseal::FindSealedValues(alone);
    Require(again.size() == 1 && again[0].offset == 0 && again[0].size == alone.size());
  }
  return spans.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Check(text);
  // A value between quotation marks, as in JSON, is found whatever stands around it.
  const std::string value = "\"rs1." + std::string(58 + size % 64, 'A') + "\"";
  const std::size_t place = size == 0 ? 0 : data[0] % (size + 1);
  Require(Check(text.substr(0, place) + value + text.substr(place)) >= 1);
  return 0;
}
