// Rotating DEKs: what stands under the old ones is sealed again, in Rowseal's tables and in an
// app's.
#include "client/session.h"
#include "envelope/sealed_text.h"
#include "envelope/sealed_value.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class Reseal : public ::testing::Test {
 protected:
  Reseal() {
    Client client = store_.Open();
    for (const std::string project : {"acme", "zeta"}) {
      for (int i = 0; i < 20; ++i) {
        Must(Put(client, project, "name" + std::to_string(i), ValueOf(project, i, 1)));
      }
      Must(Put(client, project, "name0", ValueOf(project, 0, 2)));
    }
  }

  static std::string ValueOf(const std::string& project, int name, int version) {
    return project + " " + std::to_string(name) + " " + std::to_string(version);
  }
  static void ExpectAllRead(Client& client) {
    for (const std::string project : {"acme", "zeta"}) {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(Must(Get(client, project, "name" + std::to_string(i), 1)),
                  ValueOf(project, i, 1));
      }
      EXPECT_EQ(Must(Get(client, project, "name0")), ValueOf(project, 0, 2));
    }
  }
  std::int64_t Stale(const std::string& project) {
    return Intruder(store_.path())
        .Integer(
            "SELECT count(*) FROM secret_version v JOIN dek d ON d.project_id = v.project_id"
            " AND d.id = v.dek_id WHERE v.project_id = $1 AND d.state <> 'active'",
            {project});
  }
  std::int64_t Deks(const std::string& where) {
    return Intruder(store_.path()).Integer("SELECT count(*) FROM dek WHERE " + where);
  }
  static JobsReport RunAll(Client& client) { return Must(RunJobs(client)); }

  TestStore store_;
};

TEST_F(Reseal, RotatingOneProjectSealsItsVersionsAgainAndNoOthers) {
  Client client = store_.Open();
  const std::string other = Intruder(store_.path())
                                .Text(
                                    "SELECT hex(group_concat(nonce)) FROM secret_version WHERE"
                                    " project_id = 'zeta'");
  const DekRotation rotation = Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(rotation.rotated, 1);
  EXPECT_EQ(Stale("acme"), 21);
  ExpectAllRead(client);
  RunJobsOptions options;
  options.jobs = rotation.jobs;
  const JobsReport report = Must(RunJobs(client, options));
  EXPECT_EQ(report.failed, 0);
  EXPECT_EQ(report.jobs.front().done, 21);
  EXPECT_EQ(Stale("acme"), 0);
  EXPECT_EQ(Deks("project_id = 'acme' AND state = 'deactivated' AND drained_at IS NOT NULL"), 1);
  EXPECT_EQ(Intruder(store_.path())
                .Text("SELECT hex(group_concat(nonce)) FROM secret_version WHERE"
                      " project_id = 'zeta'"),
            other);
  ExpectAllRead(client);
  store_.ExpectClean();
}

TEST_F(Reseal, RotatingAllLeavesNoVersionUnderAnOldKey) {
  // Also under one that a wrong clock dated ten years ahead.
  Intruder(store_.path())
      .Run("UPDATE dek SET created_at = created_at + 315360000000000 WHERE project_id = 'zeta'");
  Client client = store_.Open();
  for (int round = 0; round < 3; ++round) {
    const DekRotation rotation = Must(RotateDeks(client, {}));
    RunJobsOptions options;
    options.jobs = rotation.jobs;
    EXPECT_EQ(Must(RunJobs(client, options)).failed, 0);
    EXPECT_EQ(Stale("acme") + Stale("zeta"), 0);
  }
  EXPECT_EQ(Deks("state = 'active'"), 2);
  EXPECT_EQ(Deks("state = 'deactivated' AND drained_at IS NOT NULL"), 6);
  EXPECT_TRUE(Must(ListJobs(client)).empty());
  const std::string before = store_.Content();
  EXPECT_TRUE(RunAll(client).jobs.empty());
  EXPECT_EQ(store_.Content(), before) << "a run with nothing to do changed something";
  ExpectAllRead(client);
  store_.ExpectClean();
}

// Versions form a set: the second rotation moves what the first has not reached, and what it has.
TEST_F(Reseal, ASecondRotationMayBeginBeforeTheFirstHasEnded) {
  Client client = store_.Open();
  Must(RotateDeks(client, Project("acme")));
  RunJobsOptions one_batch;
  one_batch.on_progress = [](const JobSummary&) { return false; };
  Must(RunJobs(client, one_batch));
  const Listing<JobSummary> first = Must(ListJobs(client));
  ASSERT_EQ(first.size(), 1U);
  Must(RotateDeks(client, Project("acme")));
  const Listing<JobSummary> second = Must(ListJobs(client));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second.front().id, first.front().id);
  EXPECT_EQ(second.front().run, first.front().run + 1);
  EXPECT_EQ(RunAll(client).failed, 0);
  EXPECT_EQ(Stale("acme"), 0);
  EXPECT_EQ(Deks("project_id = 'acme' AND drained_at IS NOT NULL"), 2);
  ExpectAllRead(client);
  store_.ExpectClean();
}

TEST_F(Reseal, APoisonedRowIsNamedTheOthersAreDoneAndTheNextRunTriesItAgain) {
  Client client = store_.Open();
  Intruder intruder(store_.path());
  const std::string secret =
      intruder.Text("SELECT secret_id FROM secret_version WHERE project_id = 'acme' LIMIT 1");
  const std::string where = " WHERE project_id = 'acme' AND secret_id = $1 AND version = 1";
  const Bytes saved = intruder.Blob("SELECT encrypted_data FROM secret_version" + where, {secret});
  intruder.Run("UPDATE secret_version SET encrypted_data = zeroblob(48)" + where, {secret});
  Must(RotateDeks(client, Project("acme")));
  JobsReport report = RunAll(client);
  EXPECT_EQ(report.failed, 1);
  ASSERT_EQ(report.jobs.size(), 1U);
  EXPECT_EQ(report.jobs.front().state, JobState::kFailed);
  EXPECT_EQ(report.jobs.front().done, 20);
  const std::vector<ItemFailure> failures = Must(ListItemFailures(client, report.jobs[0].id));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.front().item, "secret_version acme/" + secret + "/1");
  EXPECT_EQ(Stale("acme"), 1);
  EXPECT_EQ(Deks("project_id = 'acme' AND drained_at IS NOT NULL"), 0)
      << "a key that a row still needs was called drained";
  EXPECT_EQ(RunAll(client).failed, 1) << "the next run did not try it again";

  intruder.Run("UPDATE secret_version SET encrypted_data = $2" + where, {secret, saved});
  report = RunAll(client);
  EXPECT_EQ(report.failed, 0);
  EXPECT_EQ(Stale("acme"), 0);
  EXPECT_EQ(Deks("project_id = 'acme' AND drained_at IS NOT NULL"), 1);
  ExpectAllRead(client);
  store_.ExpectClean();
}

TEST_F(Reseal, APausedJobWaitsAndACancelledOneLeavesEverythingReadable) {
  Client client = store_.Open();
  const JobId job = Must(RotateDeks(client, Project("acme"))).jobs.front();
  Must(PauseJob(client, job));
  EXPECT_TRUE(RunAll(client).jobs.empty());
  EXPECT_EQ(Stale("acme"), 21);
  Must(CancelJob(client, job));
  EXPECT_THAT(ResumeJob(client, job), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_TRUE(RunAll(client).jobs.empty());
  ExpectAllRead(client);
  Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(RunAll(client).failed, 0);
  EXPECT_EQ(Stale("acme"), 0);
}

TEST_F(Reseal, AJobThatCannotBeRunKeepsNoOtherFromIt) {
  Client client = store_.Open();
  Intruder(store_.path())
      .Run(
          "INSERT INTO job (id, kind, object, argument, state, run, position, total, done, failed,"
          " created_at, changed_at) VALUES ('00000000-0000-7000-8000-000000000000', 'nothing', '',"
          " '', 'ready', 1, '', 0, 0, 0, 0, 0)");
  Must(RotateDeks(client, Project("acme")));
  EXPECT_THAT(RunJobs(client), FailsNaming(ErrorCode::kIntegrity, "an unknown kind"));
  EXPECT_EQ(Stale("acme"), 0);
  Must(CancelJob(client, Must(ParseUuid<JobId>("00000000-0000-7000-8000-000000000000"))));
  EXPECT_TRUE(RunAll(client).jobs.empty());
}

TEST_F(Reseal, AProjectWithoutADekIsNotFound) {
  Client client = store_.Open();
  EXPECT_THAT(RotateDeks(client, Project("nobody")), FailsWith(ErrorCode::kNotFound));
}

TEST_F(Reseal, TheCensusSaysWhatNeedsAKey) {
  Client client = store_.Open();
  Must(RotateDeks(client, Project("acme")));
  Listing<KekCensus> census = Must(TakeCensus(client, CountFrom::kEveryRow));
  ASSERT_EQ(census.size(), 1U);
  EXPECT_EQ(census[0].projects, 2);
  EXPECT_EQ(census[0].secrets, 40);
  EXPECT_EQ(census[0].versions, 42);
  ASSERT_EQ(census[0].deks.size(), 2U);  // secret active, secret deactivated
  EXPECT_EQ(census[0].deks[0].deks, 2);
  EXPECT_EQ(census[0].deks[1].deks, 1);
  EXPECT_EQ(census[0].deks[1].drained, 0);
  RunAll(client);
  EXPECT_EQ(Must(TakeCensus(client))[0].deks[1].drained, 1);
  Must(RotateKek(client));
  census = Must(TakeCensus(client));
  ASSERT_EQ(census.size(), 2U);
  EXPECT_TRUE(census[0].deks.empty());
  EXPECT_EQ(census[1].projects, 2);
  EXPECT_FALSE(census[1].versions.has_value());
}

TEST_F(Reseal, ARewrapByJobLeavesEveryDekUnderTheActiveKek) {
  Client client = store_.Open();
  Must(RotateKek(client));
  Intruder intruder(store_.path());
  const std::vector<Row> rewrapped = intruder.Table("dek");
  Must(RotateKek(client));
  intruder.Restore("dek", rewrapped);  // as if there had been too many for the rotation itself
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE kek_id = 3"), 2);
  Must(StartRewrap(client));
  EXPECT_EQ(RunAll(client).failed, 0);
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM dek WHERE kek_id <> 4"), 0);
  ExpectAllRead(client);
  store_.ExpectClean();
}

// --- an app's own table --------------------------------------------------------------------------

class App final {
 public:
  explicit App(const std::string& path) : path_(path) {
    WriteFile(path, "");
    Run("CREATE TABLE user (id INTEGER PRIMARY KEY, project TEXT, totp TEXT, doc TEXT, note BLOB)");
  }
  void Run(const std::string& sql) const { Intruder(path_).Run(sql); }
  std::string Text(const std::string& sql) const {
    const Value value = Intruder(path_).One(sql);
    const auto* text = std::get_if<std::string>(&value);
    return text == nullptr ? "NULL" : *text;
  }
  ColumnSource Place(const std::string& column) const {
    return {"sqlite:" + path_, "user", column, {"id"}, "project"};
  }

 private:
  const std::string path_;
};

class ResealColumns : public ::testing::Test {
 protected:
  ResealColumns() : app_(store_.folder() / "app.db") {
    Client client = store_.Open();
    Must(client.AddColumn(Label("totp"), ContextKind::kCell, {}, app_.Place("totp")));
    Must(client.AddColumn(Label("doc"), ContextKind::kField, {}, app_.Place("doc")));
    for (int id = 1; id <= 5; ++id) {
      const std::string doc = Seal(client, "doc", "doc " + std::to_string(id));
      app_.Run("INSERT INTO user (id, project, totp, doc) VALUES (" + std::to_string(id) +
               ", 'acme', '" + Seal(client, "totp", "totp " + std::to_string(id), id) +
               "', '{\"a\": \"" + doc + "\", \"b\": [\"" + doc + "\", \"rs1.\", 1]}')");
    }
    app_.Run("INSERT INTO user (id, project, totp, doc) VALUES (6, 'acme', NULL, 'plain')");
  }

  static std::string Seal(Client& client, const std::string& label, const std::string& value,
                          int id = 0) {
    return Must(client.SealValue(
        Project("acme"), Label(label), AsBytes(value),
        id == 0 ? std::vector<std::string>() : std::vector<std::string>{std::to_string(id)}));
  }
  std::string At(const std::string& column, int id) const {
    return app_.Text("SELECT " + column + " FROM user WHERE id = " + std::to_string(id));
  }
  std::string OpenTotp(Client& client, int id) const {
    return TextOf(Must(
        client.OpenValue(Project("acme"), Label("totp"), At("totp", id), {std::to_string(id)})));
  }
  void ExpectAllOpen(Client& client) const {
    for (int id = 1; id <= 5; ++id) {
      EXPECT_EQ(OpenTotp(client, id), "totp " + std::to_string(id));
      const std::string doc = At("doc", id);
      const std::vector<SealedSpan> spans = FindSealedValues(doc);
      ASSERT_EQ(spans.size(), 2U);
      for (const SealedSpan& span : spans) {
        EXPECT_EQ(
            TextOf(Must(client.OpenValue(Project("acme"), Label("doc"),
                                         std::string_view(doc).substr(span.offset, span.size)))),
            "doc " + std::to_string(id));
      }
      EXPECT_TRUE(doc.ends_with(", \"rs1.\", 1]}"));
    }
  }
  std::int64_t StaleValues() const {
    Intruder intruder(store_.path());
    std::int64_t stale = 0;
    for (int id = 1; id <= 5; ++id) {
      const std::string text = At("totp", id) + " " + At("doc", id);
      for (const SealedSpan& span : FindSealedValues(text)) {
        const SealedValue value =
            Must(DecodeSealedValue(std::string_view(text).substr(span.offset, span.size)));
        stale += intruder.Integer("SELECT count(*) FROM dek WHERE id = $1 AND state <> 'active'",
                                  {ToText(value.dek)});
      }
    }
    return stale;
  }

  TestStore store_;
  App app_;
};

TEST_F(ResealColumns, ValuesOfBothContextsAreSealedAgainInPlace) {
  Client client = store_.Open();
  Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(StaleValues(), 15);
  ExpectAllOpen(client);
  EXPECT_EQ(Must(RunJobs(client)).failed, 0);
  EXPECT_EQ(StaleValues(), 0);
  ExpectAllOpen(client);
  EXPECT_EQ(At("totp", 6), "NULL");
  EXPECT_EQ(At("doc", 6), "plain");
  EXPECT_EQ(Must(TakeCensus(client, CountFrom::kEveryRow)).front().values, 15);
}

TEST_F(ResealColumns, AMovedOrCutValueIsNamedAndTheOthersAreDone) {
  Client client = store_.Open();
  const std::string one = At("totp", 1);
  const std::string two = At("totp", 2);
  app_.Run("UPDATE user SET totp = '" + one + "' WHERE id = 2");
  app_.Run("UPDATE user SET totp = '" + one.substr(0, one.size() - 4) + "' WHERE id = 3");
  app_.Run("UPDATE user SET project = 'other' WHERE id = 4");
  app_.Run("UPDATE user SET project = NULL WHERE id = 5");
  Must(RotateDeks(client, Project("acme")));
  const JobsReport report = Must(RunJobs(client));
  EXPECT_EQ(report.failed, 6);  // rows 2 and 3 of totp, 4 and 5 of both columns
  EXPECT_EQ(At("totp", 2), one) << "a value that does not open was touched";
  EXPECT_NE(At("totp", 1), one);
  EXPECT_EQ(OpenTotp(client, 1), "totp 1");
}

// The app writes between the read and the change: its text stands, and is looked at again.
TEST_F(ResealColumns, AnAppThatWritesMeanwhileWins) {
  Client client = store_.Open();
  class Meddling final : public AppColumn {
   public:
    Meddling(std::unique_ptr<AppColumn> inner, std::function<void()> meddle)
        : inner_(std::move(inner)), meddle_(std::move(meddle)) {}
    Result<std::int64_t> Count() override { return inner_->Count(); }
    Result<std::vector<AppValue>> Read(const std::string& position, std::size_t limit,
                                       std::int64_t bytes) override {
      return inner_->Read(position, limit, bytes);
    }
    Result<std::vector<bool>> Replace(const std::vector<AppChange>& changes) override {
      if (meddle_ && !changes.empty()) {
        std::exchange(meddle_, nullptr)();
      }
      return inner_->Replace(changes);
    }

   private:
    std::unique_ptr<AppColumn> inner_;
    std::function<void()> meddle_;
  };
  Client opener = store_.Open();
  const std::string read_before = Seal(opener, "totp", "saved again", 5);
  Must(RotateDeks(client, Project("acme")));
  const std::string old_text = At("totp", 2);
  bool meddled = false;
  SessionOf(client).UseAppColumns(
      [&](const ColumnSource& source) -> Result<std::unique_ptr<AppColumn>> {
        ROWSEAL_ASSIGN(std::unique_ptr<AppColumn> inner, SessionOf(opener).OpenAppColumn(source));
        if (source.column != "totp") {
          return inner;
        }
        return std::make_unique<Meddling>(std::move(inner), [&] {
          meddled = true;
          app_.Run("UPDATE user SET totp = '" + Seal(opener, "totp", "newer", 3) +
                   "' WHERE id = 3");
          app_.Run("UPDATE user SET totp = NULL WHERE id = 4");
          // A whole row that the app had read before the rotation.
          app_.Run("UPDATE user SET totp = '" + read_before + "' WHERE id = 5");
        });
      });
  EXPECT_EQ(Must(RunJobs(client)).failed, 0);
  EXPECT_TRUE(meddled);
  EXPECT_EQ(OpenTotp(client, 3), "newer");
  EXPECT_EQ(At("totp", 4), "NULL");
  EXPECT_EQ(OpenTotp(client, 5), "saved again");
  EXPECT_EQ(StaleValues(), 0) << "an old value that the app put back was passed over";
  EXPECT_EQ(OpenTotp(client, 2), "totp 2");
  EXPECT_NE(At("totp", 2), old_text);
}

// A value key has no foreign key: it is drained after a whole scan that began when no app could
// still hold a value under it.
TEST_F(ResealColumns, AValueDekIsDrainedByAScanBehindTheSettleTimeOnly) {
  Timestamp now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  Client client = store_.Open();
  UseStoreClock(ConnectionOf(client), [&] { return now; });
  const auto drained = [&] {
    return Intruder(store_.path()).Integer("SELECT count(*) FROM dek WHERE drained_at IS NOT NULL");
  };
  Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(Must(Maintain(client)).jobs.failed, 0);
  EXPECT_EQ(drained(), 0);
  now += std::chrono::hours(23);
  EXPECT_TRUE(Must(Maintain(client)).jobs.jobs.empty());
  now += std::chrono::hours(2);
  EXPECT_EQ(Must(Maintain(client)).jobs.jobs.size(), 2U);
  EXPECT_EQ(drained(), 1);
  EXPECT_TRUE(Must(Maintain(client)).jobs.jobs.empty()) << "a drained key was scanned for again";
}

// A run of one batch, which is its last: it counts as a scan too.
TEST_F(ResealColumns, AColumnThatHoldsNothingDoesNotKeepAKeyNeeded) {
  Timestamp now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  Client client = store_.Open();
  UseStoreClock(ConnectionOf(client), [&] { return now; });
  Must(client.AddColumn(Label("note"), ContextKind::kField, {}, app_.Place("note")));
  Must(RotateDeks(client, Project("acme")));
  now += std::chrono::hours(25);
  EXPECT_EQ(Must(Maintain(client)).jobs.failed, 0);
  EXPECT_EQ(
      Intruder(store_.path()).Integer("SELECT count(*) FROM dek WHERE drained_at IS NOT NULL"), 1);
  EXPECT_TRUE(Must(Maintain(client)).jobs.jobs.empty()) << "an empty column was scanned again";
}

TEST_F(ResealColumns, AJobSaysWhatItWorksOnForPeople) {
  Client client = store_.Open();
  Must(Put(client, "acme", "KEY", "1"));
  Must(RotateDeks(client, Project("acme")));
  Must(RotateDeks(client, {}));
  Must(StartRewrap(client));
  std::multimap<std::string, std::string> subjects;
  for (const JobSummary& job : Must(ListJobs(client))) {
    subjects.emplace(job.kind, job.subject);
  }
  using ::testing::Pair;
  EXPECT_THAT(subjects, ::testing::UnorderedElementsAre(
                            Pair("reseal", "acme"), Pair("reseal-column", "doc"),
                            Pair("reseal-column", "totp"), Pair("rewrap", "default"),
                            Pair("dek-rotate", "all projects")));
  for (const JobSummary& job : Must(RunJobs(client)).jobs) {
    EXPECT_NE(job.subject, "") << job.kind;
  }
}

TEST_F(ResealColumns, AColumnWithoutAPlaceKeepsItsKeyNeeded) {
  Timestamp now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  Client client = store_.Open();
  UseStoreClock(ConnectionOf(client), [&] { return now; });
  Must(client.AddColumn(Label("elsewhere"), ContextKind::kField));
  const DekRotation rotation = Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(rotation.columns_without_source, std::vector<std::string>{"elsewhere"});
  EXPECT_EQ(Must(RunJobs(client)).failed, 0);
  now += std::chrono::hours(48);
  Must(Maintain(client));
  EXPECT_EQ(
      Intruder(store_.path()).Integer("SELECT count(*) FROM dek WHERE drained_at IS NOT NULL"), 0);
}

TEST_F(ResealColumns, APlaceThatSomebodyRedirectedIsRefused) {
  Client client = store_.Open();
  Must(RotateDeks(client, Project("acme")));
  Intruder(store_.path()).Run("UPDATE sealed_column SET source_table = 'victim'");
  EXPECT_THAT(RunJobs(client), FailsWith(ErrorCode::kIntegrity));
  Intruder(store_.path())
      .Run(
          "UPDATE sealed_column SET source_database = NULL, source_table = NULL,"
          " source_column = NULL, source_keys = NULL, source_project = NULL");
  EXPECT_TRUE(Must(client.Columns()).empty());
  EXPECT_FALSE(Must(client.Columns()).unreadable.empty());
}

TEST_F(ResealColumns, APlaceThatIsNoneIsRefusedWhenItIsRegistered) {
  Client client = store_.Open();
  ColumnSource source = app_.Place("totp");
  const auto add = [&] { return client.AddColumn(Label("new"), ContextKind::kCell, {}, source); };
  source.table = "nobody";
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
  source = app_.Place("nothing");
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
  source = app_.Place("totp");
  source.keys = {"project"};
  EXPECT_THAT(add(),
              FailsNaming(ErrorCode::kInvalidArgument, "neither its primary key nor unique"));
  source.keys = {};
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
  source = app_.Place("totp");
  source.table = "a\nb";
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
  source = app_.Place("totp");
  source.database = "sqlite:" + (store_.folder() / "missing.db");
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
  source.database = "mysql:x";
  EXPECT_THAT(add(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(SealedText, FindsWholeTextsJsonStringsAndPartsOfTexts) {
  const std::string value = "rs1." + std::string(100, 'A');
  const auto count = [](const std::string& text) { return FindSealedValues(text).size(); };
  EXPECT_EQ(count(value), 1U);
  EXPECT_EQ(count("\"" + value + "\""), 1U);
  EXPECT_EQ(count("Bearer " + value + "."), 1U);
  EXPECT_EQ(count(value + " " + value), 2U);
  EXPECT_EQ(count("x" + value), 0U);
  EXPECT_EQ(count("rs1."), 0U);
  EXPECT_EQ(count("see rs1.short"), 0U);
  EXPECT_EQ(count(""), 0U);
}

}  // namespace
}  // namespace rowseal::testing
