#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace rowseal {
namespace {

struct MacContextDeleter {
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacContextDeleter>;

// A context that knows its hash but no key. Copying it is five times as fast as naming the hash
// each time, which searches OpenSSL's providers.
EVP_MAC_CTX* MakeTemplate() noexcept {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const context = hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac);
  char hash[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                               OSSL_PARAM_construct_end()};
  if (context == nullptr || EVP_MAC_CTX_set_params(context, params) != 1) {
    return nullptr;
  }
  return context;
}

const EVP_MAC_CTX* Template() noexcept {
  static const EVP_MAC_CTX* const context = MakeTemplate();
  return context;
}

const EVP_MD* Sha256Digest() noexcept {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

tl::unexpected<Error> HashFailed() {
  ERR_clear_error();
  return Fail(ErrorCode::kInternal, "SHA-256 failed inside OpenSSL");
}

}  // namespace

Result<Mac> HmacSha256(ByteView key, ByteView message) {
  const MacContext context(Template() == nullptr ? nullptr : EVP_MAC_CTX_dup(Template()));
  // A null key would mean "the key of before"; an empty key is a key.
  static constexpr std::uint8_t kEmpty = 0;
  Mac mac{};
  std::size_t written = 0;
  if (context == nullptr ||
      EVP_MAC_init(context.get(), key.empty() ? &kEmpty : key.data(), key.size(), nullptr) != 1 ||
      EVP_MAC_update(context.get(), message.data(), message.size()) != 1 ||
      EVP_MAC_final(context.get(), mac.data(), &written, mac.size()) != 1 ||
      written != mac.size()) {
    return HashFailed();
  }
  return mac;
}

std::size_t HmacSize(HmacHash hash) noexcept {
  switch (hash) {
    case HmacHash::kSha1:
      return 20;
    case HmacHash::kSha512:
      return 64;
    case HmacHash::kSha256:
      break;
  }
  return 32;
}

Result<Bytes> Hmac(HmacHash hash, ByteView key, ByteView message) {
  static constexpr std::uint8_t kEmpty = 0;  // a null key would be none at all
  const char* const name = hash == HmacHash::kSha1     ? "SHA1"
                           : hash == HmacHash::kSha512 ? "SHA512"
                                                       : "SHA256";
  Bytes mac(HmacSize(hash));
  std::size_t written = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, name, nullptr, key.empty() ? &kEmpty : key.data(),
                key.size(), message.data(), message.size(), mac.data(), mac.size(),
                &written) == nullptr ||
      written != mac.size()) {
    ERR_clear_error();
    return Fail(ErrorCode::kInternal, "HMAC failed inside OpenSSL");
  }
  return mac;
}

Result<Mac> Sha256(ByteView message) {
  Mac hash{};
  unsigned int written = 0;
  if (Sha256Digest() == nullptr ||
      EVP_Digest(message.data(), message.size(), hash.data(), &written, Sha256Digest(), nullptr) !=
          1 ||
      written != hash.size()) {
    return HashFailed();
  }
  return hash;
}

bool EqualInConstantTime(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace rowseal
