#include <chrono>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "input.h"
#include "job_output.h"
#include "program.h"
#include "roots/root_registry.h"
#include "shown.h"

// root keygen, list, add, replace, remove and compromised.

namespace rowseal::cli {
namespace {

constexpr std::size_t kFingerprintDigits = 8;

struct RootArguments {
  std::string path;
  std::string uri;
  std::string scope = "default";
  std::int64_t id = 0;
  bool yes = false;
  bool dry_run = false;
  JobOptions jobs;
};

Result<int> Keygen(const Program& program, const std::string& path) {
  ROWSEAL_TRY(CreateRootKey(path));
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> root, OpenRoot("file:" + path));
  const std::string fingerprint = ToHex(root->fingerprint()).substr(0, kFingerprintDigits);
  return Show(program, {{"path", path}, {"fingerprint", fingerprint}},
              fmt::format("{} fingerprint {}\n", Printable(path), fingerprint));
}

std::string IdText(const auto& ids) { return ids.empty() ? "none" : ListText(ids); }

std::string Age(Timestamp since) {
  const auto age = SystemClock() - since;
  const auto days = std::chrono::duration_cast<std::chrono::days>(age).count();
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(age).count();
  return days > 0 ? fmt::format("{}d", days) : fmt::format("{}h", std::max<long>(0, hours));
}

// A block a root: a table of all this would be wider than a screen.
std::string RootText(const RootSummary& root) {
  std::string text = fmt::format(
      "root {}  {}\n"
      "  state    {}, {} old, fingerprint {}\n"
      "  scope    {}\n"
      "  opens    {} of {} KEKs: {}\n"
      "  here     {}\n"
      "  if lost  {}\n",
      root.id.value, Printable(root.uri), ToText(root.state), Age(root.created_at),
      root.fingerprint, Printable(root.scope), root.keks.size(), root.scope_keks, IdText(root.keks),
      root.wraps_only   ? "no: it wraps only, its private key is kept elsewhere"
      : root.configured ? "yes, given to this process"
                        : "no, not given to this process",
      root.if_lost);
  return text;
}

Result<int> ShowRoots(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<RootSummary> roots, ListRoots(client));
  std::string text;
  for (const RootSummary& root : roots) {
    text += RootText(root);
  }
  return Show(program, {{"roots", JsonOf(roots)}}, text);
}

std::string AddedText(const AddedRoot& added) {
  std::string text = fmt::format("root {} added: it opens KEK {} of scope {}{}\n", added.id.value,
                                 IdText(added.keks), Printable(added.scope),
                                 added.proven ? "" : " with its private key, which is not here");
  if (added.made_kek) {
    text += fmt::format("KEK {} was made for project '{}', {} DEKs were rewrapped under it\n",
                        added.made_kek->value, Printable(added.scope), added.rewrapped);
  }
  return text;
}

// What remains to be done is said, because nothing else will.
void PrintAddedNotes(const AddedRoot& added) {
  for (const std::string& failure : added.failures) {
    PrintNote(failure);
  }
  if (added.made_kek) {
    PrintNote(fmt::format(
        "copies of the store made before today open without that root: rowseal dek rotate"
        " --project {}",
        Printable(added.scope)));
  }
}

NewRootOptions OptionsOf(const RootArguments& arguments) {
  return {arguments.uri, arguments.scope, AskForPassphrase};
}

Result<int> Add(Program& program, const RootArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const AddedRoot added, AddRoot(client, OptionsOf(arguments), program.access()));
  ROWSEAL_TRY(Show(program, JsonOf(added), AddedText(added)));
  PrintAddedNotes(added);
  return added.failures.empty() ? 0 : 1;
}

constexpr const char* kNotRevoked =
    "a removed root still opens copies of the store that were made before; if somebody may have it,"
    " that is rowseal root compromised";

Result<int> Replace(Program& program, const RootArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const ReplacedRoot replaced,
                 ReplaceRoot(client, RootId{arguments.id}, OptionsOf(arguments), program.access()));
  ROWSEAL_TRY(Show(program,
                   {{"added", JsonOf(replaced.added)}, {"removed", JsonOf(replaced.removed.root)}},
                   AddedText(replaced.added) + fmt::format("root {} removed\n", arguments.id)));
  PrintNote(kNotRevoked);
  return 0;
}

Result<int> Remove(Program& program, const RootArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  const RootId id{arguments.id};
  ROWSEAL_ASSIGN(const RemovedRoot judged,
                 RemoveRoot(client, id, RootChange::kOnlyJudge, program.access()));
  const Json json = {{"removed", !arguments.dry_run},
                     {"root", JsonOf(judged.root)},
                     {"proven", JsonOf(judged.proven)}};
  const std::string left = judged.proven.empty()
                               ? "it opens nothing any more"
                               : "root " + IdText(judged.proven) + " opens the same";
  if (arguments.dry_run) {
    return Show(program, json,
                fmt::format("root {} ({}) would be removed; {}\n", id.value,
                            Printable(judged.root.uri), left));
  }
  ROWSEAL_TRY(Confirm(arguments.yes, fmt::format("Remove root {} ({})? {}.", id.value,
                                                 Printable(judged.root.uri), left)));
  ROWSEAL_TRY(RemoveRoot(client, id, RootChange::kCarryOut, program.access()));
  ROWSEAL_TRY(Show(program, json, fmt::format("root {} removed; {}\n", id.value, left)));
  if (judged.root.state == KeyState::kActive) {
    PrintNote(kNotRevoked);
  }
  return 0;
}

std::vector<std::string> ExposuresOf(const CompromisedRoot& compromised) {
  const bool is_default = compromised.root.scope == "default";
  std::vector<std::string> exposures = {fmt::format(
      "every copy of the store made before now (backups, replicas, dumps) opens with that root: {}."
      " Change those secrets where they were issued",
      is_default ? fmt::format("the secrets of {} projects", compromised.projects)
                 : "the secrets of project '" + Printable(compromised.root.scope) + "'")};
  if (is_default) {
    exposures.emplace_back(
        "the integrity key stays, because this format cannot rotate it: who had the root, such a"
        " copy, and can write the database can forge rows that decide trust");
  }
  for (const std::string& label : compromised.dek_rotation.columns_without_source) {
    exposures.push_back(
        "column '" + Printable(label) +
        "' has no place: its values stay under the old DEKs until the app seals them"
        " again");
  }
  return exposures;
}

void PrintExposures(const std::vector<std::string>& exposures) {
  PrintNote("what stays exposed:");
  for (const std::string& exposure : exposures) {
    PrintNote("  - " + exposure);
  }
}

Json CompromisedJson(const CompromisedRoot& compromised, bool done) {
  Json json = {{"compromised", done}};
  json.update(JsonOf(compromised));
  json["jobs"] = JsonOf(compromised.dek_rotation.jobs);
  json["stays_exposed"] = ExposuresOf(compromised);
  return json;
}

Result<int> Compromised(Program& program, const RootArguments& arguments) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  const RootId id{arguments.id};
  ROWSEAL_ASSIGN(const CompromisedRoot judged,
                 MarkRootCompromised(client, id, RootChange::kOnlyJudge, program.access()));
  if (arguments.dry_run) {
    ROWSEAL_TRY(
        Show(program, CompromisedJson(judged, false),
             fmt::format("root {} ({}) would be marked compromised: the KEK of scope {} and"
                         " the DEKs of {} projects rotate, and every value is sealed again\n",
                         id.value, Printable(judged.root.uri), Printable(judged.root.scope),
                         judged.projects)));
    PrintExposures(ExposuresOf(judged));
    return 0;
  }
  ROWSEAL_TRY(Confirm(arguments.yes, fmt::format("Mark root {} ({}) compromised and rotate all that"
                                                 " it opened?",
                                                 id.value, Printable(judged.root.uri))));
  ROWSEAL_ASSIGN(const CompromisedRoot done,
                 MarkRootCompromised(client, id, RootChange::kCarryOut, program.access()));
  if (program.json()) {
    ROWSEAL_TRY(PrintJson(CompromisedJson(done, true)));
  } else {
    ROWSEAL_TRY(
        PrintText(fmt::format("root {} is compromised: it opens this store no more\n", id.value)));
    ROWSEAL_TRY(PrintText(done.kek_rotation ? RotationText(*done.kek_rotation) : std::string()));
  }
  const int rotated = done.kek_rotation ? EndOfRotation(*done.kek_rotation).value_or(1) : 0;
  const Result<int> finished = FinishJobs(program, client, done.dek_rotation.jobs, arguments.jobs);
  PrintExposures(ExposuresOf(done));
  if (!finished) {
    return finished;
  }
  return std::max(rotated, *finished);
}

void AddUri(CLI::App& verb, RootArguments& arguments) {
  verb.add_option("URI", arguments.uri,
                  "file:PATH, env:NAME, passphrase: (asks), passphrase:@FILE, recovery:PUBLIC-KEY,"
                  " exec:PROGRAM or aws-kms:ARN")
      ->required();
}

void AddId(CLI::App& verb, RootArguments& arguments) {
  verb.add_option("ID", arguments.id, "The root's number in `rowseal root list`")->required();
}

void AddCaution(CLI::App& verb, RootArguments& arguments) {
  verb.add_flag("--yes", arguments.yes, "Do not ask");
  verb.add_flag("--dry-run", arguments.dry_run, "Say what would be done, and change nothing");
}

}  // namespace

void AddRootVerbs(Verbs verbs) {
  Verbs root = verbs.Group("root", "Make, list, add and remove root keys");
  const auto arguments = std::make_shared<RootArguments>();
  root.Add({"keygen", "Write a new random root key to a file (mode 0600, never overwritten)",
            "  rowseal root keygen --output root.key\n"},
           [arguments](Program& program) { return Keygen(program, arguments->path); })
      .add_option("--output", arguments->path, "The file")
      ->required();
  root.Add({"list", "List the roots: what each opens, and what its loss would mean",
            "  rowseal root list\n"},
           ShowRoots);
  CLI::App& add = root.Add({"add", "Let another root open the store, or one project's secrets",
                            "  rowseal root add file:/mnt/spare/root.key\n"
                            "  rowseal root add file:acme.key --scope acme\n"},
                           [arguments](Program& program) { return Add(program, *arguments); });
  AddUri(add, *arguments);
  add.add_option("--scope", arguments->scope,
                 "default, or a project whose secrets then open with its own root only [default]");
  CLI::App& replace =
      root.Add({"replace", "Add a root and remove another one, in one step",
                "  rowseal root replace 1 file:new.key --reason \"yearly change\"\n"},
               [arguments](Program& program) { return Replace(program, *arguments); });
  AddId(replace, *arguments);
  AddUri(replace, *arguments);
  CLI::App& remove =
      root.Add({"remove", "Let a root open the store no more; refused for the last that opens",
                "  rowseal root remove 1 --dry-run\n  rowseal root remove 1 --yes\n"},
               [arguments](Program& program) { return Remove(program, *arguments); });
  AddId(remove, *arguments);
  AddCaution(remove, *arguments);
  CLI::App& compromised = root.Add(
      {"compromised",
       "Somebody else may have a root: shut it out, rotate all it opened, say what stays exposed",
       "  rowseal root compromised 1 --dry-run\n"
       "  rowseal root compromised 1 --yes --reason \"laptop stolen\"\n"},
      [arguments](Program& program) { return Compromised(program, *arguments); });
  AddId(compromised, *arguments);
  AddCaution(compromised, *arguments);
  AddWaiting(compromised, arguments->jobs);
}

}  // namespace rowseal::cli
