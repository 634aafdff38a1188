// What an operator does to keys beside rotating them: suspend, resume, compromised, destroy.
#include <functional>

#include <gtest/gtest.h>

#include "client/session.h"
#include "lifecycle/compromise_kek.h"
#include "support/findings.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// A store with secrets of two projects and values in two columns, one of them in an app's table.
class KeyStates : public ::testing::Test {
 protected:
  KeyStates()
      : client_(store_.Open()), other_(store_.Open()), app_path_(store_.folder() / "app.db") {
    WriteFile(app_path_, "");
    Intruder(app_path_).Run("CREATE TABLE user (id INTEGER PRIMARY KEY, project TEXT, totp TEXT)");
    Must(client_.AddColumn(Label("totp"), ContextKind::kCell, {},
                           ColumnSource{"sqlite:" + app_path_, "user", "totp", {"id"}, "project"}));
    Must(Put(client_, "acme", "name", "one"));
    Must(Put(client_, "acme", "name", "two"));
    Must(Put(client_, "zeta", "name", "three"));
    AddUser("acme", 1);
    ExpectAllOpen(other_);  // so that it holds the keys
  }

  void AddUser(const std::string& project, std::int64_t id) {
    const std::string sealed = Must(
        client_.SealValue(Project(project), Label("totp"), AsBytes("totp"), {std::to_string(id)}));
    Intruder(app_path_).Run("INSERT INTO user VALUES ($1, $2, $3)", {id, project, sealed});
  }
  std::string Totp() { return Intruder(app_path_).Text("SELECT totp FROM user WHERE id = 1"); }

  void ExpectAllOpen(Client& client) {
    EXPECT_EQ(Must(Get(client, "acme", "name", 1)), "one");
    EXPECT_EQ(Must(Get(client, "acme", "name")), "two");
    EXPECT_EQ(Must(Get(client, "zeta", "name")), "three");
    EXPECT_EQ(TextOf(Must(client.OpenValue(Project("acme"), Label("totp"), Totp(), {"1"}))),
              "totp");
  }

  // Every call that opens or seals, by name.
  std::vector<std::pair<std::string, std::function<std::optional<Error>(Client&)>>> Calls() {
    const auto error = [](const auto& result) {
      return result ? std::optional<Error>() : std::optional<Error>(result.error());
    };
    return {
        {"get", [=](Client& c) { return error(Get(c, "acme", "name")); }},
        {"get version", [=](Client& c) { return error(Get(c, "acme", "name", 1)); }},
        {"get batch",
         [=](Client& c) {
           return error(Must(c.GetBatch(Project("acme"), {SecretRef{Named("name"), {}}})).front());
         }},
        {"put", [=](Client& c) { return error(Put(c, "acme", "name", "x")); }},
        {"put new", [=](Client& c) { return error(Put(c, "acme", "other", "x")); }},
        {"put of a new project", [=](Client& c) { return error(Put(c, "fresh", "name", "x")); }},
        {"rollback",
         [=](Client& c) {
           return error(c.Rollback(Project("acme"), Named("name"), SecretVersion{1}));
         }},
        {"expire",
         [=](Client& c) { return error(c.Expire(Project("acme"), Named("name"), {}, {})); }},
        {"seal",
         [=](Client& c) {
           return error(c.SealValue(Project("acme"), Label("totp"), AsBytes("x"), {"1"}));
         }},
        {"open",
         [=, this](Client& c) {
           return error(c.OpenValue(Project("acme"), Label("totp"), Totp(), {"1"}));
         }},
        {"rename",
         [=](Client& c) { return error(c.Rename(Project("acme"), Named("name"), Named("new"))); }},
    };
  }

  static void ExpectRefusedNaming(const std::optional<Error>& error, const std::string& key,
                                  const std::string& hint) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, ErrorCode::kRefusedByState) << error->message;
    EXPECT_THAT(error->message, ::testing::HasSubstr(key));
    EXPECT_THAT(error->hint, ::testing::HasSubstr(hint));
  }

  std::string StateOf(std::int64_t kek) {
    for (const KekSummary& summary : Must(ListKeks(client_))) {
      if (summary.id == KekId{kek}) {
        return std::string(ToText(summary.state));
      }
    }
    return "gone";
  }
  std::int64_t Count(const std::string& what) {
    return Intruder(store_.path()).Integer("SELECT count(*) FROM " + what);
  }
  void RunAll() {
    RunJobsOptions options;
    options.share_percent = 100;
    EXPECT_EQ(Must(RunJobs(client_, options)).failed, 0);
  }
  void DestroyAtOnce() {
    Must(SetPolicy(client_, "destroy.wait", "0s"));
    Must(SetPolicy(client_, "dek.destroy_after", "0s"));
    Must(SetPolicy(client_, "value.settle_time", "0s"));
  }

  TestStore store_;
  Client client_;
  Client other_;  // another process
  std::string app_path_;
};

// --- suspended -----------------------------------------------------------------------------------

TEST_F(KeyStates, SuspendedKekRefusesEveryCallAtTheNextUseAndNamesItself) {
  Must(SuspendKek(client_, KekId{1}));
  Client fresh = store_.Open();
  for (const auto& [name, call] : Calls()) {
    for (Client* client : {&client_, &other_, &fresh}) {
      SCOPED_TRACE(name);
      ExpectRefusedNaming(call(*client), "KEK 1 is suspended", "rowseal kek resume 1");
    }
  }
  EXPECT_EQ(Must(ResumeKek(other_, KekId{1})), KeyState::kActive);
  ExpectAllOpen(client_);
  ExpectAllOpen(other_);
  ExpectAllOpen(fresh);
  for (const auto& [name, call] : Calls()) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(call(fresh).has_value());
  }
  store_.ExpectClean();
}

TEST_F(KeyStates, SuspendedKekStopsWhatNeedsAnActiveOneAndNothingElse) {
  Must(RotateDeks(client_, Project("acme")));  // a reseal waits
  Must(SuspendKek(client_, KekId{1}));
  const std::string before = store_.Content();
  EXPECT_THAT(RotateKek(client_), FailsNaming(ErrorCode::kRefusedByState, "KEK 1 is suspended"));
  EXPECT_THAT(RotateDeks(client_, Project("acme")),
              FailsNaming(ErrorCode::kRefusedByState, "KEK 1 is suspended"));
  EXPECT_EQ(Must(RotateKekIfDue(client_)), std::nullopt);
  EXPECT_EQ(store_.Content(), before);
  EXPECT_THAT(RunJobs(client_), FailsNaming(ErrorCode::kRefusedByState, "KEK 1 is suspended"));
  EXPECT_EQ(Count("job_failure"), 0) << "each row was named as failed";
  EXPECT_EQ(Must(TakeCensus(client_)).front().state, KeyState::kSuspended);
  EXPECT_THAT(Must(Diagnose(client_)), HasFinding(Severity::kError, "kek_age", "no KEK is active"));
  std::int64_t failures = 0;
  const VerifyReport verified = Must(Verify(client_, [&](const VerifyFailure&) { ++failures; }));
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(verified.suspended, 3);
  Must(ResumeKek(client_, KekId{1}));
  RunAll();
  ExpectAllOpen(client_);
  store_.ExpectClean();
}

TEST_F(KeyStates, SuspendedDeactivatedKekKeepsItsDeksAndNoOthersFromARotation) {
  const auto wrapped = [&](const std::string& project) {
    return Intruder(store_.path())
        .Integer("SELECT kek_id FROM dek WHERE project_id = $1 AND purpose = 'secret'", {project});
  };
  Intruder intruder(store_.path());
  const Bytes key = intruder.Blob("SELECT wrapped_key FROM dek WHERE project_id = 'zeta'");
  Must(RotateKek(client_));
  // As a rotation leaves a DEK that did not open at the time.
  intruder.Run("UPDATE dek SET kek_id = 1, wrapped_key = $1 WHERE project_id = 'zeta'", {key});
  Must(SuspendKek(client_, KekId{1}));
  EXPECT_EQ(Must(Get(other_, "acme", "name")), "two");
  ExpectRefusedNaming(Get(other_, "zeta", "name").error(), "KEK 1 is suspended",
                      "rowseal kek resume 1");
  EXPECT_TRUE(Must(RotateKek(client_)).failures.empty());
  EXPECT_EQ(wrapped("acme"), 4);
  EXPECT_EQ(wrapped("zeta"), 1) << "a rewrap let a suspended key be used again";
  EXPECT_EQ(Must(ResumeKek(client_, KekId{1})), KeyState::kDeactivated);
  const JobId rewrap = Must(StartRewrap(client_));
  RunJobsOptions options;
  options.jobs = {rewrap};
  Must(RunJobs(client_, options));
  EXPECT_EQ(wrapped("zeta"), 4);
  ExpectAllOpen(client_);
  store_.ExpectClean();
}

// --- illegal transitions -------------------------------------------------------------------------

TEST_F(KeyStates, IllegalTransitionsAreRefusedAndChangeNothing) {
  Must(RotateKek(client_));  // KEK 1 deactivated, 2 integrity, 3 active
  Must(RotateKek(client_));
  Must(RotateKek(client_));
  Must(SuspendKek(client_, KekId{3}));
  Must(DeclareCompromised(client_, KekId{4}));
  RunAll();
  ASSERT_EQ(StateOf(1) + StateOf(3) + StateOf(4) + StateOf(5),
            "deactivatedsuspendedcompromisedactive");
  const auto suspend = [&](std::int64_t kek) { return SuspendKek(client_, KekId{kek}); };
  const auto resume = [&](std::int64_t kek) {
    const auto resumed = ResumeKek(client_, KekId{kek});
    return resumed ? Result<void>() : tl::unexpected(resumed.error());
  };
  const auto destroy = [&](std::int64_t kek) {
    const auto destroyed = DestroyKek(client_, KekId{kek});
    return destroyed ? Result<void>() : tl::unexpected(destroyed.error());
  };
  const auto compromised = [&](std::int64_t kek) {
    const auto declared = DeclareCompromised(client_, KekId{kek});
    return declared ? Result<void>() : tl::unexpected(declared.error());
  };
  const std::string before = store_.Content();
  for (const std::int64_t kek : {2, 3, 4}) {
    EXPECT_THAT(suspend(kek), FailsWith(ErrorCode::kRefusedByState)) << kek;
  }
  for (const std::int64_t kek : {1, 2, 4, 5}) {
    EXPECT_THAT(resume(kek), FailsWith(ErrorCode::kRefusedByState)) << kek;
  }
  for (const std::int64_t kek : {2, 3, 5}) {
    EXPECT_THAT(destroy(kek), FailsWith(ErrorCode::kRefusedByState)) << kek;
  }
  EXPECT_THAT(compromised(2), FailsNaming(ErrorCode::kRefusedByState, "integrity key"));
  for (const auto& verb : {std::function(suspend), std::function(resume), std::function(destroy),
                           std::function(compromised)}) {
    EXPECT_THAT(verb(9), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_EQ(store_.Content(), before);
}

TEST_F(KeyStates, EachChangeRaisesTheEpochAndIsLogged) {
  const std::int64_t epoch = Must(Status(client_)).epoch;
  Must(SuspendKek(client_, KekId{1}, {"ann", "incident 1"}));
  Must(ResumeKek(client_, KekId{1}, {"ann", ""}));
  Must(DeclareCompromised(client_, KekId{1}, {"ann", "incident 2"}));
  RunAll();
  DestroyAtOnce();
  Must(DestroyKek(client_, KekId{1}, {"ann", "incident 2"}));
  EXPECT_EQ(Must(Status(client_)).epoch, epoch + 5);  // the job raised the floor of secrets
  std::string log;
  for (const AuditEntry& entry : Must(client_.AuditLog(Project("system"), 100))) {
    log = entry.actor == "ann" ? entry.action + " " + entry.object + "\n" + log : log;
  }
  EXPECT_EQ(log,
            "kek.suspend 1\nkek.resume 1\nkek.compromised 1 3\nkek.destroy_due 1\nkek.destroy 1\n");
}

// --- compromised ---------------------------------------------------------------------------------

// With one transaction, and with a job.
class CompromisedKek : public KeyStates, public ::testing::WithParamInterface<std::int64_t> {
 protected:
  KekCompromise Declare(std::int64_t kek) {
    return Must(CompromiseKek(client_, KekId{kek}, GetParam(), {}));
  }
  // Nothing stands under a key that the compromised KEK may have wrapped.
  void ExpectAllFresh(const std::vector<std::string>& old_deks) {
    for (const std::string& dek : old_deks) {
      EXPECT_EQ(Count("dek WHERE state = 'active' AND id = '" + dek + "'"), 0) << dek;
      EXPECT_EQ(Count("secret_version WHERE dek_id = '" + dek + "'"), 0) << dek;
    }
    EXPECT_EQ(Count("dek d JOIN kek k ON k.id = d.kek_id WHERE k.state <> 'active'"), 0);
  }
  std::vector<std::string> Deks() {
    std::vector<std::string> ids;
    for (const Row& row : Intruder(store_.path()).Run("SELECT id FROM dek")) {
      ids.push_back(TextAt(row, 0));
    }
    return ids;
  }
};

INSTANTIATE_TEST_SUITE_P(RewrappedAtOnce, CompromisedKek, ::testing::Values(10'000, 0),
                         [](const auto& test) { return test.param == 0 ? "ByJob" : "AtOnce"; });

TEST_P(CompromisedKek, ThatIsActiveGivesWayAndAllItProtectedIsSealedAgain) {
  const std::vector<std::string> old_deks = Deks();
  const std::string old_totp = Totp();
  const CompromisePlan plan = Must(PlanCompromise(client_, KekId{1}));
  EXPECT_TRUE(plan.rotates);
  EXPECT_EQ(plan.deks, 3);
  EXPECT_EQ(plan.secrets, 2);
  EXPECT_EQ(plan.columns, std::vector<std::string>{"totp"});
  const KekCompromise compromise = Declare(1);
  EXPECT_EQ(compromise.new_kek, KekId{3});
  EXPECT_TRUE(compromise.failures.empty());
  ExpectAllOpen(other_);  // a live app loses nothing in between
  Must(Put(other_, "acme", "written", "meanwhile"));
  RunAll();
  EXPECT_EQ(StateOf(1), "compromised");
  ExpectAllFresh(old_deks);
  EXPECT_NE(Totp(), old_totp);
  ExpectAllOpen(client_);
  ExpectAllOpen(other_);
  EXPECT_EQ(Must(Get(other_, "acme", "written")), "meanwhile");
  EXPECT_TRUE(Must(ListJobs(client_)).empty());
  store_.ExpectClean();
}

TEST_P(CompromisedKek, ThatIsDeactivatedOrSuspendedIsDoneWithToo) {
  Must(RotateKek(client_));
  Must(Declare(1).new_kek ? Result<void>(Fail(ErrorCode::kInternal, "rotated again"))
                          : Result<void>());
  RunAll();
  EXPECT_EQ(StateOf(1), "compromised");
  EXPECT_EQ(StateOf(3), "active");
  Must(SuspendKek(client_, KekId{3}));
  const std::vector<std::string> old_deks = Deks();
  EXPECT_EQ(Declare(3).new_kek, KekId{4});
  ExpectAllOpen(other_);
  RunAll();
  EXPECT_EQ(StateOf(3), "compromised");
  ExpectAllFresh(old_deks);
  ExpectAllOpen(client_);
  store_.ExpectClean();
}

TEST_P(CompromisedKek, WaitsForASuspendedActiveOne) {
  Must(RotateKek(client_));
  Must(SuspendKek(client_, KekId{3}));
  const auto refused = CompromiseKek(client_, KekId{1}, GetParam(), {});
  ASSERT_FALSE(refused.has_value());
  ExpectRefusedNaming(refused.error(), "KEK 3 is suspended", "rowseal kek resume 3");
  EXPECT_THAT(PlanCompromise(client_, KekId{1}), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_EQ(StateOf(1), "deactivated");
}

TEST_P(CompromisedKek, CalledAgainDoesWhatIsLeftAndThenNothing) {
  DestroyAtOnce();
  const std::vector<std::string> old_deks = Deks();
  Declare(1);
  for (const JobSummary& job : Must(ListJobs(client_))) {
    if (job.kind != "kek-compromised") {
      Must(CancelJob(client_, job.id));  // as somebody who can write the store would
    }
  }
  for (int round = 0; round < 3; ++round) {
    RunJobsOptions options;
    options.jobs = Declare(1).jobs;
    if (!options.jobs.empty()) {
      Must(RunJobs(client_, options));
    }
  }
  ExpectAllFresh(old_deks);
  Must(Maintain(client_));
  EXPECT_TRUE(Declare(1).jobs.empty());
  ExpectAllOpen(client_);
}

TEST_P(CompromisedKek, NamesTheSecretsToChangeUntilTheyAreChanged) {
  EXPECT_THAT(ListExposedSecrets(client_, KekId{1}), FailsWith(ErrorCode::kRefusedByState));
  Declare(1);
  RunAll();
  const auto names = [&] {
    std::string text;
    std::string project;
    std::string name;
    for (;;) {
      const ExposedPage page = Must(ListExposedSecrets(client_, KekId{1}, project, name, 1));
      if (page.secrets.empty()) {
        return text;
      }
      project = page.secrets.front().project;
      name = page.secrets.front().name;
      text += project + "/" + name + " ";
    }
  };
  EXPECT_EQ(names(), "acme/name zeta/name ");
  Must(Put(other_, "zeta", "name", "changed"));
  Must(Put(other_, "zeta", "new", "x"));
  EXPECT_EQ(names(), "acme/name ");
}

// A DEK that does not open stays, is named, and does not keep the others.
TEST_P(CompromisedKek, LeavesADekThatDoesNotOpenAndNothingElse) {
  Intruder intruder(store_.path());
  const Bytes key = intruder.Blob("SELECT wrapped_key FROM dek WHERE project_id = 'zeta'");
  intruder.Run("UPDATE dek SET wrapped_key = $1 WHERE project_id = 'zeta'", {Bytes(74, 0)});
  const KekCompromise compromise = Declare(1);
  Must(RunJobs(client_));
  EXPECT_EQ(compromise.failures.size(), GetParam() == 0 ? 0U : 1U);
  EXPECT_EQ(StateOf(1), "compromised");
  EXPECT_EQ(Must(Get(other_, "acme", "name")), "two");
  EXPECT_EQ(Count("dek WHERE kek_id = 1"), 1);
  const std::int64_t deks = Count("dek");
  Must(Maintain(client_));  // a failed job is run again
  EXPECT_EQ(Count("dek"), deks) << "fresh DEKs were made once more";
  EXPECT_THAT(Get(other_, "zeta", "name"), FailsWith(ErrorCode::kRefusedByState))
      << "a compromised KEK opens for a reseal only";
  intruder.Run("UPDATE dek SET wrapped_key = $1 WHERE project_id = 'zeta' AND kek_id = 1", {key});
  Declare(1);
  RunAll();
  EXPECT_EQ(Count("dek WHERE kek_id = 1"), 0);
  ExpectAllOpen(other_);
  store_.ExpectClean();
}

// --- destroyed -----------------------------------------------------------------------------------

TEST_F(KeyStates, KekIsDestroyedAfterItsWaitWithEvidence) {
  Must(RotateKek(client_));
  const KekDestruction plan = Must(PlanKekDestruction(client_, KekId{1}));
  EXPECT_FALSE(plan.destroyed);
  const KekDestruction asked = Must(DestroyKek(client_, KekId{1}, {"ann", "end of life"}));
  EXPECT_FALSE(asked.destroyed);
  EXPECT_EQ(Must(DestroyKek(client_, KekId{1})).due, asked.due) << "the wait began anew";
  EXPECT_TRUE(Must(Maintain(client_)).destroyed.keks.empty());
  EXPECT_EQ(StateOf(1), "deactivated");
  Intruder(store_.path()).Run("UPDATE kek SET destroy_at = 1 WHERE id = 1");  // as time passes
  EXPECT_EQ(Must(Maintain(client_)).destroyed.keks, std::vector<KekId>{KekId{1}});
  EXPECT_EQ(StateOf(1), "gone");
  EXPECT_EQ(Count("kek_wrapping WHERE kek_id = 1"), 0);
  const Listing<DestroyedKek> gone = Must(ListDestroyedKeks(client_));
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone.front().id, KekId{1});
  EXPECT_EQ(gone.front().scope, "default");
  EXPECT_EQ(gone.front().evidence.state, "deactivated");
  EXPECT_EQ(gone.front().evidence.actor + ": " + gone.front().evidence.reason, "ann: end of life");
  EXPECT_TRUE(Must(ListDestroyedKeks(client_, KekId{1})).empty());
  EXPECT_TRUE(Must(ListDestroyedDeks(client_)).empty());
  EXPECT_THAT(DestroyKek(client_, KekId{1}),
              FailsNaming(ErrorCode::kRefusedByState, "KEK 1 was destroyed at"));
  ExpectAllOpen(other_);
  Must(RotateKek(other_));
  store_.ExpectClean();
}

TEST_F(KeyStates, DestructionCanBeCalledOff) {
  Must(RotateKek(client_));
  EXPECT_THAT(CancelKekDestruction(client_, KekId{1}), FailsWith(ErrorCode::kRefusedByState));
  Must(DestroyKek(client_, KekId{1}));
  Must(CancelKekDestruction(client_, KekId{1}));
  DestroyAtOnce();
  EXPECT_TRUE(Must(Maintain(client_)).destroyed.keks.empty());
  EXPECT_EQ(StateOf(1), "deactivated");
}

TEST_F(KeyStates, KekThatADekNeedsIsNotDestroyedAndTheDekIsNamed) {
  Intruder intruder(store_.path());
  const Bytes key = intruder.Blob("SELECT wrapped_key FROM dek WHERE project_id = 'zeta'");
  Must(RotateKek(client_));
  DestroyAtOnce();
  Must(SetPolicy(client_, "destroy.wait", "1h"));
  Must(DestroyKek(client_, KekId{1}));
  // It comes to be needed while it waits.
  intruder.Run("UPDATE dek SET kek_id = 1, wrapped_key = $1 WHERE project_id = 'zeta'", {key});
  intruder.Run("UPDATE kek SET destroy_at = 1 WHERE id = 1");
  EXPECT_THAT(DestroyKek(client_, KekId{1}),
              FailsNaming(ErrorCode::kRefusedByState,
                          "needed by 1 DEK (1 active secret), first of project 'zeta'"));
  const MaintainReport report = Must(Maintain(client_));
  ASSERT_EQ(report.destroyed.failures.size(), 1U);
  EXPECT_THAT(report.destroyed.failures.front(), ::testing::HasSubstr("KEK 1 is needed by 1 DEK"));
  EXPECT_EQ(StateOf(1), "deactivated");
  ExpectAllOpen(client_);
}

TEST_F(KeyStates, OfThreeKeptVersionsTheRightOneGoes) {
  DestroyAtOnce();
  Must(RotateKek(client_));
  Must(RotateKek(client_));
  Must(RotateKek(client_));  // 1, 3, 4 kept; 5 active
  EXPECT_TRUE(Must(DestroyKek(client_, KekId{3})).destroyed);
  EXPECT_EQ(StateOf(1) + StateOf(3) + StateOf(4) + StateOf(5), "deactivatedgonedeactivatedactive");
  for (int version = 0; version < 3; ++version) {
    Must(RotateDeks(client_, Project("acme")));
    RunAll();
  }
  Intruder intruder(store_.path());
  const std::string second = intruder.Text(
      "SELECT id FROM dek WHERE project_id = 'acme' AND purpose = 'secret'"
      " AND state <> 'active' ORDER BY created_at LIMIT 1 OFFSET 1");
  Must(DestroyDek(client_, Project("acme"), Must(ParseUuid<DekId>(second))));
  EXPECT_EQ(Count("dek WHERE project_id = 'acme' AND purpose = 'secret'"), 3);
  EXPECT_EQ(Count("dek WHERE id = '" + second + "'"), 0);
  ExpectAllOpen(other_);
  store_.ExpectClean();
}

TEST_F(KeyStates, DekIsDestroyedOnlyWhenNothingStandsUnderItAndItHasWaited) {
  Intruder intruder(store_.path());
  const DekId old = Must(ParseUuid<DekId>(
      intruder.Text("SELECT id FROM dek WHERE project_id = 'acme' AND purpose = 'secret'")));
  const auto destroy = [&] { return DestroyDek(client_, Project("acme"), old); };
  EXPECT_THAT(destroy(), FailsNaming(ErrorCode::kRefusedByState, "is active"));
  EXPECT_THAT(DestroyDek(client_, Project("zeta"), old), FailsWith(ErrorCode::kNotFound));
  Must(RotateDeks(client_, Project("acme")));
  EXPECT_THAT(destroy(), FailsNaming(ErrorCode::kRefusedByState, "needed by 2 secret versions"));
  // A note that somebody wrote there destroys nothing that is needed: the store decides.
  intruder.Run("UPDATE dek SET drained_at = 1 WHERE id = $1", {ToText(old)});
  EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 0);
  EXPECT_THAT(destroy(), FailsNaming(ErrorCode::kRefusedByState, "needed by 2 secret versions"));
  intruder.Run("UPDATE dek SET drained_at = NULL WHERE id = $1", {ToText(old)});
  RunAll();
  EXPECT_THAT(destroy(), FailsNaming(ErrorCode::kRefusedByState, "may be destroyed from"));
  EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 0);
  Must(SetPolicy(client_, "dek.destroy_after", "0s"));
  EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 1);
  EXPECT_THAT(destroy(), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Must(ListDestroyedDeks(client_)).front().id, ToText(old));
  ExpectAllOpen(other_);
  store_.ExpectClean();
}

// Values have no foreign key: the second scan after the wait decides.
TEST_F(KeyStates, ValueDekIsDestroyedOnlyAfterASecondScanThatFindsNothing) {
  DestroyAtOnce();
  Must(SetPolicy(client_, "dek.destroy_after", "1h"));
  const std::string old_totp = Totp();
  Must(RotateDeks(client_, Project("acme")));
  RunAll();
  Intruder intruder(store_.path());
  const std::string drained = "dek WHERE purpose = 'value' AND drained_at IS NOT NULL";
  if (Count(drained) == 0) {
    Must(Maintain(client_));  // the first scan began in the rotation's own microsecond
  }
  ASSERT_EQ(Count(drained), 1);
  const auto pass_time = [&] {
    intruder.Run(
        "UPDATE dek SET drained_at = drained_at - 7200000000 WHERE drained_at IS NOT NULL");
    intruder.Run("UPDATE sealed_column SET scanned_at = scanned_at - 7200000000");
  };
  pass_time();
  // An older copy of the app's row comes back meanwhile: it is found, and the wait begins anew.
  Intruder(app_path_).Run("UPDATE user SET totp = $1 WHERE id = 1", {old_totp});
  EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 1) << "only the secret's";
  EXPECT_EQ(Must(Maintain(client_)).destroyed.deks, 0);
  EXPECT_EQ(Count("dek WHERE purpose = 'value' AND state = 'deactivated'"), 1);
  EXPECT_NE(Totp(), old_totp);
  ExpectAllOpen(other_);
  pass_time();
  EXPECT_EQ(Must(Maintain(client_)).destroyed.deks, 1);
  EXPECT_EQ(Count("dek WHERE purpose = 'value' AND state = 'deactivated'"), 0);
  ExpectAllOpen(other_);
  store_.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
