#include "crypto/xaes_256_gcm.h"

#include <cstring>
#include <new>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/random.h"
#include "crypto/xaes_state.h"

namespace rowseal {
namespace {

static_assert(kKeySize == internal::Aes256Gcm::kKeyBytes);
static_assert(kTagSize == internal::Aes256Gcm::kTagBytes);

const EVP_CIPHER* AesBlocks() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  return cipher;
}

// Doubles in GF(2^128) with the polynomial of CMAC (SP 800-38B section 6.1), without a branch or an
// index that depends on the value: it is secret.
std::array<std::uint8_t, 16> Double(const std::array<std::uint8_t, 16>& block) noexcept {
  std::array<std::uint8_t, 16> doubled{};
  const auto carry_mask = static_cast<std::uint8_t>(0 - (block[0] >> 7));
  for (std::size_t i = 0; i < 15; ++i) {
    doubled[i] = static_cast<std::uint8_t>((block[i] << 1) | (block[i + 1] >> 7));
  }
  doubled[15] = static_cast<std::uint8_t>((block[15] << 1) ^ (0x87 & carry_mask));
  return doubled;
}

bool IsZero(ByteView bytes) noexcept {
  std::uint8_t any = 0;
  for (const std::uint8_t byte : bytes) {
    any = static_cast<std::uint8_t>(any | byte);
  }
  return any == 0;
}

tl::unexpected<Error> AesFailed() {
  ERR_clear_error();
  return Fail(ErrorCode::kInternal, "AES-256 failed inside OpenSSL");
}

tl::unexpected<Error> KeyIsGone() {
  return Fail(ErrorCode::kInvalidArgument, "the key was moved away");
}

}  // namespace

namespace internal {

Result<std::unique_ptr<ExpandedXaes>> ExpandedXaes::Create(ByteView key) {
  ROWSEAL_ASSIGN(CipherContext aes, NewCipherContext());
  ROWSEAL_ASSIGN(Aes256Gcm gcm, Aes256Gcm::Create());
  if (key.size() != kKeySize || AesBlocks() == nullptr ||
      EVP_EncryptInit_ex2(aes.get(), AesBlocks(), key.data(), nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(aes.get(), 0) != 1) {
    return AesFailed();
  }
  std::unique_ptr<ExpandedXaes> expanded(new (std::nothrow)
                                             ExpandedXaes(std::move(aes), std::move(gcm)));
  if (expanded == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for an expanded key");
  }
  // L = AES_K(0^128); K1 = 2 L. The second block is not used.
  std::array<std::uint8_t, 32> blocks{};
  if (!expanded->EncryptTwoBlocks(blocks)) {
    return AesFailed();
  }
  std::array<std::uint8_t, 16> l{};
  std::memcpy(l.data(), blocks.data(), l.size());
  expanded->k1_ = Double(l);
  OPENSSL_cleanse(l.data(), l.size());
  OPENSSL_cleanse(blocks.data(), blocks.size());
  return expanded;
}

ExpandedXaes::~ExpandedXaes() { OPENSSL_cleanse(k1_.data(), k1_.size()); }

bool ExpandedXaes::EncryptTwoBlocks(std::span<std::uint8_t, 32> blocks) noexcept {
  int written = 0;
  return EVP_EncryptUpdate(aes_.get(), blocks.data(), &written, blocks.data(), 32) == 1 &&
         written == 32;
}

// Kx = AES_K(M1 xor K1) ‖ AES_K(M2 xor K1): CMAC of one block each, M = counter 16 bits, 'X', 0,
// first half of the nonce. By hand because OpenSSL 3.0's KBKDF ignores the 16-bit counter and
// derives another key.
bool ExpandedXaes::DeriveMessageKey(const XaesNonce& nonce,
                                    std::span<std::uint8_t, 32> message_key) noexcept {
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint8_t* const block = message_key.data() + 16 * half;
    block[0] = 0;
    block[1] = static_cast<std::uint8_t>(half + 1);
    block[2] = 'X';
    block[3] = 0;
    std::memcpy(block + 4, nonce.data(), 12);
    for (std::size_t i = 0; i < 16; ++i) {
      block[i] = static_cast<std::uint8_t>(block[i] ^ k1_[i]);
    }
  }
  return EncryptTwoBlocks(message_key);
}

Result<void> ExpandedXaes::Seal(ByteView plaintext, ByteView context, const XaesNonce& nonce,
                                std::span<std::uint8_t> out) {
  std::array<std::uint8_t, kKeySize> message_key;
  if (!DeriveMessageKey(nonce, message_key)) {
    OPENSSL_cleanse(message_key.data(), message_key.size());
    OPENSSL_cleanse(out.data(), out.size());
    return AesFailed();
  }
  Result<void> sealed = gcm_.Seal(Aes256Gcm::Key(message_key), Aes256Gcm::Iv(nonce.data() + 12, 12),
                                  plaintext, context, out);
  OPENSSL_cleanse(message_key.data(), message_key.size());
  return sealed;
}

Result<void> ExpandedXaes::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                                std::span<std::uint8_t> out) {
  std::array<std::uint8_t, kKeySize> message_key;
  if (!DeriveMessageKey(nonce, message_key)) {
    OPENSSL_cleanse(message_key.data(), message_key.size());
    OPENSSL_cleanse(out.data(), out.size());
    return AesFailed();
  }
  Result<void> opened = gcm_.Open(Aes256Gcm::Key(message_key), Aes256Gcm::Iv(nonce.data() + 12, 12),
                                  sealed, context, out);
  OPENSSL_cleanse(message_key.data(), message_key.size());
  return opened;
}

}  // namespace internal

// Lease takes an expanded key out of a slot and puts it back; no two threads ever hold the same
// one.
class XaesKey::State::Lease final {
 public:
  explicit Lease(State& state) noexcept : state_(state), drops_(state.drops.load()) {
    const std::size_t own = OwnSlot();
    for (std::size_t i = 0; i < kMaxExpanded; ++i) {
      Slot& slot = state.slots[(own + i) % kMaxExpanded];
      internal::ExpandedXaes* const found = slot.expanded.exchange(Taken());
      if (found != Taken()) {
        slot_ = &slot;
        expanded_.reset(found);
        return;
      }
    }
    // More threads than slots: this one works with a temporary key.
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  ~Lease() {
    if (slot_ == nullptr) {
      return;
    }
    internal::ExpandedXaes* const kept = expanded_.release();
    slot_->expanded.exchange(kept);
    // A drop that ran meanwhile found the slot taken; the key must not outlive it. Both sides use
    // sequentially consistent operations, so one of them sees the other.
    if (kept != nullptr && state_.drops.load() != drops_) {
      Drop(*slot_);
    }
  }

  // Expanded gives the key, expanded now if it was not.
  Result<internal::ExpandedXaes*> Expanded() {
    if (expanded_ == nullptr) {
      ROWSEAL_ASSIGN(expanded_, internal::ExpandedXaes::Create(state_.key.Reveal()));
    }
    return expanded_.get();
  }

  // Drop empties a slot at rest; a taken one is left to its holder.
  static void Drop(Slot& slot) noexcept {
    internal::ExpandedXaes* found = slot.expanded.load();
    if (found == nullptr || found == Taken() ||
        !slot.expanded.compare_exchange_strong(found, nullptr)) {
      return;
    }
    delete found;
  }

 private:
  static internal::ExpandedXaes* Taken() noexcept {
    alignas(internal::ExpandedXaes) static std::byte taken;
    return reinterpret_cast<internal::ExpandedXaes*>(&taken);
  }

  // Threads are numbered in the order of their first use; up to kMaxExpanded never meet.
  static std::size_t OwnSlot() noexcept {
    static std::atomic<std::size_t> next_thread{0};
    thread_local const std::size_t own = next_thread.fetch_add(1, std::memory_order_relaxed);
    return own % kMaxExpanded;
  }

  State& state_;
  std::uint32_t drops_;
  Slot* slot_ = nullptr;
  std::unique_ptr<internal::ExpandedXaes> expanded_;
};

Result<void> XaesKey::State::Seal(ByteView plaintext, ByteView context, const XaesNonce& nonce,
                                  std::span<std::uint8_t> out) {
  Lease lease(*this);
  Result<internal::ExpandedXaes*> expanded = lease.Expanded();
  if (!expanded) {
    OPENSSL_cleanse(out.data(), out.size());
    return tl::unexpected<Error>(std::move(expanded).error());
  }
  return (*expanded)->Seal(plaintext, context, nonce, out);
}

Result<void> XaesKey::State::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                                  std::span<std::uint8_t> out) {
  Lease lease(*this);
  Result<internal::ExpandedXaes*> expanded = lease.Expanded();
  if (!expanded) {
    OPENSSL_cleanse(out.data(), out.size());
    return tl::unexpected<Error>(std::move(expanded).error());
  }
  return (*expanded)->Open(sealed, context, nonce, out);
}

void XaesKey::State::DropExpanded() noexcept {
  drops.fetch_add(1);
  for (Slot& slot : slots) {
    Lease::Drop(slot);
  }
}

Result<XaesKey> XaesKey::Create(SecretBytes key) {
  if (key.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a key has 32 bytes");
  }
  if (IsZero(key.Reveal())) {
    return Fail(ErrorCode::kInvalidArgument, "a key of zeros is not a key");
  }
  std::unique_ptr<State> state(new (std::nothrow) State(std::move(key)));
  if (state == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for a key");
  }
  return XaesKey(std::move(state));
}

Result<XaesKey> XaesKey::Generate() {
  ROWSEAL_ASSIGN(SecretBytes key, RandomSecret(kKeySize));
  return Create(std::move(key));
}

XaesKey::XaesKey(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
XaesKey::XaesKey(XaesKey&&) noexcept = default;
XaesKey& XaesKey::operator=(XaesKey&&) noexcept = default;
XaesKey::~XaesKey() = default;

Result<void> XaesKey::Seal(ByteView plaintext, ByteView context, XaesNonce& nonce,
                           std::span<std::uint8_t> out) const {
  nonce.fill(0);
  if (state_ == nullptr) {
    OPENSSL_cleanse(out.data(), out.size());
    return KeyIsGone();
  }
  if (Result<void> filled = FillRandom(nonce); !filled) {
    OPENSSL_cleanse(out.data(), out.size());
    return filled;
  }
  return state_->Seal(plaintext, context, nonce, out);
}

Result<void> XaesKey::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                           std::span<std::uint8_t> out) const {
  if (state_ == nullptr) {
    OPENSSL_cleanse(out.data(), out.size());
    return KeyIsGone();
  }
  return state_->Open(sealed, context, nonce, out);
}

const SecretBytes& XaesKey::bytes() const noexcept {
  static const SecretBytes none;
  return state_ == nullptr ? none : state_->key;
}

void XaesKey::DropExpanded() const noexcept {
  if (state_ != nullptr) {
    state_->DropExpanded();
  }
}

}  // namespace rowseal
