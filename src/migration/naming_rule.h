#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

/// NamingRule makes a secret's name of its row: `crm/{id}/{path}`, where `{path}` is the place in a
/// JSON document and every other word in braces is a column of the table.
class NamingRule final {
 public:
  NamingRule() = default;
  /// Parse reads a rule. Errors: kInvalidArgument (a brace that is not closed, or empty).
  static Result<NamingRule> Parse(std::string_view text);

  /// columns are those that the rule names, each once.
  const std::vector<std::string>& columns() const noexcept { return columns_; }
  bool names_path() const noexcept { return names_path_; }
  bool empty() const noexcept { return parts_.empty(); }

  /// Make puts values, in the order of `columns`, and a path's place into the rule.
  std::string Make(const std::vector<std::string>& values, std::string_view place) const;

 private:
  struct Part {
    enum class Kind : std::uint8_t { kText, kColumn, kPath };
    Kind kind = Kind::kText;
    std::string text;
    std::size_t column = 0;
  };
  std::vector<Part> parts_;
  std::vector<std::string> columns_;
  bool names_path_ = false;
};

}  // namespace rowseal
