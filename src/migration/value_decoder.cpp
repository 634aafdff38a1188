#include "migration/value_decoder.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <rowseal/client.h>

#include "crypto/legacy_cipher.h"
#include "migration/source_parts.h"

namespace rowseal {
namespace {

using Kind = SourceFormat::Kind;

static_assert(kMaxStoredValue > 2 * kMaxSecretSize);

constexpr std::string_view kSaltedMark = "Salted__";

Result<void> CheckKey(Kind kind, const std::optional<SecretBytes>& key) {
  if (kind == Kind::kPlain && key) {
    return Fail(ErrorCode::kInvalidArgument, "key: a plain column has none");
  }
  if (kind != Kind::kPlain && (!key || key->empty())) {
    return Fail(ErrorCode::kInvalidArgument, "key: is missing");
  }
  const bool raw = kind == Kind::kNodeGcm || kind == Kind::kCbc;
  if (raw && key->size() != kLegacyKeySize) {
    return Fail(ErrorCode::kInvalidArgument,
                "key: has " + std::to_string(key->size()) + " bytes; AES-256 takes 32",
                "key_encoding says how the key is written, key_hash what the app makes of it");
  }
  return {};
}

bool IsUnauthenticatedCipher(Kind kind) noexcept {
  return kind == Kind::kCbc || kind == Kind::kOpenSslSalted;
}

// `openssl enc -a` breaks its lines at 64 characters and ends the last one.
std::string WithoutLineBreaks(std::string_view text) {
  std::string joined;
  joined.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(joined),
                       [](char character) { return character != '\n' && character != '\r'; });
  return joined;
}

}  // namespace

Result<ValueDecoder> ValueDecoder::Make(SourceFormat format, std::optional<SecretBytes> key) {
  ROWSEAL_TRY(CheckFormat(format));
  ROWSEAL_TRY(CheckKey(format.kind, key));
  return ValueDecoder(std::move(format), key ? std::move(*key) : SecretBytes());
}

Result<ValueDecoder> ValueDecoder::Open(ValueSource source) {
  std::optional<SecretBytes> key;
  if (source.key) {
    ROWSEAL_ASSIGN(key, ReadSourceKey(*source.key));
  }
  return Make(std::move(source.format), std::move(key));
}

bool ValueDecoder::IsAuthenticated() const noexcept {
  return format_.kind == Kind::kNodeGcm &&
         (format_.prefix.empty() ||
          format_.without_prefix == SourceFormat::WithoutPrefix::kRefused);
}

Result<SecretBytes> ValueDecoder::Decode(ByteView stored) const {
  if (stored.size() > kMaxStoredValue) {
    return Fail(ErrorCode::kIntegrity, "the value is longer than any that Rowseal seals");
  }
  const bool prefixed = AsText(stored).starts_with(format_.prefix);
  if (!prefixed && format_.without_prefix == SourceFormat::WithoutPrefix::kRefused) {
    return Fail(ErrorCode::kIntegrity, "the value does not begin with the prefix");
  }
  ROWSEAL_ASSIGN(SecretBytes plaintext, prefixed ? OpenBody(stored.subspan(format_.prefix.size()))
                                                 : SecretBytes::CopyOf(stored));
  const auto content = IsUnauthenticatedCipher(format_.kind) ? Plausibility::Content::kText
                                                             : Plausibility::Content::kBytes;
  if (Result<void> plausible = CheckPlausible(format_.plausibility, content, plaintext.Reveal());
      !plausible) {
    if (prefixed && IsUnauthenticatedCipher(format_.kind)) {
      plausible.error().hint = "most likely the key, its hash or the iv is another";
    }
    return tl::unexpected(std::move(plausible).error());
  }
  return plaintext;
}

Result<SecretBytes> ValueDecoder::OpenBody(ByteView body) const {
  if (format_.kind == Kind::kPlain) {
    return DecodeSourceSecret(format_.encoding, AsText(body));
  }
  if (body.empty()) {
    return Fail(ErrorCode::kIntegrity, "the value is empty, and so was never encrypted");
  }
  if (format_.kind == Kind::kOpenSslSalted) {
    return OpenSalted(body);
  }
  ROWSEAL_ASSIGN(const SourceParts parts, SplitParts(format_, body));
  if (format_.kind == Kind::kCbc) {
    return OpenLegacyCbc(key_.Reveal(), parts.iv, parts.ciphertext);
  }
  return OpenLegacyGcm(key_.Reveal(),
                       {parts.iv, parts.tag, parts.ciphertext, AsBytes(format_.associated)});
}

Result<SecretBytes> ValueDecoder::OpenSalted(ByteView body) const {
  const bool raw = format_.encoding == SourceEncoding::kRaw;
  ROWSEAL_ASSIGN(const Bytes bytes,
                 DecodeSource(format_.encoding,
                              raw ? std::string(AsText(body)) : WithoutLineBreaks(AsText(body))));
  const ByteView salted = bytes;
  if (!AsText(salted).starts_with(kSaltedMark) ||
      salted.size() < kSaltedMark.size() + kOpenSslSaltSize) {
    return Fail(ErrorCode::kIntegrity, "the value does not begin with OpenSSL's mark and a salt");
  }
  const ByteView ciphertext = salted.subspan(kSaltedMark.size() + kOpenSslSaltSize);
  if (ciphertext.empty() || ciphertext.size() % kCbcBlockSize != 0) {  // before the costly part
    return Fail(ErrorCode::kIntegrity, "the ciphertext is not of whole blocks of 16 bytes");
  }
  ROWSEAL_ASSIGN(const SecretBytes derived,
                 DeriveSaltedKey(salted.subspan(kSaltedMark.size(), kOpenSslSaltSize)));
  return OpenLegacyCbc(derived.Reveal().first(kLegacyKeySize),
                       derived.Reveal().subspan(kLegacyKeySize), ciphertext);
}

Result<SecretBytes> ValueDecoder::DeriveSaltedKey(ByteView salt) const {
  switch (format_.kdf) {
    case SaltedKdf::kPbkdf2:
      return Pbkdf2HmacSha256(key_.Reveal(), salt, format_.iterations, kSaltedKeySize);
    case SaltedKdf::kMd5:
      return OpenSslBytesToKey(LegacyHash::kMd5, key_.Reveal(), salt, format_.iterations);
    case SaltedKdf::kSha256:
      return OpenSslBytesToKey(LegacyHash::kSha256, key_.Reveal(), salt, format_.iterations);
  }
  return Fail(ErrorCode::kInternal, "a key derivation of no kind");
}

}  // namespace rowseal
