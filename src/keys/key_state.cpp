#include "keys/key_state.h"

#include <array>

#include "base/closed_set.h"

namespace rowseal {
namespace {

constexpr std::size_t kStateCount = 6;
constexpr ClosedSet<KeyState, kStateCount> kKeyStates{
    {"pre-activation", "active", "suspended", "deactivated", "compromised", "destroyed"}};

// Rows: from; columns: to; both in the order of the enum. A suspended key resumes to the state it
// had (active or deactivated). A compromised key never becomes trusted again.
constexpr std::array<std::array<bool, kStateCount>, kStateCount> kAllowed = {{
    // pre    active suspended deactivated compromised destroyed
    {{false, true, false, false, true, true}},    // pre-activation
    {{false, false, true, true, true, false}},    // active: deactivate before destroying
    {{false, true, false, true, true, false}},    // suspended
    {{false, false, true, false, true, true}},    // deactivated
    {{false, false, false, false, false, true}},  // compromised
    {{false, false, false, false, false, false}}  // destroyed
}};

}  // namespace

std::string_view ToText(KeyState state) noexcept { return kKeyStates.TextOf(state); }

Result<KeyState> ParseKeyState(std::string_view text) {
  return kKeyStates.Parse(text, "state of a key");
}

bool CanMove(KeyState from, KeyState to) noexcept {
  return kAllowed[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

bool CanSeal(KeyState state) noexcept { return state == KeyState::kActive; }

bool CanOpen(KeyState state) noexcept {
  return state == KeyState::kActive || state == KeyState::kDeactivated ||
         state == KeyState::kCompromised;
}

}  // namespace rowseal
