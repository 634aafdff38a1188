#include <algorithm>

#include <rowseal/lifecycle.h>

#include "client/change.h"
#include "keys/key_state.h"
#include "lifecycle/kek_change.h"

namespace rowseal {
namespace {

// Machines whose anchors are a little ahead of this one's must take the new epoch for newer, too.
constexpr std::int64_t kEpochsOfOneStore = 1'000'000;

// KEKs that were suspended, compromised or destroyed when this machine saw the newer set are usable
// in the older one. They are suspended, whatever had happened to them, until somebody has looked.
Result<void> SuspendAgain(Change& change, const TrustFloor& floor) {
  if (!floor.anchor) {
    return {};
  }
  const std::vector<KekRecord> keks = change.trust().rows.keks;
  for (const KekRecord& kek : keks) {
    const auto before = floor.anchor->refused.find(kek.id);
    if (kek.purpose != KekPurpose::kWrap || before == floor.anchor->refused.end() ||
        !CanMove(kek.state, KeyState::kSuspended)) {
      continue;
    }
    ROWSEAL_TRY(MoveKek(change, kek.id, KeyState::kSuspended));
    change.Log({LogLevel::kWarning,
                "kek_suspended_again",
                "an older copy had a KEK in use that had been taken out of it: rowseal kek"
                " compromised or kek resume decides",
                {{"kek", ToText(kek.id)}, {"was", std::string(ToText(before->second))}}});
  }
  return {};
}

}  // namespace

Result<std::int64_t> AcceptRollback(Client& client, const Access& access) {
  const auto accept = [](Change& change) -> Result<std::int64_t> {
    const TrustFloor floor = change.session().Floor();
    const std::int64_t found = change.trust().rows.installation.epoch;
    const std::int64_t seen = std::max(found, floor.anchor ? floor.anchor->epoch : 0);
    const std::int64_t next = (seen / kEpochsOfOneStore + 1) * kEpochsOfOneStore;
    ROWSEAL_TRY(SuspendAgain(change, floor));
    change.rows().installation.epoch = next - 1;  // the change itself is one more
    ROWSEAL_TRY(
        change.Audit("store.accept_rollback", std::to_string(found) + " " + std::to_string(seen)));
    change.Log({LogLevel::kWarning,
                "rollback_accepted",
                "an older copy of the store is gone on with",
                {{"epoch", std::to_string(next)},
                 {"epoch_found", std::to_string(found)},
                 {"epoch_seen_before", std::to_string(seen)}}});
    return next;
  };
  ROWSEAL_ASSIGN(
      const std::int64_t epoch,
      ChangeStore(client, access, accept, {.older_copy = ChangeKind::OlderCopy::kAccepted}));
  // What is read now is as new as the anchor: that ends the alarm.
  ROWSEAL_TRY(ReadTrusted(client, [](const TrustedRead&) { return Result<void>(); }));
  return epoch;
}

}  // namespace rowseal
