#include <rowseal/error.h>

#include <array>
#include <new>

namespace rowseal {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  int exit_code;
};

// The one table of codes; docs/errors.md is checked against it by a test.
constexpr std::array kCodes = {
    CodeRow{ErrorCode::kInvalidArgument, "invalid_argument", 2},
    CodeRow{ErrorCode::kNotFound, "not_found", 3},
    CodeRow{ErrorCode::kConflict, "conflict", 1},
    CodeRow{ErrorCode::kPartial, "partial", 1},
    CodeRow{ErrorCode::kIntegrity, "integrity", 4},
    CodeRow{ErrorCode::kUnavailable, "unavailable", 5},
    CodeRow{ErrorCode::kResourceExhausted, "resource_exhausted", 5},
    CodeRow{ErrorCode::kOverloaded, "overloaded", 5},
    CodeRow{ErrorCode::kInDoubt, "in_doubt", 5},
    CodeRow{ErrorCode::kRootKeyMissing, "root_key_missing", 6},
    CodeRow{ErrorCode::kRootKeyMalformed, "root_key_malformed", 6},
    CodeRow{ErrorCode::kRootKeyExposed, "root_key_exposed", 6},
    CodeRow{ErrorCode::kRootKeyMismatch, "root_key_mismatch", 6},
    CodeRow{ErrorCode::kRefusedByState, "refused_by_state", 7},
    CodeRow{ErrorCode::kNewerSchema, "newer_schema", 7},
    CodeRow{ErrorCode::kOlderSchema, "older_schema", 7},
    CodeRow{ErrorCode::kCancelled, "cancelled", 1},
    CodeRow{ErrorCode::kRandomFailure, "random_failure", 1},
    CodeRow{ErrorCode::kInternal, "internal", 1},
};

constexpr bool TableFollowsEnum() {
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    if (static_cast<std::size_t>(kCodes[i].code) != i) {
      return false;
    }
  }
  return kCodes.size() == static_cast<std::size_t>(ErrorCode::kInternal) + 1;
}
static_assert(TableFollowsEnum());

}  // namespace

std::string_view ErrorName(ErrorCode code) noexcept {
  return kCodes[static_cast<std::size_t>(code)].name;
}

int ExitCode(ErrorCode code) noexcept { return kCodes[static_cast<std::size_t>(code)].exit_code; }

Error CaughtException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kResourceExhausted, "out of memory", "free memory, or use smaller batches"};
  } catch (...) {
    return {ErrorCode::kInternal, "internal: an unexpected exception",
            "this is a bug in Rowseal; please report what was called"};
  }
}

}  // namespace rowseal
