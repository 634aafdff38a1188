#include "arguments.h"
#include "program.h"
#include "shown.h"

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
  ROWSEAL_ASSIGN(const Listing<AuditEntry> entries, client.AuditLog(project, arguments.limit));
  return ShowList(program, "entries", entries,
                  {{"AT", "at"},
                   {"ACTOR", "actor"},
                   {"ACTION", "action"},
                   {"OUTCOME", "outcome"},
                   {"OBJECT", "object"},
                   {"REASON", "reason"}});
}

}  // namespace

void AddAuditVerbs(Verbs verbs) {
  Verbs audit = verbs.Group("audit", "See who used which secrets");
  const auto [list, arguments] =
      audit.Add<AuditArguments>({"list", "List a project's entries, newest first",
                                 "  rowseal audit list acme --limit 20\n"
                                 "  rowseal audit list system          keys and columns\n"},
                                ListEntries);
  AddProject(list, arguments.project);
  list.add_option("--limit", arguments.limit, "How many, 1 to 10000 [100]");
}

}  // namespace rowseal::cli
