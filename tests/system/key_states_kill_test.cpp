// What an operator does to keys is killed at every statement. Whatever stands then opens, and the
// same command with the jobs brings it to its end.
#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "lifecycle/compromise_kek.h"
#include "support/child_process.h"
#include "support/faulty_connection.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr int kSecrets = 20;  // of acme; zeta has one
constexpr std::size_t kStatementStep = 5;

void RunAllJobs(Client& client) {
  RunJobsOptions options;
  options.share_percent = 100;
  EXPECT_EQ(Must(RunJobs(client, options)).failed, 0);
}

// A second call may find that the first was done.
template <class T>
void MustOrWasDone(const Result<T>& result) {
  constexpr std::array kDone = {ErrorCode::kRefusedByState, ErrorCode::kNotFound,
                                ErrorCode::kConflict};
  if (!result && std::ranges::find(kDone, result.error().code) == kDone.end()) {
    Must(result ? Result<void>() : tl::unexpected(result.error()));
  }
}

// A second root's key, beside the stores that are killed.
const std::string& SpareUri() {
  static const TempFolder folder;
  static const std::string uri = [] {
    Must(CreateRootKey(folder / "spare.key"));
    return "file:" + (folder / "spare.key");
  }();
  return uri;
}

struct Operation {
  std::string name;
  std::function<void(Client&)> prepare;
  std::function<void(Client&)> run;  // again, it brings what is half done to its end
  bool acme_stays;                   // its secrets open before, in between and afterwards
  std::string ends;                  // counts 1 in the end
};

const Operation kOperations[] = {
    {"SuspendAndResume", [](Client&) {},
     [](Client& client) {
       MustOrWasDone(SuspendKek(client, KekId{1}));
       MustOrWasDone(ResumeKek(client, KekId{1}));
     },
     false, "kek WHERE id = 1 AND state = 'active' AND resumes_to IS NULL"},
    {"Compromised", [](Client&) {},
     [](Client& client) {
       Must(DeclareCompromised(client, KekId{1}));
       RunAllJobs(client);
     },
     true, "kek WHERE id = 1 AND state = 'compromised'"},
    {"CompromisedByJob", [](Client&) {},
     [](Client& client) {
       Must(CompromiseKek(client, KekId{1}, 0, {}));
       RunAllJobs(client);
     },
     true, "kek WHERE id = 1 AND state = 'compromised'"},
    {"DestroyKek", [](Client& client) { Must(RotateKek(client)); },
     [](Client& client) { MustOrWasDone(DestroyKek(client, KekId{1})); }, true,
     "destroyed_key WHERE kind = 'kek' AND id = '1'"},
    {"DestroyDeks",
     [](Client& client) {
       Must(RotateDeks(client, Project("acme")));
       RunAllJobs(client);
     },
     [](Client& client) { Must(DestroyDueKeys(client)); }, true,
     "destroyed_key WHERE kind = 'dek' AND project_id = 'acme'"},
    {"AddRoot", [](Client&) {},
     [](Client& client) { MustOrWasDone(AddRoot(client, {SpareUri()})); }, true,
     "root_key WHERE id <> 1 AND state = 'active'"},
    {"RemoveRoot", [](Client& client) { Must(AddRoot(client, {SpareUri()})); },
     [](Client& client) { MustOrWasDone(RemoveRoot(client, RootId{2}, RootChange::kCarryOut)); },
     true, "root_key"},
    {"CompromisedRoot", [](Client& client) { Must(AddRoot(client, {SpareUri()})); },
     [](Client& client) {
       Must(MarkRootCompromised(client, RootId{2}, RootChange::kCarryOut));
       RunAllJobs(client);
     },
     true, "root_key WHERE id = 2 AND state = 'compromised'"},
    {"RetireProject", [](Client&) {},
     [](Client& client) {
       MustOrWasDone(RetireProject(client, Project("acme")));
       RunAllJobs(client);
     },
     false, "retired_project WHERE project_id = 'acme' AND destroyed_at IS NOT NULL"},
};

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  return out << operation.name;
}

class KilledOperation : public ::testing::TestWithParam<Operation> {
 protected:
  KilledOperation() {
    Client client = start_.Open();
    Must(SetPolicy(client, "destroy.wait", "0s"));
    Must(SetPolicy(client, "dek.destroy_after", "0s"));
    for (int i = 0; i < kSecrets; ++i) {
      Must(Put(client, "acme", "n" + std::to_string(i), "value"));
    }
    Must(Put(client, "zeta", "name", "value"));
    GetParam().prepare(client);
  }

  static void ExpectAcmeReads(Client& client) {
    for (int i = 0; i < kSecrets; ++i) {
      EXPECT_EQ(Must(Get(client, "acme", "n" + std::to_string(i))), "value");
    }
    EXPECT_EQ(Must(Get(client, "zeta", "name")), "value");
  }

  static std::int64_t Count(const TestStore& store, const std::string& what) {
    return Intruder(store.path()).Integer("SELECT count(*) FROM " + what);
  }

  static void ExpectGoesOn(const TestStore& store) {
    Client client = store.Open();
    if (GetParam().acme_stays) {
      ExpectAcmeReads(client);
    }
    EXPECT_TRUE(VerifyFailures(client).empty());
    GetParam().run(client);
    EXPECT_EQ(Count(store, GetParam().ends), 1);
    EXPECT_EQ(Count(store, "kek WHERE state = 'active' AND purpose = 'wrap'"), 1);
    EXPECT_EQ(Must(Get(client, "zeta", "name")), "value");
    if (GetParam().acme_stays) {
      ExpectAcmeReads(client);
      EXPECT_EQ(Count(store,
                      "secret_version v JOIN dek d ON d.id = v.dek_id"
                      " WHERE d.state <> 'active'"),
                0);
    }
    EXPECT_TRUE(Must(ListJobs(client)).empty());
    store.ExpectClean();
  }

  TestStore start_;
};

TEST_P(KilledOperation, AtEveryStatementIsBroughtToItsEnd) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "copies the store's file";
  }
  for (const Fault fault : {Fault::kNotDone, Fault::kDone}) {
    bool killed = true;
    for (std::size_t call = 0; killed; call += StepOr(kStatementStep)) {
      SCOPED_TRACE("killed at call " + std::to_string(call));
      const TestStore store;
      WriteFile(store.path(), ReadFile(start_.path()));
      WriteFile(store.root_path(), ReadFile(start_.root_path()));
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

INSTANTIATE_TEST_SUITE_P(Of, KilledOperation, ::testing::ValuesIn(kOperations),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace rowseal::testing
