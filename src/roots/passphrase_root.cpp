#include "roots/passphrase_root.h"

#include <algorithm>

#include <rowseal/passphrase.h>

#include "crypto/mac.h"
#include "crypto/random.h"
#include "crypto/xaes_256_gcm.h"
#include "keys/ask_no_root.h"
#include "roots/passphrase_part.h"

namespace rowseal {
namespace {

tl::unexpected<Error> HasNoKey() {
  return Fail(ErrorCode::kInternal, "a passphrase was used as a key before a row made it one");
}

}  // namespace

Result<std::shared_ptr<const LocalRoot>> PassphraseRoot::Derive(ByteView public_part) const {
  ROWSEAL_ASSIGN(const PassphrasePart part, DecodePassphrasePart(public_part));
  ROWSEAL_ASSIGN(SecretBytes key, Argon2id(passphrase_.Reveal(), part.salt, part.cost, kKeySize));
  return LocalRoot::Create(uri_, std::move(key), Bytes(public_part.begin(), public_part.end()));
}

Result<std::shared_ptr<const LocalRoot>> PassphraseRoot::ForNewRow(Argon2idCost cost) const {
  if (passphrase_.size() < kMinPassphraseSize) {
    return Fail(ErrorCode::kInvalidArgument,
                "the passphrase is too short for a new store: it needs at least " +
                    std::to_string(kMinPassphraseSize) + " bytes",
                "whoever copies the store can try passphrases; take six random words");
  }
  ROWSEAL_TRY(CheckPassphraseCost(cost));
  PassphrasePart part{cost, {}};
  ROWSEAL_TRY(FillRandom(part.salt));
  return Derive(EncodePassphrasePart(part));
}

Result<std::shared_ptr<const LocalRoot>> PassphraseRoot::KeptOrDerived(ByteView public_part,
                                                                       MatchBudget& budget) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(kept_, [&](const auto& root) {
    return std::ranges::equal(root->public_part(), public_part);
  });
  if (found != kept_.end()) {
    std::rotate(found, found + 1, kept_.end());
    return kept_.back();
  }
  if (budget.derivations <= 0) {
    return Fail(ErrorCode::kIntegrity,
                "root_key holds more passphrases than the " +
                    std::to_string(MatchBudget::kDerivations) + " that are tried",
                "somebody added rows outside Rowseal; restore root_key from a backup");
  }
  ROWSEAL_TRY(AskNoRoot::Check());  // Argon2 takes as long as a remote root
  --budget.derivations;
  ROWSEAL_ASSIGN(std::shared_ptr<const LocalRoot> root, Derive(public_part));
  if (kept_.size() >= kMaxKept) {
    kept_.erase(kept_.begin());
  }
  kept_.push_back(root);
  return root;
}

Result<std::shared_ptr<const RootProvider>> PassphraseRoot::ForRow(ByteView fingerprint,
                                                                   ByteView public_part,
                                                                   MatchBudget& budget) const {
  if (!IsPassphrasePart(public_part)) {
    return nullptr;
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const LocalRoot> root, KeptOrDerived(public_part, budget));
  if (!EqualInConstantTime(root->fingerprint(), fingerprint)) {
    return Fail(ErrorCode::kRootKeyMismatch, "the passphrase is not this store's (" + uri_ + ")",
                "every letter, space and capital counts; without it nothing can be opened");
  }
  return root;
}

Result<Bytes> PassphraseRoot::Wrap(const SecretBytes& /*wrapping_secret*/,
                                   ByteView /*context*/) const {
  return HasNoKey();
}

Result<SecretBytes> PassphraseRoot::Unwrap(ByteView /*wrapped*/, ByteView /*context*/) const {
  return HasNoKey();
}

Result<SecretBytes> DecodePassphrase(ByteView text) {
  if (!text.empty() && text.back() == '\n') {
    text = text.first(text.size() - 1);
  }
  if (text.empty()) {
    return Fail(ErrorCode::kRootKeyMalformed, "the passphrase is empty",
                "give the passphrase that the store was made with");
  }
  static_assert(kMaxPassphraseSize == 1024);
  if (text.size() > kMaxPassphraseSize) {
    return Fail(ErrorCode::kRootKeyMalformed, "the passphrase is longer than 1,024 bytes",
                "a random key belongs into a root key file: rowseal root keygen");
  }
  return SecretBytes::CopyOf(text);
}

}  // namespace rowseal
