// A root key's text has one form, but for one final newline.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "require.h"
#include "roots/root_key_text.h"

namespace {

void Check(rowseal::ByteView given) {
  const auto key = rowseal::DecodeRootKey(given);
  if (!key) {
    return;
  }
  const auto text = rowseal::EncodeRootKey(*key);
  if (given.back() == '\n') {
    given = given.first(given.size() - 1);
  }
  Require(text && std::ranges::equal(text->Reveal(), given));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rowseal::ByteView input(data, size);
  Check(input);

  // The text of a key, and the same with damage.
  std::array<std::uint8_t, 32> bytes{1};
  std::copy_n(data, std::min(size, bytes.size()), bytes.begin());
  const auto key = rowseal::SecretBytes::CopyOf(bytes);
  const bool is_zero = std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
  const auto encoded = rowseal::EncodeRootKey(*key);
  Require(encoded.has_value());
  const rowseal::ByteView text = encoded->Reveal();
  Require(rowseal::DecodeRootKey(text).has_value() == !is_zero);
  std::vector<std::uint8_t> damaged(text.begin(), text.end());
  Damage(damaged, input.subspan(std::min(size, bytes.size())));
  Check(damaged);
  return 0;
}
