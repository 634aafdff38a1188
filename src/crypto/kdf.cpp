#include "crypto/kdf.h"

#include <array>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

namespace rowseal {
namespace {

constexpr std::size_t kMaxHkdfSize = 255 * 32;  // RFC 5869 section 2.3

struct KdfContextDeleter {
  void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
};
using KdfContext = std::unique_ptr<EVP_KDF_CTX, KdfContextDeleter>;

EVP_KDF* Hkdf() noexcept {
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  return kdf;
}

// OpenSSL only reads what its parameters point to; they have no const form. It refuses a null
// pointer even where it takes no byte from it, and an empty view may hold one.
OSSL_PARAM Octets(const char* name, ByteView bytes) noexcept {
  static constexpr std::uint8_t kNothing = 0;
  const std::uint8_t* const start = bytes.empty() ? &kNothing : bytes.data();
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(start), bytes.size());
}

constexpr std::uint32_t kMaxPasses = 16;
constexpr std::uint32_t kMinMemoryKib = 8;            // RFC 9106 section 3.1: 8 KiB a lane
constexpr std::uint32_t kMaxMemoryKib = 1024 * 1024;  // 1 GiB
constexpr std::size_t kMinArgon2idSize = 16;
constexpr std::size_t kMaxArgon2idSize = 64;

Result<void> CheckArgon2id(ByteView salt, Argon2idCost cost, std::size_t size) {
  if (cost.passes < 1 || cost.passes > kMaxPasses) {
    return Fail(ErrorCode::kInvalidArgument, "Argon2id takes 1 to 16 passes");
  }
  if (cost.memory_kib < kMinMemoryKib || cost.memory_kib > kMaxMemoryKib) {
    return Fail(ErrorCode::kInvalidArgument, "Argon2id takes 8 KiB to 1 GiB of memory");
  }
  if (salt.size() != kArgon2idSaltSize) {
    return Fail(ErrorCode::kInvalidArgument, "Argon2id takes a salt of 16 bytes");
  }
  if (size < kMinArgon2idSize || size > kMaxArgon2idSize) {
    return Fail(ErrorCode::kInvalidArgument, "Argon2id gives 16 to 64 bytes");
  }
  return {};
}

}  // namespace

Result<SecretBytes> HkdfSha256(ByteView key, ByteView salt, ByteView info, std::size_t size) {
  if (key.empty() || size < 1 || size > kMaxHkdfSize) {
    return Fail(ErrorCode::kInvalidArgument, "HKDF takes a key and gives 1 to 8,160 bytes");
  }
  ROWSEAL_ASSIGN(SecretBuffer derived, SecretBuffer::Create(size));
  const KdfContext context(Hkdf() == nullptr ? nullptr : EVP_KDF_CTX_new(Hkdf()));
  char hash[] = "SHA256";
  const std::array params = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
                             Octets(OSSL_KDF_PARAM_KEY, key), Octets(OSSL_KDF_PARAM_SALT, salt),
                             Octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  if (context == nullptr ||
      EVP_KDF_derive(context.get(), derived.Writable().data(), size, params.data()) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kInternal, "HKDF failed inside OpenSSL");
  }
  derived.SetSize(size);
  return std::move(derived).Take();
}

Result<SecretBytes> Argon2id(ByteView passphrase, ByteView salt, Argon2idCost cost,
                             std::size_t size) {
  ROWSEAL_TRY(CheckArgon2id(salt, cost, size));
  if (sodium_init() < 0) {
    return Fail(ErrorCode::kInternal, "libsodium does not start");
  }
  ROWSEAL_ASSIGN(SecretBuffer derived, SecretBuffer::Create(size));
  const char* const text = passphrase.empty() ? "" : AsText(passphrase).data();
  if (crypto_pwhash(derived.Writable().data(), size, text, passphrase.size(), salt.data(),
                    cost.passes, std::size_t{cost.memory_kib} * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Fail(ErrorCode::kResourceExhausted,
                "Argon2id got no memory: it needs " + std::to_string(cost.memory_kib) + " KiB",
                "free memory, then try again");
  }
  derived.SetSize(size);
  return std::move(derived).Take();
}

}  // namespace rowseal
