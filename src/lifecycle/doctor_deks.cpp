#include "base/encoding.h"
#include "lifecycle/doctor_checks.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"

namespace rowseal {

Result<void> CheckDekAge(const Inspection& inspection, Findings& findings) {
  ROWSEAL_ASSIGN(const PolicyDuration max_age,
                 ReadPolicyOrNever(inspection.connection, Policy::kDekMaxAge));
  const Timestamp before = max_age ? inspection.now - *max_age : Timestamp{};
  ROWSEAL_ASSIGN(const DekGroup old,
                 ReadDekGroup(inspection.connection,
                              "SELECT count(*) OVER (), project_id, created_at FROM rowseal.dek"
                              " WHERE state = 'active' AND purpose IN ('secret', 'value')"
                              "  AND created_at < $1"
                              " UNION ALL SELECT 0, '', 0 ORDER BY 1 DESC, 3 LIMIT 1",
                              {before.time_since_epoch().count()}));
  const std::string policy = "policy dek.max_age, " + ToText(max_age);
  if (old.count == 0) {
    findings.push_back({Severity::kOk, "dek_age", "no active DEK is older than " + policy, {}});
    return {};
  }
  findings.push_back({Severity::kWarning, "dek_age",
                      Counted(old.count, "active DEK") + " older than " + policy +
                          "; the oldest, of project '" + Printable(old.first_project) + "', is " +
                          Counted(DaysSince(old.at, inspection.now), "day") + " old",
                      "rowseal dek rotate --project " + ShellWord(old.first_project) +
                          ", or --all; rowseal maintain from a timer does it by itself"});
  return {};
}

// A rotation of DEKs starts the reseal at its end, so while one is unfinished nothing is forgotten.
Result<void> CheckDekUse(const Inspection& inspection, Findings& findings) {
  ROWSEAL_ASSIGN(
      const DekGroup in_use,
      ReadDekGroup(inspection.connection,
                   "SELECT count(*), min(d.project_id), min(d.created_at) FROM rowseal.dek d"
                   " WHERE d.purpose = 'secret' AND d.state IN ('deactivated', 'compromised')"
                   " AND EXISTS (SELECT 1 FROM rowseal.secret_version v"
                   "  WHERE v.project_id = d.project_id AND v.dek_id = d.id)"
                   " AND NOT EXISTS (SELECT 1 FROM rowseal.job j"
                   "  WHERE j.state IN ('ready', 'paused', 'failed') AND (j.kind = $2"
                   "   OR (j.kind = $1 AND j.object IN ('', d.project_id))))",
                   {std::string(kResealJob), std::string(kRotateDeksJob)}));
  if (in_use.count == 0) {
    findings.push_back({Severity::kOk,
                        "dek_use",
                        "every deactivated DEK with versions under it has a job that seals them"
                        " again",
                        {}});
    return {};
  }
  findings.push_back({Severity::kWarning, "dek_use",
                      Counted(in_use.count, "deactivated DEK") +
                          " with versions that no job seals again, first of project '" +
                          Printable(in_use.first_project) + "'",
                      "rowseal dek rotate --project " + ShellWord(in_use.first_project) +
                          " starts a job and runs it"});
  return {};
}

Result<void> CheckDrained(const Inspection& inspection, Findings& findings) {
  ROWSEAL_ASSIGN(const DekGroup drained,
                 ReadDekGroup(inspection.connection,
                              "SELECT count(*), min(project_id), min(drained_at) FROM rowseal.dek"
                              " WHERE drained_at IS NOT NULL",
                              {}));
  ROWSEAL_ASSIGN(const DekGroup waiting,
                 ReadDekGroup(inspection.connection,
                              "SELECT count(*), min(project_id), min(created_at) FROM rowseal.dek"
                              " WHERE drained_at IS NULL AND purpose IN ('secret', 'value')"
                              "  AND state IN ('deactivated', 'compromised')",
                              {}));
  findings.push_back({Severity::kOk,
                      "drained",
                      Counted(drained.count, "DEK") + " drained: nothing is under them; " +
                          std::to_string(waiting.count) + " deactivated and not yet drained",
                      {}});
  return {};
}

}  // namespace rowseal
