#include <csignal>

#include <fmt/format.h>

#include "arguments.h"
#include "base/encoding.h"
#include "job_output.h"
#include "program.h"
#include "shown.h"

// jobs, maintain and policy.

namespace rowseal::cli {
namespace {

Result<int> ShowJobs(Program& program, bool all) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<JobSummary> jobs,
                 ListJobs(client, all ? Jobs::kAll : Jobs::kUnfinished));
  return ShowList(
      program, "jobs", jobs,
      {{"ID", "id"},
       {"KIND", "kind"},
       {"SUBJECT", "subject"},
       {"STATE",
        [](const JobSummary& job) {
          return std::string(job.running ? "running" : ToText(job.state));
        }},
       {"DONE", [](const JobSummary& job) { return fmt::format("{} of {}", job.done, job.total); }},
       {"FAILED", "failed"},
       {"CHANGED", "changed_at"}});
}

Result<int> RunNamedJobs(Program& program, const std::vector<std::string>& ids, int share) {
  std::vector<JobId> jobs;
  for (const std::string& id : ids) {
    ROWSEAL_ASSIGN(const JobId job, ParseUuid<JobId>(id));
    jobs.push_back(job);
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const JobsReport report, RunJobsShowing(program, client, jobs, share));
  ROWSEAL_TRY(Show(program, JsonOf(report), JobsText(report)));
  return EndOfJobs(client, report);
}

using Mover = Result<void> (*)(Client&, JobId, const Access&);

Result<int> MoveNamedJob(Program& program, const std::string& id, Mover move) {
  ROWSEAL_ASSIGN(const JobId job, ParseUuid<JobId>(id));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(move(client, job, program.access()));
  return Show(program, {{"job", ToText(job)}});
}

std::string DestructionText(const DestructionReport& report) {
  std::string text;
  for (const KekId kek : report.keks) {
    text += fmt::format("KEK {} is destroyed\n", kek.value);
  }
  if (report.deks > 0) {
    text += fmt::format("{} drained DEKs are destroyed\n", report.deks);
  }
  return text;
}

Result<int> RunMaintain(Program& program, int share) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  JobsProgress progress;
  RunJobsOptions options;
  options.on_progress = [&](const JobSummary& job) { return progress.Show(job); };
  options.share_percent = share;
  const Result<MaintainReport> report = Maintain(client, options, program.access());
  progress.Clear();
  if (!report) {
    return tl::unexpected(report.error());
  }
  std::string text = report->kek_rotation ? RotationText(*report->kek_rotation) : std::string();
  text += JobsText(report->jobs) + DestructionText(report->destroyed);
  ROWSEAL_TRY(Show(program, JsonOf(*report), text.empty() ? "nothing was due\n" : text));
  if (report->kek_rotation && !report->kek_rotation->failures.empty()) {
    return EndOfRotation(*report->kek_rotation);
  }
  for (const std::string& failure : report->destroyed.failures) {
    PrintError({ErrorCode::kPartial, failure, {}});
  }
  ROWSEAL_ASSIGN(const int status, EndOfJobs(client, report->jobs));
  if (!report->destroyed.failures.empty()) {
    return Fail(ErrorCode::kPartial,
                fmt::format("keys that were due to be destroyed and stay: {}",
                            report->destroyed.failures.size()),
                "rowseal kek census says what needs them");
  }
  return status;
}

Result<int> ShowPolicies(Program& program, const std::optional<std::string>& name) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(Listing<PolicySetting> policies, Policies(client));
  if (name) {
    policies.Keep([&](const PolicySetting& policy) { return policy.name == *name; },
                  [&](const UnreadRow& policy) { return policy.row == "policy " + *name; });
  }
  if (name && policies.empty() && policies.unreadable.empty()) {
    return Fail(ErrorCode::kNotFound, "there is no policy '" + Printable(*name) + "'",
                "rowseal policy get lists them");
  }
  return ShowList(
      program, "policies", policies,
      {{"NAME", "name"},
       {"VALUE", "value"},
       {"FROM", [](const PolicySetting& policy) { return policy.is_default ? "default" : "set"; }},
       {"MEANING", [](const PolicySetting& policy) { return policy.meaning; }}});
}

struct PolicyArguments {
  std::string name;
  std::string value;
};

Result<int> ChangePolicy(Program& program, const PolicyArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(SetPolicy(client, arguments.name, arguments.value, program.access()));
  return Show(program, {{"name", arguments.name}, {"value", arguments.value}});
}

void AddJobVerbs(Verbs verbs) {
  Verbs jobs = verbs.Group("jobs", "List, run and steer the long works over a store");
  const auto all = std::make_shared<bool>(false);
  jobs.Add({"list", "List the jobs that have not ended: ready, running, paused, or with failures",
            "  rowseal jobs list\n  rowseal jobs list --all --json\n"},
           [all](Program& program) { return ShowJobs(program, *all); })
      .add_flag("--all", *all, "Those that have ended too");
  const auto ids = std::make_shared<std::vector<std::string>>();
  const auto share = std::make_shared<int>(kDefaultShare);
  CLI::App& run =
      jobs.Add({"run",
                "Run jobs to their ends, here: those named, or all that nobody runs; items that"
                " failed are tried again",
                "  rowseal jobs run\n"
                "  rowseal jobs run 01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c10\n"
                "  rowseal jobs run --share 10        (a busy store: other writers wait less)\n"},
               [ids, share](Program& program) { return RunNamedJobs(program, *ids, *share); });
  run.add_option("JOB", *ids,
                 "The jobs' ids, as `jobs list` shows them; one that another process"
                 " runs is waited for");
  AddShare(run, *share);
  const auto id = std::make_shared<std::string>();
  const auto add_mover = [&](const std::string& name, const std::string& what, Mover move) {
    jobs.Add({name, what, "  rowseal jobs " + name + " 01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c10\n"},
             [id, move](Program& program) { return MoveNamedJob(program, *id, move); })
        .add_option("JOB", *id, "The job's id, as `jobs list` shows it")
        ->required();
  };
  add_mover("pause", "Let a job wait; whoever runs it stops at its next batch", PauseJob);
  add_mover("resume", "Let a paused job be run again", ResumeJob);
  add_mover("cancel", "Give a job up: what it did stays, and it cannot be resumed", CancelJob);
}

void AddPolicyVerbs(Verbs verbs) {
  Verbs policy = verbs.Group("policy", "Show and set when keys are due");
  const auto asked = std::make_shared<std::optional<std::string>>();
  policy
      .Add({"get", "Show the policies in force",
            "  rowseal policy get\n  rowseal policy get kek.max_age --json\n"},
           [asked](Program& program) { return ShowPolicies(program, *asked); })
      .add_option("NAME", *asked, "One policy [all]");
  const auto arguments = std::make_shared<PolicyArguments>();
  CLI::App& set =
      policy.Add({"set", "Change a policy, for every process that uses the store",
                  "  rowseal policy set kek.max_age 90d\n"
                  "  rowseal policy set dek.max_age never\n"
                  "  rowseal policy set value.settle_time 30m\n"},
                 [arguments](Program& program) { return ChangePolicy(program, *arguments); });
  set.add_option("NAME", arguments->name, "The policy, as `policy get` shows it")->required();
  set.add_option("VALUE", arguments->value,
                 "A whole number and s, m, h or d; an age may also be `never`")
      ->required();
}

}  // namespace

void AddMaintenanceVerbs(Verbs verbs) {
  AddJobVerbs(verbs);
  const auto share = std::make_shared<int>(kDefaultShare);
  CLI::App& maintain =
      verbs.Add({"maintain",
                 "Do what is due and return: rotations by policy, unfinished jobs, failed items"
                 " once more, the destruction of keys that have waited for it",
                 "  rowseal maintain\n"
                 "  rowseal maintain --share 20 --reason \"nightly\"\n"},
                [share](Program& program) { return RunMaintain(program, *share); });
  AddShare(maintain, *share);
  AddPolicyVerbs(verbs);
}

}  // namespace rowseal::cli
