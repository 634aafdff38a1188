#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <rowseal/lifecycle.h>

namespace rowseal::testing {

inline std::string TextOf(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::string(ToText(finding.severity)) + " " + finding.check + ": " + finding.message +
            " | " + finding.action + "\n";
  }
  return text;
}

// A finding of that severity and check whose message holds `text`, and which says what to do.
MATCHER_P3(HasFinding, severity, check, text,
           std::string("has ") + std::string(ToText(severity)) + " " + check + " " + text) {
  *result_listener << "\n" << TextOf(arg);
  return std::ranges::any_of(arg, [&](const Finding& finding) {
    return finding.severity == severity && finding.check == check &&
           finding.message.find(text) != std::string::npos &&
           finding.action.empty() == (severity == Severity::kOk);
  });
}

MATCHER(HasNoError, "has no error") {
  *result_listener << "\n" << TextOf(arg);
  return std::ranges::none_of(
      arg, [](const Finding& finding) { return finding.severity == Severity::kError; });
}

}  // namespace rowseal::testing
