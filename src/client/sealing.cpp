#include "client/sealing.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <rowseal/client.h>

#include "crypto/wipe.h"
#include "envelope/padding.h"

namespace rowseal {
namespace {

// Small values are padded on the stack, because guarded memory costs more than the cipher.
constexpr std::size_t kStackPadding = 1024;  // bytes

Result<SealedBytes> SealPaddedIn(std::span<std::uint8_t> padded, const XaesKey& key, ByteView value,
                                 ByteView context) {
  if (!value.empty()) {
    std::memcpy(padded.data(), value.data(), value.size());
  }
  Pad(padded, value.size());
  SealedBytes sealed;
  sealed.encrypted_data.resize(padded.size() + kTagSize);
  ROWSEAL_TRY(key.Seal(padded, context, sealed.nonce, sealed.encrypted_data));
  return sealed;
}

}  // namespace

Result<SealedBytes> SealPadded(const XaesKey& key, ByteView value, ByteView context) {
  if (value.size() > kMaxSecretSize) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "the value has " + std::to_string(value.size()) + " bytes; at most 16 MiB are sealed",
        "keep large data elsewhere and seal its key");
  }
  const std::size_t padded_size = PaddedSize(value.size());
  if (padded_size <= kStackPadding) {
    std::array<std::uint8_t, kStackPadding> padded;
    Result<SealedBytes> sealed =
        SealPaddedIn(std::span(padded).first(padded_size), key, value, context);
    Wipe(std::span(padded).first(padded_size));
    return sealed;
  }
  ROWSEAL_ASSIGN(SecretBuffer padded, SecretBuffer::Create(padded_size));
  return SealPaddedIn(padded.Writable(), key, value, context);
}

Result<void> OpenPaddedInto(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                            ByteView context, SecretBuffer& value) {
  value.Clear();
  if (encrypted_data.size() < kPaddingBlock + kTagSize || nonce.size() != kXaesNonceSize) {
    return Fail(ErrorCode::kIntegrity, "the stored bytes are cut off");
  }
  const std::size_t padded_size = encrypted_data.size() - kTagSize;
  if (padded_size > value.capacity()) {
    return Fail(ErrorCode::kInvalidArgument, "the buffer is smaller than the value");
  }
  XaesNonce exact_nonce{};
  std::copy(nonce.begin(), nonce.end(), exact_nonce.begin());
  ROWSEAL_TRY(key.Open(encrypted_data, context, exact_nonce, value.Writable().first(padded_size)));
  const Result<std::size_t> size = UnpaddedSize(value.Writable().first(padded_size));
  value.SetSize(size ? *size : 0);
  if (!size) {
    return tl::unexpected(size.error());
  }
  return {};
}

Result<SecretBytes> OpenPadded(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                               ByteView context) {
  ROWSEAL_ASSIGN(SecretBuffer value,
                 SecretBuffer::Create(std::max(encrypted_data.size(), kTagSize) - kTagSize));
  ROWSEAL_TRY(OpenPaddedInto(key, encrypted_data, nonce, context, value));
  return std::move(value).Take();
}

}  // namespace rowseal
