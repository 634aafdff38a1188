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
  CompromisedKekBody(Session& session, KekId kek) : session_(session), kek_(kek) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return rewrapper_->Work(); }
  std::vector<JobId> Started() const override { return started_; }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  Result<const KekRecord*> Target(const TrustSet& trust) const;

  Session& session_;
  const KekId kek_;
  std::optional<DekRewrapper> rewrapper_;
  std::vector<JobId> started_;
};

/// CompromiseKek is DeclareCompromised with another bound than kRewrappedAtOnce.
Result<KekCompromise> CompromiseKek(Client& client, KekId kek, std::int64_t rewrapped_at_once,
                                    const Access& access);

}  // namespace rowseal
