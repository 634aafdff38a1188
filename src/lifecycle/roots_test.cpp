// Several roots: each opens the store by itself, one project may bring its own, and what goes
// leaves nobody locked out.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/session.h"
#include "lifecycle/root_rows.h"
#include "roots/recovery_key_file.h"
#include "roots/root_key_file.h"
#include "roots/root_registry.h"
#include "support/findings.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class RootsTest : public ::testing::Test {
 protected:
  RootsTest() : intruder_(store_.path()), client_(store_.Open()) {
    Must(Put(client_, "p1", "name", "one"));
    Must(Put(client_, "p2", "name", "two"));
  }

  std::string NewKey(const std::string& name) {
    const std::string path = store_.folder() / name;
    Must(CreateRootKeyFile(path));
    return "file:" + path;
  }

  StoreOptions With(std::vector<std::string> roots) {
    StoreOptions options = store_.Options();
    options.roots = std::move(roots);
    options.client.observer = std::make_shared<Observer>(
        [this](const LogEvent& event) { events_.push_back(std::string(event.name)); });
    return options;
  }
  Client OpenWith(std::vector<std::string> roots) {
    return Must(OpenStore(With(std::move(roots))));
  }
  std::string First() const { return "file:" + store_.root_path(); }

  // With a cost that tests can pay.
  std::string NewRecoveryKey() {
    const SecretBytes passphrase = Must(SecretBytes::CopyOf(AsBytes(kPassphrase)));
    const auto root =
        Must(CreateRecoveryKeyFile(store_.folder() / "recovery.key", passphrase, {3, 12'288}));
    return std::string(root->uri());
  }
  Client OpenForRecovery() {
    const SecretBytes passphrase = Must(SecretBytes::CopyOf(AsBytes(kPassphrase)));
    return Must(OpenStoreForRecovery(With({}), store_.folder() / "recovery.key", passphrase));
  }

  void RunAll(Client& client) {
    const JobsReport report = Must(RunJobs(client));
    EXPECT_EQ(report.failed, 0);
  }

  static constexpr std::string_view kPassphrase = "six random words of a test";

  TestStore store_;
  Intruder intruder_;
  std::vector<std::string> events_;
  Client client_;
};

TEST_F(RootsTest, AddedRootOpensEveryKekByItself) {
  Must(RotateKek(client_));  // a deactivated KEK is there too
  const AddedRoot added = Must(AddRoot(client_, {NewKey("spare.key")}));
  EXPECT_EQ(added.id, RootId{2});
  EXPECT_EQ(added.keks, (std::vector<KekId>{KekId{1}, KekId{2}, KekId{3}}));
  EXPECT_TRUE(added.proven);

  Client spare = OpenWith({added.uri});
  EXPECT_EQ(Must(Get(spare, "p1", "name")), "one");
  Must(Put(spare, "p3", "name", "three"));
  EXPECT_TRUE(VerifyFailures(spare).empty());
  EXPECT_EQ(Must(Get(client_, "p3", "name")), "three");

  // Keys made later are wrapped for both, by a process that holds both.
  Client both = OpenWith({First(), added.uri});
  Must(RotateKek(both));
  Client fresh = OpenWith({added.uri});
  EXPECT_EQ(Must(Get(fresh, "p2", "name")), "two");
}

TEST_F(RootsTest, ClientThatAddedARootHoldsIt) {
  const AddedRoot added = Must(AddRoot(client_, {NewKey("spare.key")}));
  Must(RotateKek(client_));
  Client spare = OpenWith({added.uri});
  EXPECT_EQ(Must(Get(spare, "p1", "name")), "one");
}

TEST_F(RootsTest, SameKeyIsNoSecondRoot) {
  EXPECT_THAT(AddRoot(client_, {First()}), FailsNaming(ErrorCode::kConflict, "root 1"));
  EXPECT_THAT(AddRoot(client_, {First(), "p1"}), FailsWith(ErrorCode::kConflict));
}

TEST_F(RootsTest, LastRootThatIsProvenToOpenStays) {
  const std::string before = store_.ContentWithAudit();
  EXPECT_THAT(RemoveRoot(client_, RootId{1}, RootChange::kCarryOut),
              FailsNaming(ErrorCode::kRefusedByState, "last root of scope 'default'"));
  EXPECT_THAT(MarkRootCompromised(client_, RootId{1}, RootChange::kCarryOut),
              FailsWith(ErrorCode::kRefusedByState));
  EXPECT_EQ(store_.ContentWithAudit(), before);

  // A spare that nobody gave, and a root that only wraps, prove nothing.
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  Must(AddRoot(client_, {NewRecoveryKey()}));
  Client first = OpenWith({First()});
  EXPECT_THAT(RemoveRoot(first, RootId{1}, RootChange::kCarryOut),
              FailsNaming(ErrorCode::kRefusedByState, "root 2 (" + spare.uri + ") was not given"));
  EXPECT_THAT(RemoveRoot(first, RootId{1}, RootChange::kCarryOut),
              FailsNaming(ErrorCode::kRefusedByState, "only wraps"));
  EXPECT_THAT(RemoveRoot(first, RootId{9}, RootChange::kCarryOut), FailsWith(ErrorCode::kNotFound));
}

TEST_F(RootsTest, RemovedRootOpensTheStoreNoMore) {
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  const std::string before = store_.ContentWithAudit();
  Must(RemoveRoot(client_, RootId{1}, RootChange::kOnlyJudge));
  EXPECT_EQ(store_.ContentWithAudit(), before);
  const RemovedRoot removed = Must(RemoveRoot(client_, RootId{1}, RootChange::kCarryOut));
  EXPECT_EQ(removed.proven, std::vector<RootId>{RootId{2}});
  EXPECT_THAT(OpenStore(With({First()})), FailsWith(ErrorCode::kRootKeyMismatch));
  Client fresh = OpenWith({spare.uri});
  EXPECT_EQ(Must(Get(fresh, "p1", "name")), "one");
  EXPECT_TRUE(VerifyFailures(fresh).empty());
  // Numbers are not used again.
  EXPECT_EQ(Must(AddRoot(fresh, {NewKey("third.key")})).id, RootId{3});
}

TEST_F(RootsTest, ReplacedInOneStep) {
  const std::string uri = NewKey("new.key");
  const ReplacedRoot replaced = Must(ReplaceRoot(client_, RootId{1}, {uri}));
  EXPECT_EQ(replaced.removed.proven, std::vector<RootId>{RootId{2}});
  EXPECT_THAT(OpenStore(With({First()})), FailsWith(ErrorCode::kRootKeyMismatch));
  Client fresh = OpenWith({uri});
  EXPECT_EQ(Must(Get(fresh, "p1", "name")), "one");
  EXPECT_EQ(Must(Get(client_, "p2", "name")), "two");
  // By one that only wraps, nothing would open the store.
  EXPECT_THAT(ReplaceRoot(client_, RootId{2}, {NewRecoveryKey()}),
              FailsWith(ErrorCode::kRefusedByState));
  EXPECT_EQ(Must(ListRoots(client_)).size(), 1U);
}

TEST_F(RootsTest, RotationNamesTheRootThatMustWrapAndWasNotGiven) {
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  Client first = OpenWith({First()});
  const std::string before = store_.ContentWithAudit();
  const Result<RotationReport> refused = RotateKek(first);
  EXPECT_THAT(refused, FailsNaming(ErrorCode::kRootKeyMissing, "root 2 (" + spare.uri + ")"));
  EXPECT_NE(refused.error().hint.find("--root " + spare.uri), std::string::npos);
  EXPECT_EQ(store_.ContentWithAudit(), before);
}

TEST_F(RootsTest, LostRootIsReplacedByAnotherLoudly) {
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  const auto reported = [&] { return std::ranges::count(events_, "root_unusable"); };
  std::filesystem::rename(store_.root_path(), store_.folder() / "away.key");
  Client client = OpenWith({First(), spare.uri});
  EXPECT_EQ(Must(Get(client, "p1", "name")), "one");
  EXPECT_EQ(reported(), 1);
  EXPECT_THAT(Diagnose(With({First(), spare.uri})),
              HasFinding(Severity::kError, "root_file", store_.root_path()));
  EXPECT_THAT(Diagnose(With({First(), spare.uri})), HasFinding(Severity::kOk, "store_opens", ""));

  WriteFile(store_.root_path(), "rsroot1damaged");
  Must(OpenStore(With({First(), spare.uri})));
  EXPECT_EQ(reported(), 4);  // the two of Diagnose as well

  // What is wrong but not lost stays an error: nobody falls back to a spare by it.
  std::filesystem::remove(store_.root_path());
  WriteFile(store_.root_path(), ReadFile(store_.folder() / "away.key"), 0644);
  EXPECT_THAT(OpenStore(With({First(), spare.uri})), FailsWith(ErrorCode::kRootKeyExposed));
  EXPECT_THAT(OpenStore(With({"nosuch:x", spare.uri})), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(OpenStore(With({"file:/nowhere/a", "file:/nowhere/b"})),
              FailsNaming(ErrorCode::kRootKeyMissing, "/nowhere/a"));
}

TEST_F(RootsTest, RootOfAnotherStoreIsReported) {
  Client client = OpenWith({NewKey("foreign.key"), First()});
  EXPECT_EQ(std::ranges::count(events_, "root_unmatched"), 1);
}

TEST_F(RootsTest, ListSaysWhatEachLossWouldMean) {
  EXPECT_EQ(Must(ListRoots(client_)).front().if_lost, "every secret is lost");
  const AddedRoot recovery = Must(AddRoot(client_, {NewRecoveryKey()}));
  EXPECT_FALSE(recovery.proven);
  EXPECT_EQ(Must(ListRoots(client_)).front().if_lost, "a recovery with the private key of root 2");
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  std::vector<RootSummary> roots = Must(ListRoots(client_));
  EXPECT_EQ(roots[0].if_lost, "nothing: root 3 opens the same");
  EXPECT_EQ(roots[1].if_lost, "no recovery once the other roots are lost");
  EXPECT_TRUE(roots[1].wraps_only);
  EXPECT_EQ(roots[2].keks, (std::vector<KekId>{KekId{1}, KekId{2}}));
  Client first = OpenWith({First()});
  roots = Must(ListRoots(first));
  EXPECT_EQ(roots[0].if_lost, "nothing, if root 3, not given here, still opens");
  EXPECT_FALSE(roots[2].configured);
}

// --- recovery ------------------------------------------------------------------------------------

TEST_F(RootsTest, RecoveryKeyOpensTheStoreWhenAllElseIsLost) {
  Must(AddRoot(client_, {NewRecoveryKey()}));
  // Its row suffices to wrap a new KEK for it: the service is not given the public key again.
  Client service = OpenWith({First()});
  Must(RotateKek(service));
  Must(Put(service, "p3", "name", "three"));
  std::filesystem::remove(store_.root_path());

  const std::string fresh_uri = NewKey("fresh.key");
  {
    Client recovered = OpenForRecovery();
    EXPECT_EQ(Must(Get(recovered, "p3", "name")), "three");
    Must(AddRoot(recovered, {fresh_uri}));
    Must(RemoveRoot(recovered, RootId{1}, RootChange::kCarryOut));
  }
  Client fresh = OpenWith({fresh_uri});
  EXPECT_EQ(Must(Get(fresh, "p1", "name")), "one");
  EXPECT_TRUE(VerifyFailures(fresh).empty());
}

TEST_F(RootsTest, PublicKeyAloneOpensNothing) {
  const std::string uri = NewRecoveryKey();
  Must(AddRoot(client_, {uri}));
  EXPECT_THAT(OpenStore(With({uri})), FailsNaming(ErrorCode::kRootKeyMissing, "can only wrap"));
  Client client = OpenWith({uri, First()});
  EXPECT_EQ(Must(Get(client, "p1", "name")), "one");
  EXPECT_THAT(OpenRoot(uri + "a"), FailsWith(ErrorCode::kInvalidArgument));
  TempFolder folder;
  StoreOptions options = With({uri});
  options.store = "sqlite:" + (folder / "new.db");
  EXPECT_THAT(InitStore(options), FailsNaming(ErrorCode::kInvalidArgument, "only wraps"));
}

TEST_F(RootsTest, RecoveryKeyFileWantsItsPassphraseAndItsMode) {
  Must(AddRoot(client_, {NewRecoveryKey()}));
  const std::string path = store_.folder() / "recovery.key";
  const SecretBytes passphrase = Must(SecretBytes::CopyOf(AsBytes(kPassphrase)));
  const SecretBytes wrong = Must(SecretBytes::CopyOf(AsBytes("another passphrase")));
  EXPECT_THAT(OpenRecoveryKeyFile(path, wrong), FailsWith(ErrorCode::kRootKeyMismatch));
  EXPECT_THAT(CreateRecoveryKeyFile(path, passphrase, {3, 12'288}),
              FailsWith(ErrorCode::kConflict));
  EXPECT_THAT(CreateRecoveryKey(store_.folder() / "x", Must(SecretBytes::CopyOf(AsBytes("short")))),
              FailsWith(ErrorCode::kInvalidArgument));
  std::string text = ReadFile(path);
  text[40] = text[40] == 'a' ? 'b' : 'a';
  std::filesystem::remove(path);
  WriteFile(path, text);
  EXPECT_THAT(OpenRecoveryKeyFile(path, passphrase),
              FailsNaming(ErrorCode::kRootKeyMalformed, "checksum"));
  std::filesystem::remove(path);
  WriteFile(path, text, 0640);
  EXPECT_THAT(OpenRecoveryKeyFile(path, passphrase), FailsWith(ErrorCode::kRootKeyExposed));
  EXPECT_THAT(OpenRecoveryKeyFile(path + "x", passphrase), FailsWith(ErrorCode::kRootKeyMissing));
}

TEST_F(RootsTest, DrillOpensAllAndIsRemembered) {
  const AddedRoot recovery = Must(AddRoot(client_, {NewRecoveryKey()}));
  EXPECT_THAT(DrillRecovery(client_), FailsWith(ErrorCode::kRootKeyMissing));
  EXPECT_EQ(Must(LastDrill(ConnectionOf(client_), recovery.id)), std::nullopt);
  const Timestamp day_91 = SessionOf(client_).Now() + std::chrono::days(91);
  if (!TestsPostgres()) {
    UseStoreClock(ConnectionOf(client_), [&] { return day_91; });
    EXPECT_THAT(Must(Diagnose(client_)),
                HasFinding(Severity::kWarning, "recovery_drill", "nobody has drilled"));
    UseStoreClock(ConnectionOf(client_), [] { return SystemClock(); });
  }
  {
    Client recovered = OpenForRecovery();
    const RecoveryDrill drill = Must(DrillRecovery(recovered));
    EXPECT_EQ(drill.root, recovery.id);
    EXPECT_EQ(drill.keks, 2);
    EXPECT_TRUE(drill.dek.has_value());
    EXPECT_TRUE(Must(DrillRecovery(recovered)).before.has_value());
  }
  EXPECT_TRUE(Must(LastDrill(ConnectionOf(client_), recovery.id)).has_value());
  EXPECT_THAT(Must(Diagnose(client_)), HasFinding(Severity::kOk, "recovery_drill", ""));
}

// --- a root that somebody else may have ----------------------------------------------------------

TEST_F(RootsTest, CompromisedRootOpensNothingThatIsLeft) {
  const AddedRoot spare = Must(AddRoot(client_, {NewKey("spare.key")}));
  const std::string dek_before =
      intruder_.Text("SELECT id FROM dek WHERE project_id = 'p1' AND state = 'active'");
  const CompromisedRoot judged =
      Must(MarkRootCompromised(client_, RootId{1}, RootChange::kOnlyJudge));
  EXPECT_EQ(judged.projects, 2);
  const CompromisedRoot done = Must(MarkRootCompromised(client_, RootId{1}, RootChange::kCarryOut));
  ASSERT_TRUE(done.kek_rotation.has_value());
  EXPECT_EQ(done.kek_rotation->rewrapped, 2);
  RunAll(client_);

  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM kek_wrapping WHERE root_id = 1"), 0);
  EXPECT_EQ(
      intruder_.Integer("SELECT count(*) FROM secret_version WHERE dek_id = $1", {dek_before}), 0);
  EXPECT_THAT(OpenStore(With({First()})),
              FailsNaming(ErrorCode::kRootKeyMissing, "marked compromised"));
  Client fresh = OpenWith({First(), spare.uri});
  EXPECT_EQ(Must(Get(fresh, "p1", "name")), "one");
  EXPECT_TRUE(VerifyFailures(fresh).empty());
  EXPECT_THAT(Must(Diagnose(fresh)), HasFinding(Severity::kWarning, "roots", "is compromised"));
  Must(RotateKek(fresh));  // it is wrapped for the spare alone
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM kek_wrapping WHERE root_id = 1"), 0);

  // Again: the KEK has been rotated, the DEKs are once more.
  const CompromisedRoot again = Must(MarkRootCompromised(fresh, RootId{1}, RootChange::kCarryOut));
  EXPECT_FALSE(again.kek_rotation.has_value());
  EXPECT_FALSE(again.dek_rotation.jobs.empty());
  RunAll(fresh);
  Must(RemoveRoot(fresh, RootId{1}, RootChange::kCarryOut));
  EXPECT_TRUE(VerifyFailures(fresh).empty());
}

// --- a project with a root of its own ------------------------------------------------------------

class OwnRootTest : public RootsTest {
 protected:
  OwnRootTest() : own_uri_(NewKey("p1.key")), added_(Must(AddRoot(client_, {own_uri_, "p1"}))) {}

  std::int64_t KeksOver(const std::string& project) {
    return intruder_.Integer("SELECT count(DISTINCT kek_id) FROM dek WHERE project_id = $1",
                             {project});
  }
  std::int64_t KekOver(const std::string& project) {
    return intruder_.Integer("SELECT min(kek_id) FROM dek WHERE project_id = $1", {project});
  }

  std::string own_uri_;
  AddedRoot added_;
};

TEST_F(OwnRootTest, ProjectOpensWithItsRootOnlyAndOthersWithoutIt) {
  EXPECT_EQ(added_.made_kek, KekId{3});
  EXPECT_GE(added_.rewrapped, 1);
  EXPECT_EQ(KeksOver("p1"), 1);
  EXPECT_EQ(KekOver("p1"), 3);
  EXPECT_EQ(KekOver("p2"), 1);
  EXPECT_EQ(Must(Get(client_, "p1", "name")), "one");

  Client without = OpenWith({First()});
  EXPECT_EQ(Must(Get(without, "p2", "name")), "two");
  Must(Put(without, "p2", "other", "value"));
  const Result<std::string> refused = Get(without, "p1", "name");
  EXPECT_THAT(refused, FailsNaming(ErrorCode::kRootKeyMissing, "project 'p1'"));
  EXPECT_THAT(refused, FailsNaming(ErrorCode::kRootKeyMissing, "root 2 (" + own_uri_ + ")"));
  EXPECT_THAT(Put(without, "p1", "other", "value"), FailsWith(ErrorCode::kRootKeyMissing));

  Client with = OpenWith({First(), own_uri_});
  EXPECT_EQ(Must(Get(with, "p1", "name")), "one");
  EXPECT_TRUE(VerifyFailures(with).empty());
  EXPECT_THAT(OpenStore(With({own_uri_})),
              FailsNaming(ErrorCode::kRootKeyMissing, "opens project 'p1' only"));
}

TEST_F(OwnRootTest, KeysRotateWithinTheScope) {
  const RotationReport of_default = Must(RotateKek(client_));
  EXPECT_EQ(KekOver("p1"), 3) << "a rotation of scope default took the project's DEKs along";
  EXPECT_EQ(KekOver("p2"), of_default.new_kek.value);
  const RotationReport of_project = Must(RotateKek(client_, {}, "p1"));
  EXPECT_EQ(KekOver("p1"), of_project.new_kek.value);
  EXPECT_EQ(KekOver("p2"), of_default.new_kek.value);
  Must(RotateDeks(client_, Project("p1")));
  RunAll(client_);
  EXPECT_EQ(KeksOver("p1"), 1);
  Client with = OpenWith({First(), own_uri_});
  EXPECT_EQ(Must(Get(with, "p1", "name")), "one");
  EXPECT_THAT(RotateKek(client_, {}, "p2"), FailsWith(ErrorCode::kNotFound));
  // A process without the project's root rotates what it can, and names what it cannot.
  Client without = OpenWith({First()});
  Must(RotateKek(without));
  EXPECT_THAT(RotateKek(without, {}, "p1"), FailsWith(ErrorCode::kRootKeyMissing));
  Must(RotateDeks(without, {}));
  const JobsReport report = Must(RunJobs(without));
  EXPECT_EQ(report.failed, 1);
  EXPECT_TRUE(VerifyFailures(with).empty());
}

TEST_F(OwnRootTest, SpareOfAProjectsRootOpensItToo) {
  Client without = OpenWith({First()});
  EXPECT_THAT(AddRoot(without, {NewKey("p1-spare.key"), "p1"}),
              FailsWith(ErrorCode::kRootKeyMissing));
  const std::string spare = "file:" + (store_.folder() / "p1-spare.key");
  EXPECT_THAT(RemoveRoot(client_, added_.id, RootChange::kCarryOut),
              FailsNaming(ErrorCode::kRefusedByState, "scope 'p1'"));
  Must(AddRoot(client_, {spare, "p1"}));
  Must(RemoveRoot(client_, added_.id, RootChange::kCarryOut));
  Client with = OpenWith({First(), spare});
  EXPECT_EQ(Must(Get(with, "p1", "name")), "one");
  Client old = OpenWith({First(), own_uri_});
  EXPECT_THAT(Get(old, "p1", "name"), FailsWith(ErrorCode::kRootKeyMissing));
}

TEST_F(OwnRootTest, ItsKekIsDeclaredCompromisedLikeAnother) {
  const KekCompromise done = Must(DeclareCompromised(client_, *added_.made_kek));
  RunAll(client_);
  EXPECT_EQ(KeksOver("p1"), 1);
  EXPECT_EQ(KekOver("p1"), done.new_kek->value);
  EXPECT_EQ(KekOver("p2"), 1);
  EXPECT_EQ(Must(Get(client_, "p1", "name")), "one");
}

TEST_F(OwnRootTest, CompromisedRotatesThatProjectAlone) {
  Must(AddRoot(client_, {NewKey("p1-spare.key"), "p1"}));
  const std::string p2_dek =
      intruder_.Text("SELECT id FROM dek WHERE project_id = 'p2' AND state = 'active'");
  Must(MarkRootCompromised(client_, added_.id, RootChange::kCarryOut));
  RunAll(client_);
  EXPECT_EQ(intruder_.Text("SELECT id FROM dek WHERE project_id = 'p2' AND state = 'active'"),
            p2_dek);
  Client with = OpenWith({First(), "file:" + (store_.folder() / "p1-spare.key")});
  EXPECT_EQ(Must(Get(with, "p1", "name")), "one");
}

// A process that holds the set of before makes no DEK under another scope's KEK: it finds one.
TEST_F(RootsTest, ProcessThatKnewTheProjectBeforeItsRootSealsUnderItsKek) {
  Client stale = OpenWith({First()});
  ASSERT_EQ(Must(Get(stale, "p2", "name")), "two");
  const std::string own = NewKey("p9.key");
  Must(AddRoot(client_, {own, "p9"}));
  EXPECT_THAT(Put(stale, "p9", "name", "value"), FailsWith(ErrorCode::kRootKeyMissing));
  Client stale_with = OpenWith({First(), own});
  Must(Put(stale_with, "p9", "name", "value"));
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM dek WHERE project_id = 'p9' AND kek_id = 1"),
            0);
}

}  // namespace
}  // namespace rowseal::testing
