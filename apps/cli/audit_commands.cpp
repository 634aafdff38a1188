#include "arguments.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "output.h"
#include "program.h"

namespace rowseal::cli {
namespace {

constexpr std::int64_t kDefaultEntries = 100;

struct AuditArguments {
  std::string project;
  std::int64_t limit = kDefaultEntries;
};

Result<int> ListEntries(Program& program, const AuditArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<AuditEntry> entries, client.AuditLog(project, arguments.limit));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const AuditEntry& entry : entries) {
    list.push_back({{"id", entry.id},
                    {"at", ToRfc3339(entry.at)},
                    {"actor", entry.actor},
                    {"action", entry.action},
                    {"outcome", entry.outcome},
                    {"object", entry.object},
                    {"reason", entry.reason}});
    rows.push_back({ToRfc3339(entry.at), Printable(entry.actor), entry.action, entry.outcome,
                    Printable(entry.object), Printable(entry.reason)});
  }
  ROWSEAL_TRY(
      program.json()
          ? PrintJson({{"entries", std::move(list)}})
          : PrintText(Table({"AT", "ACTOR", "ACTION", "OUTCOME", "OBJECT", "REASON"}, rows)));
  return 0;
}

}  // namespace

void AddAuditVerbs(Verbs verbs) {
  Verbs audit = verbs.Group("audit", "See who used which secrets");
  const auto arguments = std::make_shared<AuditArguments>();
  CLI::App& list =
      audit.Add({"list", "List a project's entries, newest first",
                 "  rowseal audit list acme --limit 20\n"
                 "  rowseal audit list system          keys and columns\n"},
                [arguments](Program& program) { return ListEntries(program, *arguments); });
  AddProject(list, arguments->project);
  list.add_option("--limit", arguments->limit, "How many, 1 to 10000 [100]");
}

}  // namespace rowseal::cli
