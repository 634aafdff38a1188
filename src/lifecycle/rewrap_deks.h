#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "jobs/job_body.h"

namespace rowseal {

/// DekRewrapper wraps DEKs that are not under one KEK under that one, in three steps. The payload
/// of a DEK, its tag and its revision stay; a row is changed only while its `kek_id` is the one
/// read. A row that does not open is named and left: the others must not wait for it, and its KEK
/// stays. DEKs of a suspended KEK are passed over, because under another one they would be used
/// again; those of `condemned` are not, because somebody declares it compromised.
class DekRewrapper final {
 public:
  DekRewrapper(Session& session, std::shared_ptr<const Kek> kek, KekId condemned = {})
      : session_(session), kek_(std::move(kek)), condemned_(condemned) {}

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
  const KekId condemned_;
  std::string position_;
  bool last_ = false;
  std::vector<Item> items_;
  std::vector<JobFailure> failures_;
};

/// RewrapAll rewraps every DEK that `rewrapper` finds, in the open transaction.
Result<BatchOutcome> RewrapAll(Connection& connection, DekRewrapper& rewrapper);

/// RewrapBody rewraps, as a job, every DEK that is not under the active KEK of scope `default`.
class RewrapBody final : public JobBody {
 public:
  explicit RewrapBody(Session& session) : session_(session) {}

  Result<std::int64_t> Count(Connection& connection) override;
  Result<void> Read(Connection& connection, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override { return rewrapper_->Work(); }
  Result<BatchOutcome> Write(Connection& connection) override;

 private:
  Result<const KekRecord*> ActiveKek() const;

  Session& session_;
  std::optional<DekRewrapper> rewrapper_;
};

}  // namespace rowseal
