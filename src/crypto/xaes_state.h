#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "crypto/aes_256_gcm.h"
#include "crypto/xaes_256_gcm.h"

namespace rowseal {

namespace internal {

/// ExpandedXaes is a key made ready for use: the AES key schedule, the CMAC subkey K1 and a GCM
/// context, all in plain heap and wiped when destroyed. Threads: one at a time.
class ExpandedXaes final {
 public:
  /// Create expands `key` of kKeySize bytes. Errors: kResourceExhausted, kInternal.
  static Result<std::unique_ptr<ExpandedXaes>> Create(ByteView key);
  ExpandedXaes(const ExpandedXaes&) = delete;
  ExpandedXaes& operator=(const ExpandedXaes&) = delete;
  ~ExpandedXaes();

  Result<void> Seal(ByteView plaintext, ByteView context, const XaesNonce& nonce,
                    std::span<std::uint8_t> out);
  Result<void> Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                    std::span<std::uint8_t> out);

 private:
  ExpandedXaes(CipherContext aes, Aes256Gcm gcm) noexcept
      : aes_(std::move(aes)), gcm_(std::move(gcm)) {}
  bool EncryptTwoBlocks(std::span<std::uint8_t, 32> blocks) noexcept;
  bool DeriveMessageKey(const XaesNonce& nonce, std::span<std::uint8_t, 32> message_key) noexcept;

  CipherContext aes_;
  Aes256Gcm gcm_;
  // K1 xor (counter 1 or 2 in 16 bits, 'X', 0): what a message's half nonce is added to.
  std::array<std::uint8_t, 32> masks_{};
};

}  // namespace internal

/// XaesKey::State owns the raw key and the expanded keys, one for each thread that is using it.
struct XaesKey::State final {
  State(SecretBytes raw_key, ExpandedForm expanded_form) noexcept
      : key(std::move(raw_key)), form(expanded_form) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { DropExpanded(); }

  Result<void> Seal(ByteView plaintext, ByteView context, const XaesNonce& nonce,
                    std::span<std::uint8_t> out);
  Result<void> Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                    std::span<std::uint8_t> out);
  void DropExpanded() noexcept;

  // A slot is empty (null), taken (`kTaken`), or holds an expanded key at rest. Only who took a
  // slot may fill it. A cache line each, so that threads do not slow each other.
  struct alignas(64) Slot {
    std::atomic<internal::ExpandedXaes*> expanded{nullptr};
  };
  class Lease;

  SecretBytes key;
  const ExpandedForm form;
  std::atomic<std::uint32_t> drops{0};  // counts DropExpanded calls: a lease across one is not kept
  std::array<Slot, kMaxExpanded> slots;
};

}  // namespace rowseal
