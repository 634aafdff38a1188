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
      Result<DekInsert::Request> insert = MakeInsert();
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
    // After an insert, none means that keys were changed meanwhile.
    replaced_.reset();
    step_ = inserted ? Step::kReloadTrust : Step::kInsert;
    return;
  }
  if (!session_.KnowsKek(*row)) {
    step_ = Step::kReloadTrust;
    return;
  }
  if (session_.IsBelowSealFloor(row->dek)) {
    // An epoch that somebody wrote there replaces nothing.
    if (Result<void> verified = session_.integrity()->Verify(row->dek); !verified) {
      FinishWith(std::move(verified).error());
      return;
    }
    replaced_ = row->dek;
    step_ = inserted ? Step::kReloadTrust : Step::kInsert;
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

Result<DekInsert::Request> ActiveDekOperation::MakeInsert() {
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> kek, KekForNewDeks(session_, project_));
  ROWSEAL_ASSIGN(DekRecord made,
                 MakeDek(session_, project_, purpose_, *kek, session_.keyring().epoch()));
  DekInsert::Request insert{.project = project_,
                            .id = made.id,
                            .kek = made.kek,
                            .purpose = made.purpose,
                            .suite = made.suite,
                            .check_value = std::move(made.check_value),
                            .wrapped_key = std::move(made.wrapped_key),
                            .row_tag = std::move(made.row_tag),
                            .born_epoch = made.born_epoch,
                            .replaced = {}};
  if (replaced_) {
    ROWSEAL_ASSIGN(DekRecord old, Deactivated(*session_.integrity(), *replaced_));
    insert.replaced = {old.id, old.revision, std::move(old.row_tag)};
  }
  return insert;
}

Result<std::shared_ptr<const Kek>> KekForNewDeks(Session& session, const ProjectId& project) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  const std::string scope = trust->ScopeOf(project);
  const KekRecord* active = trust->ActiveKek(scope);
  if (active == nullptr) {
    return NoActiveKek(*trust, scope);
  }
  return session.keyring().OpenKek(active->id);
}

Result<DekRecord> MakeDek(Session& session, const ProjectId& project, DekPurpose purpose,
                          const Kek& kek, std::int64_t born_epoch) {
  ROWSEAL_ASSIGN(const DekId id, NewId<DekId>());
  DekRecord record{.project = project, .id = id, .purpose = purpose, .born_epoch = born_epoch};
  ROWSEAL_TRY(NewDek(record, kek, session.installation()));
  ROWSEAL_ASSIGN(record.row_tag, session.integrity()->Tag(record));
  return record;
}

Result<DekRecord> Deactivated(const IntegrityKey& integrity, DekRecord dek) {
  dek.state = KeyState::kDeactivated;
  ++dek.revision.value;
  ROWSEAL_ASSIGN(dek.row_tag, integrity.Tag(dek));
  return dek;
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
