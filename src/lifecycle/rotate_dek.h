#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/change.h"
#include "jobs/job_body.h"

namespace rowseal {

/// RotatedPurposes says which of a project's DEKs were rotated.
struct RotatedPurposes {
  bool secret = false;
  bool value = false;
};

/// RotateProjectDeks gives each purpose of a project that has an active DEK a fresh one, and
/// deactivates the old. With `before`, only DEKs that were created before it; with `under`, fresh
/// ones are wrapped under that KEK, which the change made. Errors: kIntegrity, kRefusedByState.
Result<RotatedPurposes> RotateProjectDeks(Change& change, const ProjectId& project,
                                          std::optional<Timestamp> before,
                                          const Kek* under = nullptr);

/// DeactivateDek deactivates an active DEK where nobody changed its row since it was read, and
/// returns it as it then stands. Errors: kConflict.
Result<DekRecord> DeactivateDek(Change& change, DekRecord dek);

/// InsertDek keeps an active DEK that was made for this change, created now by the store's clock:
/// no other change of keys runs beside it, so that nothing fences it. False: the project and
/// purpose have one.
Result<bool> InsertDek(Change& change, DekRecord& dek);

/// RotateDeksBody rotates the DEKs of every project that were created before a moment. A project is
/// visited once in a run; in the end the jobs that reseal are started.
class RotateDeksBody final : public JobBody {
 public:
  explicit RotateDeksBody(Timestamp before) : before_(before) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return {}; }
  std::vector<JobId> Started() const override { return started_; }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  const Timestamp before_;
  std::vector<std::string> projects_;
  std::string position_;
  std::vector<JobId> started_;
};

}  // namespace rowseal
