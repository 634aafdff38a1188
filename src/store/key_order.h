#pragma once

#include <string_view>

namespace rowseal {

/// kBeforeAnyId sorts before every uuid, as text and as uuid: where a walk by key begins.
inline constexpr std::string_view kBeforeAnyId = "00000000-0000-0000-0000-000000000000";

}  // namespace rowseal
