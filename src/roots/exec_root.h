#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "keys/root_provider.h"
#include "roots/child_program.h"

namespace rowseal {

inline constexpr std::string_view kExecScheme = "exec:";

/// ExecRoot asks a program to wrap and unwrap: how an HSM, a TPM or another KMS joins. Protocol:
/// docs/operations/roots.md; form: docs/spec/keys.md.
///
/// What the program wraps is the wrapping secret ‖ HMAC-SHA256(secret, label ‖ context), 64 bytes,
/// and the second half is compared after each unwrap. So context and bytes are held fast also where
/// the program's own encryption authenticates nothing and takes no associated data.
class ExecRoot final : public RootProvider {
 public:
  /// Open asks the program which key it uses. Errors: kRootKeyMissing (there is no such program),
  /// kRootKeyExposed (others may write to it), kUnavailable, kRefusedByState.
  static Result<std::shared_ptr<const ExecRoot>> Open(const std::string& absolute_path,
                                                      ProgramLimits limits = {});

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return fingerprint_; }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  ExecRoot(std::string path, ProgramLimits limits)
      : path_(std::move(path)), uri_(std::string(kExecScheme) + path_), limits_(limits) {}
  Result<SecretBytes> Ask(std::string_view verb, ByteView data) const;

  const std::string path_;
  const std::string uri_;
  const ProgramLimits limits_;
  Bytes fingerprint_;
};

}  // namespace rowseal
