#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "crypto/fresh_nonces.h"

namespace rowseal {

inline constexpr std::size_t kKeySize = 32;  ///< bytes: AES-256
inline constexpr std::size_t kTagSize = 16;  ///< bytes; shorter tags are never accepted

/// ExpandedForm says how long a key's expanded form is kept: `kKept`, for keys that seal and open
/// values, saves about 1 µs a call; `kForOneCall`, for keys that open other keys, leaves nothing of
/// a root key or KEK in plain heap between calls.
enum class ExpandedForm : std::uint8_t { kKept, kForOneCall };

/// XaesKey seals and opens with XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a
/// key derived per message from the first half of a 192-bit random nonce. 2^80 messages a key keep
/// the risk of a repeated nonce under 2^-32, so nobody counts uses.
///
/// There is one way to open: a tag of 16 bytes at the end, and no byte of plaintext leaves before
/// it has verified. Nobody supplies a nonce for sealing. XAES does not commit to its key: callers
/// find keys by an id bound in the context, and never try keys in turn.
///
/// The expanded key (OpenSSL keeps it in plain heap) belongs to this object, one for each thread
/// that used it at once, at most `kMaxExpanded`; it is wiped by `DropExpanded` and with the object,
/// or at the end of each call.
///
/// Threads: all members may be called from several threads at once.
class XaesKey final {
 public:
  /// Create takes `kKeySize` bytes. Errors: kInvalidArgument for another size or all zeros.
  static Result<XaesKey> Create(SecretBytes key, ExpandedForm form = ExpandedForm::kKept);
  /// Generate makes a random key. Errors: kRandomFailure.
  static Result<XaesKey> Generate(ExpandedForm form = ExpandedForm::kKept);

  XaesKey(XaesKey&&) noexcept;
  XaesKey& operator=(XaesKey&&) noexcept;
  ~XaesKey();

  /// Seal writes ciphertext ‖ tag to `out`, which holds exactly `plaintext.size() + kTagSize`
  /// bytes, and the nonce that it used to `nonce`: `fresh`, or one that it draws. `plaintext` may
  /// be the beginning of `out`; it is at most 2^36 - 32 bytes (SP 800-38D 5.2.1.1). On an error
  /// `out` is zero. Errors: kRandomFailure, kInvalidArgument (sizes), kInternal.
  Result<void> Seal(ByteView plaintext, ByteView context, FreshNonce fresh, XaesNonce& nonce,
                    std::span<std::uint8_t> out) const;
  Result<void> Seal(ByteView plaintext, ByteView context, XaesNonce& nonce,
                    std::span<std::uint8_t> out) const;

  /// Open verifies `sealed` (ciphertext ‖ tag) and writes the plaintext to `out`, which holds
  /// exactly `sealed.size() - kTagSize` bytes and is zero after any error.
  /// Errors: kIntegrity, for a wrong key, nonce, context or byte alike.
  Result<void> Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                    std::span<std::uint8_t> out) const;

  /// bytes is the raw key, for wrapping it and for the key's own check value.
  const SecretBytes& bytes() const noexcept;

  /// DropExpanded wipes the expanded keys; the next use expands again (about 1 µs).
  void DropExpanded() const noexcept;

  static constexpr std::size_t kMaxExpanded = 8;

 private:
  struct State;
  explicit XaesKey(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;

  friend struct XaesKnownAnswer;
};

/// XaesKnownAnswer seals under a given nonce, for known-answer tests only: not part of the
/// library's build, defined in xaes_known_answer.cpp.
struct XaesKnownAnswer {
  static Result<void> SealWithNonce(const XaesKey& key, ByteView plaintext, ByteView context,
                                    const XaesNonce& nonce, std::span<std::uint8_t> out);
};

}  // namespace rowseal
