#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include <openssl/types.h>

namespace rowseal::bench {

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const noexcept;
};

/// BareXaes is the yardstick: XAES-256-GCM by the fewest calls of OpenSSL that do it, tuned as far
/// as its interface allows. Both contexts are kept, K1 is computed once, the cipher is named once;
/// a nonce is one request to the kernel. It checks that the calls succeed, because their results
/// decide what it returns; it wipes nothing, pads nothing, allocates nothing and knows no threads.
class BareXaes final {
 public:
  static constexpr std::size_t kNonceBytes = 24;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<std::uint8_t, kNonceBytes>;
  using View = std::span<const std::uint8_t>;

  explicit BareXaes(std::span<const std::uint8_t, 32> key);

  /// Seal writes ciphertext ‖ tag to `out` and the fresh nonce to `nonce`.
  bool Seal(View plaintext, View context, Nonce& nonce, std::span<std::uint8_t> out);

  /// Open verifies and writes the plaintext.
  bool Open(View sealed, View context, const Nonce& nonce, std::span<std::uint8_t> out);

 private:
  bool DeriveMessageKey(const Nonce& nonce, std::array<std::uint8_t, 32>& message_key);

  std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> blocks_;
  std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> sealer_;
  std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> opener_;
  std::array<std::uint8_t, 32> masks_{};  // K1 xor (counter, 'X', 0), twice
};

struct MacContextDeleter {
  void operator()(EVP_MAC_CTX* context) const noexcept;
};

/// BareHmac is HMAC-SHA256 by a context that is kept with its key.
class BareHmac final {
 public:
  using Mac = std::array<std::uint8_t, 32>;
  explicit BareHmac(std::span<const std::uint8_t, 32> key);
  bool Compute(std::span<const std::uint8_t> message, Mac& mac);

 private:
  std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> context_;
};

}  // namespace rowseal::bench
