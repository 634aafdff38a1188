#pragma once

#include <cstdint>
#include <string_view>

#include <rowseal/error.h>

namespace rowseal {

/// kBeforeAnyId sorts before every uuid, as text and as uuid: where a walk by key begins.
inline constexpr std::string_view kBeforeAnyId = "00000000-0000-0000-0000-000000000000";

/// CheckPage bounds what a list reads at once. Errors: kInvalidArgument.
inline Result<void> CheckPage(std::int64_t limit) {
  constexpr std::int64_t kMostRows = 10'000;
  return limit >= 1 && limit <= kMostRows
             ? Result<void>()
             : Fail(ErrorCode::kInvalidArgument, "a page has 1 to 10,000 rows");
}

}  // namespace rowseal
