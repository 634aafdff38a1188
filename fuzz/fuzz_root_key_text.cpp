// A root key's text has one form, but for one final newline.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "roots/root_key_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto key = rowseal::DecodeRootKey({data, size});
  if (!key) {
    return 0;
  }
  const auto text = rowseal::EncodeRootKey(*key);
  rowseal::ByteView given(data, size);
  if (given.back() == '\n') {
    given = given.first(size - 1);
  }
  if (!text || !std::ranges::equal(text->Reveal(), given)) {
    std::abort();
  }
  return 0;
}
