#include <algorithm>

#include <rowseal/lifecycle.h>

#include "client/change.h"

namespace rowseal {
namespace {

// Machines whose anchors are a little ahead of this one's must take the new epoch for newer, too.
constexpr std::int64_t kEpochsOfOneStore = 1'000'000;

}  // namespace

Result<std::int64_t> AcceptRollback(Client& client, const Access& access) {
  const auto accept = [](Change& change) -> Result<std::int64_t> {
    const TrustFloor floor = change.session().Floor();
    const std::int64_t found = change.trust().rows.installation.epoch;
    const std::int64_t seen = std::max(found, floor.anchor ? floor.anchor->epoch : 0);
    const std::int64_t next = (seen / kEpochsOfOneStore + 1) * kEpochsOfOneStore;
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
