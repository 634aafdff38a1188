#pragma once

#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// RootProvider protects wrapping secrets under a root key that never stands in the database.
///
/// It is configured in the process. A provider that only the store names is never called before the
/// tag of its row has verified. Threads: members may be called from several threads at once.
class RootProvider {
 public:
  virtual ~RootProvider() = default;

  /// uri names the root without holding a secret: `file:/etc/app/root.key`, `env:ROWSEAL_ROOT_KEY`.
  virtual std::string_view uri() const noexcept = 0;

  /// fingerprint identifies the root key; it matches a row of `root_key`.
  virtual ByteView fingerprint() const noexcept = 0;

  /// Wrap protects a fresh 32-byte wrapping secret, bound to `context`.
  /// Errors: kUnavailable (retry), kRandomFailure, kRefusedByState.
  virtual Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const = 0;

  /// Unwrap gives the wrapping secret back. Errors: kIntegrity (another key or context, damaged
  /// bytes), kUnavailable, kRefusedByState (a provider that can only wrap).
  virtual Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const = 0;
};

}  // namespace rowseal
