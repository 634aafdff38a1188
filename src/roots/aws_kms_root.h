#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "keys/root_provider.h"

namespace rowseal {

inline constexpr std::string_view kAwsKmsScheme = "aws-kms:";

/// AwsKmsRoot has AWS KMS encrypt and decrypt wrapping secrets under a symmetric key that never
/// leaves it. The context goes along as a hash in KMS's encryption context, so CloudTrail's log
/// tells one wrapping from another and names no project. Form: docs/spec/keys.md.
///
/// Credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the
/// environment, read anew for each request, because they may be exchanged while the process runs;
/// the endpoint is AWS_ENDPOINT_URL_KMS, or the region's.
class AwsKmsRoot final : public RootProvider {
 public:
  /// Create takes a key's ARN. It asks nobody. Errors: kInvalidArgument (no key ARN; aliases can be
  /// pointed at another key, so they are refused).
  static Result<std::shared_ptr<const AwsKmsRoot>> Create(std::string_view arn,
                                                          std::chrono::milliseconds deadline);

  std::string_view uri() const noexcept override { return uri_; }
  ByteView fingerprint() const noexcept override { return fingerprint_; }
  /// Errors: kUnavailable (throttled, an outage, no answer), kRefusedByState (the key is disabled
  /// or waits for its deletion), kRootKeyMissing (no credentials, no such key, no permission).
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  AwsKmsRoot(std::string arn, std::string region, std::string domain, Bytes fingerprint,
             std::chrono::milliseconds deadline)
      : arn_(std::move(arn)),
        uri_(std::string(kAwsKmsScheme) + arn_),
        region_(std::move(region)),
        domain_(std::move(domain)),
        fingerprint_(std::move(fingerprint)),
        deadline_(deadline) {}
  Result<SecretBytes> Ask(std::string_view action, std::string_view member, ByteView data,
                          ByteView context, std::string_view wanted) const;

  const std::string arn_;
  const std::string uri_;
  const std::string region_;
  const std::string domain_;  // amazonaws.com, or another partition's
  const Bytes fingerprint_;
  const std::chrono::milliseconds deadline_;
};

}  // namespace rowseal
