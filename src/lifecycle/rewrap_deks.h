#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "jobs/job_body.h"

namespace rowseal {

/// DekRewrapper wraps DEKs of a KEK's scope that are not under that KEK under it, in three steps.
/// To `default` belong the projects that have no KEK of their own; the KEK's row is there already.
/// The payload of a DEK, its tag and its revision stay; a row is changed only while its `kek_id` is
/// the one read. A row that does not open is named and left: the others must not wait for it, and
/// its KEK stays. DEKs of a suspended KEK are passed over, because under another one they would be
/// used again; those of `condemned` are not, because somebody declares it compromised.
class DekRewrapper final {
 public:
  DekRewrapper(Session& session, std::shared_ptr<const Kek> kek, std::string scope,
               KekId condemned = {})
      : session_(session), kek_(std::move(kek)), scope_(std::move(scope)), condemned_(condemned) {}

  KekId kek() const noexcept { return kek_->id; }

  Result<void> Read(Connection& connection, const std::string& position, std::size_t limit);
  Result<void> Work();
  Result<BatchOutcome> Write(Connection& connection);

 private:
  struct Item {
    std::string name;
    DekRecord dek;
    std::optional<Bytes> wrapped;
  };

  Result<Bytes> Rewrap(const DekRecord& dek) const;

  Session& session_;
  const std::shared_ptr<const Kek> kek_;
  const std::string scope_;
  const KekId condemned_;
  std::string position_;
  bool last_ = false;
  std::vector<Item> items_;
  std::vector<JobFailure> failures_;
};

/// RewrapAll rewraps every DEK that `rewrapper` finds, in the open transaction.
Result<BatchOutcome> RewrapAll(Connection& connection, DekRewrapper& rewrapper);

/// RewrapBody rewraps, as a job, every DEK of a scope that is not under the scope's active KEK.
class RewrapBody final : public JobBody {
 public:
  RewrapBody(Session& session, std::string scope) : session_(session), scope_(std::move(scope)) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return rewrapper_->Work(); }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  Result<const KekRecord*> ActiveKek(const TrustedRead& read) const;

  Session& session_;
  const std::string scope_;
  std::optional<DekRewrapper> rewrapper_;
};

}  // namespace rowseal
