#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "crypto/kdf.h"
#include "keys/root_provider.h"
#include "roots/local_root.h"

namespace rowseal {

/// PassphraseRoot is a passphrase before it is known which row it serves. Each row has a salt and a
/// cost of its own, so each would make another root key of it; ForRow makes and compares that key,
/// and from then on a LocalRoot does the work.
///
/// Keys made are kept in guarded memory, so that reading the trusted rows again costs no Argon2id,
/// whether they matched or not. Of a passphrase that does not fit nothing is told, not even a
/// fingerprint: it may be what somebody uses elsewhere, and a fingerprint can be guessed against.
class PassphraseRoot final : public RootProvider {
 public:
  /// PassphraseRoot takes a passphrase that DecodePassphrase let through.
  PassphraseRoot(std::string uri, SecretBytes passphrase)
      : uri_(std::move(uri)), passphrase_(std::move(passphrase)) {}

  /// ForNewRow makes the provider of a row that is still to be written: a random salt, the cost
  /// given. Errors: kInvalidArgument (a passphrase under kMinPassphraseSize, a cost out of bounds),
  /// kRandomFailure, kResourceExhausted.
  Result<std::shared_ptr<const LocalRoot>> ForNewRow(Argon2idCost cost = {}) const;

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return {}; }
  Result<std::shared_ptr<const RootProvider>> ForRow(ByteView fingerprint, ByteView public_part,
                                                     MatchBudget& budget) const override;
  /// Wrap and Unwrap have no key here. Errors: kInternal.
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

  /// kMaxKept is how many rows' keys are kept: two full budgets, the ones used last.
  static constexpr std::size_t kMaxKept = 2 * MatchBudget::kDerivations;

 private:
  Result<std::shared_ptr<const LocalRoot>> Derive(ByteView public_part) const;
  Result<std::shared_ptr<const LocalRoot>> KeptOrDerived(ByteView public_part,
                                                         MatchBudget& budget) const;

  const std::string uri_;
  const SecretBytes passphrase_;
  mutable std::mutex mutex_;  // held while a key is made: two threads never make one at once
  mutable std::vector<std::shared_ptr<const LocalRoot>> kept_;  // most recently used last
};

/// DecodePassphrase takes text as it was typed or read, less one final newline.
/// Errors: kRootKeyMalformed (empty, or over kMaxPassphraseSize).
Result<SecretBytes> DecodePassphrase(ByteView text);

}  // namespace rowseal
