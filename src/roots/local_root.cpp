#include "roots/local_root.h"

#include "envelope/wrapped_key.h"
#include "keys/check_value.h"

namespace rowseal {

Result<std::shared_ptr<const LocalRoot>> LocalRoot::Create(std::string uri, SecretBytes key,
                                                           Bytes public_part) {
  ROWSEAL_ASSIGN(XaesKey root_key, XaesKey::Create(std::move(key), ExpandedForm::kForOneCall));
  ROWSEAL_ASSIGN(const Mac fingerprint, RootFingerprint(root_key));
  return std::shared_ptr<const LocalRoot>(
      new LocalRoot(std::move(uri), std::move(root_key), fingerprint, std::move(public_part)));
}

Result<Bytes> LocalRoot::Wrap(const SecretBytes& wrapping_secret, ByteView context) const {
  WrappedKey wrapped;
  if (wrapping_secret.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a wrapping secret has 32 bytes");
  }
  ROWSEAL_TRY(key_.Seal(wrapping_secret.Reveal(), context, wrapped.nonce, wrapped.sealed_key));
  return EncodeWrappedKey(wrapped);
}

Result<SecretBytes> LocalRoot::Unwrap(ByteView wrapped_bytes, ByteView context) const {
  ROWSEAL_ASSIGN(const WrappedKey wrapped, DecodeWrappedKey(wrapped_bytes));
  ROWSEAL_ASSIGN(SecretBuffer secret, SecretBuffer::Create(kKeySize));
  ROWSEAL_TRY(key_.Open(wrapped.sealed_key, context, wrapped.nonce, secret.Writable()));
  secret.SetSize(kKeySize);
  return std::move(secret).Take();
}

}  // namespace rowseal
