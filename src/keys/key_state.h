#pragma once

#include <string_view>

#include <rowseal/error.h>
#include <rowseal/states.h>

namespace rowseal {

/// ParseKeyState reads a state from the store. Errors: kIntegrity.
Result<KeyState> ParseKeyState(std::string_view text);

/// CanMove tells whether SP 800-57 and Rowseal allow the transition. Staying is not a transition.
bool CanMove(KeyState from, KeyState to) noexcept;

/// CanSeal: the key may protect something new.
bool CanSeal(KeyState state) noexcept;

/// CanOpen: the key may process what it protects.
bool CanOpen(KeyState state) noexcept;

}  // namespace rowseal
