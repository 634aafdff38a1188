#include <fmt/format.h>

#include "arguments.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "input.h"
#include "job_output.h"
#include "paging.h"
#include "program.h"
#include "shown.h"

// project.

namespace rowseal::cli {
namespace {

struct RetireArguments {
  std::string project;
  bool yes = false;
  bool dry_run = false;
  bool cancel = false;
  bool no_wait = false;
  int share = kDefaultShare;
};

std::string WhatGoes(const ProjectRetirement& retirement) {
  std::string text = fmt::format(
      "  from {} on, {} secrets ({} versions) and {} DEKs are destroyed\n",
      CellOf(retirement.destroy_at), retirement.secrets, retirement.versions, retirement.deks);
  for (const std::string& label : retirement.columns) {
    text += fmt::format("  its values in column '{}' then open no more\n", Printable(label));
  }
  text += retirement.backups_until
              ? fmt::format("  backups and key bundles with its wrapped keys end at {}\n",
                            ToRfc3339(*retirement.backups_until))
              : "  backups and key bundles from before then still hold its wrapped keys; policy"
                " backup.kept says how long\n";
  return text;
}

Result<int> Cancel(Program& program, const ProjectId& project) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(CancelRetirement(client, project, program.access()));
  return Show(program, {{"project", project.text()}, {"destroy_at", nullptr}});
}

Result<int> Retire(Program& program, const RetireArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  if (arguments.cancel) {
    return Cancel(program, project);
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const ProjectRetirement plan, PlanRetirement(client, project));
  const std::string name = Printable(project.text());
  if (arguments.dry_run) {
    return Show(program, JsonOf(plan),
                fmt::format("project {} would be retired\n{}", name, WhatGoes(plan)));
  }
  ROWSEAL_TRY(Confirm(arguments.yes, fmt::format("Retire project {}?\n{}", name, WhatGoes(plan))));
  ROWSEAL_ASSIGN(const ProjectRetirement retirement,
                 RetireProject(client, project, program.access()));
  JobsReport jobs;
  if (retirement.job && !arguments.no_wait) {
    ROWSEAL_ASSIGN(jobs, RunJobsShowing(program, client, {*retirement.job}, arguments.share));
  }
  Json json = JsonOf(retirement);
  json.update(JsonOf(jobs));
  ROWSEAL_TRY(
      Show(program, json,
           fmt::format("project {} is retired\n{}{}", name, WhatGoes(retirement), JobsText(jobs))));
  return EndOfJobs(client, jobs);
}

Result<int> ShowRetired(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<RetiredProject> retired,
                 ReadAllPages<RetiredProject>(kPage, [&](const RetiredProject* last) {
                   return ListRetirements(client, last ? last->project : "", kPage);
                 }));
  return ShowList(program, "retired", retired,
                  {{"PROJECT", "project"},
                   {"RETIRED", "retired_at"},
                   {"DESTROY FROM", "destroy_at"},
                   {"DESTROYED", "destroyed_at"},
                   {"BACKUPS UNTIL", "backups_until"}});
}

}  // namespace

void AddProjectVerbs(Verbs verbs) {
  Verbs project = verbs.Group("project", "Retire projects");
  project.Add({"list", "List the projects that are retired", "  rowseal project list\n"},
              ShowRetired);
  const auto arguments = std::make_shared<RetireArguments>();
  CLI::App& retire = project.Add(
      {"retire",
       "Refuse a project from now on, and destroy its secrets and keys after the wait of policy"
       " destroy.wait",
       "  rowseal project retire acme --dry-run\n"
       "  rowseal project retire acme --yes --reason \"contract ended\"\n"
       "  rowseal project retire acme --cancel\n"},
      [arguments](Program& program) { return Retire(program, *arguments); });
  AddProject(retire, arguments->project);
  retire.add_flag("--yes", arguments->yes, "Do not ask; needed where nobody can be asked");
  retire.add_flag("--dry-run", arguments->dry_run, "Say what it would do");
  retire.add_flag("--cancel", arguments->cancel,
                  "Call it off; when its keys are gone already: let it begin anew");
  retire.add_flag("--no-wait", arguments->no_wait,
                  "Leave a destruction that is due to `rowseal jobs run` or `rowseal maintain`");
  AddShare(retire, arguments->share);
}

}  // namespace rowseal::cli
