#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <rowseal/secret_bytes.h>

#include "crypto/hpke.h"
#include "keys/root_provider.h"

namespace rowseal {

inline constexpr std::string_view kRecoveryScheme = "recovery:";

/// RecoveryRoot protects wrapping secrets by HPKE to a public key whose private key is kept
/// offline: the service wraps with it at every rotation and can open nothing with it. Its URI holds
/// the public key: `recovery:rsrecovery1…`. Form: docs/spec/keys.md.
class RecoveryRoot final : public RootProvider {
 public:
  /// FromUri reads the public key from a URI. Errors: kInvalidArgument.
  static Result<std::shared_ptr<const RecoveryRoot>> FromUri(std::string_view uri);

  /// FromPublicPart makes the root of a row whose tag was verified. Errors: kIntegrity.
  static Result<std::shared_ptr<const RecoveryRoot>> FromPublicPart(ByteView public_part);

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return fingerprint_; }
  ByteView public_part() const noexcept override { return public_key_; }
  bool can_unwrap() const noexcept override { return false; }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  /// Errors: kRefusedByState.
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  RecoveryRoot(std::string uri, const HpkePublicKey& key, Bytes fingerprint)
      : uri_(std::move(uri)), public_key_(key), fingerprint_(std::move(fingerprint)) {}
  static Result<std::shared_ptr<const RecoveryRoot>> Of(const HpkePublicKey& key);

  const std::string uri_;
  const HpkePublicKey public_key_;
  const Bytes fingerprint_;
};

/// RecoveryKey is the same root with its private key: it opens too. For the hour in which all else
/// is lost, and for drills.
class RecoveryKey final : public RootProvider {
 public:
  static Result<std::shared_ptr<const RecoveryKey>> Create(SecretBytes private_key);

  std::string_view uri() const noexcept override { return root_->uri(); }
  ByteView fingerprint() const noexcept override { return root_->fingerprint(); }
  ByteView public_part() const noexcept override { return root_->public_part(); }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override {
    return root_->Wrap(wrapping_secret, context);
  }
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  RecoveryKey(SecretBytes private_key, std::shared_ptr<const RecoveryRoot> root)
      : private_key_(std::move(private_key)), root_(std::move(root)) {}

  const SecretBytes private_key_;
  const std::shared_ptr<const RecoveryRoot> root_;
};

}  // namespace rowseal
