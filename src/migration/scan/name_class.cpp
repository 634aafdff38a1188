#include "migration/scan/name_class.h"

#include "migration/scan/characters.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace rowseal {
namespace {

using Words = std::span<const std::string_view>;

constexpr auto kTellingWords = std::to_array<std::string_view>(
    {"secret",     "secrets",       "password",   "passwords",  "passwd",        "pwd",
     "passphrase", "passcode",      "token",      "tokens",     "apikey",        "apikeys",
     "apitoken",   "accesstoken",   "authtoken",  "credential", "credentials",   "creds",
     "cred",       "authorization", "bearer",     "totp",       "otp",           "mfa",
     "2fa",        "hotp",          "privatekey", "secretkey",  "clientsecret",  "cookie",
     "cookies",    "dsn",           "accesskey",  "signingkey", "webhooksecret", "encrypted",
     "ciphertext", "passwort",      "geheimnis",  "kennwort",   "pat",           "seed"});

// Words before `key` or `keys` that make it a secret one; a key alone is a name.
constexpr auto kKeyWords = std::to_array<std::string_view>(
    {"api",     "access",  "private",     "secret",  "signing", "encryption",
     "master",  "auth",    "service",     "account", "client",  "consumer",
     "license", "licence", "webhook",     "shared",  "hmac",    "ssh",
     "deploy",  "role",    "integration", "app",     "admin",   "bot",
     "stripe",  "openai",  "sendgrid",    "aws",     "google",  "sign",
     "jwt",     "session", "crypto",      "aes",     "rsa",     "host"});

constexpr auto kHashWords = std::to_array<std::string_view>(
    {"hash",   "hashes", "hashed",      "digest",     "checksum", "checksums",
     "sha",    "sha1",   "sha256",      "sha512",     "md5",      "crc",
     "crc32",  "etag",   "fingerprint", "thumbprint", "blurhash", "revision",
     "commit", "cursor", "signature",   "integrity"});

// As the last word, these make the name one of something else.
constexpr auto kIdentifierWords = std::to_array<std::string_view>(
    {"id",      "ids",      "uuid",      "guid",        "at",        "on",       "count",
     "counts",  "type",     "types",     "kind",        "name",      "names",    "hint",
     "hints",   "prefix",   "suffix",    "last4",       "status",    "state",    "enabled",
     "active",  "required", "expires",   "expiry",      "expired",   "ttl",      "expiration",
     "version", "alg",      "algorithm", "scope",       "scopes",    "length",   "size",
     "index",   "label",    "labels",    "description", "title",     "slug",     "email",
     "user",    "username", "date",      "time",        "timestamp", "salt",     "iv",
     "nonce",   "policy",   "strength",  "usage",       "limit",     "limits",   "used",
     "by",      "path",     "file",      "format",      "rotation",  "provider", "verified",
     "changed", "issuer",   "audience",  "method",      "reset",     "in",       "header",
     "symbol",  "decimals", "address",   "note",        "notes",     "comment"});

constexpr auto kHoldingWords = std::to_array<std::string_view>(
    {"secret", "secrets", "credential", "credentials", "creds", "password", "passwords", "token",
     "tokens", "apikeys", "vault", "auth", "authentication", "authorization", "keychain"});

constexpr auto kValueWords =
    std::to_array<std::string_view>({"value", "values", "val", "data", "content", "contents",
                                     "text", "payload", "plaintext", "body"});

constexpr auto kNameWords = std::to_array<std::string_view>(
    {"name", "key", "slug", "identifier", "code", "label", "title", "variable", "var", "setting"});

constexpr auto kTenantWords = std::to_array<std::string_view>(
    {"project", "projects", "tenant", "tenants", "org", "orgs", "organization", "organizations",
     "organisation", "organisations", "workspace", "workspaces"});

bool IsAnyOf(std::string_view word, Words words) {
  return std::ranges::find(words, word) != words.end();
}

// `apiKey_v2`, `API-Key` and `APIKey` are api, key and so on: lower case, split where the case
// rises and where anything but a letter or digit stands.
std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words;
  bool at_start = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool is_foreign = static_cast<unsigned char>(c) >= 0x80;
    if (!IsUpper(c) && !IsLower(c) && !IsDigit(c) && !is_foreign) {
      at_start = true;
      continue;
    }
    const bool rises = IsUpper(c) && i > 0 && (IsLower(name[i - 1]) || IsDigit(name[i - 1]));
    const bool ends_acronym =
        IsUpper(c) && i > 0 && IsUpper(name[i - 1]) && i + 1 < name.size() && IsLower(name[i + 1]);
    if (at_start || rises || ends_acronym) {
      words.emplace_back();
      at_start = false;
    }
    words.back() += IsUpper(c) ? static_cast<char>(c | 0x20) : c;
  }
  return words;
}

bool IsSecretKey(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if ((words[i] == "key" || words[i] == "keys") && IsAnyOf(words[i - 1], kKeyWords)) {
      return true;
    }
  }
  return false;
}

bool IsConnectionString(const std::vector<std::string>& words) {
  const bool connects = words.front() == "connection" || words.front() == "conn";
  return connects && words.size() == 2 && (words[1] == "string" || words[1] == "str");
}

}  // namespace

NameClass ClassifyName(std::string_view name) {
  const std::vector<std::string> words = WordsOf(name);
  if (words.empty()) {
    return NameClass::kPlain;
  }
  if (std::ranges::any_of(words, [](const auto& word) { return IsAnyOf(word, kHashWords); })) {
    return NameClass::kHash;
  }
  const bool is_public = words.front() == "public" || words.front() == "publishable";
  if (is_public || (words.size() > 1 && IsAnyOf(words.back(), kIdentifierWords)) ||
      words.back() == "id" || words.back() == "uuid") {
    return NameClass::kIdentifier;
  }
  const bool is_telling =
      std::ranges::any_of(words, [](const auto& word) { return IsAnyOf(word, kTellingWords); }) ||
      IsSecretKey(words) || IsConnectionString(words);
  return is_telling ? NameClass::kTelling : NameClass::kPlain;
}

bool HoldsSecretsByName(std::string_view name) {
  const std::vector<std::string> words = WordsOf(name);
  return !words.empty() && (IsAnyOf(words.back(), kHoldingWords) || IsSecretKey(words));
}

bool IsValueName(std::string_view name) {
  const std::vector<std::string> words = WordsOf(name);
  return std::ranges::any_of(words, [](const auto& word) { return IsAnyOf(word, kValueWords); });
}

bool IsNameName(std::string_view name) {
  const std::vector<std::string> words = WordsOf(name);
  return !words.empty() && IsAnyOf(words.back(), kNameWords);
}

bool IsProjectName(std::string_view name) {
  // `organization` alone is mostly the name of a company.
  constexpr auto kAlone = std::to_array<std::string_view>({"project", "tenant", "workspace"});
  const std::vector<std::string> words = WordsOf(name);
  if (words.size() == 1) {
    return IsAnyOf(words.front(), kAlone);
  }
  return words.size() == 2 && IsAnyOf(words.front(), kTenantWords) &&
         (words[1] == "id" || words[1] == "uuid");
}

bool IsProjectTableName(std::string_view name) {
  const std::vector<std::string> words = WordsOf(name);
  return words.size() == 1 && IsAnyOf(words.front(), kTenantWords);
}

}  // namespace rowseal
