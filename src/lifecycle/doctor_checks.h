#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/lifecycle.h>

#include "client/change.h"

namespace rowseal {

/// Inspection is what the checks of an open store look at: one read transaction, with the trusted
/// rows of its moment.
struct Inspection {
  Connection& connection;
  Session& session;
  std::shared_ptr<const TrustSet> trust;
  Timestamp now;  ///< by the store's clock, as everything that becomes due
  const TrustedRead& read;
};

using Findings = std::vector<Finding>;

/// Each check adds its findings, at least one of kOk where it has nothing to say. Errors: the
/// store's; kIntegrity becomes a finding, and the next check goes on.
Result<void> CheckEpoch(const Inspection& inspection, Findings& findings);
Result<void> CheckRootRows(const Inspection& inspection, Findings& findings);
Result<void> CheckRecoveryDrills(const Inspection& inspection, Findings& findings);
Result<void> CheckKekAge(const Inspection& inspection, Findings& findings);
Result<void> CheckKeyStates(const Inspection& inspection, Findings& findings);
Result<void> CheckKekUse(const Inspection& inspection, Findings& findings);
Result<void> CheckKeyTimes(const Inspection& inspection, Findings& findings);
Result<void> CheckDekAge(const Inspection& inspection, Findings& findings);
Result<void> CheckDekUse(const Inspection& inspection, Findings& findings);
Result<void> CheckDrained(const Inspection& inspection, Findings& findings);
Result<void> CheckColumns(const Inspection& inspection, Findings& findings);
Result<void> CheckJobs(const Inspection& inspection, Findings& findings);
Result<void> CheckPolicies(const Inspection& inspection, Findings& findings);

/// Clocks of machines that share a store differ by seconds; rows that are further ahead were
/// written by a clock that was wrong, or this one is.
inline constexpr std::chrono::minutes kClockTolerance{5};

/// DekGroup is what a query of `count(*)`, a project and a time says of the DEKs that it found.
struct DekGroup {
  std::int64_t count = 0;
  std::string first_project;  ///< empty when there is none
  Timestamp at{};
};

/// ReadDekGroup runs such a query of one row.
Result<DekGroup> ReadDekGroup(Connection& connection, std::string_view sql,
                              std::vector<Param> params);

/// Counted writes `1 DEK`, `2 DEKs`.
std::string Counted(std::int64_t count, std::string_view noun);

/// DaysSince gives whole days, none for what lies ahead.
std::int64_t DaysSince(Timestamp then, Timestamp now);

}  // namespace rowseal
