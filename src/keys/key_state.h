#pragma once

#include <cstdint>
#include <string_view>

#include <rowseal/error.h>

namespace rowseal {

/// KeyState is the life of a key in the states of NIST SP 800-57 Part 1 section 7.
enum class KeyState : std::uint8_t {
  kPreActivation,  ///< exists; neither seals nor opens
  kActive,         ///< seals and opens; one in each scope, or project and purpose
  kSuspended,      ///< refused until resumed
  kDeactivated,    ///< opens, never seals
  kCompromised,    ///< opens, loudly, so that what it protects can be resealed; never seals
  kDestroyed,      ///< gone: its row was deleted, metadata stays in `destroyed_key`
};

/// ToText returns the stored form: `pre-activation`, `active`, …
std::string_view ToText(KeyState state) noexcept;
/// Errors: kIntegrity, because states are read from the store.
Result<KeyState> ParseKeyState(std::string_view text);

/// CanMove tells whether SP 800-57 and Rowseal allow the transition. Staying is not a transition.
bool CanMove(KeyState from, KeyState to) noexcept;

/// CanSeal: the key may protect something new.
bool CanSeal(KeyState state) noexcept;

/// CanOpen: the key may process what it protects.
bool CanOpen(KeyState state) noexcept;

}  // namespace rowseal
