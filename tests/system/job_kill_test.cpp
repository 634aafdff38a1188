// A rotation with its jobs is killed at every statement, at system calls and at random moments.
// Whatever stands then opens, the next run finishes what was begun, and a run after that changes
// nothing.
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "client/session.h"
#include "envelope/sealed_value.h"
#include "support/child_process.h"
#include "support/faulty_connection.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr int kSecrets = 80;  // more than a batch
constexpr std::size_t kStatementStep = 7;
constexpr std::size_t kSystemCallStep = 5;
constexpr std::size_t kRandomKills = 40;

void RunAllJobs(Client& client) {
  RunJobsOptions options;
  options.share_percent = 100;
  Must(RunJobs(client, options));
}

// What is killed: it begins a rotation and runs what belongs to it.
struct Rotating {
  std::string name;
  std::function<void(Client&)> run;
};

const Rotating kRotations[] = {
    {"OneProject",
     [](Client& client) {
       Must(RotateDeks(client, Project("acme")));
       RunAllJobs(client);
     }},
    {"AllProjects",
     [](Client& client) {
       Must(RotateDeks(client, {}));
       RunAllJobs(client);
     }},
    {"KekAndRewrap",
     [](Client& client) {
       Must(RotateKek(client));
       Must(StartRewrap(client));
       RunAllJobs(client);
     }},
};

std::ostream& operator<<(std::ostream& out, const Rotating& rotating) {
  return out << rotating.name;
}

class KilledRotation : public ::testing::TestWithParam<Rotating> {
 protected:
  // A store with secrets of two projects, from which each kill begins anew.
  KilledRotation() {
    Client client = start_.Open();
    for (int i = 0; i < kSecrets; ++i) {
      Must(Put(client, i % 4 == 0 ? "zeta" : "acme", "n" + std::to_string(i), ValueOf(i)));
    }
  }

  static std::string ValueOf(int number) { return "value " + std::to_string(number); }

  void CopyStart(const TestStore& store) const {
    WriteFile(store.path(), ReadFile(start_.path()));
    WriteFile(store.root_path(), ReadFile(start_.root_path()));
  }

  static std::int64_t Count(const TestStore& store, const std::string& what) {
    return Intruder(store.path()).Integer("SELECT count(*) FROM " + what);
  }

  static void ExpectAllRead(Client& client) {
    for (int i = 0; i < kSecrets; ++i) {
      EXPECT_EQ(Must(Get(client, i % 4 == 0 ? "zeta" : "acme", "n" + std::to_string(i))),
                ValueOf(i));
    }
  }

  // After a kill: nothing is lost, the next run finishes, and one after that changes nothing.
  static void ExpectGoesOn(const TestStore& store) {
    {
      Client client = store.Open();
      ExpectAllRead(client);
      RunAllJobs(client);
      ExpectAllRead(client);
      EXPECT_TRUE(Must(ListJobs(client)).empty());
    }
    EXPECT_EQ(Count(store,
                    "secret_version v JOIN dek d ON d.id = v.dek_id"
                    " WHERE d.state <> 'active' OR d.drained_at IS NOT NULL"),
              0);
    EXPECT_EQ(Count(store, "dek WHERE state = 'active'"), 2);
    EXPECT_EQ(Count(store, "dek WHERE state <> 'active' AND drained_at IS NULL"), 0);
    EXPECT_EQ(Count(store, "kek WHERE state = 'active' AND purpose = 'wrap'"), 1);
    EXPECT_EQ(Count(store, "dek d JOIN kek k ON k.id = d.kek_id WHERE k.state <> 'active'"), 0);
    store.ExpectClean();
    const std::string content = store.Content();
    {
      Client client = store.Open();
      RunAllJobs(client);
    }
    EXPECT_EQ(store.Content(), content);
  }

  TestStore start_;
};

TEST_P(KilledRotation, AtEveryStatementGoesOnAtTheNextRun) {
  for (const Fault fault : {Fault::kNotDone, Fault::kDone}) {
    bool killed = true;
    for (std::size_t call = 0; killed; call += StepOr(kStatementStep)) {
      SCOPED_TRACE("killed at call " + std::to_string(call));
      const TestStore store;
      CopyStart(store);
      ChildProcess child([&] {
        auto owned = std::make_unique<FaultyConnection>(OpenTestConnection(store.path()));
        FaultyConnection* const connection = owned.get();
        Client client = Must(store.Connect(std::move(owned)));
        connection->DieAt(call, fault);
        GetParam().run(client);
      });
      const int status = child.Wait();
      killed = status == -SIGKILL;
      ASSERT_TRUE(killed || status == 0) << status;
      ExpectGoesOn(store);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_P(KilledRotation, AtSystemCallsGoesOnAtTheNextRun) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  std::optional<std::string> killed_at = "begin";
  for (std::size_t call = 0; killed_at; call += StepOr(kSystemCallStep)) {
    const TestStore store;
    CopyStart(store);
    killed_at = KillBeforeSystemCall(call, [&](const std::function<void()>& begin) {
      Client client = store.Open();
      begin();
      GetParam().run(client);
    });
    SCOPED_TRACE("killed before system call " + std::to_string(call) + ", " +
                 killed_at.value_or("none"));
    ExpectGoesOn(store);
    ASSERT_FALSE(HasFailure());
  }
}

// On one store, again and again, so that rotations pile up; two processes at once.
TEST_P(KilledRotation, AtRandomMomentsGoesOnAtTheNextRun) {
  const TestStore store;
  CopyStart(store);
  Random random(6000);
  for (std::size_t kill = 0; kill < Scaled(kRandomKills); ++kill) {
    SCOPED_TRACE("seed " + std::to_string(random.seed()) + ", kill " + std::to_string(kill));
    const auto work = [&] {
      Client client = store.Open();
      for (;;) {
        GetParam().run(client);
      }
    };
    ChildProcess one(work);
    ChildProcess two(work);
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(60'000)));
    EXPECT_TRUE(one.Kill());
    EXPECT_TRUE(two.Kill());
    if (kill % 4 == 3) {
      ExpectGoesOn(store);
    }
    ASSERT_FALSE(HasFailure());
  }
  ExpectGoesOn(store);
}

INSTANTIATE_TEST_SUITE_P(Of, KilledRotation, ::testing::ValuesIn(kRotations),
                         [](const auto& test) { return test.param.name; });

// Values in an app's own table: the app's file and the store are two, so the app's is changed
// first.
TEST(KilledColumnReseal, AtSystemCallsGoesOnAtTheNextRun) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  constexpr int kRows = 5;
  const auto open_all = [](Client& client, const std::string& app_path) {
    Intruder app(app_path);
    for (int id = 1; id <= kRows; ++id) {
      const std::string text = app.Text("SELECT totp FROM user WHERE id = $1", {std::int64_t{id}});
      EXPECT_EQ(TextOf(Must(
                    client.OpenValue(Project("acme"), Label("totp"), text, {std::to_string(id)}))),
                "totp " + std::to_string(id));
    }
  };
  std::optional<std::string> killed_at = "begin";
  for (std::size_t call = 0; killed_at; call += StepOr(kSystemCallStep)) {
    const TestStore store;
    const std::string app_path = store.folder() / "app.db";
    WriteFile(app_path, "");
    Intruder(app_path).Run("CREATE TABLE user (id INTEGER PRIMARY KEY, project TEXT, totp TEXT)");
    {
      Client client = store.Open();
      Must(client.AddColumn(Label("totp"), ContextKind::kCell, {},
                            ColumnSource{"sqlite:" + app_path, "user", "totp", {"id"}, "project"}));
      for (int id = 1; id <= kRows; ++id) {
        const std::string value = "totp " + std::to_string(id);
        const std::string sealed = Must(
            client.SealValue(Project("acme"), Label("totp"), AsBytes(value), {std::to_string(id)}));
        Intruder(app_path).Run("INSERT INTO user VALUES ($1, 'acme', $2)",
                               {std::int64_t{id}, sealed});
      }
    }
    killed_at = KillBeforeSystemCall(call, [&](const std::function<void()>& begin) {
      Client client = store.Open();
      begin();
      Must(RotateDeks(client, Project("acme")));
      RunAllJobs(client);
    });
    SCOPED_TRACE("killed before system call " + std::to_string(call) + ", " +
                 killed_at.value_or("none"));
    Client client = store.Open();
    open_all(client, app_path);
    RunAllJobs(client);
    open_all(client, app_path);
    Intruder app(app_path);
    for (int id = 1; id <= kRows; ++id) {
      const SealedValue value = Must(
          DecodeSealedValue(app.Text("SELECT totp FROM user WHERE id = $1", {std::int64_t{id}})));
      EXPECT_EQ(
          Intruder(store.path()).Text("SELECT state FROM dek WHERE id = $1", {ToText(value.dek)}),
          "active");
    }
    EXPECT_TRUE(Must(ListJobs(client)).empty());
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace rowseal::testing
