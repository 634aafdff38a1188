#include "migration/source_key.h"

#include <algorithm>
#include <cstdlib>

#include "base/encoding.h"
#include "crypto/legacy_cipher.h"
#include "crypto/mac.h"
#include "memory/wipe.h"
#include "migration/secret_writer.h"
#include "migration/source_encoding.h"

namespace rowseal {
namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kEnvironment = "env:";
constexpr std::size_t kMaxKeyText = 64U * 1024;  // bytes

Result<SecretBytes> ReadVariable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "there is no such environment variable");
  }
  const std::string_view text(value);
  if (text.size() > kMaxKeyText) {
    return Fail(ErrorCode::kInvalidArgument, "is over 64 KiB");
  }
  return SecretBytes::CopyOf(AsBytes(text));
}

Result<SecretBytes> ReadPlace(const SourceKey& key) {
  ROWSEAL_TRY(CheckKeyPlace(key.place));
  if (key.place.starts_with(kFile)) {
    return ReadSecretFile(key.place.substr(kFile.size()), kMaxKeyText);
  }
  return ReadVariable(key.place.substr(kEnvironment.size()));
}

std::string_view WithoutLineEnd(std::string_view text) noexcept {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
    text.remove_suffix(text.ends_with('\r') ? 1 : 0);
  }
  return text;
}

std::string_view Trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kSpaces);
  return start == std::string_view::npos
             ? std::string_view{}
             : text.substr(start, text.find_last_not_of(kSpaces) - start + 1);
}

Result<SecretBytes> DecodeKey(KeyText form, std::string_view text) {
  switch (form) {
    case KeyText::kRaw:
      return SecretBytes::CopyOf(AsBytes(text));
    case KeyText::kUtf8:
      if (!IsUtf8(text)) {
        return Fail(ErrorCode::kInvalidArgument, "is not UTF-8");
      }
      return SecretBytes::CopyOf(AsBytes(WithoutLineEnd(text)));
    case KeyText::kHex:
      return DecodeSourceSecret(SourceEncoding::kHex, Trimmed(text));
    case KeyText::kBase64:
      return DecodeSourceSecret(SourceEncoding::kBase64, Trimmed(text));
    case KeyText::kBase64Url:
      return DecodeSourceSecret(SourceEncoding::kBase64Url, Trimmed(text));
  }
  return Fail(ErrorCode::kInternal, "a key text of no form");
}

// The first 32 characters of the digest's text, which an app took for the key. The text is wiped.
Result<SecretBytes> KeyOfDigits(std::string text) {
  Result<SecretBytes> key = SecretBytes::CopyOf(AsBytes(text).first(kLegacyKeySize));
  Wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return key;
}

Result<SecretBytes> Sha256Key(KeyHash hash, ByteView secret) {
  Result<Mac> digest = Sha256(secret);
  if (!digest) {
    return tl::unexpected(std::move(digest).error());
  }
  Result<SecretBytes> key = hash == KeyHash::kSha256Hex ? KeyOfDigits(ToHex(*digest))
                            : hash == KeyHash::kSha256Base64
                                ? KeyOfDigits(ToBase64(Base64::kPadded, *digest))
                                : SecretBytes::CopyOf(*digest);
  Wipe(*digest);
  return key;
}

Result<SecretBytes> ReadAndHash(const SourceKey& key) {
  ROWSEAL_ASSIGN(const SecretBytes text, ReadPlace(key));
  ROWSEAL_ASSIGN(SecretBytes secret, DecodeKey(key.text, AsText(text.Reveal())));
  if (secret.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "is empty");
  }
  switch (key.hash) {
    case KeyHash::kNone:
      return secret;
    case KeyHash::kScrypt:
      return NodeScrypt(secret.Reveal(), AsBytes(key.salt));
    case KeyHash::kSha256:
    case KeyHash::kSha256Hex:
    case KeyHash::kSha256Base64:
      return Sha256Key(key.hash, secret.Reveal());
  }
  return Fail(ErrorCode::kInternal, "a key hash of no kind");
}

}  // namespace

Result<void> CheckKeyPlace(std::string_view place) {
  const bool file = place.starts_with(kFile) && place.size() > kFile.size();
  const bool variable = place.starts_with(kEnvironment) && place.size() > kEnvironment.size();
  if (!file && !variable) {
    return Fail(ErrorCode::kInvalidArgument, "key: is neither file:PATH nor env:NAME",
                "a key itself does not belong into a manifest");
  }
  return {};
}

Result<SecretBytes> ReadSourceKey(const SourceKey& key) {
  Result<SecretBytes> secret = ReadAndHash(key);
  if (!secret && secret.error().code != ErrorCode::kResourceExhausted && CheckKeyPlace(key.place)) {
    secret.error().code = ErrorCode::kInvalidArgument;
    secret.error().message = "key '" + Printable(key.place) + "': " + secret.error().message;
  }
  return secret;
}

}  // namespace rowseal
