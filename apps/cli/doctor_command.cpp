#include <algorithm>

#include <fmt/format.h>

#include "program.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

std::int64_t CountOf(const std::vector<Finding>& findings, Severity severity) {
  return std::ranges::count(findings, severity, &Finding::severity);
}

std::string FindingsText(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text +=
        fmt::format("{:<8} {:<13} {}\n", ToText(finding.severity), finding.check, finding.message);
    if (!finding.action.empty()) {
      text += fmt::format("{:<8} {:<13} do: {}\n", "", "", finding.action);
    }
  }
  return text + fmt::format("errors: {}, warnings: {}\n", CountOf(findings, Severity::kError),
                            CountOf(findings, Severity::kWarning));
}

Result<int> RunDoctor(Program& program) {
  const std::vector<Finding> findings = Diagnose(program.store_options());
  const std::int64_t errors = CountOf(findings, Severity::kError);
  ROWSEAL_TRY(Show(program,
                   {{"findings", JsonOf(findings)},
                    {"errors", errors},
                    {"warnings", CountOf(findings, Severity::kWarning)}},
                   FindingsText(findings)));
  return errors == 0 ? 0 : 1;
}

}  // namespace

void AddDoctorVerb(Verbs verbs) {
  verbs.Add({"doctor", "Look at keys, files and machine, say what to do, change nothing",
             "  rowseal doctor\n  rowseal doctor --json\n"},
            RunDoctor);
}

}  // namespace rowseal::cli
