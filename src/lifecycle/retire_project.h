#pragma once

#include <string>

#include "client/change.h"
#include "jobs/job_body.h"

namespace rowseal {

/// DestroyProjectBody destroys what a retired project has, where that is due: first its secrets, so
/// that nothing stands under its DEKs, then these. What a batch leaves is what the next one finds,
/// so there is no position to keep.
class DestroyProjectBody final : public JobBody {
 public:
  explicit DestroyProjectBody(ProjectId project) : project_(std::move(project)) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return {}; }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  Result<std::int64_t> DeleteSecrets(Change& change) const;
  Result<std::int64_t> DestroyDeks(Change& change) const;

  const ProjectId project_;
  std::int64_t limit_ = 0;
  std::int64_t batches_ = 0;
};

/// StartDueRetirements starts the jobs of retired projects that have waited.
Result<void> StartDueRetirements(Change& change);

}  // namespace rowseal
