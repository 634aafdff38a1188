#include "lifecycle/destroy_kek.h"

#include <rowseal/key_destruction.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "lifecycle/destroyed_keys.h"
#include "lifecycle/kek_change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/policies.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::string_view kAsked = "kek.destroy_due";

// Says what stands under a KEK: `3 DEKs (2 active secret, 1 deactivated value), first of project
// 'acme'`; empty when nothing does.
Result<std::string> WhatNeeds(Connection& connection, KekId kek) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT substr(state, 1, 80), substr(purpose, 1, 80), count(*),"
                                  " min(project_id) FROM rowseal.dek"
                                  " WHERE kek_id = $1 GROUP BY 1, 2 ORDER BY 1, 2",
                                  {kek.value})));
  std::int64_t all = 0;
  std::string kinds;
  std::string first;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    const std::string state = ShownCell(row, 0);
    const std::string purpose = ShownCell(row, 1);
    reader.Skip(2);
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
Result<const KekRecord*> FindToDestroy(const TrustedRead& read, KekId kek) {
  const TrustRows& rows = read.trust().rows;
  Result<const KekRecord*> found = FindWrapKek(rows, kek);
  if (found || found.error().code != ErrorCode::kNotFound) {
    return found;
  }
  ROWSEAL_ASSIGN(Rows gone, read.connection().Execute(Statement::Sql(
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

struct Judged {
  KekRecord kek;
  Timestamp now;
  Timestamp due;
  bool was_asked = false;
};

// Errors: why it may not be destroyed.
Result<Judged> Judge(TrustedRead& read, KekId id) {
  Connection& connection = read.connection();
  ROWSEAL_ASSIGN(const KekRecord* kek, FindToDestroy(read, id));
  ROWSEAL_TRY(CheckRemovable(*kek));
  ROWSEAL_ASSIGN(const std::string needed, WhatNeeds(connection, id));
  if (!needed.empty()) {
    return Fail(ErrorCode::kRefusedByState, "KEK " + ToText(id) + " is needed by " + needed,
                "rowseal kek rewrap moves them to the active KEK; rowseal kek census " +
                    ToText(id) + " says what depends on it");
  }
  ROWSEAL_ASSIGN(const Timestamp now, read.Now());
  ROWSEAL_ASSIGN(const std::optional<Timestamp> asked,
                 ReadKekTime(connection, id, KekTime::kDestroyAt));
  ROWSEAL_ASSIGN(const PolicyDuration wait, ReadPolicy(connection, Policy::kDestroyWait));
  return Judged{*kek, now, asked.value_or(now + *wait), asked.has_value()};
}

// The foreign keys decide: a DEK that came meanwhile refuses it.
Result<void> CarryOut(Change& change, const Judged& judged) {
  const KekId id = judged.kek.id;
  ROWSEAL_ASSIGN(Access asked_by, AskedBy(change.connection(), id, change.access()));
  ROWSEAL_TRY(change.connection().Execute(
      KeepEvidence(judged.kek, {std::move(asked_by), "needed by no DEK", judged.now})));
  const Result<void> removed = RemoveKek(change, id);
  if (!removed && removed.error().code == ErrorCode::kConflict) {
    return Fail(ErrorCode::kRefusedByState,
                "KEK " + ToText(id) + " was changed, or is needed by a DEK that came meanwhile",
                "rowseal kek census " + ToText(id) + " says what depends on it");
  }
  ROWSEAL_TRY(removed);
  ROWSEAL_TRY(change.Audit("kek.destroy", ToText(id)));
  change.Log({LogLevel::kInfo, "kek_destroyed", "a KEK is gone for good", {{"kek", ToText(id)}}});
  return {};
}

}  // namespace

Result<KekDestruction> DestroyKek(Client& client, KekId kek, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<KekDestruction> {
    ROWSEAL_ASSIGN(const Judged judged, Judge(change, kek));
    const KekDestruction destruction{kek, judged.due, judged.due <= judged.now};
    if (!judged.was_asked) {
      ROWSEAL_TRY(change.connection().Execute(
          Statement::Sql("UPDATE rowseal.kek SET destroy_at = $2 WHERE id = $1",
                         {kek.value, ToMicros(judged.due)})));
      ROWSEAL_TRY(change.Audit(kAsked, ToText(kek)));
    } else if (!destruction.destroyed) {
      change.NothingToDo();
    }
    if (destruction.destroyed) {
      ROWSEAL_TRY(CarryOut(change, judged));
    }
    return destruction;
  });
}

Result<KekDestruction> PlanKekDestruction(Client& client, KekId kek) {
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<KekDestruction> {
    ROWSEAL_ASSIGN(const Judged judged, Judge(read, kek));
    return KekDestruction{kek, judged.due, false};
  });
}

Result<void> CancelKekDestruction(Client& client, KekId kek, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_TRY(FindToDestroy(change, kek));
    ROWSEAL_ASSIGN(const Rows called_off,
                   change.connection().Execute(
                       Statement::Sql("UPDATE rowseal.kek SET destroy_at = NULL WHERE id = $1"
                                      " AND destroy_at IS NOT NULL",
                                      {kek.value})));
    if (called_off.changed != 1) {
      return Fail(ErrorCode::kRefusedByState,
                  "nobody asked for KEK " + ToText(kek) + " to be destroyed",
                  "rowseal kek list shows what is due");
    }
    ROWSEAL_TRY(change.Audit("kek.destroy_cancel", ToText(kek)));
    return {};
  });
}

Result<std::vector<KekId>> DueKeks(StoreRead& store) {
  ROWSEAL_ASSIGN(const Timestamp now, store.Now());
  ROWSEAL_ASSIGN(
      Rows answer,
      store.connection().Execute(Statement::Sql(
          "SELECT id FROM rowseal.kek WHERE " ROWSEAL_SANE_TIME("destroy_at") " <= $1 ORDER BY id",
          {ToMicros(now)})));
  std::vector<KekId> due;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    due.push_back(KekId{reader.Integer()});
    ROWSEAL_TRY(reader.status());
  }
  return due;
}

}  // namespace rowseal
