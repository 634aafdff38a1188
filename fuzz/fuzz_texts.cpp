// Encodings, ids, names, times and words of closed sets: whatever parses prints as what was parsed.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include <rowseal/ids.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "keys/key_state.h"
#include "keys/records.h"
#include "require.h"

namespace {

template <class T>
void RequireSameWord(const rowseal::Result<T>& parsed, std::string_view text) {
  Require(!parsed || ToText(*parsed) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const rowseal::ByteView bytes(data, size);
  Require(std::ranges::equal(*rowseal::FromHex(rowseal::ToHex(bytes)), bytes));
  Require(std::ranges::equal(
      *rowseal::FromBase64(rowseal::Base64::kUrl, rowseal::ToBase64(rowseal::Base64::kUrl, bytes)),
      bytes));
  if (const auto decoded = rowseal::FromBase64(rowseal::Base64::kUrl, text)) {
    Require(rowseal::ToBase64(rowseal::Base64::kUrl, *decoded) == text);
  }
  if (const auto decoded = rowseal::FromHex(text)) {
    Require(rowseal::ToHex(*decoded) == text);
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
  RequireSameWord(rowseal::ParseSecretKind(text), text);
  RequireSameWord(rowseal::ParseContextKind(text), text);
  RequireSameWord(rowseal::ParseKeyState(text), text);
  RequireSameWord(rowseal::ParseKekPurpose(text), text);
  RequireSameWord(rowseal::ParseDekPurpose(text), text);
  RequireSameWord(rowseal::ParseColumnState(text), text);
  Require(rowseal::IsUtf8(rowseal::Printable(text)));
  return 0;
}
