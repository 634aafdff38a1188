#include "store/app_rows.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace rowseal {
namespace {

constexpr std::array kGuards = {std::pair(Guard::kQueue, std::string_view("queue")),
                                std::pair(Guard::kRefuse, std::string_view("refuse")),
                                std::pair(Guard::kReverse, std::string_view("reverse"))};

}  // namespace

std::string_view ToText(Guard guard) noexcept {
  return std::ranges::find(kGuards, guard, [](const auto& entry) { return entry.first; })->second;
}

std::optional<Guard> ParseGuard(std::string_view text) noexcept {
  const auto found =
      std::ranges::find(kGuards, text, [](const auto& entry) { return entry.second; });
  return found == kGuards.end() ? std::nullopt : std::optional(found->first);
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string lines;
  for (const std::string& name : names) {
    lines += name + "\n";
  }
  return lines;
}

std::vector<std::string> SplitNames(std::string_view lines) {
  const std::vector<std::string_view> names = Lines(lines);
  return {names.begin(), names.end()};
}

std::string_view ToText(ObstacleWeight weight) noexcept {
  switch (weight) {
    case ObstacleWeight::kNote:
      return "note";
    case ObstacleWeight::kToAccept:
      return "to accept";
    case ObstacleWeight::kRefused:
      return "refused";
  }
  return "note";
}

}  // namespace rowseal
