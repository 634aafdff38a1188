#include "crypto/legacy_cipher.h"

#include <optional>
#include <string>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/aes_256_gcm.h"

namespace rowseal {
namespace {

using internal::CipherContext;
using internal::NewCipherContext;

// Bytes. OpenSSL counts in int, and what is longer is no value of an app's column.
constexpr std::size_t kMaxSize = std::size_t{1} << 30;

// Bytes: the expansion that OpenSSL's scrypt may use; N * r * 128 is 16 MiB.
constexpr std::uint64_t kScryptMemory = std::uint64_t{32} << 20;

const EVP_CIPHER* Gcm() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

const EVP_CIPHER* Cbc() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

const EVP_MD* Sha256Hash() noexcept {
  static const EVP_MD* const hash = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return hash;
}

// Null where OpenSSL is restricted to approved algorithms.
const EVP_MD* Md5Hash() noexcept {
  static const EVP_MD* const hash = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return hash;
}

tl::unexpected<Error> Broken(const std::string& what) {
  ERR_clear_error();
  return Fail(ErrorCode::kInternal, what + " failed inside OpenSSL");
}

Result<void> CheckKey(ByteView key) {
  if (key.size() != kLegacyKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "AES-256 takes a key of 32 bytes");
  }
  return {};
}

Result<void> CheckKdf(ByteView passphrase, std::uint32_t iterations) {
  if (passphrase.empty() || passphrase.size() > kMaxSize) {
    return Fail(ErrorCode::kInvalidArgument, "the passphrase is empty or too long");
  }
  if (iterations < 1 || iterations > kMaxKdfIterations) {
    return Fail(ErrorCode::kInvalidArgument,
                "a key is derived with 1 to " + std::to_string(kMaxKdfIterations) + " iterations");
  }
  return {};
}

// The IV's length is set before the IV: an initialisation takes its parameters last.
bool BeginGcm(EVP_CIPHER_CTX* context, ByteView key, const LegacyGcmValue& value) noexcept {
  std::size_t iv_size = value.iv.size();
  const OSSL_PARAM length[] = {OSSL_PARAM_construct_size_t(OSSL_CIPHER_PARAM_AEAD_IVLEN, &iv_size),
                               OSSL_PARAM_construct_end()};
  // OpenSSL only reads the tag; its parameters have no const form.
  const OSSL_PARAM tag[] = {OSSL_PARAM_construct_octet_string(
                                OSSL_CIPHER_PARAM_AEAD_TAG,
                                const_cast<std::uint8_t*>(value.tag.data()), value.tag.size()),
                            OSSL_PARAM_construct_end()};
  return EVP_DecryptInit_ex2(context, Gcm(), nullptr, nullptr, length) == 1 &&
         EVP_DecryptInit_ex2(context, nullptr, key.data(), value.iv.data(), tag) == 1;
}

// Feeds all of `in`; `out` is null for associated data. Gives what was written.
std::optional<std::size_t> Update(EVP_CIPHER_CTX* context, std::uint8_t* out, ByteView in) {
  int written = 0;
  if (in.empty()) {
    return 0;
  }
  if (EVP_DecryptUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) != 1) {
    return {};
  }
  return static_cast<std::size_t>(written);
}

}  // namespace

Result<SecretBytes> OpenLegacyGcm(ByteView key, const LegacyGcmValue& value) {
  ROWSEAL_TRY(CheckKey(key));
  if (value.iv.size() != 12 && value.iv.size() != 16) {
    return Fail(ErrorCode::kIntegrity, "the IV is not of 12 or 16 bytes");
  }
  if (value.tag.size() != kLegacyTagSize) {
    return Fail(ErrorCode::kIntegrity, "the tag is not of 16 bytes");
  }
  if (value.ciphertext.size() > kMaxSize || value.associated.size() > kMaxSize) {
    return Fail(ErrorCode::kIntegrity, "the ciphertext is too long");
  }
  ROWSEAL_ASSIGN(SecretBuffer out, SecretBuffer::Create(value.ciphertext.size()));
  ROWSEAL_ASSIGN(const CipherContext context, NewCipherContext());
  if (Gcm() == nullptr || !BeginGcm(context.get(), key, value) ||
      !Update(context.get(), nullptr, value.associated) ||
      Update(context.get(), out.Writable().data(), value.ciphertext) != value.ciphertext.size()) {
    return Broken("AES-256-GCM");
  }
  int written = 0;
  std::uint8_t unused[16];
  if (EVP_DecryptFinal_ex(context.get(), unused, &written) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kIntegrity,
                "the tag does not match: wrong key, wrong layout or a changed byte");
  }
  out.SetSize(value.ciphertext.size());
  return std::move(out).Take();
}

Result<SecretBytes> OpenLegacyCbc(ByteView key, ByteView iv, ByteView ciphertext) {
  ROWSEAL_TRY(CheckKey(key));
  if (iv.size() != kCbcBlockSize) {
    return Fail(ErrorCode::kIntegrity, "the IV is not of 16 bytes");
  }
  if (ciphertext.empty() || ciphertext.size() % kCbcBlockSize != 0 ||
      ciphertext.size() > kMaxSize) {
    return Fail(ErrorCode::kIntegrity, "the ciphertext is not of whole blocks of 16 bytes");
  }
  // OpenSSL asks for a block more than comes out.
  ROWSEAL_ASSIGN(SecretBuffer out, SecretBuffer::Create(ciphertext.size() + kCbcBlockSize));
  ROWSEAL_ASSIGN(const CipherContext context, NewCipherContext());
  if (Cbc() == nullptr ||
      EVP_DecryptInit_ex2(context.get(), Cbc(), key.data(), iv.data(), nullptr) != 1) {
    return Broken("AES-256-CBC");
  }
  const std::optional<std::size_t> body = Update(context.get(), out.Writable().data(), ciphertext);
  if (!body) {
    return Broken("AES-256-CBC");
  }
  int last = 0;
  if (EVP_DecryptFinal_ex(context.get(), out.Writable().data() + *body, &last) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kIntegrity,
                "the padding is wrong: wrong key, or a changed or shortened value");
  }
  out.SetSize(*body + static_cast<std::size_t>(last));
  return std::move(out).Take();
}

Result<SecretBytes> OpenSslBytesToKey(LegacyHash hash, ByteView passphrase, ByteView salt,
                                      std::uint32_t iterations) {
  ROWSEAL_TRY(CheckKdf(passphrase, iterations));
  if (salt.size() != kOpenSslSaltSize) {
    return Fail(ErrorCode::kInvalidArgument, "OpenSSL's salt has 8 bytes");
  }
  const EVP_MD* const md = hash == LegacyHash::kMd5 ? Md5Hash() : Sha256Hash();
  if (md == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kInvalidArgument, "this machine's OpenSSL has no such hash",
                "MD5 is missing where OpenSSL is restricted to approved algorithms (FIPS)");
  }
  ROWSEAL_ASSIGN(SecretBuffer derived, SecretBuffer::Create(kSaltedKeySize));
  std::uint8_t* const out = derived.Writable().data();
  if (Cbc() == nullptr ||
      EVP_BytesToKey(Cbc(), md, salt.data(), passphrase.data(), static_cast<int>(passphrase.size()),
                     static_cast<int>(iterations), out,
                     out + kLegacyKeySize) != static_cast<int>(kLegacyKeySize)) {
    return Broken("EVP_BytesToKey");
  }
  derived.SetSize(kSaltedKeySize);
  return std::move(derived).Take();
}

Result<SecretBytes> Pbkdf2HmacSha256(ByteView passphrase, ByteView salt, std::uint32_t iterations,
                                     std::size_t size) {
  ROWSEAL_TRY(CheckKdf(passphrase, iterations));
  if (size < 1 || size > 64 || salt.size() > kMaxSize) {
    return Fail(ErrorCode::kInvalidArgument, "PBKDF2 gives 1 to 64 bytes");
  }
  ROWSEAL_ASSIGN(SecretBuffer derived, SecretBuffer::Create(size));
  if (Sha256Hash() == nullptr ||
      PKCS5_PBKDF2_HMAC(AsText(passphrase).data(), static_cast<int>(passphrase.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), Sha256Hash(),
                        static_cast<int>(size), derived.Writable().data()) != 1) {
    return Broken("PBKDF2");
  }
  derived.SetSize(size);
  return std::move(derived).Take();
}

Result<SecretBytes> NodeScrypt(ByteView passphrase, ByteView salt) {
  ROWSEAL_TRY(CheckKdf(passphrase, 1));
  ROWSEAL_ASSIGN(SecretBuffer derived, SecretBuffer::Create(kLegacyKeySize));
  if (EVP_PBE_scrypt(AsText(passphrase).data(), passphrase.size(), salt.data(), salt.size(), 16384,
                     8, 1, kScryptMemory, derived.Writable().data(), kLegacyKeySize) != 1) {
    ERR_clear_error();
    return Fail(ErrorCode::kResourceExhausted, "scrypt got no memory: it needs 16 MiB",
                "free memory, then try again");
  }
  derived.SetSize(kLegacyKeySize);
  return std::move(derived).Take();
}

}  // namespace rowseal
