#include <rowseal/key_states.h>

#include "lifecycle/kek_change.h"

namespace rowseal {
namespace {

Result<void> MoveTo(Change& change, KekId kek, KeyState state, std::string_view action) {
  ROWSEAL_TRY(MoveKek(change, kek, state));
  change.Log({LogLevel::kInfo,
              "kek_state_changed",
              "a KEK has another state",
              {{"kek", ToText(kek)}, {"state", std::string(ToText(state))}}});
  ROWSEAL_TRY(change.Audit(action, ToText(kek)));
  return {};
}

}  // namespace

Result<void> SuspendKek(Client& client, KekId kek, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) {
    return MoveTo(change, kek, KeyState::kSuspended, "kek.suspend");
  });
}

Result<KeyState> ResumeKek(Client& client, KekId kek, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<KeyState> {
    ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(change.trust().rows, kek));
    if (record->state != KeyState::kSuspended || !record->resumes_to) {
      return Fail(ErrorCode::kRefusedByState,
                  "KEK " + ToText(kek) + " is " + std::string(ToText(record->state)) +
                      ", and only a suspended one is resumed",
                  "rowseal kek list shows the states of keys");
    }
    const KeyState state = *record->resumes_to;
    ROWSEAL_TRY(MoveTo(change, kek, state, "kek.resume"));
    return state;
  });
}

}  // namespace rowseal
