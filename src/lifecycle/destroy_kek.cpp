#include "lifecycle/destroy_kek.h"

#include <rowseal/key_destruction.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/audit.h"
#include "lifecycle/destroyed_keys.h"
#include "lifecycle/kek_change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/policies.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

constexpr std::string_view kAsked = "kek.destroy_due";

// Says what stands under a KEK: `3 DEKs (2 active secret, 1 deactivated value), first of project
// 'acme'`; empty when nothing does.
Result<std::string> WhatNeeds(Connection& connection, KekId kek) {
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT state, purpose, count(*), min(project_id) FROM rowseal.dek"
                     " WHERE kek_id = $1 GROUP BY state, purpose ORDER BY state, purpose",
                     {kek.value})));
  std::int64_t all = 0;
  std::string kinds;
  std::string first;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    const std::string state = reader.Text();
    const std::string purpose = reader.Text();
    const std::int64_t count = reader.Integer();
    const std::string project = reader.Text();
    ROWSEAL_TRY(reader.status());
    all += count;
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " " + state + " " + purpose;
    first = first.empty() || project < first ? project : first;
  }
  return all == 0 ? std::string()
                  : std::to_string(all) + (all == 1 ? " DEK (" : " DEKs (") + kinds +
                        "), first of project '" + Printable(first) + "'";
}

// A KEK that is not there may have been.
Result<const KekRecord*> FindToDestroy(Connection& connection, const TrustRows& rows, KekId kek) {
  Result<const KekRecord*> found = FindWrapKek(rows, kek);
  if (found || found.error().code != ErrorCode::kNotFound) {
    return found;
  }
  ROWSEAL_ASSIGN(Rows gone, connection.Execute(Statement::Sql(
                                "SELECT destroyed_at FROM rowseal.destroyed_key"
                                " WHERE project_id = $1 AND kind = 'kek' AND id = $2",
                                {std::string(kSystemProject), ToText(kek)})));
  if (gone.rows.empty()) {
    return found;
  }
  RowReader reader(gone.rows.front());
  const Timestamp at = reader.Time();
  ROWSEAL_TRY(reader.status());
  return Fail(ErrorCode::kRefusedByState,
              "KEK " + ToText(kek) + " was destroyed at " + ToRfc3339(at),
              "rowseal kek list --destroyed shows the evidence");
}

// Whoever asked for it is whose destruction it is, also where Maintain carries it out.
Result<Access> AskedBy(Connection& connection, KekId kek, const Access& carried_out_by) {
  ROWSEAL_ASSIGN(const Rows asked,
                 connection.Execute(Statement::Sql(
                     "SELECT actor, reason FROM rowseal.audit_log WHERE project_id = $1"
                     " AND action = $2 AND object = $3 ORDER BY id DESC LIMIT 1",
                     {std::string(kSystemProject), std::string(kAsked), ToText(kek)})));
  return asked.rows.empty() ? carried_out_by
                            : Access{TextAt(asked.rows.front(), 0), TextAt(asked.rows.front(), 1)};
}

// One call, in its open transaction in which the trusted set was loaded.
class Destruction final {
 public:
  Destruction(Connection& connection, Session& session, KekId kek)
      : connection_(connection), session_(session), change_(session), outcome_{kek, {}, false} {}

  // Errors: why it may not be destroyed.
  Result<void> Check() {
    const std::shared_ptr<const TrustSet> trust = session_.keyring().trust();
    ROWSEAL_ASSIGN(const KekRecord* kek, FindToDestroy(connection_, trust->rows, outcome_.kek));
    kek_ = *kek;
    ROWSEAL_TRY(change_.Remove(outcome_.kek));
    ROWSEAL_ASSIGN(const std::string needed, WhatNeeds(connection_, outcome_.kek));
    if (!needed.empty()) {
      return Fail(ErrorCode::kRefusedByState,
                  "KEK " + ToText(outcome_.kek) + " is needed by " + needed,
                  "rowseal kek rewrap moves them to the active KEK; rowseal kek census " +
                      ToText(outcome_.kek) + " says what depends on it");
    }
    ROWSEAL_ASSIGN(now_, StoreClock(connection_));
    ROWSEAL_ASSIGN(const std::optional<Timestamp> asked,
                   ReadKekTime(connection_, outcome_.kek, KekTime::kDestroyAt));
    ROWSEAL_ASSIGN(const PolicyDuration wait, ReadPolicy(connection_, Policy::kDestroyWait));
    was_asked_ = asked.has_value();
    outcome_.due = asked.value_or(now_ + *wait);
    return {};
  }

  bool is_due() const { return outcome_.due && *outcome_.due <= now_; }

  Result<void> Begin(const Access& access) {
    if (!was_asked_) {
      ROWSEAL_TRY(connection_.Execute(
          Statement::Sql("UPDATE rowseal.kek SET destroy_at = $2 WHERE id = $1",
                         {outcome_.kek.value, outcome_.due->time_since_epoch().count()})));
      ROWSEAL_TRY(
          WriteAudit(connection_, session_, kSystemProject, access, kAsked, ToText(outcome_.kek)));
    }
    return {};
  }

  // The foreign keys decide: a DEK that came meanwhile refuses it.
  Result<void> CarryOut(const Access& access) {
    ROWSEAL_ASSIGN(Access asked_by, AskedBy(connection_, outcome_.kek, access));
    ROWSEAL_TRY(
        connection_.Execute(KeepEvidence(kek_, {std::move(asked_by), "needed by no DEK", now_})));
    Result<void> written = change_.Write(connection_);
    if (!written && written.error().code == ErrorCode::kConflict) {
      return Fail(ErrorCode::kRefusedByState,
                  "KEK " + ToText(outcome_.kek) +
                      " was changed, or is needed by a DEK that came"
                      " meanwhile",
                  "rowseal kek census " + ToText(outcome_.kek) + " says what depends on it");
    }
    ROWSEAL_TRY(written);
    ROWSEAL_TRY(WriteAudit(connection_, session_, kSystemProject, access, "kek.destroy",
                           ToText(outcome_.kek)));
    outcome_.destroyed = true;
    return {};
  }

  void AdoptAndLog() const {
    if (outcome_.destroyed) {
      change_.Adopt();
      session_.observer().Log({LogLevel::kInfo,
                               "kek_destroyed",
                               "a KEK is gone for good",
                               {{"kek", ToText(outcome_.kek)}}});
    }
  }

  const KekDestruction& outcome() const { return outcome_; }

 private:
  Connection& connection_;
  Session& session_;
  KekChange change_;
  KekRecord kek_;
  KekDestruction outcome_;
  Timestamp now_{};
  bool was_asked_ = false;
};

}  // namespace

Result<KekDestruction> DestroyKek(Client& client, KekId kek, const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  Destruction destruction(connection, session, kek);
  ROWSEAL_TRY(destruction.Check());
  ROWSEAL_TRY(destruction.Begin(complete));
  if (destruction.is_due()) {
    ROWSEAL_TRY(destruction.CarryOut(complete));
  }
  ROWSEAL_TRY(transaction.Commit());
  destruction.AdoptAndLog();
  return destruction.outcome();
}

Result<KekDestruction> PlanKekDestruction(Client& client, KekId kek) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(session.LoadTrust(connection));
  Destruction destruction(connection, session, kek);
  ROWSEAL_TRY(destruction.Check());
  return destruction.outcome();
}

Result<void> CancelKekDestruction(Client& client, KekId kek, const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_TRY(FindToDestroy(connection, trust->rows, kek));
  ROWSEAL_ASSIGN(const Rows called_off, connection.Execute(Statement::Sql(
                                            "UPDATE rowseal.kek SET destroy_at = NULL WHERE id = $1"
                                            " AND destroy_at IS NOT NULL",
                                            {kek.value})));
  if (called_off.changed != 1) {
    return Fail(ErrorCode::kRefusedByState,
                "nobody asked for KEK " + ToText(kek) + " to be destroyed",
                "rowseal kek list shows what is due");
  }
  ROWSEAL_TRY(
      WriteAudit(connection, session, kSystemProject, complete, "kek.destroy_cancel", ToText(kek)));
  return transaction.Commit();
}

Result<std::vector<KekId>> DueKeks(Connection& connection, Timestamp now) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT id FROM rowseal.kek WHERE destroy_at <= $1 ORDER BY id",
                                  {now.time_since_epoch().count()})));
  std::vector<KekId> due;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    due.push_back(KekId{reader.Integer()});
    ROWSEAL_TRY(reader.status());
  }
  return due;
}

}  // namespace rowseal
