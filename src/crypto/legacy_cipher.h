#pragma once

#include <cstddef>
#include <cstdint>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

// What apps encrypted with before they moved to Rowseal, so that their values can be opened once
// more. Everything here only opens: there is no function that seals, no value of Rowseal's own is
// read by it, and MD5 and unauthenticated CBC stand here because old values were made with them.

namespace rowseal {

inline constexpr std::size_t kLegacyKeySize = 32;   ///< bytes: AES-256
inline constexpr std::size_t kLegacyTagSize = 16;   ///< bytes; shorter tags are refused
inline constexpr std::size_t kCbcBlockSize = 16;    ///< bytes: AES's block, and so CBC's IV
inline constexpr std::size_t kOpenSslSaltSize = 8;  ///< bytes behind `Salted__`
/// kSaltedKeySize is what `openssl enc -aes-256-cbc` derives: a key, and the IV behind it.
inline constexpr std::size_t kSaltedKeySize = kLegacyKeySize + kCbcBlockSize;

/// LegacyGcmValue is an AES-256-GCM value in its parts. The IV is of 12 or 16 bytes.
struct LegacyGcmValue {
  ByteView iv;
  ByteView tag;
  ByteView ciphertext;
  ByteView associated;  ///< what the app gave to `setAAD`; usually nothing
};

/// OpenLegacyGcm opens AES-256-GCM (SP 800-38D). No byte of plaintext leaves before the tag of 16
/// bytes has verified; Node.js takes tags of 4 bytes, which are guessed in hours. Errors:
/// kInvalidArgument (size of the key), kIntegrity (size of the IV or tag, or the tag does not
/// match), kResourceExhausted, kInternal. Threads: any.
Result<SecretBytes> OpenLegacyGcm(ByteView key, const LegacyGcmValue& value);

/// OpenLegacyCbc decrypts AES-256-CBC (SP 800-38A) and takes PKCS#7 padding off. It proves nothing:
/// one wrong key in 255 gives right padding, and a changed byte is not noticed. Who calls it looks
/// at the plaintext (migration/plausibility.h) and never lets a stranger learn the outcome, which
/// would be a padding oracle. Errors: kInvalidArgument (size of the key), kIntegrity (sizes,
/// padding), kResourceExhausted, kInternal. Threads: any.
Result<SecretBytes> OpenLegacyCbc(ByteView key, ByteView iv, ByteView ciphertext);

/// LegacyHash is the hash in EVP_BytesToKey: MD5 is CryptoJS's and `openssl enc`'s before 1.1.0,
/// SHA-256 that of later releases.
enum class LegacyHash : std::uint8_t { kMd5, kSha256 };

/// kMaxKdfIterations bounds the work that a manifest can ask for: some seconds for each value.
inline constexpr std::uint32_t kMaxKdfIterations = 10'000'000;

/// OpenSslBytesToKey derives kSaltedKeySize bytes as OpenSSL's EVP_BytesToKey does. Errors:
/// kInvalidArgument (empty passphrase, size of the salt, iterations outside 1 to
/// kMaxKdfIterations, no such hash in this OpenSSL), kResourceExhausted, kInternal.
Result<SecretBytes> OpenSslBytesToKey(LegacyHash hash, ByteView passphrase, ByteView salt,
                                      std::uint32_t iterations);

/// Pbkdf2HmacSha256 derives `size` bytes (1 to 64) (RFC 8018). Errors: kInvalidArgument (empty
/// passphrase, iterations outside 1 to kMaxKdfIterations, size), kResourceExhausted, kInternal.
Result<SecretBytes> Pbkdf2HmacSha256(ByteView passphrase, ByteView salt, std::uint32_t iterations,
                                     std::size_t size);

/// NodeScrypt derives kLegacyKeySize bytes with scrypt (RFC 7914) at the cost that Node's
/// `crypto.scryptSync` has where none is given: N = 16384, r = 8, p = 1, which takes 16 MiB for
/// some 50 ms. Errors: kInvalidArgument (empty passphrase), kResourceExhausted.
Result<SecretBytes> NodeScrypt(ByteView passphrase, ByteView salt);

}  // namespace rowseal
