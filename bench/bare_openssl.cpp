#include "bare_openssl.h"

#include <sys/random.h>

#include <cstdlib>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace rowseal::bench {
namespace {

EVP_CIPHER_CTX* NewContext(const char* cipher) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, cipher, nullptr);
  if (context == nullptr ||
      EVP_CipherInit_ex2(context, fetched, nullptr, nullptr, 1, nullptr) != 1) {
    std::abort();
  }
  EVP_CIPHER_free(fetched);
  return context;
}

int Size(std::span<const std::uint8_t> bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

void ContextDeleter::operator()(EVP_CIPHER_CTX* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

BareXaes::BareXaes(std::span<const std::uint8_t, 32> key)
    : blocks_(NewContext("AES-256-ECB")),
      sealer_(NewContext("AES-256-GCM")),
      opener_(NewContext("AES-256-GCM")) {
  std::array<std::uint8_t, 16> l{};
  int written = 0;
  if (EVP_EncryptInit_ex2(blocks_.get(), nullptr, key.data(), nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(blocks_.get(), 0) != 1 ||
      EVP_EncryptUpdate(blocks_.get(), l.data(), &written, l.data(), Size(l)) != 1) {
    std::abort();
  }
  std::array<std::uint8_t, 16> k1{};
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned next = i < 15 ? l[i + 1] : 0U;
    k1[i] = static_cast<std::uint8_t>(static_cast<unsigned>(l[i]) << 1 | next >> 7);
  }
  k1[15] = static_cast<std::uint8_t>(k1[15] ^ (l[0] >> 7) * 0x87);
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint8_t* const mask = masks_.data() + 16 * half;
    std::memcpy(mask, k1.data(), k1.size());
    mask[1] = static_cast<std::uint8_t>(mask[1] ^ (half + 1));
    mask[2] = static_cast<std::uint8_t>(mask[2] ^ 'X');
  }
}

bool BareXaes::DeriveMessageKey(const Nonce& nonce, std::array<std::uint8_t, 32>& message_key) {
  std::array<std::uint64_t, 2> half_nonce{};
  auto* const bytes = reinterpret_cast<std::uint8_t*>(half_nonce.data());
  std::memcpy(bytes + 4, nonce.data(), 4);
  std::memcpy(bytes + 8, nonce.data() + 4, 8);
  std::array<std::uint64_t, 4> words;
  std::memcpy(words.data(), masks_.data(), sizeof(words));
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] ^= half_nonce[i % 2];
  }
  std::memcpy(message_key.data(), words.data(), sizeof(words));
  int written = 0;
  return EVP_EncryptUpdate(blocks_.get(), message_key.data(), &written, message_key.data(),
                           Size(message_key)) == 1;
}

bool BareXaes::Seal(View plaintext, View context, Nonce& nonce, std::span<std::uint8_t> out) {
  std::array<std::uint8_t, 32> message_key;
  int written = 0;
  std::uint8_t* const tag = out.data() + plaintext.size();
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagBytes),
      OSSL_PARAM_construct_end()};
  return getrandom(nonce.data(), nonce.size(), 0) == static_cast<ssize_t>(nonce.size()) &&
         DeriveMessageKey(nonce, message_key) &&
         EVP_EncryptInit_ex2(sealer_.get(), nullptr, message_key.data(), nonce.data() + 12,
                             nullptr) == 1 &&
         EVP_EncryptUpdate(sealer_.get(), nullptr, &written, context.data(), Size(context)) == 1 &&
         EVP_EncryptUpdate(sealer_.get(), out.data(), &written, plaintext.data(),
                           Size(plaintext)) == 1 &&
         EVP_EncryptFinal_ex(sealer_.get(), tag, &written) == 1 &&
         EVP_CIPHER_CTX_get_params(sealer_.get(), params) == 1;
}

bool BareXaes::Open(View sealed, View context, const Nonce& nonce, std::span<std::uint8_t> out) {
  const View ciphertext = sealed.first(sealed.size() - kTagBytes);
  std::array<std::uint8_t, 32> message_key;
  int written = 0;
  std::uint8_t unused[16];
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_CIPHER_PARAM_AEAD_TAG, const_cast<std::uint8_t*>(sealed.data() + ciphertext.size()),
          kTagBytes),
      OSSL_PARAM_construct_end()};
  return DeriveMessageKey(nonce, message_key) &&
         EVP_DecryptInit_ex2(opener_.get(), nullptr, message_key.data(), nonce.data() + 12,
                             params) == 1 &&
         EVP_DecryptUpdate(opener_.get(), nullptr, &written, context.data(), Size(context)) == 1 &&
         EVP_DecryptUpdate(opener_.get(), out.data(), &written, ciphertext.data(),
                           Size(ciphertext)) == 1 &&
         EVP_DecryptFinal_ex(opener_.get(), unused, &written) == 1;
}

void MacContextDeleter::operator()(EVP_MAC_CTX* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

BareHmac::BareHmac(std::span<const std::uint8_t, 32> key) {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  context_.reset(hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  char hash[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                               OSSL_PARAM_construct_end()};
  if (context_ == nullptr || EVP_MAC_init(context_.get(), key.data(), key.size(), params) != 1) {
    std::abort();
  }
}

bool BareHmac::Compute(std::span<const std::uint8_t> message, Mac& mac) {
  std::size_t written = 0;
  return EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
         EVP_MAC_update(context_.get(), message.data(), message.size()) == 1 &&
         EVP_MAC_final(context_.get(), mac.data(), &written, mac.size()) == 1;
}

}  // namespace rowseal::bench
