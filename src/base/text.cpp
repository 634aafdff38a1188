#include "base/text.h"

#include <algorithm>

namespace rowseal {
namespace {

std::string QuotedBy(char quote, std::string_view text) {
  std::string quoted(1, quote);
  for (const char c : text) {
    quoted.append(c == quote ? 2 : 1, c);
  }
  return quoted + quote;
}

}  // namespace

std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    pieces.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return pieces;
}

std::vector<std::string_view> Lines(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  text.remove_suffix(text.ends_with('\n') ? 1 : 0);
  return Split(text, "\n");
}

std::string QuotedIdentifier(std::string_view name) { return QuotedBy('"', name); }
std::string SqlLiteral(std::string_view text) { return QuotedBy('\'', text); }

}  // namespace rowseal
