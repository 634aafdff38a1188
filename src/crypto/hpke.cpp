#include "crypto/hpke.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/aes_256_gcm.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "memory/wipe.h"

namespace rowseal {
namespace {

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;
struct KeyContextDeleter {
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, KeyContextDeleter>;

// RFC 9180 section 7: KEM 0x0020, KDF 0x0001, AEAD 0x0002, each as two bytes.
constexpr std::string_view kVersion = "HPKE-v1";
constexpr std::string_view kKemSuite("KEM\x00\x20", 5);
constexpr std::string_view kHpkeSuite("HPKE\x00\x20\x00\x01\x00\x02", 10);
constexpr std::uint8_t kBaseMode = 0;

tl::unexpected<Error> Broken() {
  ERR_clear_error();
  return Fail(ErrorCode::kInternal, "X25519 failed inside OpenSSL");
}

Result<SecretBytes> Concatenated(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) {
    size += part.size();
  }
  ROWSEAL_ASSIGN(SecretBuffer all, SecretBuffer::Create(size));
  for (const ByteView part : parts) {
    ROWSEAL_TRY(all.Append(part));
  }
  return std::move(all).Take();
}

// HMAC-SHA256 into guarded memory.
Result<SecretBytes> SecretMac(ByteView key, ByteView message, std::size_t size) {
  ROWSEAL_ASSIGN(Mac mac, HmacSha256(key, message));
  Result<SecretBytes> kept = SecretBytes::CopyOf(ByteView(mac).first(size));
  Wipe(mac);
  return kept;
}

// Section 4: LabeledExtract. HKDF-Extract is one HMAC, keyed by the salt.
Result<SecretBytes> LabeledExtract(std::string_view suite, ByteView salt, std::string_view label,
                                   ByteView key_material) {
  ROWSEAL_ASSIGN(const SecretBytes labelled,
                 Concatenated({AsBytes(kVersion), AsBytes(suite), AsBytes(label), key_material}));
  return SecretMac(salt, labelled.Reveal(), kMacSize);
}

// Section 4: LabeledExpand. No more than one block is ever asked for, so HKDF-Expand is one HMAC.
Result<SecretBytes> LabeledExpand(std::string_view suite, const SecretBytes& secret,
                                  std::string_view label, ByteView info, std::size_t size) {
  const std::uint8_t length[] = {0, static_cast<std::uint8_t>(size)};
  const std::uint8_t first_block = 1;
  ROWSEAL_ASSIGN(const SecretBytes labelled,
                 Concatenated({length, AsBytes(kVersion), AsBytes(suite), AsBytes(label), info,
                               ByteView(&first_block, 1)}));
  return SecretMac(secret.Reveal(), labelled.Reveal(), size);
}

Result<Key> PrivateKey(const SecretBytes& bytes) {
  if (bytes.size() != kHpkeKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "an X25519 private key has 32 bytes");
  }
  Key key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.Reveal().data(), bytes.size()));
  if (key == nullptr) {
    return Broken();
  }
  return key;
}

// OpenSSL refuses the points that give a secret of zeros, which section 7.1.4 asks for.
Result<SecretBytes> Agree(const SecretBytes& own_private, ByteView other_public) {
  ROWSEAL_ASSIGN(const Key own, PrivateKey(own_private));
  const Key other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other_public.data(),
                                              other_public.size()));
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  ROWSEAL_ASSIGN(SecretBuffer shared, SecretBuffer::Create(kHpkeKeySize));
  std::size_t size = kHpkeKeySize;
  if (other == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.Writable().data(), &size) != 1 ||
      size != kHpkeKeySize) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalidArgument, "no secret can be agreed with that public key");
  }
  shared.SetSize(size);
  return std::move(shared).Take();
}

tl::unexpected<Error> NotAuthentic() {
  return Fail(ErrorCode::kIntegrity,
              "the sealed bytes do not open: wrong key, wrong context or a changed byte");
}

}  // namespace

Result<SecretBytes> NewHpkePrivateKey() { return RandomSecret(kHpkeKeySize); }

Result<HpkePublicKey> PublicKeyOf(const SecretBytes& private_key) {
  ROWSEAL_ASSIGN(const Key key, PrivateKey(private_key));
  HpkePublicKey public_key{};
  std::size_t size = public_key.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) != 1 ||
      size != public_key.size()) {
    return Broken();
  }
  return public_key;
}

namespace internal {

Result<HpkeSchedule> HpkeScheduleOf(const SecretBytes& own_private, ByteView other_public,
                                    ByteView encapsulated, ByteView recipient, ByteView info) {
  HpkeSchedule schedule;
  {
    ROWSEAL_ASSIGN(const SecretBytes agreed, Agree(own_private, other_public));
    ROWSEAL_ASSIGN(const SecretBytes extracted,
                   LabeledExtract(kKemSuite, {}, "eae_prk", agreed.Reveal()));
    Bytes kem_context(encapsulated.begin(), encapsulated.end());
    kem_context.insert(kem_context.end(), recipient.begin(), recipient.end());
    ROWSEAL_ASSIGN(schedule.shared_secret,
                   LabeledExpand(kKemSuite, extracted, "shared_secret", kem_context, kHpkeKeySize));
  }
  ROWSEAL_ASSIGN(const SecretBytes no_psk, LabeledExtract(kHpkeSuite, {}, "psk_id_hash", {}));
  ROWSEAL_ASSIGN(const SecretBytes info_hash, LabeledExtract(kHpkeSuite, {}, "info_hash", info));
  ROWSEAL_ASSIGN(const SecretBytes context,
                 Concatenated({ByteView(&kBaseMode, 1), no_psk.Reveal(), info_hash.Reveal()}));
  ROWSEAL_ASSIGN(const SecretBytes secret,
                 LabeledExtract(kHpkeSuite, schedule.shared_secret.Reveal(), "secret", {}));
  ROWSEAL_ASSIGN(schedule.key,
                 LabeledExpand(kHpkeSuite, secret, "key", context.Reveal(), Aes256Gcm::kKeyBytes));
  ROWSEAL_ASSIGN(const SecretBytes nonce, LabeledExpand(kHpkeSuite, secret, "base_nonce",
                                                        context.Reveal(), Aes256Gcm::kIvBytes));
  std::ranges::copy(nonce.Reveal(), schedule.base_nonce.begin());
  return schedule;
}

Result<Bytes> HpkeSealUnder(const SecretBytes& ephemeral_key, const HpkePublicKey& public_key,
                            ByteView info, ByteView context, ByteView plaintext) {
  ROWSEAL_ASSIGN(const HpkePublicKey encapsulated, PublicKeyOf(ephemeral_key));
  ROWSEAL_ASSIGN(const HpkeSchedule schedule,
                 HpkeScheduleOf(ephemeral_key, public_key, encapsulated, public_key, info));
  Bytes sealed(kHpkeOverhead + plaintext.size());
  std::ranges::copy(encapsulated, sealed.begin());
  ROWSEAL_ASSIGN(Aes256Gcm gcm, Aes256Gcm::Create());
  // The key serves this one message, so its base nonce is used once.
  ROWSEAL_TRY(gcm.Seal(schedule.key.Reveal().first<Aes256Gcm::kKeyBytes>(), schedule.base_nonce,
                       plaintext, context, std::span(sealed).subspan(kHpkeKeySize)));
  return sealed;
}

}  // namespace internal

Result<Bytes> HpkeSeal(const HpkePublicKey& public_key, ByteView info, ByteView context,
                       ByteView plaintext) {
  ROWSEAL_ASSIGN(const SecretBytes ephemeral_key, NewHpkePrivateKey());
  return internal::HpkeSealUnder(ephemeral_key, public_key, info, context, plaintext);
}

Result<SecretBytes> HpkeOpen(const SecretBytes& private_key, ByteView info, ByteView context,
                             ByteView sealed) {
  if (sealed.size() < kHpkeOverhead) {
    return NotAuthentic();
  }
  const ByteView encapsulated = sealed.first(kHpkeKeySize);
  ROWSEAL_ASSIGN(const HpkePublicKey recipient, PublicKeyOf(private_key));
  const Result<internal::HpkeSchedule> schedule =
      internal::HpkeScheduleOf(private_key, encapsulated, encapsulated, recipient, info);
  if (!schedule && schedule.error().code == ErrorCode::kInvalidArgument) {
    return NotAuthentic();  // the encapsulated key was chosen by somebody
  }
  if (!schedule) {
    return tl::unexpected(schedule.error());
  }
  ROWSEAL_ASSIGN(SecretBuffer plaintext, SecretBuffer::Create(sealed.size() - kHpkeOverhead));
  ROWSEAL_ASSIGN(internal::Aes256Gcm gcm, internal::Aes256Gcm::Create());
  ROWSEAL_TRY(gcm.Open(schedule->key.Reveal(), schedule->base_nonce, sealed.subspan(kHpkeKeySize),
                       context, plaintext.Writable()));
  plaintext.SetSize(plaintext.capacity());
  return std::move(plaintext).Take();
}

}  // namespace rowseal
