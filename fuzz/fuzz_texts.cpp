// Encodings, ids, names and times: whatever parses prints as what was parsed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <rowseal/ids.h>

#include "base/clock.h"
#include "base/encoding.h"

namespace {

void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = rowseal::FromBase64Url(text)) {
    Require(rowseal::ToBase64Url(*bytes) == text);
  }
  if (const auto bytes = rowseal::FromHex(text)) {
    Require(rowseal::ToHex(*bytes) == text);
  }
  if (const auto id = rowseal::ParseUuid<rowseal::SecretId>(text)) {
    Require(rowseal::ToText(*id) == text);
  }
  if (const auto name = rowseal::SecretName::Parse(text)) {
    Require(name->text() == text && rowseal::IsUtf8(text));
  }
  if (const auto time = rowseal::ParseRfc3339(text)) {
    const auto again = rowseal::ParseRfc3339(rowseal::ToRfc3339(*time));
    Require(again && *again == *time);
  }
  Require(rowseal::IsUtf8(rowseal::Printable(text)));
  return 0;
}
