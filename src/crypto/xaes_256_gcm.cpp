#include "crypto/xaes_256_gcm.h"

#include <cstring>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/random.h"
#include "crypto/xaes_state.h"
#include "memory/wipe.h"

namespace rowseal {
namespace {

static_assert(kKeySize == internal::Aes256Gcm::kKeyBytes);
static_assert(kTagSize == internal::Aes256Gcm::kTagBytes);

// An AES block in one register.
using Block [[gnu::vector_size(16)]] = std::uint32_t;

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

tl::unexpected<Error> NonceIsUsed() {
  return Fail(ErrorCode::kInternal, "a nonce was to be used a second time");
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
  std::array<std::uint8_t, 16> k1 = Double(l);
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint8_t* const mask = expanded->masks_.data() + 16 * half;
    std::memcpy(mask, k1.data(), k1.size());
    mask[1] = static_cast<std::uint8_t>(mask[1] ^ (half + 1));
    mask[2] = static_cast<std::uint8_t>(mask[2] ^ 'X');
  }
  Wipe(l);
  Wipe(k1);
  Wipe(blocks);
  return expanded;
}

ExpandedXaes::~ExpandedXaes() { Wipe(masks_); }

bool ExpandedXaes::EncryptTwoBlocks(std::span<std::uint8_t, 32> blocks) noexcept {
  int written = 0;
  return EVP_EncryptUpdate(aes_.get(), blocks.data(), &written, blocks.data(), 32) == 1 &&
         written == 32;
}

// Kx = AES_K(M1 xor K1) ‖ AES_K(M2 xor K1): CMAC of one block each, M = counter 16 bits, 'X', 0,
// first half of the nonce. By hand because OpenSSL 3.0's KBKDF ignores the 16-bit counter and
// derives another key. By whole blocks: assembled from smaller stores, they would have to reach
// memory before the cipher can load them.
bool ExpandedXaes::DeriveMessageKey(const XaesNonce& nonce,
                                    std::span<std::uint8_t, 32> message_key) noexcept {
  std::array<std::uint32_t, 3> half_nonce;
  std::memcpy(half_nonce.data(), nonce.data(), sizeof(half_nonce));
  // Its first word is the counter's place.
  const Block half_block{0, half_nonce[0], half_nonce[1], half_nonce[2]};
  for (std::size_t at = 0; at < message_key.size(); at += sizeof(Block)) {
    Block block;
    std::memcpy(&block, masks_.data() + at, sizeof(block));
    block ^= half_block;
    std::memcpy(message_key.data() + at, &block, sizeof(block));
  }
  return EncryptTwoBlocks(message_key);
}

Result<void> ExpandedXaes::Seal(ByteView plaintext, ByteView context, const XaesNonce& nonce,
                                std::span<std::uint8_t> out) {
  std::array<std::uint8_t, kKeySize> message_key;
  if (!DeriveMessageKey(nonce, message_key)) {
    Wipe(message_key);
    Wipe(out);
    return AesFailed();
  }
  Result<void> sealed = gcm_.Seal(Aes256Gcm::Key(message_key), Aes256Gcm::Iv(nonce.data() + 12, 12),
                                  plaintext, context, out);
  Wipe(message_key);
  return sealed;
}

Result<void> ExpandedXaes::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                                std::span<std::uint8_t> out) {
  std::array<std::uint8_t, kKeySize> message_key;
  if (!DeriveMessageKey(nonce, message_key)) {
    Wipe(message_key);
    Wipe(out);
    return AesFailed();
  }
  Result<void> opened = gcm_.Open(Aes256Gcm::Key(message_key), Aes256Gcm::Iv(nonce.data() + 12, 12),
                                  sealed, context, out);
  Wipe(message_key);
  return opened;
}

}  // namespace internal

// Lease takes an expanded key out of a slot and puts it back; no two threads ever hold the same
// one.
class XaesKey::State::Lease final {
 public:
  explicit Lease(State& state) noexcept : state_(state), drops_(state.drops.load()) {
    if (state.form == ExpandedForm::kForOneCall) {
      return;  // works with a temporary expanded key, which goes with this lease
    }
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

  // Expand makes sure that there is an expanded key.
  Result<void> Expand() { return expanded_ != nullptr ? Result<void>() : ExpandNow(); }
  internal::ExpandedXaes& expanded() noexcept { return *expanded_; }

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
  [[gnu::noinline]] Result<void> ExpandNow() {
    ROWSEAL_ASSIGN(expanded_, internal::ExpandedXaes::Create(state_.key.Reveal()));
    return {};
  }

  static internal::ExpandedXaes* Taken() noexcept {
    alignas(internal::ExpandedXaes) static std::byte taken;
    return reinterpret_cast<internal::ExpandedXaes*>(&taken);
  }

  // Threads are numbered from 1 in the order of their first use; up to kMaxExpanded never meet.
  static std::size_t OwnSlot() noexcept {
    static constinit std::atomic<std::size_t> threads{0};
    static constinit thread_local std::size_t own = 0;
    if (own == 0) {
      own = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    }
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
  if (Result<void> expanded = lease.Expand(); !expanded) {
    Wipe(out);
    return expanded;
  }
  return lease.expanded().Seal(plaintext, context, nonce, out);
}

Result<void> XaesKey::State::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                                  std::span<std::uint8_t> out) {
  Lease lease(*this);
  if (Result<void> expanded = lease.Expand(); !expanded) {
    Wipe(out);
    return expanded;
  }
  return lease.expanded().Open(sealed, context, nonce, out);
}

void XaesKey::State::DropExpanded() noexcept {
  drops.fetch_add(1);
  for (Slot& slot : slots) {
    Lease::Drop(slot);
  }
}

Result<XaesKey> XaesKey::Create(SecretBytes key, ExpandedForm form) {
  if (key.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a key has 32 bytes");
  }
  if (IsZero(key.Reveal())) {
    return Fail(ErrorCode::kInvalidArgument, "a key of zeros is not a key");
  }
  std::unique_ptr<State> state(new (std::nothrow) State(std::move(key), form));
  if (state == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for a key");
  }
  return XaesKey(std::move(state));
}

Result<XaesKey> XaesKey::Generate(ExpandedForm form) {
  ROWSEAL_ASSIGN(SecretBytes key, RandomSecret(kKeySize));
  return Create(std::move(key), form);
}

XaesKey::XaesKey(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
XaesKey::XaesKey(XaesKey&&) noexcept = default;
XaesKey& XaesKey::operator=(XaesKey&&) noexcept = default;
XaesKey::~XaesKey() = default;

Result<void> XaesKey::Seal(ByteView plaintext, ByteView context, FreshNonce fresh, XaesNonce& nonce,
                           std::span<std::uint8_t> out) const {
  nonce.fill(0);
  if (state_ == nullptr || !fresh.fresh_) {
    Wipe(out);
    return state_ == nullptr ? KeyIsGone() : NonceIsUsed();
  }
  nonce = fresh.nonce_;
  return state_->Seal(plaintext, context, nonce, out);
}

Result<void> XaesKey::Seal(ByteView plaintext, ByteView context, XaesNonce& nonce,
                           std::span<std::uint8_t> out) const {
  nonce.fill(0);
  Result<FreshNonces> drawn = FreshNonces::Draw(1);
  if (!drawn) {
    Wipe(out);
    return tl::unexpected(std::move(drawn).error());
  }
  return Seal(plaintext, context, *drawn->Take(), nonce, out);
}

Result<void> XaesKey::Open(ByteView sealed, ByteView context, const XaesNonce& nonce,
                           std::span<std::uint8_t> out) const {
  if (state_ == nullptr) {
    Wipe(out);
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
