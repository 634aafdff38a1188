#pragma once

#include <string>

#include "client/session.h"
#include "jobs/job_body.h"

namespace rowseal {

/// DestroyProjectBody destroys what a retired project has, where that is due: first its secrets, so
/// that nothing stands under its DEKs, then these. What a batch leaves is what the next one finds,
/// so there is no position to keep.
class DestroyProjectBody final : public JobBody {
 public:
  DestroyProjectBody(Session& session, ProjectId project, Access access)
      : session_(session), project_(std::move(project)), access_(std::move(access)) {}

  Result<std::int64_t> Count(Connection& connection) override;
  Result<void> Read(Connection& connection, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return {}; }
  Result<BatchOutcome> Write(Connection& connection) override;

 private:
  Result<std::int64_t> DeleteSecrets(Connection& connection);
  Result<std::int64_t> DestroyDeks(Connection& connection, Timestamp now);

  Session& session_;
  const ProjectId project_;
  const Access access_;
  std::int64_t limit_ = 0;
  std::int64_t batches_ = 0;
};

/// StartDueRetirements starts the jobs of retired projects that have waited, in the open exclusive
/// transaction.
Result<void> StartDueRetirements(Connection& connection, Session& session, Timestamp now);

}  // namespace rowseal
