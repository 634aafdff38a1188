#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/key_states.h>

#include "jobs/job_body.h"
#include "lifecycle/rewrap_deks.h"

namespace rowseal {

/// CompromisedKekBody takes a KEK with too many DEKs for one transaction to its end: it rewraps
/// them, then marks the KEK compromised and starts the rotation of DEKs. Until then the KEK is
/// deactivated and its DEKs serve, so that no reader loses a secret meanwhile.
class CompromisedKekBody final : public JobBody {
 public:
  CompromisedKekBody(Session& session, KekId kek, Access access)
      : session_(session), kek_(kek), access_(std::move(access)) {}

  Result<std::int64_t> Count(Connection& connection) override;
  Result<void> Read(Connection& connection, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return rewrapper_->Work(); }
  std::vector<JobId> Started() const override { return started_; }
  Result<BatchOutcome> Write(Connection& connection) override;

 private:
  Result<const KekRecord*> Target() const;

  Session& session_;
  const KekId kek_;
  const Access access_;
  std::optional<DekRewrapper> rewrapper_;
  std::vector<JobId> started_;
};

/// CompromiseKek is DeclareCompromised with another bound than kRewrappedAtOnce.
Result<KekCompromise> CompromiseKek(Client& client, KekId kek, std::int64_t rewrapped_at_once,
                                    const Access& access);

}  // namespace rowseal
