#include "support/legacy_values.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <stdexcept>

#include <openssl/evp.h>

#include "base/encoding.h"
#include "crypto/mac.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

struct Deleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Deleter>;

void Check(int result) {
  if (result != 1) {
    throw std::runtime_error("OpenSSL does not encrypt what a test asks for");
  }
}

void Feed(EVP_CIPHER_CTX* context, std::uint8_t* out, std::string_view in, Bytes* result) {
  int written = 0;
  if (!in.empty()) {
    Check(
        EVP_EncryptUpdate(context, out, &written, AsBytes(in).data(), static_cast<int>(in.size())));
  }
  if (result != nullptr) {
    result->resize(static_cast<std::size_t>(written));
  }
}

}  // namespace

GcmParts SealGcm(ByteView key, ByteView iv, std::string_view plaintext,
                 std::string_view associated) {
  const Context context(EVP_CIPHER_CTX_new());
  GcmParts parts{Bytes(plaintext.size()), Bytes(16)};
  Check(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr));
  Check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                            nullptr));
  Check(EVP_EncryptInit_ex(context.get(), nullptr, nullptr, key.data(), iv.data()));
  Feed(context.get(), nullptr, associated, nullptr);
  Feed(context.get(), parts.ciphertext.data(), plaintext, &parts.ciphertext);
  int written = 0;
  std::array<std::uint8_t, 16> unused{};
  Check(EVP_EncryptFinal_ex(context.get(), unused.data(), &written));
  Check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, parts.tag.data()));
  return parts;
}

Bytes SealCbc(ByteView key, ByteView iv, std::string_view plaintext) {
  const Context context(EVP_CIPHER_CTX_new());
  Bytes sealed(plaintext.size() + 16);
  int body = 0;
  int last = 0;
  Check(EVP_EncryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key.data(), iv.data()));
  Check(EVP_EncryptUpdate(context.get(), sealed.data(), &body, AsBytes(plaintext).data(),
                          static_cast<int>(plaintext.size())));
  Check(EVP_EncryptFinal_ex(context.get(), sealed.data() + body, &last));
  sealed.resize(static_cast<std::size_t>(body + last));
  return sealed;
}

Bytes CountedKey(std::uint32_t number) {
  const Mac key = Must(Sha256(AsBytes("key " + std::to_string(number))));
  return {key.begin(), key.end()};
}

Bytes Counted(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  return bytes;
}

SecretBytes Secret(ByteView bytes) { return Must(SecretBytes::CopyOf(bytes)); }

Bytes Joined(std::initializer_list<ByteView> parts) {
  Bytes joined;
  for (const ByteView part : parts) {
    joined.insert(joined.end(), part.begin(), part.end());
  }
  return joined;
}

}  // namespace rowseal::testing
