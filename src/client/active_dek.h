#pragma once

#include <memory>
#include <optional>

#include <rowseal/connection.h>
#include <rowseal/operation.h>

#include "client/session.h"
#include "store/calls/dek_insert.h"

namespace rowseal {

/// ActiveDekOperation finds or makes the active DEK of a project and purpose, and opens it.
///
/// Of several that make one at once, the store keeps one; all read it back. A new DEK is wrapped
/// under the active KEK, and the store takes it only while that KEK is active and no key was
/// changed meanwhile. An active DEK that was made before a compromise was declared is replaced.
class ActiveDekOperation final : public Operation {
 public:
  struct Active {
    DekRecord record;
    std::shared_ptr<const Dek> dek;
  };

  ActiveDekOperation(Session& session, const ProjectId& project, DekPurpose purpose);

  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;

  /// Consider takes an active DEK that another statement brought, in place of the first one.
  void Consider(const std::optional<DekAndKek>& row);

  bool done() const noexcept { return step_ == Step::kDone; }
  Result<Active> Take() &&;

 private:
  enum class Step : std::uint8_t { kFind, kReloadTrust, kInsert, kDone };

  void FinishWith(Error error);
  Result<Active> Open(const DekAndKek& row);
  Result<DekInsert::Request> MakeInsert();

  Session& session_;
  const ProjectId project_;
  const DekPurpose purpose_;
  const SeenRows::Moment began_;
  Step step_ = Step::kFind;
  int rounds_ = 0;
  TrustFloor floor_;  // of the trusted set when its reload began
  std::optional<Error> failure_;
  std::shared_ptr<const DekInsert::Request> insert_;
  std::optional<DekRecord> replaced_;  // the active DEK, which may not seal any more
  std::optional<Active> active_;
};

/// KekForNewDeks opens the active KEK of the project's scope. Errors: kRefusedByState (none is, or
/// an older copy of the store), the root provider's.
Result<std::shared_ptr<const Kek>> KekForNewDeks(Session& session, const ProjectId& project);

/// MakeDek makes a fresh DEK, wrapped under the KEK and tagged, for a store whose epoch is
/// `born_epoch` when it is kept. Errors: kRandomFailure.
Result<DekRecord> MakeDek(Session& session, const ProjectId& project, DekPurpose purpose,
                          const Kek& kek, std::int64_t born_epoch);

/// Deactivated gives the row of a DEK that seals no more, with its next revision and tag.
Result<DekRecord> Deactivated(const IntegrityKey& integrity, DekRecord dek);

/// AskActiveDek is the statement that reads a project's active DEK, and OpenActiveDek opens what it
/// gave, in the same transaction, in which the trusted set was loaded; none is made. Errors:
/// kIntegrity, kRefusedByState.
Statement AskActiveDek(const ProjectId& project, DekPurpose purpose);
Result<std::optional<ActiveDekOperation::Active>> OpenActiveDek(Connection& connection,
                                                                Session& session,
                                                                const ProjectId& project,
                                                                DekPurpose purpose, Rows answer);

/// FindActiveDek does both.
Result<std::optional<ActiveDekOperation::Active>> FindActiveDek(Connection& connection,
                                                                Session& session,
                                                                const ProjectId& project,
                                                                DekPurpose purpose);

}  // namespace rowseal
