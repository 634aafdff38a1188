// After a rollback alarm nothing is sealed, no key changes, nothing is destroyed or deleted: every
// verb of the program, and every call of the installed headers, each as the first thing that a
// fresh process does to an older copy of a store. A new verb or call must be put into a class here.
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <rowseal/async_client.h>
#include <rowseal/jobs.h>
#include <rowseal/key_bundle.h>
#include <rowseal/key_destruction.h>
#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>
#include <rowseal/policy.h>
#include <rowseal/retire.h>
#include <rowseal/roots.h>
#include <rowseal/webhook.h>

#include "migration/import_source.h"
#include "support/app_db.h"
#include "support/paths.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::string_view kAlarm = "an older copy of the store";

enum class Verb : std::uint8_t {
  kReads,    // goes on after the alarm, and may add to the log
  kChanges,  // is refused
  kNoStore,  // opens no store, or none's keys
};

struct VerbCase {
  std::string verb;
  Verb kind;
  std::vector<std::string> arguments{};
  std::string input{};
  int status = 0;  // of one that is not refused
};

// A store with one of everything, on a machine that has seen a later epoch than it is at.
class Alarm : public ::testing::Test {
 protected:
  Alarm() {
    app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, secret text)");
    app_.Run("INSERT INTO item VALUES (1, 'p1', 'plain 1')");
    app_.Run("CREATE TABLE hook (id integer PRIMARY KEY, project_id text, signing_secret text)");
    app_.Run("INSERT INTO hook VALUES (1, 'p1', 'q83vEjRWeJC7zd4vASNFZ4mr')");
    Must(CreateRootKey(folder_ / "second.key"));
    Must(CreateRootKey(folder_ / "third.key"));
    WriteFile(folder_ / "words", "six random words of a safe");
    WriteFile(folder_ / "import.env", "IMPORTED=value\n");
    WriteFile(folder_ / "app.toml", "version = 1\nname = \"app\"\ndatabase = \"" + app_.Url() +
                                        "\"\n[[column]]\ntable = \"item\"\nkeys = [\"id\"]\n"
                                        "project = { column = \"project\" }\ncolumn = \"secret\"\n"
                                        "format = \"plain\"\nmode = \"value\"\n"
                                        "label = \"item.secret\"\ncontext = \"cell\"\n");
    Fill();
    MakeOlder();
  }

  void Fill() {
    Client client = Open();
    Must(Put(client, "p1", "name", "value 1"));
    Must(Put(client, "p1", "name", "value 2"));
    Must(Put(client, "p2", "name", "value"));
    Must(client.AddColumn(Label("column"), ContextKind::kField));
    sealed_ = Must(client.SealValue(Project("p1"), Label("column"), AsBytes("sealed")));
    old_kek_ = ToText(Must(Status(client)).active_kek);
    Must(RotateKek(client));
    Must(AddRoot(client, {.uri = "file:" + folder_ / "second.key"}));
    const SecretBytes words = Must(SecretBytes::CopyOf(AsBytes("six random words of a safe")));
    const NewRecoveryKey recovery = Must(CreateRecoveryKey(folder_ / "recovery.key", words));
    Must(AddRoot(client, {.uri = recovery.uri}));
    const DekRotation rotation = Must(RotateDeks(client, Project("p1")));
    job_ = ToText(rotation.jobs.front());
    Must(RetireProject(client, Project("p2")));
    const KeyBundle bundle = Must(ExportKeys(client));
    WriteFile(folder_ / "keys.bundle", bundle.text);
    for (const DekSummary& dek : Must(ListDeks(client))) {
      dek_ = dek.project == "p1" ? dek.id : dek_;
    }
    EXPECT_EQ(
        Run({"migrate", Verb::kChanges, {"run", Manifest(), "--yes", "--readers-deployed"}}).status,
        0);
  }

  void MakeOlder() {
    const std::vector<std::string> tables = {"installation", "root_key",    "kek",
                                             "kek_wrapping", "scope_floor", "dek"};
    std::vector<std::vector<Row>> copy;
    for (const std::string& table : tables) {
      copy.push_back(intruder_.Table(table));
    }
    Client client = Open();
    Must(RotateKek(client));
    for (std::size_t i = 0; i < tables.size(); ++i) {
      intruder_.Restore(tables[i], copy[i]);
    }
  }

  StoreOptions Options() const {
    StoreOptions options = store_.Options();
    options.roots.push_back("file:" + folder_ / "second.key");
    options.client.state_folder = folder_ / "state";
    return options;
  }
  Client Open() const { return Must(OpenStore(Options())); }

  std::string Manifest() const { return folder_ / "app.toml"; }
  std::string AppContent() const {
    return app_.Run("SELECT secret FROM item ORDER BY id") +
           app_.Run("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name");
  }

  ProgramResult Run(const VerbCase& verb) const {
    std::vector<std::string> command = {ROWSEAL_CLI_PATH,
                                        "--store",
                                        TestsPostgres() ? store_.path() : "sqlite:" + store_.path(),
                                        "--root",
                                        "file:" + store_.root_path(),
                                        "--root",
                                        "file:" + folder_ / "second.key",
                                        "--state",
                                        folder_ / "state",
                                        "--actor",
                                        "test"};
    std::istringstream words(verb.verb);
    for (std::string word; words >> word;) {
      command.push_back(word);
    }
    command.insert(command.end(), verb.arguments.begin(), verb.arguments.end());
    return RunProgram(command, verb.input);
  }

  std::vector<VerbCase> Verbs() const {
    const std::string bundle = folder_ / "keys.bundle";
    const std::string third = "file:" + folder_ / "third.key";
    const std::vector<std::string> recovery = {"--key", folder_ / "recovery.key",
                                               "--passphrase-file", folder_ / "words"};
    const auto with = [](std::vector<std::string> some, std::vector<std::string> more) {
      some.insert(some.end(), more.begin(), more.end());
      return some;
    };
    return {
        {"init", Verb::kReads},
        {"status", Verb::kReads},
        {"verify", Verb::kReads},
        {"upgrade", Verb::kNoStore},
        {"doctor", Verb::kReads, {}, {}, 1},  // it reports the alarm
        {"audit list", Verb::kReads, {"p1"}},
        {"secret get", Verb::kReads, {"p1", "name"}},
        {"secret list", Verb::kReads, {"p1"}},
        {"secret versions", Verb::kReads, {"p1", "name"}},
        {"secret export", Verb::kReads, {"p1"}},
        {"run", Verb::kReads, {"p1", "--", "true"}},
        {"value open", Verb::kReads, {"p1", "column"}, sealed_},
        {"column list", Verb::kReads},
        {"kek list", Verb::kReads},
        {"kek census", Verb::kReads, {"--exact"}},
        {"dek list", Verb::kReads},
        {"root list", Verb::kReads},
        {"recovery open", Verb::kReads, with(recovery, {"--drill"})},
        {"keys export", Verb::kReads, {"--output", folder_ / "again.bundle"}},
        {"keys check", Verb::kReads, {"--bundle", bundle}},
        {"policy get", Verb::kReads},
        {"jobs list", Verb::kReads},
        {"project list", Verb::kReads},
        {"migrate plan", Verb::kReads, {Manifest()}},
        {"migrate verify", Verb::kReads, {Manifest()}},
        {"migrate status", Verb::kReads, {Manifest()}},
        {"scan", Verb::kReads, {"--database", app_.Url(), "--output", folder_ / "scan.toml"}},

        // What would only be shown.
        {"secret rm", Verb::kReads, {"p1", "name", "--dry-run"}},
        {"kek compromised", Verb::kReads, {old_kek_, "--dry-run"}},
        {"kek destroy", Verb::kReads, {old_kek_, "--dry-run"}},
        {"root remove", Verb::kReads, {"2", "--dry-run"}},
        {"root compromised", Verb::kReads, {"2", "--dry-run"}},
        {"project retire", Verb::kReads, {"p1", "--dry-run"}},
        {"migrate run", Verb::kReads, {Manifest(), "--dry-run", "--readers-deployed"}},
        {"migrate finalize", Verb::kReads, {Manifest(), "--dry-run"}},
        {"migrate rollback", Verb::kReads, {Manifest(), "--dry-run"}},

        {"root keygen", Verb::kNoStore, {"--output", folder_ / "fresh.key"}},
        {"recovery keygen",
         Verb::kNoStore,
         {"--output", folder_ / "fresh.recovery", "--passphrase-file", folder_ / "words"}},
        {"migrate pause", Verb::kNoStore, {Manifest()}},
        {"migrate resume", Verb::kNoStore, {Manifest()}},

        {"secret put", Verb::kChanges, {"p1", "other"}, "new"},
        {"secret rollback", Verb::kChanges, {"p1", "name", "--version", "1"}},
        {"secret rename", Verb::kChanges, {"p1", "name", "renamed"}},
        {"secret rename", Verb::kChanges, {"p1", "name", "name"}},
        {"secret expire", Verb::kChanges, {"p1", "name", "--at", "2127-01-31T23:59:59Z"}},
        {"secret rm", Verb::kChanges, {"p1", "name", "--yes"}},
        {"secret import", Verb::kChanges, {"p1", "--from", folder_ / "import.env"}},
        {"value seal", Verb::kChanges, {"p1", "column"}, "new"},
        {"column add", Verb::kChanges, {"another"}},
        {"column add", Verb::kChanges, {"column", "--context", "field"}},
        {"column remove", Verb::kChanges, {"column"}},
        {"kek rotate", Verb::kChanges},
        {"kek rotate", Verb::kChanges, {"--if-due"}},
        {"kek rewrap", Verb::kChanges},
        {"kek suspend", Verb::kChanges, {old_kek_}},
        {"kek resume", Verb::kChanges, {old_kek_}},
        {"kek compromised", Verb::kChanges, {old_kek_, "--yes"}},
        {"kek destroy", Verb::kChanges, {old_kek_, "--yes"}},
        {"kek destroy", Verb::kChanges, {old_kek_, "--cancel"}},
        {"dek rotate", Verb::kChanges, {"--project", "p1"}},
        {"dek rotate", Verb::kChanges, {"--all"}},
        {"dek destroy", Verb::kChanges, {"p1", dek_}},
        {"dek discard", Verb::kChanges, {"--yes"}},
        {"dek discard", Verb::kReads, {"--dry-run"}},
        {"root add", Verb::kChanges, {third}},
        {"root add", Verb::kChanges, {third, "--scope", "p1"}},
        {"root replace", Verb::kChanges, {"2", third}},
        {"root remove", Verb::kChanges, {"2", "--yes"}},
        {"root compromised", Verb::kChanges, {"2", "--yes"}},
        {"recovery open", Verb::kChanges, with(recovery, {"--add-root", third})},
        {"keys restore", Verb::kChanges, {"--bundle", bundle}},
        {"policy set", Verb::kChanges, {"kek.max_age", "90d"}},
        {"jobs run", Verb::kChanges},
        {"jobs pause", Verb::kChanges, {job_}},
        {"jobs resume", Verb::kChanges, {job_}},
        {"jobs cancel", Verb::kChanges, {job_}},
        {"maintain", Verb::kChanges},
        {"project retire", Verb::kChanges, {"p1", "--yes"}},
        {"project retire", Verb::kChanges, {"p2", "--cancel"}},
        {"migrate run", Verb::kChanges, {Manifest(), "--yes", "--readers-deployed"}},
        {"migrate run",
         Verb::kChanges,
         {Manifest(), "--yes", "--readers-deployed", "--canary", "1"}},
        {"migrate finalize", Verb::kChanges, {Manifest(), "--yes"}},
        {"migrate rollback", Verb::kChanges, {Manifest(), "--yes"}},
    };
  }

  // The verbs that `rowseal --help` and the help of its groups name.
  static void ListVerbs(const std::string& group, std::set<std::string>& verbs) {
    std::vector<std::string> command = {ROWSEAL_CLI_PATH};
    std::istringstream words(group);
    for (std::string word; words >> word;) {
      command.push_back(word);
    }
    command.push_back("--help");
    std::istringstream help(RunProgram(command).output);
    bool listed = false;
    bool any = false;
    const std::regex name("^  ([a-z][a-z-]*)( .*)?$");
    for (std::string line; std::getline(help, line);) {
      std::smatch match;
      listed = (listed || line == "Subcommands:") && !line.empty();
      if (listed && std::regex_match(line, match, name)) {
        any = true;
        ListVerbs(group.empty() ? match[1].str() : group + " " + match[1].str(), verbs);
      }
    }
    if (!any) {
      verbs.insert(group);
    }
  }

  AppDb app_{AppKind::kSqlite};
  TestStore store_{TestStore::Keys::kOwn};
  TempFolder folder_;
  Intruder intruder_{store_.path()};
  std::string sealed_;
  std::string old_kek_;
  std::string dek_;
  std::string job_;
};

TEST_F(Alarm, EveryVerbOfTheProgramIsInAClass) {
  std::set<std::string> there;
  ListVerbs("", there);
  ASSERT_GT(there.size(), 40U);
  std::set<std::string> tried;
  for (const VerbCase& verb : Verbs()) {
    tried.insert(verb.verb);
  }
  EXPECT_EQ(there, tried);
}

TEST_F(Alarm, VerbsThatChangeSomethingAreRefusedAndTheOthersWork) {
  const std::string before = store_.Content();
  const std::string app = AppContent();
  for (const VerbCase& verb : Verbs()) {
    const ProgramResult ran = Run(verb);
    const std::string shown = verb.verb + ": " + ran.output;
    if (verb.kind == Verb::kChanges) {
      EXPECT_EQ(ran.status, 7) << shown;
      EXPECT_NE(ran.output.find(kAlarm), std::string::npos) << shown;
    } else {
      EXPECT_EQ(ran.status, verb.status) << shown;
    }
    ASSERT_EQ(store_.Content(), before) << shown;
    ASSERT_EQ(AppContent(), app) << shown;
  }
  EXPECT_EQ(Run({"verify", Verb::kChanges, {"--accept-rollback"}}).status, 0);
  EXPECT_EQ(Run({"secret put", Verb::kChanges, {"p1", "other"}, "new"}).status, 0);
}

// What a call came to: of a batch, its one item.
template <class T>
Result<void> Outcome(Result<T> result) {
  if (!result) {
    return tl::unexpected(std::move(result).error());
  }
  return {};
}
template <class T>
Result<void> OutcomeOfOne(Result<std::vector<Result<T>>> results) {
  return results ? Outcome(std::move(results->front())) : Outcome(std::move(results));
}
template <class T>
Result<T> RunStarted(Client& client, Result<StartedCall<T>> call) {
  if (!call) {
    return tl::unexpected(std::move(call).error());
  }
  client.Run(*call);
  return std::move(*call).Take();
}

struct ApiCall {
  std::string name;  // as a header declares it; what stands behind a space is a variant
  Verb kind;
  std::function<Result<void>(Client&)> run;
};

class AlarmOfApi : public Alarm {
 protected:
  Result<AsyncClient> OpenAsync() const { return OpenAsyncStore(Options()); }
  static SecretBytes Bytes(std::string_view text) {
    return Must(SecretBytes::CopyOf(AsBytes(text)));
  }
  static std::vector<OwnedPutItem> OwnedItems() {
    std::vector<OwnedPutItem> items;
    items.push_back({Named("other"), Bytes("new")});
    return items;
  }
  static std::vector<ValueToSeal> ValuesToSeal() {
    std::vector<ValueToSeal> values(1);
    values.front().value = Bytes("new");
    return values;
  }

  std::vector<ApiCall> Calls() {
    const ProjectId p1 = Project("p1");
    const SecretName name = Named("name");
    const ColumnLabel column = Label("column");
    const KekId kek{std::stoll(old_kek_)};
    const JobId job = Must(ParseUuid<JobId>(job_));
    const PutItem item{Named("other"), AsBytes("new"), {}, {}};
    const NewRootOptions third{.uri = "file:" + folder_ / "third.key"};
    return {
        {"Get", Verb::kReads, [=](Client& c) { return Outcome(c.Get(p1, name)); }},
        {"GetBatch", Verb::kReads,
         [=](Client& c) {
           return OutcomeOfOne(c.GetBatch(p1, {{name, {}}}));
         }},
        {"List", Verb::kReads, [=](Client& c) { return Outcome(c.List(p1)); }},
        {"Versions", Verb::kReads, [=](Client& c) { return Outcome(c.Versions(p1, name)); }},
        {"Columns", Verb::kReads, [](Client& c) { return Outcome(c.Columns()); }},
        {"OpenValue", Verb::kReads,
         [=, this](Client& c) { return Outcome(c.OpenValue(p1, column, sealed_)); }},
        {"OpenValues", Verb::kReads,
         [=, this](Client& c) { return OutcomeOfOne(c.OpenValues(p1, column, {{sealed_}})); }},
        {"StartGet", Verb::kReads,
         [=](Client& c) {
           return OutcomeOfOne(RunStarted(c, c.StartGet(p1, {{name, {}}})));
         }},
        {"StartOpenValues", Verb::kReads,
         [=, this](Client& c) {
           return OutcomeOfOne(RunStarted(c, c.StartOpenValues(p1, column, {{sealed_}})));
         }},
        {"StartVerifyWebhook", Verb::kReads,
         [=](Client& c) {
           return Outcome(RunStarted(
               c, StartVerifyWebhook(c, p1, name, WebhookScheme{}, Bytes("body"), {"sha256=00"})));
         }},
        {"StartSignWebhook", Verb::kReads,
         [=](Client& c) {
           return Outcome(
               RunStarted(c, StartSignWebhook(c, p1, name, WebhookScheme{}, Bytes("body"))));
         }},
        {"Run", Verb::kNoStore, [](Client&) { return Result<void>(); }},  // of another call
        {"AuditLog", Verb::kReads, [=](Client& c) { return Outcome(c.AuditLog(p1)); }},
        {"ForgetKeys", Verb::kReads,
         [](Client& c) {
           c.ForgetKeys();
           return Result<void>();
         }},
        {"ListJobs", Verb::kReads, [](Client& c) { return Outcome(ListJobs(c)); }},
        {"ListItemFailures", Verb::kReads,
         [=](Client& c) { return Outcome(ListItemFailures(c, job, 10)); }},
        {"ExportKeys", Verb::kReads, [](Client& c) { return Outcome(ExportKeys(c)); }},
        {"PlanKekDestruction", Verb::kReads,
         [=](Client& c) { return Outcome(PlanKekDestruction(c, kek)); }},
        {"ListDestroyedKeks", Verb::kReads,
         [](Client& c) { return Outcome(ListDestroyedKeks(c)); }},
        {"ListDestroyedDeks", Verb::kReads,
         [](Client& c) { return Outcome(ListDestroyedDeks(c)); }},
        {"PlanCompromise", Verb::kReads,
         [=](Client& c) { return Outcome(PlanCompromise(c, kek)); }},
        {"ListKeks", Verb::kReads, [](Client& c) { return Outcome(ListKeks(c)); }},
        {"ListDeks", Verb::kReads, [](Client& c) { return Outcome(ListDeks(c)); }},
        {"TakeCensus", Verb::kReads, [](Client& c) { return Outcome(TakeCensus(c)); }},
        {"Verify", Verb::kReads,
         [](Client& c) { return Outcome(Verify(c, [](const VerifyFailure&) {})); }},
        {"Status", Verb::kReads, [](Client& c) { return Outcome(Status(c)); }},
        {"Diagnose", Verb::kReads, [](Client& c) { return Outcome(Diagnose(c)); }},
        {"Policies", Verb::kReads, [](Client& c) { return Outcome(Policies(c)); }},
        {"PlanRetirement", Verb::kReads, [=](Client& c) { return Outcome(PlanRetirement(c, p1)); }},
        {"ListRetirements", Verb::kReads, [](Client& c) { return Outcome(ListRetirements(c)); }},
        {"ListRoots", Verb::kReads, [](Client& c) { return Outcome(ListRoots(c)); }},
        {"RemoveRoot judged", Verb::kReads,
         [](Client& c) { return Outcome(RemoveRoot(c, RootId{2}, RootChange::kOnlyJudge)); }},
        {"MarkRootCompromised judged", Verb::kReads,
         [](Client& c) {
           return Outcome(MarkRootCompromised(c, RootId{2}, RootChange::kOnlyJudge));
         }},
        {"AsyncClient::Get", Verb::kReads,
         [=, this](Client&) {
           return Outcome(Must(OpenAsync()).Get(p1, {name, {}}).get());
         }},
        {"AsyncClient::GetBatch", Verb::kReads,
         [=, this](Client&) {
           return OutcomeOfOne(Must(OpenAsync()).GetBatch(p1, {{name, {}}}).get());
         }},
        {"AsyncClient::OpenValue", Verb::kReads,
         [=, this](Client&) {
           return Outcome(Must(OpenAsync()).OpenValue(p1, column, sealed_, {}).get());
         }},

        {"ListExposedSecrets", Verb::kNoStore,  // of a compromised KEK alone
         [](Client&) { return Result<void>(); }},
        {"DrillRecovery", Verb::kNoStore,  // the program's verb tries it, with the recovery key
         [](Client&) { return Result<void>(); }},
        {"AcceptRollback", Verb::kNoStore,  // the way out
         [](Client&) { return Result<void>(); }},

        {"Put", Verb::kChanges, [=](Client& c) { return Outcome(c.Put(p1, item)); }},
        {"PutBatch", Verb::kChanges,
         [=](Client& c) { return OutcomeOfOne(c.PutBatch(p1, {item}, Batch::kEachAlone)); }},
        {"Rollback", Verb::kChanges,
         [=](Client& c) { return Outcome(c.Rollback(p1, name, SecretVersion{1})); }},
        {"Rename", Verb::kChanges, [=](Client& c) { return c.Rename(p1, name, Named("other")); }},
        {"Rename to itself", Verb::kChanges, [=](Client& c) { return c.Rename(p1, name, name); }},
        {"Expire", Verb::kChanges, [=](Client& c) { return c.Expire(p1, name, {}, std::nullopt); }},
        {"Delete", Verb::kChanges, [=](Client& c) { return c.Delete(p1, name); }},
        {"AddColumn", Verb::kChanges,
         [](Client& c) { return c.AddColumn(Label("another"), ContextKind::kField); }},
        {"AddColumn again", Verb::kChanges,
         [=](Client& c) { return c.AddColumn(column, ContextKind::kField); }},
        {"RemoveColumn", Verb::kChanges, [=](Client& c) { return c.RemoveColumn(column); }},
        {"SealValue", Verb::kChanges,
         [=](Client& c) { return Outcome(c.SealValue(p1, column, AsBytes("new"))); }},
        {"SealValues", Verb::kChanges,
         [=](Client& c) { return OutcomeOfOne(c.SealValues(p1, column, ValuesToSeal())); }},
        {"StartPut", Verb::kChanges,
         [=](Client& c) {
           return OutcomeOfOne(RunStarted(c, c.StartPut(p1, OwnedItems(), Batch::kEachAlone)));
         }},
        {"StartSealValues", Verb::kChanges,
         [=](Client& c) {
           return OutcomeOfOne(RunStarted(c, c.StartSealValues(p1, column, ValuesToSeal())));
         }},
        {"RunJobs", Verb::kChanges, [](Client& c) { return Outcome(RunJobs(c)); }},
        {"PauseJob", Verb::kChanges, [=](Client& c) { return PauseJob(c, job); }},
        {"ResumeJob", Verb::kChanges, [=](Client& c) { return ResumeJob(c, job); }},
        {"CancelJob", Verb::kChanges, [=](Client& c) { return CancelJob(c, job); }},
        {"Maintain", Verb::kChanges, [](Client& c) { return Outcome(Maintain(c)); }},
        {"RestoreKeys", Verb::kChanges,
         [this](Client& c) { return Outcome(RestoreKeys(c, ReadFile(folder_ / "keys.bundle"))); }},
        {"DestroyKek", Verb::kChanges, [=](Client& c) { return Outcome(DestroyKek(c, kek)); }},
        {"CancelKekDestruction", Verb::kChanges,
         [=](Client& c) { return CancelKekDestruction(c, kek); }},
        {"DestroyDek", Verb::kChanges,
         [=, this](Client& c) { return DestroyDek(c, p1, Must(ParseUuid<DekId>(dek_))); }},
        {"FindUnreadableDeks", Verb::kReads,
         [](Client& c) { return Outcome(FindUnreadableDeks(c, std::nullopt)); }},
        {"DiscardDeks", Verb::kChanges,
         [](Client& c) { return Outcome(DiscardDeks(c, std::nullopt)); }},
        {"DestroyDueKeys", Verb::kChanges, [](Client& c) { return Outcome(DestroyDueKeys(c)); }},
        {"SuspendKek", Verb::kChanges, [=](Client& c) { return SuspendKek(c, kek); }},
        {"ResumeKek", Verb::kChanges, [=](Client& c) { return Outcome(ResumeKek(c, kek)); }},
        {"DeclareCompromised", Verb::kChanges,
         [=](Client& c) { return Outcome(DeclareCompromised(c, kek)); }},
        {"RotateKek", Verb::kChanges, [](Client& c) { return Outcome(RotateKek(c)); }},
        {"RotateKekIfDue", Verb::kChanges, [](Client& c) { return Outcome(RotateKekIfDue(c)); }},
        {"StartRewrap", Verb::kChanges, [](Client& c) { return Outcome(StartRewrap(c)); }},
        {"RotateDeks", Verb::kChanges, [=](Client& c) { return Outcome(RotateDeks(c, p1)); }},
        {"RotateDeks of all", Verb::kChanges,
         [](Client& c) { return Outcome(RotateDeks(c, std::nullopt)); }},
        {"SetPolicy", Verb::kChanges, [](Client& c) { return SetPolicy(c, "kek.max_age", "90d"); }},
        {"RetireProject", Verb::kChanges, [=](Client& c) { return Outcome(RetireProject(c, p1)); }},
        {"CancelRetirement", Verb::kChanges,
         [](Client& c) { return CancelRetirement(c, Project("p2")); }},
        {"AddRoot", Verb::kChanges, [=](Client& c) { return Outcome(AddRoot(c, third)); }},
        {"RemoveRoot", Verb::kChanges,
         [](Client& c) { return Outcome(RemoveRoot(c, RootId{2}, RootChange::kCarryOut)); }},
        {"ReplaceRoot", Verb::kChanges,
         [=](Client& c) { return Outcome(ReplaceRoot(c, RootId{2}, third)); }},
        {"MarkRootCompromised", Verb::kChanges,
         [](Client& c) {
           return Outcome(MarkRootCompromised(c, RootId{2}, RootChange::kCarryOut));
         }},
        {"AsyncClient::Put", Verb::kChanges,
         [=, this](Client&) {
           return Outcome(Must(OpenAsync()).Put(p1, std::move(OwnedItems().front())).get());
         }},
        {"AsyncClient::PutBatch", Verb::kChanges,
         [=, this](Client&) {
           return OutcomeOfOne(
               Must(OpenAsync()).PutBatch(p1, OwnedItems(), Batch::kEachAlone).get());
         }},
        {"AsyncClient::SealValue", Verb::kChanges,
         [=, this](Client&) {
           return Outcome(Must(OpenAsync()).SealValue(p1, column, Bytes("new"), {}).get());
         }},
    };
  }

  // The calls that the installed headers declare: members of the clients, and what takes a client.
  static std::set<std::string> DeclaredCalls() {
    std::set<std::string> names;
    const std::string folder = std::string(ROWSEAL_SOURCE_DIR) + "/include/rowseal/";
    const std::regex member(
        R"(\n  (?:Result<[^;{}]*?>|std::future<[^;{}]*?>|void)\s+([A-Z]\w*)\()");
    const std::regex function(R"(\n\S[^;{}()]*?\s(\w+)\(\s*Client& client\b)");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string text = ReadFile(entry.path());
      const std::string file = entry.path().filename();
      const std::string prefix = file == "async_client.h" ? "AsyncClient::" : "";
      const bool has_members = file == "client.h" || file == "async_client.h";
      const std::regex& pattern = has_members ? member : function;
      for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
        names.insert(prefix + (*at)[1].str());
      }
    }
    return names;
  }
};

TEST_F(AlarmOfApi, EveryDeclaredCallIsInAClass) {
  const std::set<std::string> declared = DeclaredCalls();
  ASSERT_GT(declared.size(), 60U);
  std::set<std::string> tried;
  for (const ApiCall& call : Calls()) {
    tried.insert(call.name.substr(0, call.name.find(' ')));
  }
  EXPECT_EQ(declared, tried);
}

TEST_F(AlarmOfApi, CallsThatChangeSomethingAreRefusedAndTheOthersWork) {
  const std::string before = store_.Content();
  for (const ApiCall& call : Calls()) {
    Client fresh = Open();
    const Result<void> outcome = call.run(fresh);
    if (call.kind == Verb::kChanges) {
      EXPECT_THAT(outcome, FailsNaming(ErrorCode::kRefusedByState, std::string(kAlarm)))
          << call.name;
    } else {
      EXPECT_THAT(outcome, Succeeds()) << call.name;
    }
    ASSERT_EQ(store_.Content(), before) << call.name;
  }
}

// The store is replaced beneath a client that runs: what loads the trusted set finds out, and is
// refused itself. Sealing under a key that is held loads none; the next call that does ends it.
TEST_F(AlarmOfApi, ACallThatFindsOutByItselfChangesNothingEither) {
  const auto seals_under_a_held_key = [](std::string_view name) {
    return name.starts_with("Put") || name.starts_with("Seal") || name.starts_with("StartPut") ||
           name.starts_with("StartSeal") || name.starts_with("Async") || name == "Rollback";
  };
  for (const ApiCall& call : Calls()) {
    if (call.kind != Verb::kChanges || seals_under_a_held_key(call.name)) {
      continue;
    }
    Client other = Open();
    Must(AcceptRollback(other));
    Client client = Open();
    MakeOlder();
    const std::string before = store_.Content();
    EXPECT_THAT(call.run(client), FailsNaming(ErrorCode::kRefusedByState, std::string(kAlarm)))
        << call.name;
    ASSERT_EQ(store_.Content(), before) << call.name;
  }
}

}  // namespace
}  // namespace rowseal::testing
