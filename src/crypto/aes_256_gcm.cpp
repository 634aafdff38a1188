#include "crypto/aes_256_gcm.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace rowseal::internal {
namespace {

// OpenSSL counts in int; a multiple of the block size keeps GCM's counter and GHASH aligned.
constexpr std::size_t kMaxPiece = std::size_t{1} << 30;

const EVP_CIPHER* Gcm() noexcept {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

template <auto UpdateFunction>
bool UpdatePiece(EVP_CIPHER_CTX* context, std::uint8_t* out, ByteView in) noexcept {
  const auto size = static_cast<int>(in.size());
  int written = 0;
  return UpdateFunction(context, out, &written, in.data(), size) == 1 && written == size;
}

// Feeds `in` in pieces; `out` is null for associated data. False unless every byte was taken.
template <auto UpdateFunction>
bool Update(EVP_CIPHER_CTX* context, std::uint8_t* out, ByteView in) noexcept {
  while (in.size() > kMaxPiece) {
    if (!UpdatePiece<UpdateFunction>(context, out, in.first(kMaxPiece))) {
      return false;
    }
    in = in.subspan(kMaxPiece);
    out = out == nullptr ? nullptr : out + kMaxPiece;
  }
  return in.empty() || UpdatePiece<UpdateFunction>(context, out, in);
}

// A context names its cipher once, after its creation or a reset: naming it again would reset it
// and count references in a cache line that all threads share.
const EVP_CIPHER* CipherToName(const EVP_CIPHER_CTX* context) noexcept {
  return EVP_CIPHER_CTX_get0_cipher(context) == nullptr ? Gcm() : nullptr;
}

bool Encrypt(EVP_CIPHER_CTX* context, Aes256Gcm::Key key, Aes256Gcm::Iv iv, ByteView plaintext,
             ByteView associated, std::uint8_t* out) noexcept {
  if (EVP_EncryptInit_ex2(context, CipherToName(context), key.data(), iv.data(), nullptr) != 1 ||
      !Update<EVP_EncryptUpdate>(context, nullptr, associated) ||
      !Update<EVP_EncryptUpdate>(context, out, plaintext)) {
    return false;
  }
  std::uint8_t* const tag = out + plaintext.size();
  int written = 0;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, Aes256Gcm::kTagBytes),
      OSSL_PARAM_construct_end()};
  return EVP_EncryptFinal_ex(context, tag, &written) == 1 && written == 0 &&
         EVP_CIPHER_CTX_get_params(context, params) == 1 &&
         params[0].return_size == Aes256Gcm::kTagBytes;
}

enum class Opened { kYes, kNotAuthentic, kBroken };

Opened Decrypt(EVP_CIPHER_CTX* context, Aes256Gcm::Key key, Aes256Gcm::Iv iv, ByteView sealed,
               ByteView associated, std::uint8_t* out) noexcept {
  const std::size_t size = sealed.size() - Aes256Gcm::kTagBytes;
  // OpenSSL only reads the tag; its parameters have no const form.
  auto* const tag = const_cast<std::uint8_t*>(sealed.data() + size);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, Aes256Gcm::kTagBytes),
      OSSL_PARAM_construct_end()};
  if (EVP_DecryptInit_ex2(context, CipherToName(context), key.data(), iv.data(), params) != 1 ||
      !Update<EVP_DecryptUpdate>(context, nullptr, associated) ||
      !Update<EVP_DecryptUpdate>(context, out, sealed.first(size))) {
    return Opened::kBroken;
  }
  int written = 0;
  std::uint8_t unused[16];
  return EVP_DecryptFinal_ex(context, unused, &written) == 1 && written == 0
             ? Opened::kYes
             : Opened::kNotAuthentic;
}

// Ends an operation that did not reach its end: `out` and the context are wiped, so that nothing
// half-done can lend its state to the next operation.
void Abandon(EVP_CIPHER_CTX* context, std::span<std::uint8_t> out) noexcept {
  OPENSSL_cleanse(out.data(), out.size());
  EVP_CIPHER_CTX_reset(context);
  ERR_clear_error();
}

tl::unexpected<Error> NotAuthentic() {
  return Fail(ErrorCode::kIntegrity,
              "the sealed bytes do not open: wrong key, wrong context or a changed byte");
}

tl::unexpected<Error> Broken() {
  return Fail(ErrorCode::kInternal, "AES-256-GCM failed inside OpenSSL");
}

}  // namespace

void CipherContextDeleter::operator()(EVP_CIPHER_CTX* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

Result<CipherContext> NewCipherContext() {
  CipherContext context(EVP_CIPHER_CTX_new());
  if (context == nullptr) {
    ERR_clear_error();
    return Fail(ErrorCode::kResourceExhausted, "no memory for a cipher context");
  }
  return context;
}

Result<Aes256Gcm> Aes256Gcm::Create() {
  ROWSEAL_ASSIGN(CipherContext context, NewCipherContext());
  return Aes256Gcm(std::move(context));
}

Result<void> Aes256Gcm::Seal(Key key, Iv iv, ByteView plaintext, ByteView context,
                             std::span<std::uint8_t> out) {
  if (plaintext.size() > kMaxPlaintext || out.size() != plaintext.size() + kTagBytes) {
    OPENSSL_cleanse(out.data(), out.size());
    return Fail(ErrorCode::kInvalidArgument, "a sealed value has the plaintext's size + 16 bytes");
  }
  if (!Encrypt(context_.get(), key, iv, plaintext, context, out.data())) {
    Abandon(context_.get(), out);
    return Broken();
  }
  return {};
}

Result<void> Aes256Gcm::Open(Key key, Iv iv, ByteView sealed, ByteView context,
                             std::span<std::uint8_t> out) {
  if (sealed.size() < kTagBytes || sealed.size() - kTagBytes > kMaxPlaintext) {
    OPENSSL_cleanse(out.data(), out.size());
    return NotAuthentic();
  }
  if (out.size() != sealed.size() - kTagBytes) {
    OPENSSL_cleanse(out.data(), out.size());
    return Fail(ErrorCode::kInvalidArgument, "an opened value has the sealed size - 16 bytes");
  }
  const Opened opened = Decrypt(context_.get(), key, iv, sealed, context, out.data());
  if (opened == Opened::kYes) {
    return {};
  }
  Abandon(context_.get(), out);
  if (opened == Opened::kBroken) {
    return Broken();
  }
  return NotAuthentic();
}

Result<void> Aes256Gcm::Open(ByteView key, ByteView iv, ByteView sealed, ByteView context,
                             std::span<std::uint8_t> out) {
  if (key.size() != kKeyBytes || iv.size() != kIvBytes) {
    OPENSSL_cleanse(out.data(), out.size());
    return Fail(ErrorCode::kInvalidArgument, "AES-256-GCM takes a key of 32 bytes and an IV of 12");
  }
  return Open(key.first<kKeyBytes>(), iv.first<kIvBytes>(), sealed, context, out);
}

}  // namespace rowseal::internal
