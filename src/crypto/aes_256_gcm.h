#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <openssl/types.h>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal::internal {

struct CipherContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const noexcept;  // wipes the expanded key
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, CipherContextDeleter>;

/// NewCipherContext allocates an empty context. Errors: kResourceExhausted.
Result<CipherContext> NewCipherContext();

/// Aes256Gcm is AES-256-GCM (SP 800-38D) in the one form that XAES needs: a 32-byte key, a 12-byte
/// IV, a 16-byte tag at the end. OpenSSL itself accepts any IV length and, when opening, tags of 1
/// byte; here other sizes cannot be written down, or are refused by the overload that takes plain
/// views.
///
/// No caller but XAES: a key and IV used twice give the key's authentication away, and nothing here
/// would notice.
///
/// An operation is finished or its context reset, and key and IV are set in one call: a context of
/// OpenSSL that was left unfinished and is given the next key without an IV encrypts under an IV of
/// zeros. After a success the last key's schedule stays in the context until the next operation or
/// the end of the object; resetting every time costs 75 ns and makes two threads 20 % slower (they
/// share a reference count), and who owns this object owns the key above it too.
///
/// Threads: one at a time.
class Aes256Gcm final {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kIvBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  /// kMaxPlaintext is 2^39 - 256 bits: the counter has 32 bits (SP 800-38D section 5.2.1.1).
  static constexpr std::uint64_t kMaxPlaintext = (std::uint64_t{1} << 36) - 32;

  using Key = std::span<const std::uint8_t, kKeyBytes>;
  using Iv = std::span<const std::uint8_t, kIvBytes>;

  /// Create allocates the context. Errors: kResourceExhausted.
  static Result<Aes256Gcm> Create();

  /// Seal writes ciphertext ‖ tag; `out` holds exactly `plaintext.size() + kTagBytes` bytes and is
  /// zero after any error. Errors: kInvalidArgument (sizes), kInternal.
  Result<void> Seal(Key key, Iv iv, ByteView plaintext, ByteView context,
                    std::span<std::uint8_t> out);

  /// Open verifies `sealed` (ciphertext ‖ tag) and writes the plaintext; `out` holds exactly
  /// `sealed.size() - kTagBytes` bytes and is zero after any error.
  /// Errors: kIntegrity (one message for every cause), kInvalidArgument (size of `out`), kInternal.
  Result<void> Open(Key key, Iv iv, ByteView sealed, ByteView context, std::span<std::uint8_t> out);

  /// Open for a key and an IV whose sizes are not yet known: kInvalidArgument when they differ.
  Result<void> Open(ByteView key, ByteView iv, ByteView sealed, ByteView context,
                    std::span<std::uint8_t> out);

 private:
  explicit Aes256Gcm(CipherContext context) noexcept : context_(std::move(context)) {}
  CipherContext context_;
};

}  // namespace rowseal::internal
