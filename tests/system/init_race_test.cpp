// Several processes make the same store at once, and some are killed: one store, one root key, and
// never a store whose root key is gone.
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/child_process.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRaces = 12;
constexpr std::size_t kKills = 30;

/// Folder is where a store is to be made; nothing is there yet.
struct Folder {
  TempFolder folder;
  std::string store = folder / "secrets.db";

  StoreOptions Options(const std::string& root = "root.key") const {
    StoreOptions options;
    options.store = "sqlite:" + store;
    options.roots = {"file:" + (folder / root)};
    options.client.actor = "tester";
    return options;
  }

  std::size_t RootKeys() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      count += entry.path().filename().string().find("root") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  // The store stands, opens with `root`, keeps what is put there, and verifies.
  void ExpectStands(const std::string& root = "root.key") const {
    Result<Client> client = OpenStore(Options(root));
    ASSERT_THAT(client, Succeeds());
    EXPECT_THAT(Put(*client, "acme", "name", "works"), Succeeds());
    EXPECT_EQ(Must(Get(*client, "acme", "name")), "works");
    for (const VerifyFailure& failure : VerifyFailures(*client)) {
      ADD_FAILURE() << FailureText(failure);
    }
    EXPECT_EQ(Must(InitStore(Options(root))), InitOutcome::kExisted);
  }
};

/// Racer is a process that makes a store when the line opens.
class Racer {
 public:
  Racer(const Folder& folder, std::size_t number, const StartLine& line, StoreOptions options)
      : journal_(folder.folder / ("journal-" + std::to_string(number))), process_([&] {
          line.Cross();
          const Result<InitOutcome> outcome = InitStore(options);
          journal_.Write(!outcome ? std::string(ErrorName(outcome.error().code)) + " exit " +
                                        std::to_string(ExitCode(outcome.error().code))
                         : *outcome == InitOutcome::kCreated ? "created"
                                                             : "existed");
        }) {}

  bool Kill() { return process_.Kill(); }

  std::string Outcome() {
    EXPECT_EQ(process_.Wait(), 0);
    return Said();
  }
  std::string Said() const {
    const std::vector<std::string> lines = journal_.Lines();
    return lines.empty() ? "nothing" : lines.front();
  }

 private:
  Journal journal_;
  ChildProcess process_;
};

class InitAtOnce : public ::testing::TestWithParam<std::size_t> {};

TEST_P(InitAtOnce, OneMakesTheStoreAndItsRootKeyAndTheOthersFindThem) {
  for (std::size_t race = 0; race < Scaled(kRaces); ++race) {
    const Folder folder;
    StartLine line;
    std::vector<std::unique_ptr<Racer>> racers;
    for (std::size_t number = 0; number < GetParam(); ++number) {
      racers.push_back(std::make_unique<Racer>(folder, number, line, folder.Options()));
    }
    line.Open();
    std::size_t created = 0;
    for (const auto& racer : racers) {
      const std::string outcome = racer->Outcome();
      created += outcome == "created" ? 1 : 0;
      EXPECT_TRUE(outcome == "created" || outcome == "existed") << outcome;
    }
    EXPECT_EQ(created, 1U);
    EXPECT_EQ(folder.RootKeys(), 1U);
    folder.ExpectStands();
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(Processes, InitAtOnce, ::testing::Values(2, 8),
                         ::testing::PrintToStringParamName());

// The loser names a root that is not the store's: exit 6, and whichever root key files there were
// are there still.
TEST(InitWithTwoRoots, OneWinsAndTheOtherIsToldThatItsRootIsNotTheStores) {
  for (std::size_t race = 0; race < Scaled(kRaces); ++race) {
    for (const bool keys_are_there : {false, true}) {
      const Folder folder;
      const std::array<std::string, 2> roots = {"first.root", "second.root"};
      std::array<std::string, 2> keys;
      for (std::size_t i = 0; keys_are_there && i < roots.size(); ++i) {
        Must(CreateRootKey(folder.folder / roots[i]));
        keys[i] = ReadFile(folder.folder / roots[i]);
      }
      StartLine line;
      std::array<Racer, 2> racers = {Racer(folder, 0, line, folder.Options(roots[0])),
                                     Racer(folder, 1, line, folder.Options(roots[1]))};
      line.Open();
      const std::array<std::string, 2> outcomes = {racers[0].Outcome(), racers[1].Outcome()};
      const std::size_t winner = outcomes[0] == "created" ? 0 : 1;
      EXPECT_EQ(outcomes[winner], "created");
      EXPECT_EQ(outcomes[1 - winner],
                keys_are_there ? "root_key_mismatch exit 6" : "root_key_missing exit 6");
      EXPECT_EQ(folder.RootKeys(), keys_are_there ? 2U : 1U);
      for (std::size_t i = 0; keys_are_there && i < roots.size(); ++i) {
        EXPECT_EQ(ReadFile(folder.folder / roots[i]), keys[i]);
      }
      folder.ExpectStands(roots[winner]);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST(KilledInit, AtEverySystemCallIsMadeGoodByTheNext) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  std::size_t between = 0;  // kills when there was a root key but no store yet
  std::optional<std::string> killed_at = "begin";
  for (std::size_t call = 0; killed_at; ++call) {
    const Folder folder;
    const Journal journal(folder.folder / "journal");
    killed_at = KillBeforeSystemCall(call, [&](const std::function<void()>& begin) {
      begin();
      Must(InitStore(folder.Options()));
      journal.Write("created");
    });
    SCOPED_TRACE("killed before system call " + std::to_string(call) + ", " +
                 killed_at.value_or("none"));
    const std::string root_path = folder.folder / "root.key";
    const std::string root_key = fs::exists(root_path) ? ReadFile(root_path) : "";
    const Result<InitOutcome> again = InitStore(folder.Options());
    ASSERT_THAT(again, Succeeds());
    if (!journal.Lines().empty()) {
      EXPECT_EQ(*again, InitOutcome::kExisted);
    }
    if (!root_key.empty()) {
      between += *again == InitOutcome::kCreated ? 1 : 0;
      EXPECT_EQ(ReadFile(root_path), root_key);
    }
    folder.ExpectStands();
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GE(between, 1U);
}

TEST(KilledInit, DoesNotDisturbTheOneBesideIt) {
  Random random(4000);
  for (std::size_t kill = 0; kill < Scaled(kKills); ++kill) {
    const Folder folder;
    StartLine line;
    Racer victim(folder, 0, line, folder.Options());
    Racer other(folder, 1, line, folder.Options());
    line.Open();
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(12'000)));
    victim.Kill();
    const std::string outcome = other.Outcome();
    EXPECT_TRUE(outcome == "created" || outcome == "existed") << outcome;
    EXPECT_FALSE(outcome == "created" && victim.Said() == "created");
    folder.ExpectStands();
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace rowseal::testing
