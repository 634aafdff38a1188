#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rowseal {

/// Split gives the pieces between separators: `a,,b` has three at commas, an empty text has one,
/// which is empty. They view `text`.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator);

/// Lines gives the lines of a text, whose last one may lack its line feed; an empty text has none.
/// They view `text`.
std::vector<std::string_view> Lines(std::string_view text);

/// Join puts `separator` between items, each as `text_of` writes it.
template <class Items, class TextOf = std::identity>
std::string Join(const Items& items, std::string_view separator, TextOf text_of = {}) {
  std::string joined;
  bool is_first = true;
  for (const auto& item : items) {
    joined += is_first ? std::string_view() : separator;
    joined += std::invoke(text_of, item);
    is_first = false;
  }
  return joined;
}

/// QuotedIdentifier is a name as SQL writes it, and SqlLiteral a text: between quotes, which are
/// doubled inside.
std::string QuotedIdentifier(std::string_view name);
std::string SqlLiteral(std::string_view text);

}  // namespace rowseal
