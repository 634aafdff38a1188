#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// MatchBudget bounds what one look at a store's rows may cost a provider. Rows are matched before
/// their tags can be checked, so whoever can write the store decides how many there are.
struct MatchBudget {
  static constexpr int kDerivations = 4;
  int derivations = kDerivations;  ///< slow key derivations that are left
};

/// RootProvider protects wrapping secrets under a root key that never stands in the database.
///
/// It is configured in the process. A provider that only the store names is never called before the
/// tag of its row has verified. Threads: members may be called from several threads at once.
class RootProvider {
 public:
  virtual ~RootProvider() = default;

  /// uri names the root without holding a secret: `file:/etc/app/root.key`, `env:ROWSEAL_ROOT_KEY`.
  virtual std::string_view uri() const noexcept = 0;

  /// fingerprint identifies the root key; it matches a row of `root_key`. Empty while there is no
  /// key yet, because it follows from a row (a passphrase): ForRow then gives the one with a key.
  virtual ByteView fingerprint() const noexcept = 0;

  /// public_part is what `root_key.public_part` holds for this root; may be empty.
  virtual ByteView public_part() const noexcept { return {}; }

  /// can_unwrap is false for a root whose key is elsewhere (recovery): it protects, and opens
  /// nothing.
  virtual bool can_unwrap() const noexcept { return true; }

  /// ForRow gives the provider of the row with that fingerprint and public part, where the key
  /// follows from the row; nullptr when the row is of another kind of root. Both are claims: what
  /// they may cost is bounded by `budget`. A provider with a fingerprint of its own is matched by
  /// that, and not asked. Errors: kRootKeyMismatch (the row's root is of this kind, but has another
  /// key), kIntegrity (the public part or the number of rows is not what Rowseal writes),
  /// kResourceExhausted.
  virtual Result<std::shared_ptr<const RootProvider>> ForRow(
      [[maybe_unused]] ByteView fingerprint, [[maybe_unused]] ByteView public_part,
      [[maybe_unused]] MatchBudget& budget) const {
    return nullptr;
  }

  /// Wrap protects a fresh 32-byte wrapping secret, bound to `context`.
  /// Errors: kUnavailable (retry), kRandomFailure, kRefusedByState.
  virtual Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const = 0;

  /// Unwrap gives the wrapping secret back. Errors: kIntegrity (another key or context, damaged
  /// bytes), kUnavailable, kRefusedByState (a provider that can only wrap).
  virtual Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const = 0;
};

}  // namespace rowseal
