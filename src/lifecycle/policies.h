#pragma once

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
};

/// PolicyDuration is nothing for `never`.
using PolicyDuration = std::optional<std::chrono::seconds>;

/// ReadPolicy gives a policy as it is in force. Errors: kIntegrity (the stored text is none).
Result<PolicyDuration> ReadPolicy(Connection& connection, Policy policy);

/// ParsePolicyDuration reads `90d`, `24h`, `30m`, `10s` or `never`; at most 100 years. Errors:
/// kInvalidArgument.
Result<PolicyDuration> ParsePolicyDuration(std::string_view text);

}  // namespace rowseal
