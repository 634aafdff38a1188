#include "migration/naming_rule.h"

#include <algorithm>

#include "base/encoding.h"

namespace rowseal {

Result<NamingRule> NamingRule::Parse(std::string_view text) {
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalidArgument,
                "the naming rule '" + Printable(text) + "' has a brace without its partner",
                "write a column's name in braces: {key}");
  };
  NamingRule rule;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) {
      rule.parts_.push_back({Part::Kind::kText, std::exchange(plain, {}), 0});
    }
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '}') {
      return refuse();
    }
    if (text[at] != '{') {
      plain += text[at];
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos || end == at + 1) {
      return refuse();
    }
    const std::string word(text.substr(at + 1, end - at - 1));
    at = end;
    flush();
    if (word == "path") {
      rule.parts_.push_back({Part::Kind::kPath, {}, 0});
      rule.names_path_ = true;
      continue;
    }
    const auto known = std::ranges::find(rule.columns_, word);
    const auto column = static_cast<std::size_t>(known - rule.columns_.begin());
    if (known == rule.columns_.end()) {
      rule.columns_.push_back(word);
    }
    rule.parts_.push_back({Part::Kind::kColumn, {}, column});
  }
  flush();
  return rule;
}

std::string NamingRule::Make(const std::vector<std::string>& values, std::string_view place) const {
  std::string name;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Part::Kind::kText:
        name += part.text;
        break;
      case Part::Kind::kColumn:
        name += values[part.column];
        break;
      case Part::Kind::kPath:
        // A name holds no brackets: `$.nodes[0].url` becomes `nodes.0.url`.
        for (const char c : place.substr(std::min<std::size_t>(place.size(), 1))) {
          if (c == '[' || c == '.') {
            name += name.empty() || name.back() == '.' || name.back() == '/' ? "" : ".";
          } else if (c != ']' && c != '"') {
            name += c;
          }
        }
        break;
    }
  }
  return name;
}

}  // namespace rowseal
