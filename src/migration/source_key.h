#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// KeyText is how a key or passphrase is written where it lies.
enum class KeyText : std::uint8_t {
  kUtf8,       ///< the text itself, less one line end behind it: passphrases, keys of 32 characters
  kRaw,        ///< exactly the bytes
  kHex,        ///< white space around it does not count; nor for the next two
  kBase64,     ///< standard alphabet
  kBase64Url,  ///< URL-safe alphabet
};

/// KeyHash is what an app makes of its secret before it encrypts with it.
enum class KeyHash : std::uint8_t {
  kNone,
  kSha256,        ///< createHash('sha256').update(secret).digest()
  kSha256Hex,     ///< … .digest('hex').slice(0, 32), taken as text
  kSha256Base64,  ///< … .digest('base64').slice(0, 32), taken as text
  kScrypt,        ///< scryptSync(secret, salt, 32)
};

/// SourceKey says where an old key lies and how the app reads it. It holds no secret.
struct SourceKey {
  std::string place;  ///< `file:PATH` or `env:NAME`
  KeyText text = KeyText::kHex;
  KeyHash hash = KeyHash::kNone;
  std::string salt{};  ///< scrypt's, as UTF-8
};

/// CheckKeyPlace refuses what is neither `file:PATH` nor `env:NAME`. Errors: kInvalidArgument; the
/// message does not repeat the text, because it may be a key that was put there by mistake.
Result<void> CheckKeyPlace(std::string_view place);

/// ReadSourceKey reads the key into guarded memory and hashes it. The file or variable stays as it
/// is: it is the app's. Errors: kInvalidArgument (no such file or variable, empty, over 64 KiB, not
/// of that encoding), naming the place and never what stands there; kResourceExhausted.
Result<SecretBytes> ReadSourceKey(const SourceKey& key);

}  // namespace rowseal
