#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "jobs/job_body.h"

namespace rowseal {

/// RotatedPurposes says which of a project's DEKs were rotated.
struct RotatedPurposes {
  bool secret = false;
  bool value = false;
};

/// RotateProjectDeks gives each purpose of a project that has an active DEK a fresh one, and
/// deactivates the old, in the open write transaction in which the trusted set was loaded. With
/// `before`, only DEKs that were created before it; with `under`, fresh ones are wrapped under that
/// KEK, which the transaction made. Errors: kIntegrity, kRefusedByState.
Result<RotatedPurposes> RotateProjectDeks(Connection& connection, Session& session,
                                          const ProjectId& project, std::optional<Timestamp> before,
                                          const Access& access, const Kek* under = nullptr);

/// DeactivateDek deactivates an active DEK where nobody changed its row since it was read, and
/// returns it as it then stands. Errors: kConflict.
Result<DekRecord> DeactivateDek(Connection& connection, Session& session, DekRecord dek,
                                Timestamp now);

/// RotateDeksBody rotates the DEKs of every project that were created before a moment. A project is
/// visited once in a run; in the end the jobs that reseal are started.
class RotateDeksBody final : public JobBody {
 public:
  RotateDeksBody(Session& session, Timestamp before, Access access)
      : session_(session), before_(before), access_(std::move(access)) {}

  Result<std::int64_t> Count(Connection& connection) override;
  Result<void> Read(Connection& connection, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return {}; }
  std::vector<JobId> Started() const override { return started_; }
  Result<BatchOutcome> Write(Connection& connection) override;

 private:
  Session& session_;
  const Timestamp before_;
  const Access access_;
  std::vector<std::string> projects_;
  std::string position_;
  std::vector<JobId> started_;
};

}  // namespace rowseal
