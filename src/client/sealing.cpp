#include "client/sealing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <rowseal/client.h>

#include "crypto/mac.h"
#include "envelope/padding.h"

namespace rowseal {
namespace {

// Small values are padded where the ciphertext then overwrites them, because guarded memory costs
// more than the cipher.
constexpr std::size_t kPaddedInPlace = 1024;  // bytes

void CopyPadded(ByteView value, std::span<std::uint8_t> padded) noexcept {
  if (!value.empty()) {
    std::memcpy(padded.data(), value.data(), value.size());
  }
  Pad(padded, value.size());
}

Result<void> SealInto(const XaesKey& key, ByteView value, ByteView context, FreshNonce nonce,
                      SealedBytes& sealed) {
  const std::size_t padded_size = PaddedSize(value.size());
  sealed.encrypted_data.resize(padded_size + kTagSize);
  const std::span<std::uint8_t> out(sealed.encrypted_data);
  if (padded_size <= kPaddedInPlace) {
    CopyPadded(value, out.first(padded_size));
    return key.Seal(out.first(padded_size), context, std::move(nonce), sealed.nonce, out);
  }
  ROWSEAL_ASSIGN(SecretBuffer padded, SecretBuffer::Create(padded_size));
  CopyPadded(value, padded.Writable());
  return key.Seal(padded.Writable(), context, std::move(nonce), sealed.nonce, out);
}

// Opens over what `value` holds; what an error leaves there is the caller's to clear.
Result<void> OpenOver(const XaesKey& key, ByteView encrypted_data, ByteView nonce, ByteView context,
                      SecretBuffer& value) {
  if (encrypted_data.size() < kPaddingBlock + kTagSize || nonce.size() != kXaesNonceSize) {
    return Fail(ErrorCode::kIntegrity, "the stored bytes are cut off");
  }
  const std::size_t padded_size = encrypted_data.size() - kTagSize;
  if (padded_size > value.capacity()) {
    return Fail(ErrorCode::kInvalidArgument, "the buffer is smaller than the value");
  }
  XaesNonce exact_nonce;
  std::memcpy(exact_nonce.data(), nonce.data(), exact_nonce.size());
  const std::span<std::uint8_t> padded = value.Writable().first(padded_size);
  ROWSEAL_TRY(key.Open(encrypted_data, context, exact_nonce, padded));
  ROWSEAL_ASSIGN(const std::size_t size, UnpaddedSize(padded));
  value.SetSize(size);
  return {};
}

}  // namespace

Result<SealedBytes> SealPadded(const XaesKey& key, ByteView value, ByteView context,
                               FreshNonces& nonces) {
  if (value.size() > kMaxSecretSize) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "the value has " + std::to_string(value.size()) + " bytes; at most 16 MiB are sealed",
        "keep large data elsewhere and seal its key");
  }
  ROWSEAL_ASSIGN(FreshNonce nonce, nonces.Take());
  Result<SealedBytes> sealed;
  ROWSEAL_TRY(SealInto(key, value, context, std::move(nonce), *sealed));
  return sealed;
}

Result<SealedBytes> SealProven(const XaesKey& key, ByteView value, ByteView context,
                               FreshNonces& nonces) {
  ROWSEAL_ASSIGN(SealedBytes sealed, SealPadded(key, value, context, nonces));
  const Result<SecretBytes> again = OpenPadded(key, sealed.encrypted_data, sealed.nonce, context);
  if (!again && again.error().code != ErrorCode::kIntegrity) {
    return tl::unexpected(again.error());  // there was no memory to open it into
  }
  if (!again || !EqualInConstantTime(again->Reveal(), value)) {
    return Fail(ErrorCode::kInternal, "a value that was sealed opened to something else",
                "nothing was changed; check this machine's memory");
  }
  return sealed;
}

Result<void> OpenPaddedInto(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                            ByteView context, SecretBuffer& value) {
  Result<void> opened = OpenOver(key, encrypted_data, nonce, context, value);
  if (!opened) {
    value.Clear();
  }
  return opened;
}

Result<SecretBytes> OpenPadded(const XaesKey& key, ByteView encrypted_data, ByteView nonce,
                               ByteView context) {
  ROWSEAL_ASSIGN(SecretBuffer value,
                 SecretBuffer::Create(std::max(encrypted_data.size(), kTagSize) - kTagSize));
  ROWSEAL_TRY(OpenPaddedInto(key, encrypted_data, nonce, context, value));
  return std::move(value).Take();
}

}  // namespace rowseal
