#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <rowseal/connection.h>

namespace rowseal {

enum class Policy : std::uint8_t {
  kKekMaxAge,
  kDekMaxAge,
  kRotationMinInterval,
  kValueSettleTime,
  kDestroyWait,
  kDekDestroyAfter,
  kBackupKept,
};

inline constexpr std::array kEveryPolicy = {Policy::kKekMaxAge,           Policy::kDekMaxAge,
                                            Policy::kRotationMinInterval, Policy::kValueSettleTime,
                                            Policy::kDestroyWait,         Policy::kDekDestroyAfter,
                                            Policy::kBackupKept};

/// PolicyName returns the stored name, for example `kek.max_age`.
std::string_view PolicyName(Policy policy) noexcept;

/// PolicyDuration is nothing for `never`.
using PolicyDuration = std::optional<std::chrono::seconds>;

/// ToText writes a duration as ParsePolicyDuration reads it, in the largest unit that is exact.
std::string ToText(PolicyDuration duration);

/// ReadPolicy gives a policy as it is in force. Errors: kIntegrity (the stored text is none).
Result<PolicyDuration> ReadPolicy(Connection& connection, Policy policy);

/// ReadPolicyOrNever takes a stored text that is no duration for `never`, because nothing becomes
/// due by it either.
Result<PolicyDuration> ReadPolicyOrNever(Connection& connection, Policy policy);

/// ParsePolicyDuration reads `90d`, `24h`, `30m`, `10s` or `never`; at most 100 years. Errors:
/// kInvalidArgument.
Result<PolicyDuration> ParsePolicyDuration(std::string_view text);

}  // namespace rowseal
