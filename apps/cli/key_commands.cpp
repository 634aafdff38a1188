#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "job_output.h"
#include "output.h"
#include "paging.h"
#include "program.h"

// kek and dek.

namespace rowseal::cli {
namespace {

// A KEK's id is a number; KeySummary gives it as text, as it does a DEK's.
Json KekJson(const KeySummary& kek) {
  return {{"id", std::stoll(kek.id)},
          {"scope", kek.scope},
          {"state", kek.state},
          {"created_at", ToRfc3339(kek.created_at)},
          {"resumes_to", kek.resumes_to.empty() ? Json(nullptr) : Json(kek.resumes_to)},
          {"deks", kek.deks.value_or(0)},
          {"rotation_due", TimeJson(kek.rotation_due)},
          {"compromised_at", TimeJson(kek.compromised_at)},
          {"destroy_at", TimeJson(kek.destroy_at)}};
}

std::string DueText(const KeySummary& kek) {
  if (kek.destroy_at) {
    return "destroyed from " + ToRfc3339(*kek.destroy_at);
  }
  if (!kek.resumes_to.empty()) {
    return "resumes to " + kek.resumes_to;
  }
  return kek.rotation_due ? "rotation " + ToRfc3339(*kek.rotation_due) : "-";
}

Result<int> ShowKeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<KeySummary> keks, ListKeks(client));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const KeySummary& kek : keks) {
    list.push_back(KekJson(kek));
    rows.push_back({kek.id, kek.scope, kek.state, ToRfc3339(kek.created_at),
                    std::to_string(kek.deks.value_or(0)), DueText(kek)});
  }
  ROWSEAL_TRY(program.json()
                  ? PrintJson({{"keks", std::move(list)}})
                  : PrintText(Table({"ID", "SCOPE", "STATE", "CREATED", "DEKS", "DUE"}, rows)));
  return 0;
}

struct RotateArguments {
  bool if_due = false;
  bool no_wait = false;
  bool all = false;
  bool exact = false;
  std::optional<std::string> project;
  bool destroyed = false;
  std::optional<std::int64_t> kek;
  std::string scope = "default";
  int share = kDefaultShare;
};

// Runs the jobs of a rotation; with --no-wait, names them.
Result<int> FinishJobs(const Program& program, Client& client, const std::vector<JobId>& jobs,
                       const RotateArguments& arguments) {
  if (arguments.no_wait) {
    for (const JobId job : jobs) {
      ROWSEAL_TRY(program.json() ? Result<void>() : PrintText("job " + ToText(job) + "\n"));
    }
    return 0;
  }
  if (jobs.empty()) {
    return 0;
  }
  ROWSEAL_ASSIGN(const JobsReport report, RunJobsShowing(program, client, jobs, arguments.share));
  if (!program.json()) {
    ROWSEAL_TRY(PrintText(JobsText(report)));
  }
  return EndOfJobs(client, report);
}

Result<int> RotateTheKek(Program& program, const RotateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  std::optional<RotationReport> report;
  if (arguments.if_due && arguments.scope != "default") {
    return Fail(ErrorCode::kInvalidArgument, "the policies speak of scope default",
                "rotate a project's KEK without --if-due");
  }
  if (arguments.if_due) {
    ROWSEAL_ASSIGN(report, RotateKekIfDue(client, program.access()));
  } else {
    ROWSEAL_ASSIGN(report, RotateKek(client, program.access(), arguments.scope));
  }
  if (!report) {
    ROWSEAL_TRY(program.json() ? PrintJson({{"rotated", false}}) : PrintText("not due\n"));
    return 0;
  }
  ROWSEAL_TRY(program.json() ? PrintJson(RotationJson(*report)) : PrintText(RotationText(*report)));
  ROWSEAL_TRY(EndOfRotation(*report));
  const std::vector<JobId> jobs =
      report->job ? std::vector<JobId>{*report->job} : std::vector<JobId>();
  return FinishJobs(program, client, jobs, arguments);
}

Result<int> RewrapTheDeks(Program& program, const RotateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const JobId job, StartRewrap(client, program.access(), arguments.scope));
  if (program.json()) {
    ROWSEAL_TRY(PrintJson({{"job", ToText(job)}}));
  }
  return FinishJobs(program, client, {job}, arguments);
}

Result<int> RotateTheDeks(Program& program, const RotateArguments& arguments) {
  if (arguments.all == arguments.project.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, "neither a project nor all was asked for",
                "give --project P, or --all");
  }
  std::optional<ProjectId> project;
  if (arguments.project) {
    ROWSEAL_ASSIGN(project, ProjectId::Parse(*arguments.project));
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const DekRotation rotation, RotateDeks(client, project, program.access()));
  Json jobs = Json::array();
  for (const JobId job : rotation.jobs) {
    jobs.push_back(ToText(job));
  }
  const Json json = {{"rotated", rotation.rotated},
                     {"jobs", std::move(jobs)},
                     {"columns_without_place", rotation.columns_without_source}};
  const std::string text = project ? fmt::format("{} DEKs of project '{}' rotated\n",
                                                 rotation.rotated, Printable(project->text()))
                                   : std::string();
  ROWSEAL_TRY(program.json() ? PrintJson(json) : PrintText(text));
  for (const std::string& label : rotation.columns_without_source) {
    PrintNote("column '" + Printable(label) +
              "' has no place: its values stay under the old DEK until the app seals them again");
  }
  return FinishJobs(program, client, rotation.jobs, arguments);
}

Json CensusJson(const KekCensus& census) {
  Json deks = Json::array();
  for (const DekCount& count : census.deks) {
    deks.push_back({{"purpose", count.purpose},
                    {"state", count.state},
                    {"deks", count.deks},
                    {"drained", count.drained}});
  }
  const auto optional = [](const std::optional<std::int64_t>& count) {
    return count ? Json(*count) : Json(nullptr);
  };
  return {{"id", census.id.value},
          {"scope", census.scope},
          {"state", census.state},
          {"created_at", ToRfc3339(census.created_at)},
          {"destroy_at", TimeJson(census.destroy_at)},
          {"deks", std::move(deks)},
          {"projects", census.projects},
          {"first_projects", census.first_projects},
          {"secrets", optional(census.secrets)},
          {"versions", optional(census.versions)},
          {"values", optional(census.values)}};
}

// What breaks if this key goes.
std::string CensusText(const KekCensus& census) {
  std::string text = fmt::format("KEK {}  {}, {}, since {}\n", census.id.value, census.scope,
                                 census.state, ToRfc3339(census.created_at));
  if (census.destroy_at) {
    text += fmt::format("  destroyed   from {} on\n", ToRfc3339(*census.destroy_at));
  }
  if (census.deks.empty()) {
    return text + "  needed by   nothing\n";
  }
  std::string needed;
  for (const DekCount& count : census.deks) {
    needed += fmt::format("{}{} {} {}", needed.empty() ? "" : ", ", count.deks, count.state,
                          count.purpose);
    needed += count.drained > 0 ? fmt::format(" ({} drained)", count.drained) : "";
  }
  text += fmt::format("  needed by   DEKs: {}\n", needed);
  std::string projects;
  for (const std::string& project : census.first_projects) {
    projects += (projects.empty() ? "" : ", ") + Printable(project);
  }
  const bool more = census.projects > static_cast<std::int64_t>(census.first_projects.size());
  text += fmt::format("  projects    {}: {}{}\n", census.projects, projects, more ? ", …" : "");
  if (census.versions) {
    text += fmt::format(
        "  if it goes  {} secrets ({} versions) and {} values in columns with a place are lost\n",
        *census.secrets, *census.versions, *census.values);
  } else {
    text += "  if it goes  what these projects sealed is lost; --exact counts it\n";
  }
  return text;
}

Result<int> ShowCensus(Program& program, const RotateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<KekCensus> censuses,
                 TakeCensus(client, arguments.exact ? CountFrom::kEveryRow : CountFrom::kKeyRows));
  Json list = Json::array();
  std::string text;
  for (const KekCensus& census : censuses) {
    if (!arguments.kek || census.id.value == *arguments.kek) {
      list.push_back(CensusJson(census));
      text += CensusText(census);
    }
  }
  if (arguments.kek && list.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no KEK {} that wraps", *arguments.kek),
                "rowseal kek list shows what is there");
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"keks", std::move(list)}}) : PrintText(text));
  if (arguments.exact) {
    ROWSEAL_ASSIGN(const std::vector<ColumnSummary> columns, client.Columns());
    for (const ColumnSummary& column : columns) {
      if (!column.source) {
        PrintNote("column '" + Printable(column.label.text()) +
                  "' has no place: its values are not counted");
      }
    }
  }
  return 0;
}

Json DekJson(const KeySummary& dek) {
  return {{"project", dek.project},
          {"id", dek.id},
          {"kek", dek.scope},
          {"purpose", dek.purpose},
          {"state", dek.state},
          {"drained", dek.drained},
          {"versions", dek.versions ? Json(*dek.versions) : Json(nullptr)},
          {"created_at", ToRfc3339(dek.created_at)}};
}

Result<std::vector<KeySummary>> ListAllDeks(Client& client, ListDeksOptions options) {
  options.limit = kPage;
  std::vector<KeySummary> all;
  for (;;) {
    ROWSEAL_ASSIGN(std::vector<KeySummary> page, ListDeks(client, options));
    const bool last = page.size() < static_cast<std::size_t>(kPage);
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (last) {
      return all;
    }
    options.after_project = all.back().project;
    options.after_id = all.back().id;
  }
}

Result<int> ShowDeks(Program& program, const RotateArguments& arguments) {
  ListDeksOptions options;
  options.count = arguments.exact ? CountFrom::kEveryRow : CountFrom::kKeyRows;
  if (arguments.project) {
    ROWSEAL_ASSIGN(options.project, ProjectId::Parse(*arguments.project));
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<KeySummary> deks, ListAllDeks(client, options));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const KeySummary& dek : deks) {
    list.push_back(DekJson(dek));
    rows.push_back({Printable(dek.project), dek.id, dek.scope, dek.purpose,
                    dek.drained ? dek.state + ", drained" : dek.state,
                    dek.versions && dek.purpose == "secret" ? std::to_string(*dek.versions) : "-",
                    ToRfc3339(dek.created_at)});
  }
  ROWSEAL_TRY(
      program.json()
          ? PrintJson({{"deks", std::move(list)}})
          : PrintText(
                Table({"PROJECT", "ID", "KEK", "PURPOSE", "STATE", "VERSIONS", "CREATED"}, rows)));
  return 0;
}

void AddScope(CLI::App& verb, RotateArguments& arguments) {
  verb.add_option("--scope", arguments.scope,
                  "default, or a project that has a root of its own [default]");
}

void AddWaiting(CLI::App& verb, RotateArguments& arguments) {
  verb.add_flag("--no-wait", arguments.no_wait,
                "Leave the long work to `rowseal jobs run` or `rowseal maintain`, and name its"
                " jobs");
  AddShare(verb, arguments.share);
}

}  // namespace

void AddKeyVerbs(Verbs verbs) {
  const auto arguments = std::make_shared<RotateArguments>();
  Verbs kek = verbs.Group("kek", "List, count, rotate, suspend and destroy key-encrypting keys");
  kek.Add({"list", "List the KEKs: their states and ages, what they wrap, what is due",
           "  rowseal kek list --json\n  rowseal kek list --destroyed\n"},
          [arguments](Program& program) {
            return arguments->destroyed ? ShowDestroyed(program, "kek") : ShowKeks(program);
          })
      .add_flag("--destroyed", arguments->destroyed, "The evidence of those that are gone");
  CLI::App& census =
      kek.Add({"census", "Say what needs each KEK: what breaks if it goes",
               "  rowseal kek census\n  rowseal kek census 1 --exact\n"},
              [arguments](Program& program) { return ShowCensus(program, *arguments); });
  census.add_option("ID", arguments->kek, "One KEK [all that wrap]");
  census.add_flag("--exact", arguments->exact,
                  "Count secrets, versions and values too: reads every row");
  CLI::App& rotate =
      kek.Add({"rotate", "Make a new active KEK and rewrap every DEK; secrets stay untouched",
               "  rowseal kek rotate --reason \"yearly rotation\"\n"
               "  rowseal kek rotate --if-due\n"},
              [arguments](Program& program) { return RotateTheKek(program, *arguments); });
  rotate.add_flag("--if-due", arguments->if_due,
                  "Only when the policies kek.max_age and rotation.min_interval say so");
  AddScope(rotate, *arguments);
  AddWaiting(rotate, *arguments);
  CLI::App& rewrap =
      kek.Add({"rewrap", "Wrap every DEK under the active KEK, where some are not",
               "  rowseal kek rewrap\n  rowseal kek rewrap --no-wait\n"},
              [arguments](Program& program) { return RewrapTheDeks(program, *arguments); });
  AddScope(rewrap, *arguments);
  AddWaiting(rewrap, *arguments);
  AddKekStateVerbs(kek);

  Verbs dek = verbs.Group("dek", "List, rotate and destroy data-encrypting keys");
  CLI::App& list = dek.Add({"list", "List the DEKs, of one project or of all",
                            "  rowseal dek list\n  rowseal dek list --project acme --exact\n"},
                           [arguments](Program& program) {
                             return arguments->destroyed ? ShowDestroyed(program, "dek")
                                                         : ShowDeks(program, *arguments);
                           });
  list.add_flag("--destroyed", arguments->destroyed,
                "The evidence of those that are gone, of all projects");
  list.add_option("--project", arguments->project, "One project");
  list.add_flag("--exact", arguments->exact,
                "Count the secret versions under each: reads every row");
  CLI::App& rotate_deks =
      dek.Add({"rotate",
               "Make new DEKs and seal again what stands under the old ones: secrets, and values"
               " in columns with a place",
               "  rowseal dek rotate --project acme --reason \"new tenant owner\"\n"
               "  rowseal dek rotate --all --no-wait && rowseal jobs run --share 20\n"},
              [arguments](Program& program) { return RotateTheDeks(program, *arguments); });
  rotate_deks.add_option("--project", arguments->project, "One project");
  rotate_deks.add_flag("--all", arguments->all, "Every project");
  AddWaiting(rotate_deks, *arguments);
  AddDekStateVerbs(dek);
}

}  // namespace rowseal::cli
