#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/active_dek.h"
#include "client/secret_reseal.h"
#include "client/session.h"
#include "jobs/job_body.h"
#include "store/key_order.h"

namespace rowseal {

/// ResealSecrets seals every secret version that is not under its project's active DEK again, under
/// that DEK: of one project, or of all. It walks versions by key, so what others write behind it is
/// under an active DEK already; a rotation in between begins it again. In the end it marks the DEKs
/// under which a recount finds nothing as drained.
class ResealSecrets final : public JobBody {
 public:
  /// Without a project: all projects. `job` is what the audit entries name.
  ResealSecrets(Session& session, std::optional<ProjectId> project, JobId job)
      : session_(session), project_(std::move(project)), job_(job) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override;
  bool WritesAlone() const override { return next_.phase != Phase::kVersions || items_.empty(); }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  enum class Phase : std::uint8_t {
    kBarrier,   // waits for writers that began when a DEK was still active
    kVersions,  // seals again
    kDrained,   // marks the DEKs under which nothing is left
  };

  struct Position {
    Phase phase = Phase::kBarrier;
    std::string project;
    std::string id{kBeforeAnyId};
    std::int64_t version = 0;

    /// The beginning of a phase.
    static Position At(Phase phase) { return {phase, {}, std::string(kBeforeAnyId), 0}; }
  };
  static std::string_view PhaseName(Phase phase) noexcept;
  static std::string Encode(const Position& position);
  static Result<Position> Decode(const std::string& text);

  struct Item {
    std::string name;  // of its row, for a failure
    ProjectId project;
    StoredVersion version;
    std::optional<SecretReseal::Item> resealed;
  };

  Result<std::optional<Position>> FindBound(Connection& connection, const Position& from,
                                            const BatchLimit& limit, bool& any_due);
  Result<void> ReadDue(Connection& connection, const Position& from, const Position& to);
  Result<void> FindActiveDeks(Connection& connection);
  Result<void> WriteItems(Change& change, BatchOutcome& outcome);
  Result<BatchOutcome> WriteBarrier(Connection& connection);
  Result<BatchOutcome> WriteDrained(Change& change);
  void Refuse(std::string item, const Error& error);

  Session& session_;
  const std::optional<ProjectId> project_;
  const JobId job_;

  Position next_;
  std::vector<Item> items_;
  std::vector<ActiveDekOperation::Active> active_;
  std::vector<JobFailure> failures_;
};

}  // namespace rowseal
