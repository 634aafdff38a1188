#pragma once

#include <memory>
#include <string>

#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "keys/root_provider.h"

namespace rowseal {

/// LocalRoot protects wrapping secrets by XAES under a root key held in this process. `file:` and
/// `env:` roots are of this kind; they differ in where the key comes from.
class LocalRoot final : public RootProvider {
 public:
  /// Create takes the 32-byte root key.
  static Result<std::shared_ptr<const LocalRoot>> Create(std::string uri, SecretBytes key);

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return fingerprint_; }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  LocalRoot(std::string uri, XaesKey key, const Mac& fingerprint)
      : uri_(std::move(uri)), key_(std::move(key)), fingerprint_(fingerprint) {}

  const std::string uri_;
  const XaesKey key_;
  const Mac fingerprint_;
};

}  // namespace rowseal
