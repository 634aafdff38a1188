#include "base/encoding.h"
#include "lifecycle/doctor_checks.h"
#include "lifecycle/policies.h"

namespace rowseal {

Result<void> CheckPolicies(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const Policy policy : kEveryPolicy) {
    const std::string name(PolicyName(policy));
    const Result<PolicyDuration> duration = ReadPolicy(inspection.connection, policy);
    if (!duration && duration.error().code != ErrorCode::kIntegrity) {
      return tl::unexpected(duration.error());
    }
    if (!duration) {
      findings.push_back({Severity::kError, "policies",
                          duration.error().message + ": what goes by it waits",
                          "rowseal policy set " + ShellWord(name) + " VALUE"});
    } else if (!*duration && (policy == Policy::kKekMaxAge || policy == Policy::kDekMaxAge)) {
      findings.push_back(
          {Severity::kWarning, "policies",
           "policy " + name + " is never: no key becomes due by its age",
           "rotate by hand, or set an age: rowseal policy set " + ShellWord(name) + " 365d"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "policies", "every policy is a duration", {}});
  }
  return {};
}

}  // namespace rowseal
