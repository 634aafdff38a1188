#include "envelope/wrapped_key.h"

#include <algorithm>

namespace rowseal {

Bytes EncodeWrappedKey(const WrappedKey& wrapped) {
  Bytes bytes;
  bytes.reserve(kWrappedKeySize);
  bytes.push_back(kFormatVersion);
  bytes.push_back(static_cast<std::uint8_t>(wrapped.suite));
  bytes.insert(bytes.end(), wrapped.nonce.begin(), wrapped.nonce.end());
  bytes.insert(bytes.end(), wrapped.sealed_key.begin(), wrapped.sealed_key.end());
  return bytes;
}

Result<WrappedKey> DecodeWrappedKey(ByteView bytes) {
  const bool known = bytes.size() == kWrappedKeySize && bytes[0] == kFormatVersion &&
                     bytes[1] == static_cast<std::uint8_t>(Suite::kXaes256Gcm);
  if (!known) {
    return Fail(ErrorCode::kIntegrity, "a wrapped key is not of a known form");
  }
  WrappedKey wrapped;
  std::copy_n(bytes.begin() + 2, wrapped.nonce.size(), wrapped.nonce.begin());
  std::copy_n(bytes.begin() + 26, wrapped.sealed_key.size(), wrapped.sealed_key.begin());
  return wrapped;
}

}  // namespace rowseal
