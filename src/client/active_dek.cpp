#include "client/active_dek.h"

#include "client/key_refusals.h"
#include "client/random_ids.h"

namespace rowseal {
namespace {

// A first DEK takes two rounds for each rotation that commits in between. On SQLite a writer may
// wait so long for its turn that one in two tries meets a rotation; 32 in a row do not.
constexpr int kMaxDekRounds = 64;

}  // namespace

ActiveDekOperation::ActiveDekOperation(Session& session, const ProjectId& project,
                                       DekPurpose purpose)
    : session_(session), project_(project), purpose_(purpose), began_(session.seen().Now()) {}

void ActiveDekOperation::FinishWith(Error error) {
  failure_ = std::move(error);
  step_ = Step::kDone;
}

std::optional<Statement> ActiveDekOperation::Next() {
  switch (step_) {
    case Step::kFind:
      return AskActiveDek(project_, purpose_);
    case Step::kReloadTrust:
      floor_ = session_.Floor();
      return AskTrust();
    case Step::kInsert: {
      Result<DekInsert::Request> insert = MakeDekInsert(session_, project_, purpose_);
      if (insert) {
        insert_ = std::make_shared<const DekInsert::Request>(std::move(*insert));
        return Encode(insert_);
      }
      FinishWith(std::move(insert).error());
      return std::nullopt;
    }
    case Step::kDone:
      break;
  }
  return std::nullopt;
}

void ActiveDekOperation::Feed(Result<Rows> outcome) {
  if (!outcome) {
    FinishWith(std::move(outcome).error());
    return;
  }
  if (step_ == Step::kReloadTrust) {
    Result<void> adopted = session_.AdoptTrust(std::move(*outcome), floor_);
    if (!adopted) {
      FinishWith(std::move(adopted).error());
      return;
    }
    step_ = Step::kFind;
    return;
  }
  Result<std::optional<DekAndKek>> row =
      step_ == Step::kInsert ? Decode(*insert_, std::move(*outcome))
                             : Decode(DekActive::Request{project_, purpose_}, std::move(*outcome));
  if (!row) {
    FinishWith(std::move(row).error());
    return;
  }
  Consider(*row);
}

void ActiveDekOperation::Consider(const std::optional<DekAndKek>& row) {
  const bool inserted = step_ == Step::kInsert;
  if (++rounds_ > kMaxDekRounds) {
    FinishWith(
        {ErrorCode::kUnavailable,
         "the keys of project '" + project_.text() + "' kept changing while a DEK was looked for",
         "retry"});
    return;
  }
  if (!row) {
    // After an insert, none means that the KEK was rotated away meanwhile.
    step_ = inserted ? Step::kReloadTrust : Step::kInsert;
    return;
  }
  if (!session_.KnowsKek(*row)) {
    step_ = Step::kReloadTrust;
    return;
  }
  if (inserted) {
    session_.observer().Count(Counter::kDeksCreated);
  }
  Result<Active> active = Open(*row);
  if (!active) {
    FinishWith(std::move(active).error());
    return;
  }
  active_ = std::move(*active);
  step_ = Step::kDone;
}

Result<ActiveDekOperation::Active> ActiveDekOperation::Open(const DekAndKek& row) {
  ROWSEAL_TRY(session_.CheckSeals(row.dek));
  ROWSEAL_ASSIGN(std::shared_ptr<const Dek> dek, session_.OpenDek(row.dek, began_));
  return Active{row.dek, std::move(dek)};
}

Result<ActiveDekOperation::Active> ActiveDekOperation::Take() && {
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  return std::move(*active_);
}

Result<DekInsert::Request> MakeDekInsert(Session& session, const ProjectId& project,
                                         DekPurpose purpose) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  const std::string scope = trust->ScopeOf(project);
  const KekRecord* active = trust->ActiveKek(scope);
  if (active == nullptr) {
    return NoActiveKek(*trust, scope);
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> kek, session.keyring().OpenKek(active->id));
  return MakeDekInsertUnder(session, project, purpose, *kek);
}

Result<DekInsert::Request> MakeDekInsertUnder(Session& session, const ProjectId& project,
                                              DekPurpose purpose, const Kek& kek) {
  ROWSEAL_ASSIGN(const DekId id, NewId<DekId>());
  DekRecord record{.project = project, .id = id, .purpose = purpose};
  ROWSEAL_ASSIGN(const Dek dek, NewDek(record, kek, session.installation()));
  ROWSEAL_ASSIGN(record.row_tag, session.integrity()->Tag(record));
  return DekInsert::Request{.project = project,
                            .id = record.id,
                            .kek = record.kek,
                            .purpose = record.purpose,
                            .suite = record.suite,
                            .check_value = std::move(record.check_value),
                            .wrapped_key = std::move(record.wrapped_key),
                            .row_tag = std::move(record.row_tag)};
}

Statement AskActiveDek(const ProjectId& project, DekPurpose purpose) {
  return Encode(std::make_shared<const DekActive::Request>(DekActive::Request{project, purpose}));
}

Result<std::optional<ActiveDekOperation::Active>> OpenActiveDek(Connection& connection,
                                                                Session& session,
                                                                const ProjectId& project,
                                                                DekPurpose purpose, Rows answer) {
  ROWSEAL_ASSIGN(const std::optional<DekAndKek> row,
                 Decode(DekActive::Request{project, purpose}, std::move(answer)));
  if (!row) {
    return std::nullopt;
  }
  ActiveDekOperation find(session, project, purpose);
  find.Consider(row);
  RunOperation(connection, find);
  ROWSEAL_ASSIGN(ActiveDekOperation::Active active, std::move(find).Take());
  return active;
}

Result<std::optional<ActiveDekOperation::Active>> FindActiveDek(Connection& connection,
                                                                Session& session,
                                                                const ProjectId& project,
                                                                DekPurpose purpose) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(AskActiveDek(project, purpose)));
  return OpenActiveDek(connection, session, project, purpose, std::move(answer));
}

}  // namespace rowseal
