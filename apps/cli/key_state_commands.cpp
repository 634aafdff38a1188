#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "input.h"
#include "job_output.h"
#include "paging.h"
#include "program.h"
#include "shown.h"

// kek suspend, resume, compromised and destroy; dek destroy; what was destroyed.

namespace rowseal::cli {
namespace {

constexpr std::size_t kShownSecrets = 20;  // on a screen; --json has all

struct StateArguments {
  std::int64_t kek = 0;
  std::string project;
  std::string dek;
  bool yes = false;
  bool dry_run = false;
  bool cancel = false;
  JobOptions jobs;
};

Result<int> ShowState(const Program& program, std::int64_t kek, KeyState state) {
  return Show(program, {{"id", kek}, {"state", ToText(state)}},
              fmt::format("KEK {} is {}\n", kek, ToText(state)));
}

Result<int> Suspend(Program& program, const StateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(SuspendKek(client, KekId{arguments.kek}, program.access()));
  return ShowState(program, arguments.kek, KeyState::kSuspended);
}

Result<int> Resume(Program& program, const StateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const KeyState state, ResumeKek(client, KekId{arguments.kek}, program.access()));
  return ShowState(program, arguments.kek, state);
}

Result<int> PlanCompromised(Program& program, const StateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const CompromisePlan plan, PlanCompromise(client, KekId{arguments.kek}));
  std::string text = fmt::format("KEK {} is {}\n", plan.kek.value, ToText(plan.state));
  text += plan.rotates ? "would make another KEK the active one\n" : "";
  text += fmt::format("would rewrap {} DEKs, and mark the KEK compromised\n", plan.deks);
  text += fmt::format(
      "would give every project of its scope fresh DEKs, and seal again what stands"
      " under the old ones\n"
      "secrets to change where they were issued: {}\n",
      plan.secrets);
  for (const std::string& label : plan.columns) {
    text += fmt::format("values of column '{}' would be sealed again\n", Printable(label));
  }
  for (const std::string& label : plan.columns_without_source) {
    text += fmt::format("column '{}' has no place: the app has to seal its values again\n",
                        Printable(label));
  }
  return Show(program, JsonOf(plan), text);
}

struct Exposed {
  std::optional<Timestamp> compromised_at;  // nothing: a job is still to mark the KEK
  Listing<ExposedSecret> secrets;
};

Result<Exposed> ListAllExposed(Client& client, KekId kek) {
  Exposed exposed;
  ExposedSecret last;
  for (;;) {
    Result<ExposedPage> page = ListExposedSecrets(client, kek, last.project, last.name, kPage);
    if (!page && page.error().code == ErrorCode::kRefusedByState) {
      return exposed;
    }
    ROWSEAL_TRY(page);
    exposed.compromised_at = page->compromised_at;
    const bool is_last = page->secrets.size() < static_cast<std::size_t>(kPage);
    exposed.secrets.Append(std::move(page->secrets));
    if (is_last) {
      return exposed;
    }
    last = exposed.secrets.back();
  }
}

std::string ExposedText(const KekCompromise& compromise, const Exposed& exposed) {
  if (!exposed.compromised_at) {
    return fmt::format("KEK {} is not marked yet: rowseal jobs run goes on\n",
                       compromise.kek.value);
  }
  std::string text = fmt::format(
      "Out of reach, and open to whoever has KEK {0}: backups, WAL archives, replicas, key "
      "bundles\n"
      "and copies of columns from before {1}.\n",
      compromise.kek.value, ToRfc3339(*exposed.compromised_at));
  if (exposed.secrets.empty()) {
    return text;
  }
  text += fmt::format("Change where they were issued, then put anew ({} secrets):\n",
                      exposed.secrets.size());
  for (std::size_t i = 0; i < exposed.secrets.size() && i < kShownSecrets; ++i) {
    text += fmt::format("  {} {}\n", Printable(exposed.secrets[i].project),
                        Printable(exposed.secrets[i].name));
  }
  if (exposed.secrets.size() > kShownSecrets) {
    text +=
        fmt::format("  … and {} more: --json lists all\n", exposed.secrets.size() - kShownSecrets);
  }
  return text;
}

Json ExposedJson(const KekCompromise& compromise, const JobsReport& jobs, const Exposed& exposed) {
  Json json = JsonOf(compromise);
  json.update(JsonOf(jobs));
  json["compromised_at"] = JsonOf(exposed.compromised_at);
  json.update(ListJson("secrets", exposed.secrets));
  json["columns_without_place"] = compromise.columns_without_source;
  return json;
}

Result<int> EndOfCompromise(Client& client, const KekCompromise& compromise,
                            const JobsReport& jobs) {
  for (const std::string& failure : compromise.failures) {
    PrintError({ErrorCode::kIntegrity, failure, {}});
  }
  if (!compromise.failures.empty()) {
    return Fail(ErrorCode::kIntegrity,
                fmt::format("DEKs that do not open and stay under KEK {}: {}", compromise.kek.value,
                            compromise.failures.size()),
                "restore their rows from a backup, then run the command again");
  }
  return EndOfJobs(client, jobs);
}

Result<int> Compromised(Program& program, const StateArguments& arguments) {
  if (arguments.dry_run) {
    return PlanCompromised(program, arguments);
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(Confirm(arguments.yes, fmt::format("Declare KEK {} compromised, for good, and seal"
                                                 " again all that it protected?",
                                                 arguments.kek)));
  ROWSEAL_ASSIGN(const KekCompromise compromise,
                 DeclareCompromised(client, KekId{arguments.kek}, program.access()));
  if (!program.json()) {
    const std::string active =
        compromise.new_kek ? fmt::format(", KEK {} is active", compromise.new_kek->value) : "";
    ROWSEAL_TRY(PrintText(fmt::format("KEK {}: declared compromised{}, {} DEKs rewrapped\n",
                                      compromise.kek.value, active, compromise.rewrapped)));
  }
  JobsReport jobs;
  if (arguments.jobs.no_wait) {
    ROWSEAL_TRY(FinishJobs(program, client, compromise.jobs, arguments.jobs));
  } else if (!compromise.jobs.empty()) {
    ROWSEAL_ASSIGN(jobs, RunJobsShowing(program, client, compromise.jobs, arguments.jobs.share));
  }
  ROWSEAL_ASSIGN(const Exposed exposed, ListAllExposed(client, compromise.kek));
  ROWSEAL_TRY(Show(program, ExposedJson(compromise, jobs, exposed),
                   JobsText(jobs) + ExposedText(compromise, exposed)));
  for (const std::string& label : compromise.columns_without_source) {
    PrintNote("column '" + Printable(label) +
              "' has no place: its values stay exposed until the app seals them again");
  }
  ROWSEAL_TRY(EndOfCompromise(client, compromise, jobs));
  ROWSEAL_TRY(EndOfColumns(client));
  return EndOfList(exposed.secrets.unreadable);
}

Result<int> CancelDestruction(Program& program, const StateArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(CancelKekDestruction(client, KekId{arguments.kek}, program.access()));
  return Show(program, JsonOf(KekDestruction{KekId{arguments.kek}, {}, false}),
              fmt::format("KEK {} stays\n", arguments.kek));
}

Result<int> DestroyTheKek(Program& program, const StateArguments& arguments) {
  if (arguments.cancel) {
    return CancelDestruction(program, arguments);
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  const KekId kek{arguments.kek};
  ROWSEAL_ASSIGN(const KekDestruction plan, PlanKekDestruction(client, kek));
  if (arguments.dry_run) {
    return Show(program, JsonOf(plan),
                fmt::format("KEK {} is needed by nothing here; it would be destroyed from {} on\n",
                            kek.value, CellOf(plan.due)));
  }
  ROWSEAL_TRY(Confirm(
      arguments.yes, fmt::format("Destroy KEK {} for good, from {} on? Backups that hold DEKs under"
                                 " it then open with their own copy of it only.",
                                 kek.value, CellOf(plan.due))));
  ROWSEAL_ASSIGN(const KekDestruction done, DestroyKek(client, kek, program.access()));
  const std::string text = done.destroyed
                               ? fmt::format("KEK {} is destroyed\n", kek.value)
                               : fmt::format(
                                     "KEK {0} is destroyed from {1} on, by rowseal maintain;"
                                     " kek destroy {0} --cancel calls it off\n",
                                     kek.value, CellOf(done.due));
  return Show(program, JsonOf(done), text);
}

Result<int> DestroyTheDek(Program& program, const StateArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(const DekId dek, ParseUuid<DekId>(arguments.dek));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(DestroyDek(client, project, dek, program.access()));
  return Show(program, {{"project", project.text()}, {"id", ToText(dek)}, {"destroyed", true}},
              "DEK " + ToText(dek) + " is destroyed\n");
}

template <class T>
Result<int> ShowEvidence(const Program& program, const Listing<T>& keys, const Column<T>& owner) {
  return ShowList(program, "destroyed", keys,
                  {owner,
                   {"ID", "id"},
                   {"PURPOSE", "purpose"},
                   {"STATE", "state"},
                   {"CREATED", "created_at"},
                   {"DESTROYED", "destroyed_at"},
                   {"ACTOR", "actor"},
                   {"CENSUS", "census"}});
}

std::string UnreadableText(const UnreadableDek& dek) {
  const std::string name = fmt::format("DEK {} of project '{}': {}", Printable(dek.id),
                                       Printable(dek.project), Printable(dek.why));
  if (dek.discarded) {
    return name + "; discarded\n";
  }
  return dek.versions + dek.values == 0
             ? name + "\n"
             : fmt::format("{}; stays, because {} secret versions and {} values name it\n", name,
                           dek.versions, dek.values);
}

Result<int> DiscardTheDeks(Program& program, const StateArguments& arguments) {
  std::optional<ProjectId> project;
  if (!arguments.project.empty()) {
    ROWSEAL_ASSIGN(project, ProjectId::Parse(arguments.project));
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  const bool discard = arguments.yes && !arguments.dry_run;
  ROWSEAL_ASSIGN(const Listing<UnreadableDek> deks,
                 discard ? DiscardDeks(client, project, program.access())
                         : FindUnreadableDeks(client, project));
  std::string text = deks.empty() ? "every DEK opens\n" : "";
  bool all_gone = true;
  for (const UnreadableDek& dek : deks) {
    text += UnreadableText(dek);
    all_gone = all_gone && dek.discarded;
  }
  ROWSEAL_TRY(Show(program, ListJson("deks", deks), text));
  if (!deks.unreadable.empty()) {
    PrintNote("values of columns that cannot be read may name any DEK: none is discarded");
    return EndOfList(deks.unreadable);
  }
  if (!all_gone && !arguments.yes) {
    PrintNote("--yes deletes those that nothing names, and keeps evidence of them");
  }
  return all_gone ? 0 : 1;
}

}  // namespace

Result<int> ShowDestroyedKeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<DestroyedKek> keks,
                 ReadAllPages<DestroyedKek>(kPage, [&](const DestroyedKek* last) {
                   return ListDestroyedKeks(client, last ? last->id : KekId{}, kPage);
                 }));
  return ShowEvidence(program, keks, {"SCOPE", "scope"});
}

Result<int> ShowDestroyedDeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<DestroyedDek> deks,
                 ReadAllPages<DestroyedDek>(kPage, [&](const DestroyedDek* last) {
                   return ListDestroyedDeks(client, last ? last->project : "", last ? last->id : "",
                                            kPage);
                 }));
  return ShowEvidence(program, deks, {"PROJECT", "project"});
}

void AddKekStateVerbs(Verbs kek) {
  const auto arguments = std::make_shared<StateArguments>();
  const auto add = [&](const VerbTexts& texts,
                       Result<int> (*run)(Program&, const StateArguments&)) -> CLI::App& {
    CLI::App& verb =
        kek.Add(texts, [arguments, run](Program& program) { return run(program, *arguments); });
    verb.add_option("ID", arguments->kek, "The KEK, as `kek list` shows it")->required();
    return verb;
  };
  add({"suspend", "Refuse a KEK until it is resumed: from the next read on, in every process",
       "  rowseal kek suspend 3 --reason \"incident 12\"\n"},
      Suspend);
  add({"resume", "Give a suspended KEK the state back that it had", "  rowseal kek resume 3\n"},
      Resume);
  CLI::App& compromised =
      add({"compromised",
           "Declare that somebody else may have a KEK: put another in its place, and seal again all"
           " that it protected",
           "  rowseal kek compromised 3 --dry-run\n"
           "  rowseal kek compromised 3 --yes --reason \"incident 12\"\n"
           "  rowseal kek compromised 3 --yes --json > to-reissue.json\n"},
          Compromised);
  compromised.add_flag("--yes", arguments->yes, "Do not ask; needed where nobody can be asked");
  compromised.add_flag("--dry-run", arguments->dry_run, "Say what it would do");
  AddWaiting(compromised, arguments->jobs);
  CLI::App& destroy =
      add({"destroy",
           "Delete a KEK that nothing needs, for good: the first call begins the wait of policy"
           " destroy.wait",
           "  rowseal kek destroy 1 --dry-run\n"
           "  rowseal kek destroy 1 --yes\n"
           "  rowseal kek destroy 1 --cancel\n"},
          DestroyTheKek);
  destroy.add_flag("--yes", arguments->yes, "Do not ask; needed where nobody can be asked");
  destroy.add_flag("--dry-run", arguments->dry_run, "Say what it would do");
  destroy.add_flag("--cancel", arguments->cancel, "Call it off");
}

void AddDekStateVerbs(Verbs dek) {
  const auto [destroy, arguments] = dek.Add<StateArguments>(
      {"destroy",
       "Delete a drained DEK that has waited for policy dek.destroy_after, for good;"
       " `rowseal maintain` does it for all",
       "  rowseal dek destroy acme 45c48cce-2e2d-4fbd-8a1a-fc51c7c6ad26\n"},
      DestroyTheDek);
  destroy.add_option("PROJECT", arguments.project, "The project, as the app's key")->required();
  destroy.add_option("ID", arguments.dek, "The DEK, as `dek list` shows it")->required();
  const auto [discard, discarding] = dek.Add<StateArguments>(
      {"discard",
       "List the rows of DEKs that nothing can open, which somebody else wrote; with --yes delete"
       " them",
       "  rowseal dek discard\n  rowseal dek discard --project acme --yes\n"},
      DiscardTheDeks);
  discard.add_option("--project", discarding.project, "One project");
  discard.add_flag("--yes", discarding.yes, "Delete those that no version and no value names");
  discard.add_flag("--dry-run", discarding.dry_run, "List only, also with --yes");
}

}  // namespace rowseal::cli
