#include "keys/records.h"

#include "base/closed_set.h"

namespace rowseal {
namespace {

constexpr ClosedSet<KekPurpose, 2> kKekPurposes{{"wrap", "integrity"}};
constexpr ClosedSet<DekPurpose, 3> kDekPurposes{{"secret", "value", "digest"}};
constexpr ClosedSet<ColumnState, 2> kColumnStates{{"active", "removed"}};

}  // namespace

std::string_view ToText(KekPurpose purpose) noexcept { return kKekPurposes.TextOf(purpose); }
std::string_view ToText(DekPurpose purpose) noexcept { return kDekPurposes.TextOf(purpose); }
std::string_view ToText(ColumnState state) noexcept { return kColumnStates.TextOf(state); }

Result<KekPurpose> ParseKekPurpose(std::string_view text) {
  return kKekPurposes.Parse(text, "purpose of a KEK");
}

Result<DekPurpose> ParseDekPurpose(std::string_view text) {
  return kDekPurposes.Parse(text, "purpose of a DEK");
}

Result<ColumnState> ParseColumnState(std::string_view text) {
  return kColumnStates.Parse(text, "state of a column");
}

Result<Suite> ParseSuite(std::int64_t value) {
  if (value != static_cast<std::int64_t>(Suite::kXaes256Gcm)) {
    return Fail(ErrorCode::kIntegrity, "suite " + std::to_string(value) + " is not known");
  }
  return Suite::kXaes256Gcm;
}

}  // namespace rowseal
