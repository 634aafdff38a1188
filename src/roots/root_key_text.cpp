#include "roots/root_key_text.h"

#include <algorithm>
#include <string>

#include "crypto/xaes_256_gcm.h"
#include "roots/checked_text.h"

namespace rowseal {
namespace {

constexpr std::string_view kPrefix = "rsroot1";
tl::unexpected<Error> Malformed(std::string defect) {
  return Fail(ErrorCode::kRootKeyMalformed, "the root key " + std::move(defect),
              "a root key is the line that `rowseal root keygen` wrote: rsroot1 and 58 characters");
}

// Guesses what was pasted instead, to say it.
std::string DescribeForeign(ByteView text) {
  const auto all = [&](auto predicate) { return std::ranges::all_of(text, predicate); };
  const auto is_hex = [](std::uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (text.size() == 2 * kKeySize && all(is_hex)) {
    return "is hexadecimal, not rsroot1 text";
  }
  if (text.size() == kKeySize) {
    return "is 32 raw bytes, not rsroot1 text";
  }
  if (text.size() == 43 || text.size() == 44) {
    return "looks like base64, not rsroot1 text";
  }
  return "does not begin with rsroot1";
}

}  // namespace

Result<SecretBytes> EncodeRootKey(const SecretBytes& key) {
  return EncodeCheckedText(kPrefix, key.Reveal());
}

Result<SecretBytes> DecodeRootKey(ByteView text) {
  if (!text.empty() && text.back() == '\n') {
    text = text.subspan(0, text.size() - 1);
  }
  if (text.empty()) {
    return Malformed("is empty");
  }
  if (!AsText(text).starts_with(kPrefix)) {
    return Malformed(DescribeForeign(text));
  }
  Result<SecretBytes> key = DecodeCheckedText(kPrefix, text, kKeySize);
  if (!key && key.error().code == ErrorCode::kRootKeyMalformed) {
    return Malformed(std::move(key).error().message);
  }
  if (key && std::ranges::all_of(key->Reveal(), [](std::uint8_t byte) { return byte == 0; })) {
    return Malformed("is all zeros");
  }
  return key;
}

}  // namespace rowseal
