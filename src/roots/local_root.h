#pragma once

#include <memory>
#include <string>

#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "keys/root_provider.h"

namespace rowseal {

/// LocalRoot protects wrapping secrets by XAES under a root key held in this process. `file:`,
/// `env:` and, once a row has made its key, `passphrase:` roots are of this kind; they differ in
/// where the key comes from.
class LocalRoot final : public RootProvider {
 public:
  /// Create takes the 32-byte root key, and the public part of its row where it has one.
  static Result<std::shared_ptr<const LocalRoot>> Create(std::string uri, SecretBytes key,
                                                         Bytes public_part = {});

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return fingerprint_; }
  ByteView public_part() const noexcept override { return public_part_; }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  LocalRoot(std::string uri, XaesKey key, const Mac& fingerprint, Bytes public_part)
      : uri_(std::move(uri)),
        key_(std::move(key)),
        fingerprint_(fingerprint),
        public_part_(std::move(public_part)) {}

  const std::string uri_;
  const XaesKey key_;
  const Mac fingerprint_;
  const Bytes public_part_;
};

}  // namespace rowseal
