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

Result<void> MoveKek(Change& change, KekId id, KeyState to) {
  ROWSEAL_TRY(FindWrapKek(change.trust().rows, id));
  KekRecord& kek = *std::ranges::find(change.rows().keks, id, &KekRecord::id);
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
  const Revision seen = kek.revision;
  kek.resumes_to = to == KeyState::kSuspended ? std::optional(kek.state) : std::nullopt;
  kek.state = to;
  ++kek.revision.value;
  ROWSEAL_ASSIGN(kek.row_tag, change.integrity().Tag(kek));
  return UpdateKekState(change.connection(), kek, seen);
}

Result<void> CheckRemovable(const KekRecord& kek) {
  if (CanMove(kek.state, KeyState::kDestroyed)) {
    return {};
  }
  return Fail(
      ErrorCode::kRefusedByState,
      "KEK " + ToText(kek.id) + " is " + std::string(ToText(kek.state)) +
          ", and only a deactivated or compromised one is destroyed",
      kek.state == KeyState::kActive ? "rowseal kek rotate makes another one active" : WayOut(kek));
}

Result<void> RemoveKek(Change& change, KekId id) {
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(change.trust().rows, id));
  ROWSEAL_TRY(CheckRemovable(*kek));
  std::erase_if(change.rows().keks, [&](const KekRecord& row) { return row.id == id; });
  std::erase_if(change.rows().wrappings, [&](const WrappingRecord& row) { return row.kek == id; });
  return DeleteKek(change.connection(), id);
}

}  // namespace rowseal
