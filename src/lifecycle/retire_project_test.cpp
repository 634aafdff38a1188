// Retiring a project: at once it is refused, after a wait its secrets and keys are gone.
#include <gtest/gtest.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class RetiredProject : public ::testing::Test {
 protected:
  RetiredProject() : client_(store_.Open()), other_(store_.Open()) {
    Must(client_.AddColumn(Label("totp"), ContextKind::kField));
    for (int i = 0; i < 20; ++i) {
      Must(Put(client_, "acme", "name" + std::to_string(i), "value"));
    }
    Must(Put(client_, "zeta", "name", "value"));
    sealed_ = Must(client_.SealValue(Project("acme"), Label("totp"), AsBytes("totp")));
    Must(Get(other_, "acme", "name0"));
  }

  void ExpectRefused(Client& client) {
    EXPECT_THAT(Get(client, "acme", "name0"), FailsNaming(ErrorCode::kRefusedByState, "acme"));
    EXPECT_THAT(Put(client, "acme", "name0", "x"), FailsNaming(ErrorCode::kRefusedByState, "acme"));
    EXPECT_THAT(Put(client, "acme", "new", "x"), FailsNaming(ErrorCode::kRefusedByState, "acme"));
    EXPECT_THAT(client.OpenValue(Project("acme"), Label("totp"), sealed_),
                FailsNaming(ErrorCode::kRefusedByState, "acme"));
    EXPECT_THAT(client.SealValue(Project("acme"), Label("totp"), AsBytes("x")),
                FailsNaming(ErrorCode::kRefusedByState, "acme"));
    EXPECT_EQ(Must(Get(client, "zeta", "name")), "value");
  }
  std::int64_t Count(const std::string& what) {
    return Intruder(store_.path()).Integer("SELECT count(*) FROM " + what);
  }

  TestStore store_;
  Client client_;
  Client other_;
  std::string sealed_;
};

TEST_F(RetiredProject, IsRefusedAtOnceAndDestroyedAfterTheWait) {
  Must(SetPolicy(client_, "backup.kept", "30d"));
  const ProjectRetirement plan = Must(PlanRetirement(client_, Project("acme")));
  EXPECT_EQ(plan.secrets, 20);
  EXPECT_EQ(plan.deks, 2);
  EXPECT_EQ(plan.columns, std::vector<std::string>{"totp"});
  EXPECT_EQ(Must(Get(other_, "acme", "name0")), "value") << "a plan changed something";
  const ProjectRetirement retired = Must(RetireProject(client_, Project("acme")));
  EXPECT_EQ(*retired.backups_until - *retired.destroy_at, std::chrono::hours(30 * 24));
  EXPECT_FALSE(retired.job.has_value());
  ExpectRefused(client_);
  ExpectRefused(other_);
  Must(Maintain(client_));
  EXPECT_EQ(Count("secret WHERE project_id = 'acme'"), 20);
  EXPECT_EQ(Must(RetireProject(client_, Project("acme"))).destroy_at, retired.destroy_at);
  Intruder(store_.path()).Run("UPDATE retired_project SET destroy_at = 1");  // as time passes
  Must(Maintain(other_));
  for (const std::string table : {"secret", "secret_version", "dek"}) {
    EXPECT_EQ(Count(table + " WHERE project_id = 'acme'"), 0) << table;
  }
  EXPECT_EQ(Count("destroyed_key WHERE project_id = 'acme' AND state = 'deactivated'"), 2);
  ExpectRefused(client_);
  EXPECT_THAT(RetireProject(client_, Project("acme")),
              FailsNaming(ErrorCode::kRefusedByState, "were destroyed at"));
  ASSERT_EQ(Must(ListRetirements(client_)).size(), 1U);
  EXPECT_TRUE(Must(ListRetirements(client_)).front().destroyed_at.has_value());
  store_.ExpectClean();
  // Only on demand does it begin anew, and then with nothing.
  Must(CancelRetirement(client_, Project("acme")));
  EXPECT_THAT(Get(other_, "acme", "name0"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(client_.OpenValue(Project("acme"), Label("totp"), sealed_),
              FailsWith(ErrorCode::kIntegrity));
  Must(Put(other_, "acme", "name0", "anew"));
  EXPECT_EQ(Must(Get(client_, "acme", "name0")), "anew");
  store_.ExpectClean();
}

TEST_F(RetiredProject, CanBeTakenBackDuringTheWait) {
  EXPECT_THAT(CancelRetirement(client_, Project("acme")), FailsWith(ErrorCode::kNotFound));
  Must(RetireProject(client_, Project("acme")));
  Must(CancelRetirement(other_, Project("acme")));
  for (Client* client : {&client_, &other_}) {
    EXPECT_EQ(Must(Get(*client, "acme", "name19")), "value");
    EXPECT_EQ(TextOf(Must(client->OpenValue(Project("acme"), Label("totp"), sealed_))), "totp");
  }
  Must(SetPolicy(client_, "destroy.wait", "0s"));
  Must(Maintain(client_));
  EXPECT_EQ(Count("secret WHERE project_id = 'acme'"), 20);
}

TEST_F(RetiredProject, IsOneThatHasKeysAndIsNotTheAppsOwn) {
  EXPECT_THAT(RetireProject(client_, Project("nobody")), FailsWith(ErrorCode::kNotFound));
  Must(Put(client_, "system", "name", "value"));
  EXPECT_THAT(RetireProject(client_, Project("system")),
              FailsNaming(ErrorCode::kRefusedByState, "system"));
  EXPECT_EQ(Must(Get(client_, "system", "name")), "value");
}

// What is left of it in the app's tables keeps no scan from its end.
TEST_F(RetiredProject, LeavesValuesInTheAppThatScansPassOver) {
  const std::string app_path = store_.folder() / "app.db";
  WriteFile(app_path, "");
  Intruder app(app_path);
  app.Run("CREATE TABLE user (id INTEGER PRIMARY KEY, project TEXT, totp TEXT)");
  app.Run("INSERT INTO user VALUES (1, 'acme', $1)", {sealed_});
  Must(client_.AddColumn(Label("totp"), ContextKind::kField, {},
                         ColumnSource{"sqlite:" + app_path, "user", "totp", {"id"}, "project"}));
  app.Run("INSERT INTO user VALUES (2, 'zeta', $1)",
          {Must(client_.SealValue(Project("zeta"), Label("totp"), AsBytes("totp")))});
  Must(SetPolicy(client_, "destroy.wait", "0s"));
  RunJobsOptions options;
  options.jobs = {*Must(RetireProject(client_, Project("acme"))).job};
  Must(RunJobs(client_, options));
  Must(RotateDeks(client_, Project("zeta")));
  EXPECT_EQ(Must(RunJobs(client_)).failed, 0);
  EXPECT_EQ(TextOf(Must(client_.OpenValue(Project("zeta"), Label("totp"),
                                          app.Text("SELECT totp FROM user WHERE id = 2")))),
            "totp");
  store_.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
