#include "migration/scan/value_class.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/encoding.h"
#include "envelope/sealed_value.h"
#include "migration/manifest.h"
#include "migration/plausibility.h"
#include "migration/scan/characters.h"

namespace rowseal {
namespace {

constexpr std::size_t kEnoughToClassify = 4096;  // bytes

using Fits = bool (*)(char);

bool IsTokenDigit(char c) { return IsAlnum(c) || c == '_' || c == '-'; }
bool IsUpperAlnum(char c) { return IsUpper(c) || IsDigit(c); }
bool IsBase32Digit(char c) { return IsUpper(c) || (c >= '2' && c <= '7'); }
bool IsBase64Digit(char c) { return IsTokenDigit(c) || c == '+' || c == '/'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsForeign(char c) { return static_cast<unsigned char>(c) >= 0x80; }

std::size_t Span(std::string_view text, Fits fits) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, fits) - text.begin());
}
bool All(std::string_view text, Fits fits) { return Span(text, fits) == text.size(); }
std::size_t Count(std::string_view text, Fits fits) {
  return static_cast<std::size_t>(std::ranges::count_if(text, fits));
}

bool StartsWithInAnyCase(std::string_view text, std::string_view lower_prefix) {
  return text.size() >= lower_prefix.size() &&
         std::ranges::equal(text.substr(0, lower_prefix.size()), lower_prefix, {},
                            [](char c) { return IsUpper(c) ? static_cast<char>(c | 0x20) : c; });
}

// ---- tokens that say what they are ----

struct TokenForm {
  std::string_view prefix;
  Shape shape;
  std::size_t min_body;  // characters behind the prefix
  std::size_t max_body;
  Fits digit;
};
constexpr std::size_t kAny = 4096;

// From the services' own documents and the rules of secret scanners. A longer prefix stands before
// one that it begins with.
constexpr auto kTokenForms = std::to_array<TokenForm>({
    {"github_pat_", Shape::kGithubToken, 22, kAny, IsTokenDigit},
    {"ghp_", Shape::kGithubToken, 30, 255, IsAlnum},
    {"gho_", Shape::kGithubToken, 30, 255, IsAlnum},
    {"ghu_", Shape::kGithubToken, 30, 255, IsAlnum},
    {"ghs_", Shape::kGithubToken, 30, 255, IsTokenDigit},
    {"ghr_", Shape::kGithubToken, 30, 255, IsAlnum},
    {"glpat-", Shape::kGitlabToken, 20, 255, IsTokenDigit},
    {"gldt-", Shape::kGitlabToken, 20, 255, IsTokenDigit},
    {"sk_live_", Shape::kStripeKey, 10, 255, IsAlnum},
    {"sk_test_", Shape::kStripeKey, 10, 255, IsAlnum},
    {"rk_live_", Shape::kStripeKey, 10, 255, IsAlnum},
    {"rk_test_", Shape::kStripeKey, 10, 255, IsAlnum},
    {"whsec_", Shape::kWebhookSecret, 16, 255, IsBase64Digit},
    {"xoxb-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"xoxp-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"xoxa-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"xoxr-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"xoxs-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"xapp-", Shape::kSlackToken, 10, kAny, IsTokenDigit},
    {"AKIA", Shape::kAwsKeyId, 16, 16, IsUpperAlnum},
    {"ASIA", Shape::kAwsKeyId, 16, 16, IsUpperAlnum},
    {"AIza", Shape::kGoogleKey, 35, 35, IsTokenDigit},
    {"GOCSPX-", Shape::kGoogleKey, 20, 40, IsTokenDigit},
    {"ya29.", Shape::kGoogleKey, 20, kAny, IsTokenDigit},
    {"sk-proj-", Shape::kOpenAiKey, 20, kAny, IsTokenDigit},
    {"sk-svcacct-", Shape::kOpenAiKey, 20, kAny, IsTokenDigit},
    {"sk-ant-", Shape::kServiceToken, 20, kAny, IsTokenDigit},
    {"sk-", Shape::kOpenAiKey, 32, 64, IsAlnum},
    {"npm_", Shape::kServiceToken, 36, 36, IsAlnum},
    {"pypi-", Shape::kServiceToken, 50, kAny, IsTokenDigit},
    {"dckr_pat_", Shape::kServiceToken, 20, 64, IsTokenDigit},
    {"dop_v1_", Shape::kServiceToken, 64, 64, IsHexDigit},
    {"shpat_", Shape::kServiceToken, 32, 32, IsHexDigit},
    {"shpss_", Shape::kServiceToken, 32, 32, IsHexDigit},
    {"hf_", Shape::kServiceToken, 30, 64, IsAlnum},
    {"sbp_", Shape::kServiceToken, 40, 40, IsHexDigit},
    {"sb_secret_", Shape::kServiceToken, 20, 64, IsTokenDigit},
    {"lin_api_", Shape::kServiceToken, 32, 64, IsAlnum},
    {"glsa_", Shape::kServiceToken, 32, 64, IsTokenDigit},
    {"ATATT3", Shape::kServiceToken, 40, kAny, IsBase64Digit},
    {"tskey-", Shape::kServiceToken, 20, 128, IsTokenDigit},
    {"hvs.", Shape::kServiceToken, 24, kAny, IsTokenDigit},
    {"secret_", Shape::kServiceToken, 32, 64, IsAlnum},
    {"AGE-SECRET-KEY-1", Shape::kServiceToken, 58, 58, IsUpperAlnum},
});

struct Found {
  Shape shape;
  std::size_t size;
};

// A body of words (`ghp_xxxxxxxxxxxx`, `secret_santa_…`) is an example or a name.
bool IsRepetitive(std::string_view body) {
  std::array<bool, 256> seen{};
  for (const char c : body) {
    seen.at(static_cast<unsigned char>(c)) = true;
  }
  return std::ranges::count(seen, true) < 5;
}

std::optional<Found> SendGridKeyAt(std::string_view text) {
  constexpr std::size_t kSize = 69;
  const bool fits = text.size() >= kSize && text.starts_with("SG.") && text[25] == '.' &&
                    All(text.substr(3, 22), IsTokenDigit) && All(text.substr(26, 43), IsTokenDigit);
  return fits ? std::optional(Found{Shape::kServiceToken, kSize}) : std::nullopt;
}

// Three parts of base64url (RFC 7519); the third is empty where it is not signed.
std::optional<Found> JwtAt(std::string_view text) {
  constexpr std::size_t kShortestHeader = 16;
  if (!text.starts_with("eyJ")) {
    return std::nullopt;
  }
  const std::size_t header = Span(text, IsTokenDigit);
  if (header < kShortestHeader || !text.substr(header).starts_with(".eyJ")) {
    return std::nullopt;
  }
  const std::size_t claims_end = header + 1 + Span(text.substr(header + 1), IsTokenDigit);
  if (claims_end >= text.size() || text[claims_end] != '.') {
    return std::nullopt;
  }
  return Found{Shape::kJwt, claims_end + 1 + Span(text.substr(claims_end + 1), IsTokenDigit)};
}

std::optional<Found> PrivateKeyAt(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::size_t kLongestLabel = 40;
  if (!text.starts_with(kBegin)) {
    return std::nullopt;
  }
  const std::string_view label = text.substr(kBegin.size(), kLongestLabel);
  const std::size_t end = label.find("-----");
  if (end == std::string_view::npos || label.substr(0, end).find("PRIVATE KEY") == label.npos) {
    return std::nullopt;
  }
  return Found{Shape::kPrivateKey, text.size()};
}

std::optional<Found> TokenAt(std::string_view text) {
  for (const TokenForm& form : kTokenForms) {
    if (!text.starts_with(form.prefix)) {
      continue;
    }
    const std::string_view rest = text.substr(form.prefix.size());
    const std::size_t size = Span(rest, form.digit);
    if (size >= form.min_body && size <= form.max_body && !IsRepetitive(rest.substr(0, size))) {
      return Found{form.shape, form.prefix.size() + size};
    }
  }
  if (std::optional<Found> jwt = JwtAt(text)) {
    return jwt;
  }
  return text.starts_with("SG.") ? SendGridKeyAt(text) : PrivateKeyAt(text);
}

// ---- what protects already ----

bool IsPasswordHash(std::string_view text) {
  constexpr auto kPrefixes = std::to_array<std::string_view>(
      {"$2a$",    "$2b$",    "$2x$",     "$2y$",    "$argon2",        "$pbkdf2",
       "pbkdf2_", "pbkdf2:", "$scrypt$", "scrypt:", "scrypt$",        "$1$",
       "$5$",     "$6$",     "$y$",      "$7$",     "$apr1$",         "$P$",
       "$H$",     "{SSHA",   "{SHA",     "{CRYPT}", "SCRAM-SHA-256$", "bcrypt_sha256$",
       "bcrypt$", "argon2$", "sha1$",    "sha256$"});
  constexpr std::size_t kShortest = 20;
  return text.size() >= kShortest && std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
           return text.starts_with(prefix);
         });
}

// An IV, a tag and a ciphertext in hexadecimal, as programs over node:crypto write them; a MAC or
// IPv6 address has shorter groups.
std::optional<Shape> NodeCipher(std::string_view text) {
  constexpr std::size_t kShortestPart = 16;
  std::size_t parts = 0;
  bool has_iv = false;
  while (true) {
    const std::size_t size = Span(text, IsHexDigit);
    if (size < kShortestPart || size % 2 != 0) {
      return std::nullopt;
    }
    has_iv = has_iv || size == 24 || size == 32;
    ++parts;
    if (size == text.size()) {
      const bool is_known = has_iv && (parts == 2 || parts == 3);
      return is_known ? std::optional(parts == 3 ? Shape::kGcmCipher : Shape::kCbcCipher)
                      : std::nullopt;
    }
    if (text[size] != ':') {
      return std::nullopt;
    }
    text.remove_prefix(size + 1);
  }
}

std::optional<Shape> CipherShape(std::string_view text) {
  constexpr auto kPrefixes = std::to_array<std::string_view>(
      {"enc:", "encrypted:", "ENC[", "ENC(", "vault:v", "aes-256-", "aes256", "aes-128-",
       "aes:", "v1:aes", "v1.aes", "$ANSIBLE_VAULT", "kms:", "k8s:enc:", "secretbox:", "crypt:"});
  constexpr auto kOthers = std::to_array<std::string_view>(
      {"gAAAAA", "-----BEGIN PGP MESSAGE", "-----BEGIN AGE ENCRYPTED", "age-encryption.org/",
       "AQICAH", "AQECAH"});
  constexpr std::size_t kShortest = 20;
  if (text.size() < kShortest) {
    return std::nullopt;
  }
  const auto begins = [&](std::string_view prefix) { return text.starts_with(prefix); };
  const bool has_spaces = std::ranges::any_of(text, IsSpace) && !text.starts_with("-----") &&
                          !text.starts_with("$ANSIBLE") && !text.starts_with("age-");
  if (has_spaces) {
    return std::nullopt;
  }
  if (text.starts_with("U2FsdGVkX1")) {  // base64 of `Salted__`
    return Shape::kOpenSslCipher;
  }
  if (const std::optional<Shape> cipher = NodeCipher(text)) {
    return cipher;
  }
  if (std::ranges::any_of(kPrefixes, begins)) {
    return Shape::kPrefixedCipher;
  }
  if (std::ranges::any_of(kOthers, begins)) {
    return Shape::kOtherCipher;
  }
  // A JWE has five parts, a JWT three.
  const bool is_jwe = text.starts_with("eyJ") && std::ranges::count(text, '.') == 4 &&
                      std::ranges::all_of(text, [](char c) { return IsTokenDigit(c) || c == '.'; });
  return is_jwe ? std::optional(Shape::kOtherCipher) : std::nullopt;
}

// ---- URLs and headers ----

bool IsTemplated(std::string_view text) {
  const std::size_t open = text.find("{{");
  if (open != std::string_view::npos && text.find("}}", open) != std::string_view::npos) {
    return true;
  }
  const std::size_t dollar = text.find("${");
  return dollar != std::string_view::npos && text.find('}', dollar) != std::string_view::npos;
}

bool IsSecretParameter(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"token", "access_token", "auth_token", "api_key", "apikey", "api-key", "key", "secret",
       "client_secret", "password", "pwd", "sig", "signature", "auth", "code", "hapikey"});
  return std::ranges::any_of(kNames, [&](std::string_view known) {
    return name.size() == known.size() && StartsWithInAnyCase(name, known);
  });
}

bool HasSecretInQuery(std::string_view url) {
  constexpr std::size_t kShortest = 12;
  const std::size_t start = url.find('?');
  std::string_view query = start == url.npos ? std::string_view() : url.substr(start + 1);
  query = query.substr(0, query.find('#'));
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || !IsSecretParameter(pair.substr(0, equals))) {
      continue;
    }
    const std::string_view value = pair.substr(equals + 1);
    if (value.size() >= kShortest && Count(value, IsDigit) > 0) {
      return true;
    }
  }
  return false;
}

bool IsChatWebhook(std::string_view url) {
  constexpr auto kPlaces = std::to_array<std::string_view>(
      {"hooks.slack.com/services/T", "hooks.slack.com/workflows/T", "discord.com/api/webhooks/",
       "discordapp.com/api/webhooks/", ".webhook.office.com/webhookb2/", "hooks.zapier.com/hooks/",
       "api.telegram.org/bot"});
  return std::ranges::any_of(kPlaces,
                             [&](std::string_view place) { return url.find(place) != url.npos; });
}

bool HasPassword(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  const std::string_view user_info = at == authority.npos ? "" : authority.substr(0, at);
  const std::size_t colon = user_info.find(':');
  return colon != user_info.npos && colon + 1 < user_info.size();
}

std::optional<Shape> UrlShape(std::string_view text) {
  const std::size_t scheme = text.find("://");
  constexpr std::size_t kLongestScheme = 24;
  if (scheme == text.npos || scheme == 0 || scheme > kLongestScheme || !IsLetter(text.front()) ||
      std::ranges::any_of(text, IsSpace)) {
    return std::nullopt;
  }
  const std::string_view rest = text.substr(scheme + 3);
  if (text.starts_with("otpauth://")) {
    return Shape::kOtpUrl;
  }
  if (HasPassword(rest.substr(0, rest.find_first_of("/?#"))) && !IsTemplated(text)) {
    return Shape::kUrlWithPassword;
  }
  if (!IsTemplated(text) && (HasSecretInQuery(text) || IsChatWebhook(text))) {
    return Shape::kUrlWithToken;
  }
  return Shape::kUrl;
}

// `Bearer …` is one word behind the scheme; what reads as a word of English is not a credential.
bool IsAuthorization(std::string_view text) {
  constexpr auto kSchemes = std::to_array<std::string_view>(
      {"bearer ", "basic ", "token ", "apikey ", "api-key ", "bot ", "digest "});
  constexpr std::size_t kShortest = 8;
  const auto* const scheme = std::ranges::find_if(
      kSchemes, [&](std::string_view known) { return StartsWithInAnyCase(text, known); });
  if (scheme == kSchemes.end()) {
    return false;
  }
  const std::string_view credential = text.substr(scheme->size());
  const bool is_one_word =
      credential.size() >= kShortest && std::ranges::none_of(credential, IsSpace);
  const bool is_plain_word = All(credential.substr(1), IsLower);
  return is_one_word && !(is_plain_word && credential.size() < 2 * kShortest);
}

// ---- ordinary texts ----

bool IsUuid(std::string_view text) {
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, 36);
  }
  if (text.size() != 36) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash_place ? text[i] != '-' : !IsHexDigit(text[i])) {
      return false;
    }
  }
  return true;
}

bool IsNumberChar(char c) {
  return IsDigit(c) || std::string_view("+-.,:/() TZeExXvV#%_").find(c) != std::string_view::npos;
}

// Numbers, dates, times, versions, IPv4 addresses, phone numbers, amounts: digits and signs.
bool IsNumber(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return text.size() <= kLongest && All(text, IsNumberChar) &&
         Count(text, IsDigit) * 2 >= text.size() && Count(text, IsLetter) <= 2;
}

// IPv6 and MAC addresses, and the fingerprints of keys.
bool IsColonHex(std::string_view text) {
  std::size_t longest = 0;
  std::size_t current = 0;
  for (const char c : text) {
    if (!IsHexDigit(c) && c != ':' && c != '.' && c != '/') {
      return false;
    }
    current = c == ':' ? 0 : current + 1;
    longest = std::max(longest, current);
  }
  return std::ranges::count(text, ':') >= 2 && longest <= 4;
}

bool IsEmail(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != text.npos && at > 0 && text.find('@', at + 1) == text.npos &&
         text.find('.', at) != text.npos && std::ranges::none_of(text, IsSpace) &&
         text.find_first_of(":/\\\"<>$!#%") == text.npos;
}

bool IsPublicKey(std::string_view text) {
  constexpr auto kBegins = std::to_array<std::string_view>(
      {"-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY",
       "-----BEGIN PGP PUBLIC KEY", "-----BEGIN NEW CERTIFICATE", "-----BEGIN X509", "ssh-rsa ",
       "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-", "pk_live_", "pk_test_", "age1",
       "SHA256:", "sha256-", "sha384-", "sha512-"});
  return std::ranges::any_of(kBegins,
                             [&](std::string_view begin) { return text.starts_with(begin); });
}

bool IsData(std::string_view text, std::size_t whole_size) {
  constexpr auto kBegins = std::to_array<std::string_view>(
      {"data:", "iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "JVBERi0", "PHN2Zy", "PD94bWw", "UEsDB",
       "H4sIA", "AAAAIGZ0eX", "T2dnUw", "SUQz", "<svg", "<?xml", "<!DOCTYPE", "<html"});
  const bool begins =
      std::ranges::any_of(kBegins, [&](std::string_view begin) { return text.starts_with(begin); });
  return (begins && whole_size > 24) ||
         (whole_size >= kEnoughToClassify && std::ranges::none_of(text, IsSpace));
}

// ---- random characters ----

double EntropyPerCharacter(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) {
    ++counts.at(static_cast<unsigned char>(c));
  }
  double bits = 0;
  for (const int count : counts) {
    if (count > 0) {
      const double share = static_cast<double>(count) / static_cast<double>(text.size());
      bits -= share * std::log2(share);
    }
  }
  return bits;
}

// Text of n random characters has nearly log2(n) bits of it, as far as its alphabet allows.
bool IsVaried(std::string_view text, double alphabet_bits) {
  constexpr double kShare = 0.78;
  const double possible = std::min(alphabet_bits, std::log2(static_cast<double>(text.size())));
  return EntropyPerCharacter(text) >= kShare * possible;
}

int ClassOf(char c) {
  if (IsUpper(c)) {
    return 0;
  }
  if (IsLower(c) || IsForeign(c)) {
    return 1;
  }
  return IsDigit(c) ? 2 : 3;
}

// How often the kind of character changes from one to the next. Of words and their compounds this
// is a third at most (`MyWorkflowName`), of random letters and digits two fifths and more.
double ChangeRate(std::string_view text) {
  if (text.size() < 2) {
    return 0;
  }
  std::size_t changes = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    changes += ClassOf(text[i]) != ClassOf(text[i - 1]) ? 1U : 0U;
  }
  return static_cast<double>(changes) / static_cast<double>(text.size() - 1);
}

// Whether all bytes behind the base64 are printable ASCII; of random ones a third is. Either
// alphabet will do. The decoded bytes are looked at three by three and kept nowhere.
bool IsBase64OfText(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::array<char, 4> digits{'A', 'A', 'A', 'A'};  // `A` stands for bits that are not there
    const std::string_view given = text.substr(at, digits.size());
    std::ranges::copy(given, digits.begin());
    std::ranges::replace(digits, '-', '+');
    std::ranges::replace(digits, '_', '/');
    std::array<std::uint8_t, 3> bytes{};
    if (!ReadBase64(Base64::kUnpadded, {digits.data(), digits.size()}, bytes)) {
      return false;
    }
    for (std::size_t i = 0; i < given.size() * 6 / 8; ++i) {
      if ((bytes[i] < 0x20 && !IsSpace(static_cast<char>(bytes[i]))) || bytes[i] >= 0x7F) {
        return false;
      }
    }
  }
  return true;
}

std::optional<Shape> RandomShape(std::string_view text) {
  constexpr std::size_t kShortestHex = 32;
  constexpr std::size_t kShortestBase64 = 20;
  constexpr std::size_t kShortestBase32 = 16;
  constexpr std::size_t kAwsSecretSize = 40;
  std::string_view body = text;
  while (body.ends_with('=') && text.size() - body.size() < 2) {
    body.remove_suffix(1);
  }
  if (body.size() >= kShortestHex && All(body, IsHexDigit) && IsVaried(body, 4)) {
    return Shape::kHex;
  }
  if (body.size() >= kShortestBase32 && All(body, IsBase32Digit) && Count(body, IsDigit) > 0 &&
      IsVaried(body, 5)) {
    return Shape::kBase32;
  }
  if (body.size() < kShortestBase64 || !All(body, IsBase64Digit)) {
    return std::nullopt;
  }
  if (body.size() >= kShortestBase64 && IsBase64OfText(body) && ChangeRate(body) >= 0.3) {
    return Shape::kBase64Text;
  }
  const std::size_t upper = Count(body, IsUpper);
  const std::size_t lower = Count(body, IsLower);
  const std::size_t digits = Count(body, IsDigit);
  const std::size_t signs = body.size() - upper - lower - digits;
  if (!IsVaried(body, 6) || signs * 6 > body.size()) {
    return std::nullopt;
  }
  const bool is_mixed = upper > 0 && lower > 0 && digits > 0 && ChangeRate(body) >= 0.4;
  const bool is_base36 = (upper == 0 || lower == 0) && digits * 8 >= body.size() &&
                         digits * 8 <= body.size() * 5 && signs == 0 && ChangeRate(body) >= 0.25;
  if (is_mixed) {
    return text.size() == kAwsSecretSize && body.size() == kAwsSecretSize &&
                   body.find_first_of("-_") == body.npos
               ? Shape::kAwsSecretKey
               : Shape::kBase64;
  }
  return is_base36 ? std::optional(Shape::kRandom) : std::nullopt;
}

bool HasSecretInside(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool at_word = i == 0 || !IsAlnum(text[i - 1]);
    if (at_word && IsAlnum(text[i]) && TokenAt(text.substr(i))) {
      return true;
    }
    if (at_word && text[i] == '-' && PrivateKeyAt(text.substr(i))) {
      return true;
    }
    if (at_word && StartsWithInAnyCase(text.substr(i), "bearer ")) {
      const std::string_view rest = text.substr(i + 7);
      const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n\"'\\,;"));
      if (word.size() >= 20 && Count(word, IsDigit) > 0 && !IsTemplated(word)) {
        return true;
      }
    }
  }
  return false;
}

// Letters and the signs between words: `production`, `my-workflow_2`, `order.created`.
bool IsWord(std::string_view text) {
  const std::size_t digits = Count(text, IsDigit);
  const bool has_only_word_signs = std::ranges::all_of(text, [](char c) {
    return IsTokenDigit(c) || IsForeign(c) || c == '.' || c == ':' || c == '/';
  });
  return has_only_word_signs && digits * 4 <= text.size() && ChangeRate(text) <= 0.4;
}

Shape ClassifyText(std::string_view text, std::size_t whole_size) {
  if (text.starts_with(kSealedValuePrefix) || text == kMovedMarker) {
    return Shape::kSealed;
  }
  if (IsPasswordHash(text)) {
    return Shape::kPasswordHash;
  }
  if (const std::optional<Shape> cipher = CipherShape(text)) {
    return *cipher;
  }
  const std::optional<Found> token = TokenAt(text);
  if (token && All(text.substr(token->size), [](char c) { return c == '='; })) {
    return token->shape;
  }
  if (IsPublicKey(text)) {
    return Shape::kPublicKey;
  }
  if (LooksLikeJsonDocument(text)) {
    return HasSecretInside(text) ? Shape::kTextWithSecret : Shape::kJson;
  }
  const std::optional<Shape> url = UrlShape(text);
  if (url && *url != Shape::kUrl) {
    return *url;
  }
  if (HasSecretInside(text)) {
    return StartsWithInAnyCase(text, "bearer ") && IsAuthorization(text) ? Shape::kAuthorization
                                                                         : Shape::kTextWithSecret;
  }
  if (IsTemplated(text)) {
    return Shape::kReference;
  }
  if (url) {
    return *url;
  }
  if (IsAuthorization(text)) {
    return Shape::kAuthorization;
  }
  if (IsUuid(text)) {
    return Shape::kUuid;
  }
  if (IsNumber(text) || IsColonHex(text)) {
    return Shape::kNumber;
  }
  if (IsEmail(text)) {
    return Shape::kEmail;
  }
  if (IsData(text, whole_size)) {
    return Shape::kData;
  }
  if (std::ranges::any_of(text, IsSpace)) {
    return Shape::kSentence;
  }
  if (const std::optional<Shape> random = RandomShape(text)) {
    return *random;
  }
  return IsWord(text) ? Shape::kWord : Shape::kOpaque;
}

Shape ClassifyBytes(ByteView bytes) {
  constexpr std::size_t kShortestKey = 16;
  constexpr std::size_t kLongestKey = 512;
  const std::string_view text = AsText(bytes);
  const bool is_key_sized = bytes.size() >= kShortestKey && bytes.size() <= kLongestKey;
  return is_key_sized && IsVaried(text, 8) ? Shape::kRandomBytes : Shape::kBinary;
}

// The first part of a text that may be cut off inside a character.
std::string_view WholeCharacters(std::string_view text) {
  std::string_view cut = text.substr(0, kEnoughToClassify);
  for (int i = 0; i < 3 && cut.size() < text.size() && !IsUtf8(cut); ++i) {
    cut.remove_suffix(1);
  }
  return cut;
}

bool HasControlCharacters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !IsSpace(c)) || c == 0x7F;
  });
}

struct ShapeFacts {
  ShapeGroup group;
  std::string_view name;
};

ShapeFacts FactsOf(Shape shape) noexcept {
  switch (shape) {
    case Shape::kGithubToken:
      return {ShapeGroup::kSecret, "GitHub token"};
    case Shape::kGitlabToken:
      return {ShapeGroup::kSecret, "GitLab token"};
    case Shape::kStripeKey:
      return {ShapeGroup::kSecret, "Stripe key"};
    case Shape::kSlackToken:
      return {ShapeGroup::kSecret, "Slack token"};
    case Shape::kAwsKeyId:
      return {ShapeGroup::kSecret, "AWS access key id"};
    case Shape::kGoogleKey:
      return {ShapeGroup::kSecret, "Google key"};
    case Shape::kOpenAiKey:
      return {ShapeGroup::kSecret, "OpenAI key"};
    case Shape::kWebhookSecret:
      return {ShapeGroup::kSecret, "webhook signing secret"};
    case Shape::kServiceToken:
      return {ShapeGroup::kSecret, "token of a known service"};
    case Shape::kJwt:
      return {ShapeGroup::kSecret, "JWT"};
    case Shape::kPrivateKey:
      return {ShapeGroup::kSecret, "private key (PEM)"};
    case Shape::kAuthorization:
      return {ShapeGroup::kSecret, "credential of an Authorization header (Bearer, Basic, ...)"};
    case Shape::kUrlWithPassword:
      return {ShapeGroup::kSecret, "URL with a password"};
    case Shape::kUrlWithToken:
      return {ShapeGroup::kSecret, "URL with a token"};
    case Shape::kOtpUrl:
      return {ShapeGroup::kSecret, "one-time password URL"};
    case Shape::kTextWithSecret:
      return {ShapeGroup::kSecret, "text with a token in it"};
    case Shape::kAwsSecretKey:
      return {ShapeGroup::kRandom, "40 random characters, as AWS secret keys have"};
    case Shape::kBase32:
      return {ShapeGroup::kRandom, "random base32"};
    case Shape::kHex:
      return {ShapeGroup::kRandom, "random hexadecimal digits"};
    case Shape::kBase64:
      return {ShapeGroup::kRandom, "random base64"};
    case Shape::kRandom:
      return {ShapeGroup::kRandom, "random letters and digits"};
    case Shape::kRandomBytes:
      return {ShapeGroup::kRandom, "random bytes"};
    case Shape::kOpaque:
      return {ShapeGroup::kOpaque, "mixed characters"};
    case Shape::kBase64Text:
      return {ShapeGroup::kOpaque, "base64 of a text"};
    case Shape::kSealed:
      return {ShapeGroup::kSealed, "sealed or moved by Rowseal"};
    case Shape::kGcmCipher:
      return {ShapeGroup::kCiphertext, "iv, tag and ciphertext in hexadecimal"};
    case Shape::kCbcCipher:
      return {ShapeGroup::kCiphertext, "iv and ciphertext in hexadecimal"};
    case Shape::kPrefixedCipher:
      return {ShapeGroup::kCiphertext, "ciphertext behind a prefix"};
    case Shape::kOpenSslCipher:
      return {ShapeGroup::kCiphertext, "ciphertext of OpenSSL or CryptoJS (Salted__)"};
    case Shape::kOtherCipher:
      return {ShapeGroup::kCiphertext, "ciphertext of a known tool"};
    case Shape::kPasswordHash:
      return {ShapeGroup::kHashed, "password hash"};
    case Shape::kReference:
      return {ShapeGroup::kReference, "reference in a template"};
    case Shape::kUuid:
      return {ShapeGroup::kOrdinary, "uuid"};
    case Shape::kNumber:
      return {ShapeGroup::kOrdinary, "number, date or address"};
    case Shape::kEmail:
      return {ShapeGroup::kOrdinary, "email address"};
    case Shape::kUrl:
      return {ShapeGroup::kOrdinary, "URL"};
    case Shape::kSentence:
      return {ShapeGroup::kOrdinary, "sentence"};
    case Shape::kWord:
      return {ShapeGroup::kOrdinary, "word"};
    case Shape::kPublicKey:
      return {ShapeGroup::kOrdinary, "public key or fingerprint"};
    case Shape::kData:
      return {ShapeGroup::kOrdinary, "image or other file"};
    case Shape::kJson:
      return {ShapeGroup::kOrdinary, "JSON document"};
    case Shape::kBinary:
      break;
  }
  return {ShapeGroup::kOrdinary, "bytes"};
}

}  // namespace

ShapeGroup GroupOf(Shape shape) noexcept { return FactsOf(shape).group; }
std::string_view NameOf(Shape shape) noexcept { return FactsOf(shape).name; }

bool LooksLikeJsonDocument(std::string_view text) noexcept {
  text.remove_prefix(Span(text, IsSpace));
  if (text.size() < 2 || (text.front() != '{' && text.front() != '[')) {
    return false;
  }
  const char open = text.front();
  text.remove_prefix(1);
  text.remove_prefix(Span(text, IsSpace));
  if (text.empty()) {
    return false;
  }
  const char next = text.front();
  return open == '{'
             ? next == '"' || next == '}'
             : IsDigit(next) || std::string_view("\"{[]-tfn").find(next) != std::string_view::npos;
}

Shape ClassifyValue(ByteView value) noexcept {
  std::string_view text = AsText(value);
  while (!text.empty() && IsSpace(text.back())) {
    text.remove_suffix(1);
  }
  while (!text.empty() && IsSpace(text.front())) {
    text.remove_prefix(1);
  }
  const std::string_view part = WholeCharacters(text);
  if (part.empty()) {
    return Shape::kSentence;
  }
  return IsUtf8(part) && !HasControlCharacters(part) ? ClassifyText(part, text.size())
                                                     : ClassifyBytes(value);
}

std::string MaskedValue(ByteView value) {
  const std::string_view text = AsText(value);
  return IsUtf8(text) ? MaskedText(text) : "(" + std::to_string(value.size()) + " bytes)";
}

}  // namespace rowseal
