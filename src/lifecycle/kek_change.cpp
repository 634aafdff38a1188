#include "lifecycle/kek_change.h"

#include <algorithm>

#include "client/key_refusals.h"
#include "store/trust_rows.h"

namespace rowseal {

Result<const KekRecord*> FindWrapKek(const TrustRows& rows, KekId id) {
  const auto found = std::ranges::find(rows.keks, id, &KekRecord::id);
  if (found == rows.keks.end()) {
    return Fail(ErrorCode::kNotFound, "there is no KEK " + ToText(id),
                "rowseal kek list shows what is there, kek list --destroyed what was");
  }
  if (found->purpose != KekPurpose::kWrap) {
    return Fail(ErrorCode::kRefusedByState,
                "KEK " + ToText(id) + " is the integrity key, which tags the rows of this store",
                "it has no states; rowseal kek list shows the KEKs that have");
  }
  return &*found;
}

KekChange::KekChange(Session& session)
    : session_(session), rows_(session.keyring().trust()->rows) {}

Result<void> KekChange::Move(KekId id, KeyState to) {
  ROWSEAL_TRY(FindWrapKek(rows_, id));
  KekRecord& kek = *std::ranges::find(rows_.keks, id, &KekRecord::id);
  const bool is_allowed =
      CanMove(kek.state, to) &&
      (kek.state != KeyState::kSuspended || to == kek.resumes_to || to == KeyState::kCompromised);
  if (!is_allowed) {
    return Fail(
        ErrorCode::kRefusedByState,
        "KEK " + ToText(id) + " is " + std::string(ToText(kek.state)) +
            (kek.state == to ? " already" : ", and cannot become " + std::string(ToText(to))),
        WayOut(kek));
  }
  moved_.emplace_back(id, kek.revision);
  kek.resumes_to = to == KeyState::kSuspended ? std::optional(kek.state) : std::nullopt;
  kek.state = to;
  ++kek.revision.value;
  ROWSEAL_ASSIGN(kek.row_tag, session_.integrity()->Tag(kek));
  return {};
}

Result<void> KekChange::Remove(KekId id) {
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(rows_, id));
  if (!CanMove(kek->state, KeyState::kDestroyed)) {
    return Fail(ErrorCode::kRefusedByState,
                "KEK " + ToText(id) + " is " + std::string(ToText(kek->state)) +
                    ", and only a deactivated or compromised one is destroyed",
                kek->state == KeyState::kActive ? "rowseal kek rotate makes another one active"
                                                : WayOut(*kek));
  }
  std::erase_if(rows_.keks, [&](const KekRecord& row) { return row.id == id; });
  std::erase_if(rows_.wrappings, [&](const WrappingRecord& row) { return row.kek == id; });
  removed_.push_back(id);
  return {};
}

Result<void> KekChange::Write(Connection& connection) {
  ROWSEAL_TRY(session_.CheckNotRolledBack());
  for (const auto& [id, seen] : moved_) {
    ROWSEAL_TRY(
        UpdateKekState(connection, *std::ranges::find(rows_.keks, id, &KekRecord::id), seen));
  }
  for (const KekId id : removed_) {
    ROWSEAL_TRY(DeleteKek(connection, id));
  }
  ++rows_.installation.epoch;
  ROWSEAL_ASSIGN(rows_.installation.trust_tag, session_.integrity()->TrustTag(rows_));
  return UpdateInstallation(connection, rows_.installation);
}

void KekChange::Adopt() const { session_.AdoptCommitted(rows_); }

}  // namespace rowseal
