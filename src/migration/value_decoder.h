#pragma once

#include <cstddef>
#include <optional>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "migration/source_format.h"
#include "migration/source_manifest.h"

namespace rowseal {

/// kMaxStoredValue is the longest stored value that is looked at, in bytes: the largest secret in
/// hex, and some room.
inline constexpr std::size_t kMaxStoredValue = 2 * (16U * 1024 * 1024) + 4096;

/// ValueDecoder opens the values of one old column with one key. It only opens; what it gives is
/// then sealed by Rowseal.
///
/// Where the format has no tag (`IsAuthenticated` is false), a plaintext is what this key makes of
/// these bytes, and no more: it passed the padding and looked plausible. Somebody who could write
/// the old column may have made it.
///
/// Threads: `Decode` may be called from several at once. Cost: `kPbkdf2` derives a key for each
/// value, because each has its own salt: 10,000 iterations take some milliseconds.
class ValueDecoder final {
 public:
  /// Make takes the key itself, of 32 bytes, or for kOpenSslSalted the passphrase; for kPlain,
  /// nothing. Errors: kInvalidArgument (CheckFormat's; a key that is missing, of another size, or
  /// too many).
  static Result<ValueDecoder> Make(SourceFormat format, std::optional<SecretBytes> key);

  /// Open makes the decoder that a manifest says, reading its key. Errors: ReadSourceKey's, Make's.
  static Result<ValueDecoder> Open(ValueSource source);

  /// Decode gives the plaintext in guarded memory. Errors: kIntegrity, which says what is wrong
  /// (the prefix is missing, a part's encoding or length, the tag, the padding, implausible), and
  /// never a byte of the value; kResourceExhausted; kInvalidArgument where this machine's OpenSSL
  /// has no MD5.
  Result<SecretBytes> Decode(ByteView stored) const;

  /// IsAuthenticated tells whether whatever `Decode` gives was proven to be what the app wrote:
  /// GCM, unless values without the prefix pass as plaintext.
  bool IsAuthenticated() const noexcept;

  const SourceFormat& format() const noexcept { return format_; }

 private:
  ValueDecoder(SourceFormat format, SecretBytes key) noexcept
      : format_(std::move(format)), key_(std::move(key)) {}
  Result<SecretBytes> OpenBody(ByteView body) const;
  Result<SecretBytes> OpenSalted(ByteView body) const;
  Result<SecretBytes> DeriveSaltedKey(ByteView salt) const;

  SourceFormat format_;
  SecretBytes key_;
};

}  // namespace rowseal
