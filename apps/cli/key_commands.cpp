#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "job_output.h"
#include "paging.h"
#include "program.h"
#include "shown.h"

// kek and dek.

namespace rowseal::cli {
namespace {

std::string DueText(const KekSummary& kek) {
  if (kek.destroy_at) {
    return "destroyed from " + ToRfc3339(*kek.destroy_at);
  }
  if (kek.resumes_to) {
    return "resumes to " + std::string(ToText(*kek.resumes_to));
  }
  return kek.rotation_due ? "rotation " + ToRfc3339(*kek.rotation_due) : "-";
}

Result<int> ShowKeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<KekSummary> keks, ListKeks(client));
  return ShowList(program, "keks", keks,
                  {{"ID", "id"},
                   {"SCOPE", "scope"},
                   {"STATE", "state"},
                   {"CREATED", "created_at"},
                   {"DEKS", "deks"},
                   {"DUE", DueText}});
}

struct RotateArguments {
  bool if_due = false;
  bool all = false;
  bool exact = false;
  std::optional<std::string> project;
  bool destroyed = false;
  std::optional<std::int64_t> kek;
  std::string scope = "default";
  JobOptions jobs;
};

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
    return Show(program, {{"rotated", false}}, "not due\n");
  }
  ROWSEAL_TRY(Show(program, JsonOf(*report), RotationText(*report)));
  ROWSEAL_TRY(EndOfRotation(*report));
  const std::vector<JobId> jobs =
      report->job ? std::vector<JobId>{*report->job} : std::vector<JobId>();
  return FinishJobs(program, client, jobs, arguments.jobs);
}

Result<int> RewrapTheDeks(Program& program, const RotateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const JobId job, StartRewrap(client, program.access(), arguments.scope));
  if (program.json()) {
    ROWSEAL_TRY(PrintJson({{"job", ToText(job)}}));
  }
  return FinishJobs(program, client, {job}, arguments.jobs);
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
  const std::string text = project ? fmt::format("{} DEKs of project '{}' rotated\n",
                                                 rotation.rotated, Printable(project->text()))
                                   : std::string();
  ROWSEAL_TRY(Show(program, JsonOf(rotation), text));
  for (const std::string& label : rotation.columns_without_source) {
    PrintNote("column '" + Printable(label) +
              "' has no place: its values stay under the old DEK until the app seals them again");
  }
  ROWSEAL_TRY(FinishJobs(program, client, rotation.jobs, arguments.jobs));
  return EndOfColumns(client);
}

// What breaks if this key goes.
std::string CensusText(const KekCensus& census) {
  std::string text = fmt::format("KEK {}  {}, {}, since {}\n", census.id.value, census.scope,
                                 ToText(census.state), ToRfc3339(census.created_at));
  if (census.destroy_at) {
    text += fmt::format("  destroyed   from {} on\n", ToRfc3339(*census.destroy_at));
  }
  if (census.deks.empty()) {
    return text + "  needed by   nothing\n";
  }
  std::string needed;
  for (const DekCount& count : census.deks) {
    needed += fmt::format("{}{} {} {}", needed.empty() ? "" : ", ", count.deks, CellOf(count.state),
                          CellOf(count.purpose));
    needed += count.drained > 0 ? fmt::format(" ({} drained)", count.drained) : "";
  }
  text += fmt::format("  needed by   DEKs: {}\n", needed);
  const bool more = census.projects > static_cast<std::int64_t>(census.first_projects.size());
  text += fmt::format("  projects    {}: {}{}\n", census.projects, ListText(census.first_projects),
                      more ? ", …" : "");
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
  ROWSEAL_ASSIGN(Listing<KekCensus> censuses,
                 TakeCensus(client, arguments.exact ? CountFrom::kEveryRow : CountFrom::kKeyRows));
  std::string text;
  if (arguments.kek) {
    // What could not be counted may need this one.
    censuses.Keep([&](const KekCensus& census) { return census.id.value == *arguments.kek; },
                  [](const UnreadRow&) { return true; });
  }
  for (const KekCensus& census : censuses) {
    text += CensusText(census);
  }
  if (arguments.kek && censuses.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no KEK {} that wraps", *arguments.kek),
                "rowseal kek list shows what is there");
  }
  ROWSEAL_TRY(Show(program, ListJson("keks", censuses), text));
  if (arguments.exact) {
    ROWSEAL_ASSIGN(const Listing<ColumnSummary> columns, client.Columns());
    for (const ColumnSummary& column : columns) {
      if (!column.source) {
        PrintNote("column '" + Printable(column.label.text()) +
                  "' has no place: its values are not counted");
      }
    }
  }
  return EndOfList(censuses.unreadable);
}

Result<Listing<DekSummary>> ListAllDeks(Client& client, ListDeksOptions options) {
  options.limit = kPage;
  return ReadAllPages<DekSummary>(kPage, [&](const DekSummary* last) {
    options.after_project = last ? last->project : "";
    options.after_id = last ? last->id : "";
    return ListDeks(client, options);
  });
}

Result<int> ShowDeks(Program& program, const RotateArguments& arguments) {
  ListDeksOptions options;
  options.count = arguments.exact ? CountFrom::kEveryRow : CountFrom::kKeyRows;
  if (arguments.project) {
    ROWSEAL_ASSIGN(options.project, ProjectId::Parse(*arguments.project));
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<DekSummary> deks, ListAllDeks(client, options));
  return ShowList(
      program, "deks", deks,
      {{"PROJECT", "project"},
       {"ID", "id"},
       {"KEK", "kek"},
       {"PURPOSE", "purpose"},
       {"STATE",
        [](const DekSummary& dek) { return CellOf(dek.state) + (dek.drained ? ", drained" : ""); }},
       {"VERSIONS",
        [](const DekSummary& dek) {
          return dek.purpose == DekPurpose::kSecret ? CellOf(dek.versions) : "-";
        }},
       {"CREATED", "created_at"}});
}

void AddScope(CLI::App& verb, RotateArguments& arguments) {
  verb.add_option("--scope", arguments.scope,
                  "default, or a project that has a root of its own [default]");
}

}  // namespace

void AddKeyVerbs(Verbs verbs) {
  const auto arguments = std::make_shared<RotateArguments>();
  Verbs kek = verbs.Group("kek", "List, count, rotate, suspend and destroy key-encrypting keys");
  kek.Add({"list", "List the KEKs: their states and ages, what they wrap, what is due",
           "  rowseal kek list --json\n  rowseal kek list --destroyed\n"},
          [arguments](Program& program) {
            return arguments->destroyed ? ShowDestroyedKeks(program) : ShowKeks(program);
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
  AddWaiting(rotate, arguments->jobs);
  CLI::App& rewrap =
      kek.Add({"rewrap", "Wrap every DEK under the active KEK, where some are not",
               "  rowseal kek rewrap\n  rowseal kek rewrap --no-wait\n"},
              [arguments](Program& program) { return RewrapTheDeks(program, *arguments); });
  AddScope(rewrap, *arguments);
  AddWaiting(rewrap, arguments->jobs);
  AddKekStateVerbs(kek);

  Verbs dek = verbs.Group("dek", "List, rotate and destroy data-encrypting keys");
  CLI::App& list = dek.Add({"list", "List the DEKs, of one project or of all",
                            "  rowseal dek list\n  rowseal dek list --project acme --exact\n"},
                           [arguments](Program& program) {
                             return arguments->destroyed ? ShowDestroyedDeks(program)
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
  AddWaiting(rotate_deks, arguments->jobs);
  AddDekStateVerbs(dek);
}

}  // namespace rowseal::cli
