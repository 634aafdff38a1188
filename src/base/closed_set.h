#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <rowseal/error.h>

#include "base/encoding.h"

namespace rowseal {

/// ClosedSet gives the values of an enum their texts, in the order of the enum, which counts from
/// 0.
template <class Enum, std::size_t kSize>
struct ClosedSet {
  std::array<std::string_view, kSize> texts;

  constexpr std::string_view TextOf(Enum value) const noexcept {
    return texts[static_cast<std::size_t>(value)];
  }
  constexpr std::optional<Enum> Find(std::string_view text) const noexcept {
    const auto found = std::find(texts.begin(), texts.end(), text);
    return found == texts.end() ? std::nullopt
                                : std::optional(static_cast<Enum>(found - texts.begin()));
  }
  /// Parse reads what the store holds: a text outside the set was not written by Rowseal. Errors:
  /// kIntegrity.
  Result<Enum> Parse(std::string_view text, std::string_view what, std::string hint = {}) const {
    const std::optional<Enum> value = Find(text);
    return value ? Result<Enum>(*value)
                 : Fail(ErrorCode::kIntegrity,
                        "'" + Printable(text) + "' is not a known " + std::string(what),
                        std::move(hint));
  }
};

/// KnownOrNothing is for lists, where one bad row is to hide no other.
template <class T>
std::optional<T> KnownOrNothing(const Result<T>& parsed) {
  return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace rowseal
