#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <rowseal/error.h>

#include "migration/plausibility.h"
#include "migration/source_encoding.h"

namespace rowseal {

/// SourcePart is a part of an encrypted value.
enum class SourcePart : std::uint8_t { kIv, kTag, kCiphertext };

/// SaltedKdf is how `openssl enc` and CryptoJS make a key of a passphrase and the value's salt.
enum class SaltedKdf : std::uint8_t {
  kMd5,     ///< EVP_BytesToKey with MD5: CryptoJS, and `openssl enc` before 1.1.0
  kSha256,  ///< EVP_BytesToKey with SHA-256: `openssl enc` since 1.1.0
  kPbkdf2,  ///< PBKDF2-HMAC-SHA256: `openssl enc -pbkdf2`
};

/// SourceFormat says how an app wrote the values of one column before it moved to Rowseal.
///
/// A value is `prefix`, and behind it either a JSON object (where `members` is not empty), or its
/// parts in the order of `layout` with `separator` between them, each encoded by itself, or (where
/// `separator` is empty) the parts end to end, encoded as one.
struct SourceFormat {
  enum class Kind : std::uint8_t {
    kPlain,          ///< not encrypted
    kNodeGcm,        ///< AES-256-GCM, as node:crypto and WebCrypto have it
    kCbc,            ///< AES-256-CBC with PKCS#7 padding: no tag, so nothing is proven
    kOpenSslSalted,  ///< `Salted__`, salt, AES-256-CBC: no tag either
  };
  /// WithoutPrefix says what a value is that does not begin with `prefix`. Apps that began to
  /// encrypt one day have plaintext in the older rows.
  enum class WithoutPrefix : std::uint8_t { kRefused, kPlaintext };

  Kind kind = Kind::kPlain;
  std::string prefix;
  WithoutPrefix without_prefix = WithoutPrefix::kRefused;

  SourceEncoding encoding = SourceEncoding::kRaw;
  /// Where a part has another encoding than the rest; not for parts end to end.
  std::map<SourcePart, SourceEncoding> encoding_of;
  /// GCM: the IV, the ciphertext and the tag; without the tag, it is the ciphertext's last 16
  /// bytes, as WebCrypto writes it. CBC: the IV and the ciphertext.
  std::vector<SourcePart> layout;
  std::string separator;
  std::map<SourcePart, std::string> members;  ///< of a JSON object, in place of a layout
  std::size_t iv_bytes = 12;                  ///< GCM: 12 or 16. CBC: always 16, and not looked at
  std::string associated;                     ///< GCM: what the app gave to `setAAD`

  SaltedKdf kdf = SaltedKdf::kMd5;  ///< kOpenSslSalted
  std::uint32_t iterations = 1;     ///< kOpenSslSalted

  Plausibility plausibility;
};

/// CheckFormat refuses what cannot be read, or could be read in two ways: a part that is missing or
/// comes twice, a separator that may stand in a part. Errors: kInvalidArgument, naming the
/// manifest's key.
Result<void> CheckFormat(const SourceFormat& format);

}  // namespace rowseal
