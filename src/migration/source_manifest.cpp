#include "migration/source_manifest.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <rowseal/client.h>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/legacy_cipher.h"
#include "migration/source_parts.h"

namespace rowseal {
namespace {

using Kind = SourceFormat::Kind;
using WithoutPrefix = SourceFormat::WithoutPrefix;

template <class T>
struct Choice {
  std::string_view word;
  T meaning;
};

constexpr Choice<Kind> kKinds[] = {{"node-gcm", Kind::kNodeGcm},
                                   {"aes-256-cbc", Kind::kCbc},
                                   {"openssl", Kind::kOpenSslSalted},
                                   {"plain", Kind::kPlain}};
constexpr Choice<WithoutPrefix> kWithoutPrefix[] = {{"refuse", WithoutPrefix::kRefused},
                                                    {"plain", WithoutPrefix::kPlaintext}};
constexpr Choice<SourceEncoding> kEncodingWords[] = {{"hex", SourceEncoding::kHex},
                                                     {"base64", SourceEncoding::kBase64},
                                                     {"base64url", SourceEncoding::kBase64Url},
                                                     {"raw", SourceEncoding::kRaw}};
constexpr Choice<SourcePart> kPartWords[] = {
    {"iv", SourcePart::kIv}, {"tag", SourcePart::kTag}, {"ciphertext", SourcePart::kCiphertext}};
constexpr Choice<SaltedKdf> kKdfs[] = {
    {"md5", SaltedKdf::kMd5}, {"sha256", SaltedKdf::kSha256}, {"pbkdf2", SaltedKdf::kPbkdf2}};
constexpr Choice<KeyText> kKeyTexts[] = {{"hex", KeyText::kHex},
                                         {"base64", KeyText::kBase64},
                                         {"base64url", KeyText::kBase64Url},
                                         {"raw", KeyText::kRaw},
                                         {"utf8", KeyText::kUtf8}};
constexpr Choice<KeyHash> kKeyHashes[] = {{"none", KeyHash::kNone},
                                          {"sha256", KeyHash::kSha256},
                                          {"sha256-hex", KeyHash::kSha256Hex},
                                          {"sha256-base64", KeyHash::kSha256Base64},
                                          {"scrypt", KeyHash::kScrypt}};
constexpr Choice<Plausibility::Content> kContents[] = {{"text", Plausibility::Content::kText},
                                                       {"bytes", Plausibility::Content::kBytes}};
constexpr Choice<TokenShape> kShapes[] = {{"printable", TokenShape::kPrintable},
                                          {"hex", TokenShape::kHex},
                                          {"base64url", TokenShape::kBase64Url},
                                          {"uuid", TokenShape::kUuid},
                                          {"jwt", TokenShape::kJwt}};

constexpr std::uint32_t kOpenSslIterations = 10'000;  // `openssl enc -pbkdf2` without -iter

tl::unexpected<Error> RefuseKey(std::string why, std::string hint = {}) {
  return Fail(ErrorCode::kInvalidArgument, std::move(why), std::move(hint));
}

template <class T>
std::string WordsOf(std::span<const Choice<T>> choices) {
  return Join(choices, ", ", &Choice<T>::word);
}

template <class T>
Result<T> MeaningOf(std::string_view key, std::string_view word,
                    std::span<const Choice<T>> choices) {
  const auto found = std::ranges::find(choices, word, &Choice<T>::word);
  if (found == choices.end()) {
    return RefuseKey(std::string(key) + ": '" + Printable(word) + "' is none of " +
                     WordsOf(choices));
  }
  return found->meaning;
}

// Reads keys of a manifest, and knows which were read.
class ManifestReader final {
 public:
  explicit ManifestReader(const std::map<std::string, std::string>& manifest)
      : manifest_(manifest) {}

  std::optional<std::string> Take(const std::string& key) {
    taken_.insert(key);
    const auto entry = manifest_.find(key);
    return entry == manifest_.end() ? std::nullopt : std::optional(entry->second);
  }

  std::string TakeText(const std::string& key) { return Take(key).value_or(std::string()); }

  template <class T, std::size_t Size>
  Result<std::optional<T>> TakeWord(const std::string& key, const Choice<T> (&choices)[Size]) {
    const std::optional<std::string> word = Take(key);
    if (!word) {
      return std::optional<T>();
    }
    return MeaningOf<T>(key, *word, choices);
  }

  template <class T, std::size_t Size>
  Result<T> TakeWord(const std::string& key, const Choice<T> (&choices)[Size], T otherwise) {
    ROWSEAL_ASSIGN(const std::optional<T> meaning, TakeWord(key, choices));
    return meaning.value_or(otherwise);
  }

  Result<std::optional<std::size_t>> TakeNumber(const std::string& key, std::size_t least,
                                                std::size_t most) {
    const std::optional<std::string> text = Take(key);
    if (!text) {
      return std::optional<std::size_t>();
    }
    std::size_t number = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, failure] = std::from_chars(text->data(), end, number);
    if (failure != std::errc() || stop != end || number < least || number > most) {
      return RefuseKey(key + ": is a number of " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    return std::optional(number);
  }

  // Refuses what nobody asked for.
  Result<void> Finish() const {
    for (const auto& [key, value] : manifest_) {
      if (!taken_.contains(key)) {
        return RefuseKey("'" + Printable(key) + "' says nothing in this format",
                         "it takes " + Join(taken_, ", "));
      }
    }
    return {};
  }

 private:
  const std::map<std::string, std::string>& manifest_;
  std::set<std::string> taken_;
};

// `iv=iv,tag=authTag`: what stands for each part.
Result<std::map<SourcePart, std::string>> ParseByPart(const std::string& key,
                                                      std::string_view text) {
  std::map<SourcePart, std::string> by_part;
  for (const std::string_view item : Split(text, ",")) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      return RefuseKey(key + ": '" + Printable(item) + "' is not of the form PART=…",
                       "the parts are " + WordsOf<SourcePart>(kPartWords));
    }
    ROWSEAL_ASSIGN(const SourcePart part,
                   MeaningOf<SourcePart>(key, item.substr(0, equals), kPartWords));
    if (!by_part.emplace(part, item.substr(equals + 1)).second) {
      return RefuseKey(key + ": the part '" + SourcePartName(part) + "' comes twice");
    }
  }
  return by_part;
}

Result<void> TakeEncoding(ManifestReader& reader, SourceEncoding otherwise, SourceFormat& format) {
  const std::string text = reader.TakeText("encoding");
  format.encoding = otherwise;
  if (text.find('=') == std::string::npos) {
    ROWSEAL_ASSIGN(format.encoding, reader.TakeWord("encoding", kEncodingWords, otherwise));
    return {};
  }
  ROWSEAL_ASSIGN(const auto by_part, ParseByPart("encoding", text));
  for (const auto& [part, word] : by_part) {
    ROWSEAL_ASSIGN(format.encoding_of[part],
                   MeaningOf<SourceEncoding>("encoding", word, kEncodingWords));
  }
  return {};
}

const Choice<SourcePart>* PartAtStart(std::string_view text) {
  const auto found = std::ranges::find_if(
      kPartWords, [&](const Choice<SourcePart>& part) { return text.starts_with(part.word); });
  return found == std::end(kPartWords) ? nullptr : &*found;
}

// `iv:tag:ciphertext`: the parts' names, and between them everywhere the same text.
Result<void> ParseLayout(std::string_view text, SourceFormat& format) {
  const std::string hint = "write it as the value looks, such as iv:tag:ciphertext";
  for (std::optional<std::string_view> separator; !text.empty();) {
    const Choice<SourcePart>* const part = PartAtStart(text);
    if (part == nullptr) {
      return RefuseKey("layout: the parts are " + WordsOf<SourcePart>(kPartWords), hint);
    }
    format.layout.push_back(part->meaning);
    text.remove_prefix(part->word.size());
    std::size_t end = 0;
    while (end < text.size() && PartAtStart(text.substr(end)) == nullptr) {
      ++end;
    }
    if (end == 0 && text.empty()) {
      break;
    }
    if (end == 0 || end == text.size() || (separator && *separator != text.substr(0, end))) {
      return RefuseKey("layout: between two parts, and only there, stands the same text", hint);
    }
    separator = text.substr(0, end);
    format.separator = std::string(*separator);
    text.remove_prefix(end);
  }
  return {};
}

Result<void> TakeCipher(ManifestReader& reader, SourceFormat& format) {
  const bool is_gcm = format.kind == Kind::kNodeGcm;
  ROWSEAL_TRY(TakeEncoding(reader, SourceEncoding::kHex, format));
  const std::optional<std::string> json = reader.Take("json");
  const std::optional<std::string> layout = reader.Take("layout");
  const std::optional<std::string> separator = reader.Take("separator");
  if (json && (layout || separator)) {
    return RefuseKey("json: a JSON object has neither layout nor separator");
  }
  if (json) {
    ROWSEAL_ASSIGN(format.members, ParseByPart("json", *json));
  } else {
    ROWSEAL_TRY(
        ParseLayout(layout.value_or(is_gcm ? "iv:tag:ciphertext" : "iv:ciphertext"), format));
    format.separator = separator.value_or(format.separator);
  }
  if (is_gcm) {
    ROWSEAL_ASSIGN(const auto iv_bytes, reader.TakeNumber("iv_bytes", 12, 16));
    format.iv_bytes = iv_bytes.value_or(format.iv_bytes);
    format.associated = reader.TakeText("aad");
  }
  return {};
}

Result<void> TakeSalted(ManifestReader& reader, SourceFormat& format) {
  ROWSEAL_TRY(TakeEncoding(reader, SourceEncoding::kBase64, format));
  if (!format.encoding_of.empty()) {
    return RefuseKey("encoding: this format has no parts");
  }
  ROWSEAL_ASSIGN(const auto kdf, reader.TakeWord("kdf", kKdfs));
  if (!kdf) {
    return RefuseKey(
        "kdf: is missing; it is one of " + WordsOf<SaltedKdf>(kKdfs),
        "md5 for CryptoJS and openssl enc before 1.1.0, sha256 for later ones, pbkdf2 for"
        " openssl enc -pbkdf2");
  }
  format.kdf = *kdf;
  ROWSEAL_ASSIGN(const auto iterations, reader.TakeNumber("iterations", 1, kMaxKdfIterations));
  const bool pbkdf2 = format.kdf == SaltedKdf::kPbkdf2;
  format.iterations =
      static_cast<std::uint32_t>(iterations.value_or(pbkdf2 ? kOpenSslIterations : 1));
  return {};
}

Result<void> TakePlausibility(ManifestReader& reader, Plausibility& rules) {
  ROWSEAL_ASSIGN(rules.content, reader.TakeWord("content", kContents));
  ROWSEAL_ASSIGN(rules.shape, reader.TakeWord("shape", kShapes));
  ROWSEAL_ASSIGN(const auto min_bytes, reader.TakeNumber("min_bytes", 0, kMaxSecretSize));
  rules.min_bytes = min_bytes.value_or(0);
  ROWSEAL_ASSIGN(rules.max_bytes, reader.TakeNumber("max_bytes", 0, kMaxSecretSize));
  const std::string starts_with = reader.TakeText("starts_with");
  if (starts_with.empty()) {
    return {};
  }
  for (const std::string_view start : Split(starts_with, ",")) {
    if (start.empty()) {
      return RefuseKey("starts_with: an empty beginning fits everything");
    }
    rules.starts_with.emplace_back(start);
  }
  return {};
}

Result<void> TakePrefix(ManifestReader& reader, SourceFormat& format) {
  format.prefix = reader.TakeText("prefix");
  ROWSEAL_ASSIGN(const auto without, reader.TakeWord("without_prefix", kWithoutPrefix));
  if (without && format.prefix.empty()) {
    return RefuseKey("without_prefix: there is no prefix");
  }
  format.without_prefix = without.value_or(WithoutPrefix::kRefused);
  return {};
}

Result<SourceKey> TakeKey(ManifestReader& reader, Kind kind) {
  SourceKey key;
  key.place = reader.TakeText("key");
  if (key.place.empty()) {
    return RefuseKey("key: is missing; it is file:PATH or env:NAME");
  }
  ROWSEAL_TRY(CheckKeyPlace(key.place));
  std::optional<std::string> salt;
  if (kind != Kind::kOpenSslSalted) {
    ROWSEAL_ASSIGN(key.hash, reader.TakeWord("key_hash", kKeyHashes, KeyHash::kNone));
    salt = reader.Take("salt");
  }
  if (salt.has_value() != (key.hash == KeyHash::kScrypt)) {
    return RefuseKey(salt ? "salt: only key_hash = scrypt takes one"
                          : "salt: is missing; scrypt takes the text that the app gave it");
  }
  key.salt = salt.value_or("");
  // A raw key is mostly written in hex; what is hashed first, and a passphrase, is text.
  const bool is_raw_key = kind != Kind::kOpenSslSalted && key.hash == KeyHash::kNone;
  ROWSEAL_ASSIGN(key.text, reader.TakeWord("key_encoding", kKeyTexts,
                                           is_raw_key ? KeyText::kHex : KeyText::kUtf8));
  return key;
}

Result<void> TakeKind(ManifestReader& reader, ValueSource& source) {
  switch (source.format.kind) {
    case Kind::kPlain:
      ROWSEAL_TRY(TakeEncoding(reader, SourceEncoding::kRaw, source.format));
      if (!source.format.encoding_of.empty()) {
        return RefuseKey("encoding: a plain value has no parts");
      }
      return {};
    case Kind::kNodeGcm:
    case Kind::kCbc:
      ROWSEAL_TRY(TakeCipher(reader, source.format));
      break;
    case Kind::kOpenSslSalted:
      ROWSEAL_TRY(TakeSalted(reader, source.format));
      break;
  }
  ROWSEAL_ASSIGN(source.key, TakeKey(reader, source.format.kind));
  return {};
}

}  // namespace

Result<ValueSource> ParseSource(const std::map<std::string, std::string>& manifest) {
  ManifestReader reader(manifest);
  ValueSource source;
  ROWSEAL_ASSIGN(const auto kind, reader.TakeWord("format", kKinds));
  if (!kind) {
    return RefuseKey("format: is missing; it is one of " + WordsOf<Kind>(kKinds));
  }
  source.format.kind = *kind;
  ROWSEAL_TRY(TakePrefix(reader, source.format));
  ROWSEAL_TRY(TakeKind(reader, source));
  ROWSEAL_TRY(TakePlausibility(reader, source.format.plausibility));
  ROWSEAL_TRY(reader.Finish());
  ROWSEAL_TRY(CheckFormat(source.format));
  return source;
}

}  // namespace rowseal
