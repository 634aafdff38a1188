#include "envelope/sealed_value.h"

#include <algorithm>

#include "base/encoding.h"
#include "envelope/padding.h"

namespace rowseal {
namespace {

constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kDekAt = 3;
constexpr std::size_t kNonceAt = 19;

bool HasKnownForm(const Bytes& bytes) {
  if (bytes.size() < kSealedValueHeaderSize + kPaddingBlock + kTagBytes) {
    return false;
  }
  const bool whole_blocks =
      (bytes.size() - kSealedValueHeaderSize - kTagBytes) % kPaddingBlock == 0;
  const bool known_kind = bytes[2] == static_cast<std::uint8_t>(ContextKind::kField) ||
                          bytes[2] == static_cast<std::uint8_t>(ContextKind::kCell);
  return whole_blocks && known_kind && bytes[0] == kFormatVersion &&
         bytes[1] == static_cast<std::uint8_t>(Suite::kXaes256Gcm);
}

}  // namespace

std::string EncodeSealedValue(const SealedValue& value) {
  Bytes bytes;
  bytes.reserve(kSealedValueHeaderSize + value.sealed.size());
  bytes.push_back(kFormatVersion);
  bytes.push_back(static_cast<std::uint8_t>(value.suite));
  bytes.push_back(static_cast<std::uint8_t>(value.context_kind));
  bytes.insert(bytes.end(), value.dek.bytes.begin(), value.dek.bytes.end());
  bytes.insert(bytes.end(), value.nonce.begin(), value.nonce.end());
  bytes.insert(bytes.end(), value.sealed.begin(), value.sealed.end());
  return std::string(kSealedValuePrefix) + ToBase64(Base64::kUrl, bytes);
}

Result<SealedValue> DecodeSealedValue(std::string_view text) {
  const auto refuse = [](std::string why) {
    return Fail(ErrorCode::kIntegrity, std::move(why),
                "the text must be stored exactly as it was sealed");
  };
  if (!text.starts_with(kSealedValuePrefix)) {
    return refuse("the value is not sealed: it does not begin with rs1.");
  }
  const Result<Bytes> decoded = FromBase64(Base64::kUrl, text.substr(kSealedValuePrefix.size()));
  if (!decoded || !HasKnownForm(*decoded)) {
    return refuse("the sealed value is not of a known form");
  }
  const auto at = [&](std::size_t offset) {
    return decoded->begin() + static_cast<std::ptrdiff_t>(offset);
  };
  SealedValue value;
  value.context_kind = static_cast<ContextKind>((*decoded)[2]);
  std::copy_n(at(kDekAt), value.dek.bytes.size(), value.dek.bytes.begin());
  std::copy_n(at(kNonceAt), value.nonce.size(), value.nonce.begin());
  value.sealed.assign(at(kSealedValueHeaderSize), decoded->end());
  return value;
}

}  // namespace rowseal
