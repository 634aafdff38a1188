// No root is asked while the store is locked. The root here is a program that, each time it is
// asked, changes the same store by another process, which waits for every lock there is: were one
// held, it would give up and say so. Nothing is timed.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <rowseal/jobs.h>
#include <rowseal/key_bundle.h>
#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>
#include <rowseal/policy.h>
#include <rowseal/roots.h>

#include "support/paths.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class UnlockedRoots : public ::testing::Test {
 protected:
  UnlockedRoots() {
    const std::string make = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out " +
                             folder_ / "key.pem" + " 2>/dev/null";
    EXPECT_EQ(std::system(make.c_str()), 0);
    Must(CreateRootKey(folder_ / "third.key"));
    WriteProgram("");
    Client client = store_.Open();
    Must(Put(client, "p1", "name", "value"));
    Must(Put(client, "p2", "name", "value"));
  }

  // `beside` is what the program does, once it has read what it is asked.
  void WriteProgram(const std::string& beside) const {
    WriteFile(folder_ / "root.sh",
              "#!/bin/bash\nread -r name version verb\ncat > " + folder_ / "asked" +
                  "\n[ \"$verb\" = describe ] || {\n" + beside + "\n:\n}\n" +
                  "{ echo \"$name $version $verb\"; cat " + folder_ / "asked" +
                  "; } | KEY_FILE=" + folder_ / "key.pem" + " " + ROWSEAL_SOURCE_DIR +
                  "/examples/exec-root/openssl-file.sh\n",
              0700);
  }
  // A command of the program's that changes the store, with the root that is a file.
  std::string Rowseal(const std::string& arguments) const {
    return std::string(ROWSEAL_CLI_PATH) + " --state none --actor beside --store " +
           (TestsPostgres() ? store_.path() : "sqlite:" + store_.path()) +
           " --root file:" + store_.root_path() + " " + arguments + " >> " + folder_ / "log" +
           " 2>&1";
  }
  void LockTheStoreWhenAsked() const {
    WriteProgram("echo value | " + Rowseal("secret put p1 beside") + " && " +
                 Rowseal("policy set backup.kept 30d") + "\necho \"$verb $?\" >> " +
                 folder_ / "asks");
  }

  std::string Root() const { return "exec:" + folder_ / "root.sh"; }
  Client Open(std::vector<std::string> roots) const {
    StoreOptions options = store_.Options();
    options.roots = std::move(roots);
    return Must(OpenStore(options));
  }
  std::string File() const { return "file:" + store_.root_path(); }

  // How often the root was asked since the last look; each time the store was free.
  int Asks() const {
    if (!std::filesystem::exists(folder_ / "asks")) {
      return 0;
    }
    std::istringstream lines(ReadFile(folder_ / "asks"));
    int asks = 0;
    for (std::string verb, status; lines >> verb >> status; ++asks) {
      EXPECT_EQ(status, "0") << verb << ": " << ReadFile(folder_ / "log");
    }
    std::filesystem::remove(folder_ / "asks");
    return asks;
  }

  TestStore store_{TestStore::Keys::kOwn};
  TempFolder folder_;
};

TEST_F(UnlockedRoots, AreAskedBeforeTheStoreIsLockedByEveryVerb) {
  LockTheStoreWhenAsked();
  {
    Client client = store_.Open();
    Must(AddRoot(client, {.uri = Root()}));
    EXPECT_GE(Asks(), 2) << "one wrapping a KEK";
  }
  const auto expect_asked = [&](const char* verb, const auto& run) {
    SCOPED_TRACE(verb);
    Client client = Open({Root(), File()});  // has opened no KEK yet
    run(client);
    EXPECT_GE(Asks(), 1);
  };
  const ProjectId p1 = Project("p1");
  const std::string bundle = Must(ExportKeys(*std::make_unique<Client>(store_.Open()))).text;
  expect_asked("put", [&](Client& c) { Must(Put(c, "p3", "name", "value")); });
  expect_asked("rename", [&](Client& c) { Must(c.Rename(p1, Named("name"), Named("other"))); });
  expect_asked("expire", [&](Client& c) {
    Must(c.Expire(p1, Named("other"), {}, Timestamp(std::chrono::hours(24 * 365 * 100))));
  });
  expect_asked("dek rotate", [&](Client& c) { Must(RotateDeks(c, p1)); });
  expect_asked("jobs run", [](Client& c) { EXPECT_EQ(Must(RunJobs(c)).failed, 0); });
  expect_asked("kek rotate", [](Client& c) { EXPECT_TRUE(Must(RotateKek(c)).failures.empty()); });
  expect_asked("kek rewrap", [](Client& c) {
    Must(StartRewrap(c));
    EXPECT_EQ(Must(RunJobs(c)).failed, 0);
  });
  expect_asked("root add to a project", [&](Client& c) {
    Must(CreateRootKey(folder_ / "own.key"));
    Must(AddRoot(c, {.uri = "file:" + folder_ / "own.key", .scope = "p2"}));
  });
  expect_asked("kek compromised", [](Client& c) {
    EXPECT_TRUE(Must(DeclareCompromised(c, Must(Status(c)).active_kek)).failures.empty());
  });
  expect_asked("keys restore", [&](Client& c) {
    Intruder(store_.path()).Run("DELETE FROM secret_version");
    Intruder(store_.path()).Run("DELETE FROM dek");
    EXPECT_GE(Must(RestoreKeys(c, bundle)).restored, 1);
  });
  expect_asked("root replace", [&](Client& c) {
    Must(ReplaceRoot(c, RootId{2}, {.uri = "file:" + folder_ / "third.key"}));
  });
}

TEST_F(UnlockedRoots, WhatTheyAnsweredCountsOnlyForTheSetThatTheyWereAskedFor) {
  WriteProgram("[ -e " + folder_ / "done" + " ] || { touch " + folder_ / "done" + "; " +
               Rowseal("root add file:" + folder_ / "third.key") + "; }");
  std::ofstream(folder_ / "done");  // not yet
  Client client = Open({File()});
  Must(AddRoot(client, {.uri = Root()}));
  std::filesystem::remove(folder_ / "done");
  // Another root is added while this one is asked: the new KEK is wrapped for that one too.
  Client rotating = Open({File(), Root(), "file:" + folder_ / "third.key"});
  const RotationReport report = Must(RotateKek(rotating));
  EXPECT_TRUE(report.failures.empty());
  Client third = Open({"file:" + folder_ / "third.key"});
  EXPECT_EQ(Must(Get(third, "p1", "name")), "value");
  store_.ExpectClean();
}

TEST_F(UnlockedRoots, ASetThatNeverRestsEndsTheTries) {
  Client client = Open({File()});
  Must(RotateKek(client));
  Must(AddRoot(client, {.uri = Root()}));
  WriteProgram(Rowseal("kek suspend 1") + " || " + Rowseal("kek resume 1"));
  Client rotating = Open({File(), Root()});
  EXPECT_THAT(RotateKek(rotating), FailsNaming(ErrorCode::kUnavailable, "changed each time"));
  WriteProgram("");
  EXPECT_THAT(RotateKek(rotating), Succeeds());
}

}  // namespace
}  // namespace rowseal::testing
