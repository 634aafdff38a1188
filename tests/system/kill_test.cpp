// Processes are killed (SIGKILL) at random moments while they change a store. Each writes what it
// is about to do and what came of it into a journal beside the store; a model then tells what has
// to be there: all that was acknowledged, and of what was under way all or nothing.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/child_process.h"
#include "support/model.h"
#include "support/paths.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kStores = 2;
constexpr std::size_t kRounds = 10;  // of kills, on each store
constexpr std::size_t kProgramKills = 25;
constexpr std::size_t kStep = 3;  // one system call in three is a place to kill at

// Expiries are random, and all lie in a far future.
constexpr Timestamp kNow{};
constexpr Timestamp kFuture{std::chrono::hours(24 * 365 * 200)};

// A random moment, not longer than a few calls take.
void SleepAWhile(Random& random) {
  std::this_thread::sleep_for(std::chrono::microseconds(random.Below(8000)));
}

/// Worker changes a store in processes that are killed, and knows what has to have come of it.
class Worker {
 public:
  Worker(const TestStore& store, std::size_t number)
      : store_(store),
        names_(Names::Prefixed("w" + std::to_string(number) + "-")),
        model_(names_),
        number_(number) {}

  void Start(std::size_t round, std::uint64_t seed) {
    journal_.emplace(store_.folder() /
                     ("journal-" + std::to_string(number_) + "-" + std::to_string(round)));
    seed_ = seed * 100 + number_;
    process_.emplace([this] { Work(); });
  }

  /// AwaitFirstCall returns when the process has made a call, or has failed.
  void AwaitFirstCall() {
    EXPECT_TRUE(process_->Await([this] { return journal_->Lines().size() >= 2; }));
  }

  void Kill() {
    EXPECT_TRUE(process_->Kill()) << "it ended by itself";
    process_.reset();
  }

  /// Check compares the store with the journal, and then takes up what was under way.
  void Check(Client& client) {
    const std::vector<std::string> lines = journal_->Lines();
    acknowledged_ += lines.size() / 2;
    Random random(seed_);
    for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
      const Change change = AnyChange(random, names_, kFuture);
      const std::size_t blank = lines[i + 1].rfind('|');
      ASSERT_NE(blank, std::string::npos);
      ASSERT_EQ(lines[i + 1].substr(0, blank), model_.Apply(change, kNow)) << "call " << i / 2;
      model_.Hold(change, lines[i + 1].substr(blank + 1));
    }
    const std::string state = StateOf(client, names_);
    rotation_under_way_ = false;
    if (lines.size() % 2 == 1) {
      const Change change = AnyChange(random, names_, kFuture);
      rotation_under_way_ = change.call == Change::Call::kRotateKek;
      TakeUp(change, state);
    }
    EXPECT_EQ(state, model_.State(kNow));
    for (const SealedInApp& sealed : model_.sealed()) {
      ExpectOpens(client, sealed);
    }
  }

  std::size_t rotations() const { return model_.rotations(); }
  bool rotation_under_way() const { return rotation_under_way_; }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  // Of what was under way, takes into the model what was done, if that explains `state`.
  void TakeUp(const Change& change, const std::string& state) {
    for (const Change& part : PartsOf(change)) {
      Model done = model_;
      done.Apply(part, kNow);
      if (model_.State(kNow) != state && done.State(kNow) == state) {
        model_ = std::move(done);
        return;
      }
    }
  }

  // What may be done of a call when it is stopped: all, or, where the items of a batch stand alone,
  // any of them.
  static std::vector<Change> PartsOf(const Change& change) {
    if (change.call != Change::Call::kPutBatch || change.batch != Batch::kEachAlone) {
      return {change};
    }
    std::vector<Change> parts;
    for (std::size_t chosen = 1; chosen < std::size_t{1} << change.items.size(); ++chosen) {
      Change& part = parts.emplace_back(change);
      part.items.clear();
      for (std::size_t i = 0; i < change.items.size(); ++i) {
        if ((chosen >> i & 1) != 0) {
          part.items.push_back(change.items[i]);
        }
      }
    }
    return parts;
  }

  void Work() {
    Client client = store_.Open();
    Random random(seed_);
    for (;;) {
      const Change change = AnyChange(random, names_, kFuture);
      journal_->Write("begins");
      const Performed performed = Perform(client, change);
      journal_->Write(performed.outcome + "|" + performed.sealed);
    }
  }

  const TestStore& store_;
  Names names_;
  Model model_;
  std::size_t number_;
  std::uint64_t seed_ = 0;
  std::optional<Journal> journal_;
  std::optional<ChildProcess> process_;
  bool rotation_under_way_ = false;
  std::size_t acknowledged_ = 0;
};

// Recovery ended with the first connection: whoever comes then finds nothing left to do.
void ExpectSecondRunChangesNothing(const TestStore& store) {
  const std::string content = store.Content();
  EXPECT_EQ(Must(InitStore(store.Options())), InitOutcome::kExisted);
  store.ExpectClean();
  EXPECT_EQ(store.Content(), content);
}

class KilledAtRandom : public ::testing::TestWithParam<std::size_t> {};

TEST_P(KilledAtRandom, ProcessesLoseNothingAcknowledgedAndLeaveNothingHalfDone) {
  std::size_t acknowledged = 0;
  for (std::size_t run = 0; run < Scaled(kStores); ++run) {
    const TestStore store;
    Random random(2000 + run);
    SCOPED_TRACE("seed " + std::to_string(random.seed()));
    std::vector<Worker> workers;
    for (std::size_t number = 0; number < GetParam(); ++number) {
      workers.emplace_back(store, number);
    }
    std::size_t keks = 1;
    for (std::size_t round = 0; round < kRounds; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      const std::size_t rotated = keks;
      std::size_t before = 0;
      for (Worker& worker : workers) {
        before += worker.rotations();
        worker.Start(round, random.seed() * kRounds + round);
      }
      for (Worker& worker : workers) {
        worker.AwaitFirstCall();
      }
      for (Worker& worker : workers) {
        SleepAWhile(random);
        worker.Kill();
      }
      Client client = store.Open();
      std::size_t after = 0;
      std::size_t under_way = 0;
      for (Worker& worker : workers) {
        worker.Check(client);
        after += worker.rotations();
        under_way += worker.rotation_under_way() ? 1 : 0;
      }
      keks = Must(ListKeks(client)).size();
      EXPECT_GE(keks, rotated + after - before);
      EXPECT_LE(keks, rotated + after - before + under_way);
      for (const VerifyFailure& failure : VerifyFailures(client)) {
        ADD_FAILURE() << FailureText(failure);
      }
      EXPECT_THAT(Put(client, "after", "name", "works"), Succeeds());
      EXPECT_EQ(Must(Get(client, "after", "name")), "works");
      ASSERT_FALSE(HasFailure());
    }
    ExpectSecondRunChangesNothing(store);
    for (const Worker& worker : workers) {
      acknowledged += worker.acknowledged();
    }
  }
  RecordProperty("acknowledged", static_cast<int>(acknowledged));
  std::printf("%zu kills, %zu calls acknowledged before them\n",
              Scaled(kStores) * kRounds * GetParam(), acknowledged);
}

INSTANTIATE_TEST_SUITE_P(AtOnce, KilledAtRandom, ::testing::Values(1, 2, 4),
                         ::testing::PrintToStringParamName());

// A process that finds the log of a killed one is itself killed while it folds the log into the
// file.
TEST(KilledWhileRecovering, ProcessesLoseNothing) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  const TestStore crashed;
  ChildProcess child([&] {
    Client client = crashed.Open();
    Must(Put(client, "acme", "name", "one"));
    Must(Put(client, "acme", "name", std::string(30'000, 'x')));
    Must(RotateKek(client));
    std::raise(SIGKILL);
  });
  ASSERT_EQ(child.Wait(), -SIGKILL);
  std::optional<std::string> killed_at = "begin";
  for (std::size_t call = 0; killed_at; call += StepOr(kStep)) {
    const TestStore store;
    WriteFile(store.root_path(), ReadFile(crashed.root_path()));
    WriteFile(store.path(), ReadFile(crashed.path()));
    WriteFile(store.path() + "-wal", ReadFile(crashed.path() + "-wal"));
    killed_at = KillBeforeSystemCall(call, [&](const std::function<void()>& begin) {
      begin();
      Client client = store.Open();
      Must(Get(client, "acme", "name"));
    });
    SCOPED_TRACE("killed before system call " + std::to_string(call) + ", " +
                 killed_at.value_or("none"));
    {
      Client client = store.Open();
      EXPECT_EQ(Must(Get(client, "acme", "name", 1)), "one");
      EXPECT_EQ(Must(Get(client, "acme", "name")), std::string(30'000, 'x'));
      EXPECT_EQ(Must(ListKeks(client)).size(), 2U);
    }
    ExpectSecondRunChangesNothing(store);
    ASSERT_FALSE(HasFailure());
  }
}

// The program itself, as users run it.
class KilledProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ROWSEAL_CLI_PATH)) {
      GTEST_SKIP() << "the program was not built";
    }
  }

  ChildProcess Run(std::vector<std::string> arguments, const std::string& input = {}) const {
    const std::string input_path = store_.folder() / "input";
    WriteFile(input_path, input);
    std::vector<char*> argv = {const_cast<char*>("rowseal")};
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    return ChildProcess([&] {
      const StoreOptions options = store_.Options();
      setenv("ROWSEAL_STORE", options.store.c_str(), 1);
      setenv("ROWSEAL_ROOT", options.roots.front().c_str(), 1);
      dup2(open(input_path.c_str(), O_RDONLY), STDIN_FILENO);
      dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
      execv(ROWSEAL_CLI_PATH, argv.data());
      throw std::runtime_error("cannot run " ROWSEAL_CLI_PATH);
    });
  }

  // Runs the program and kills it at a random moment; true when it had ended with 0 by itself.
  bool RunAndKill(std::vector<std::string> arguments, const std::string& input = {}) {
    ChildProcess program = Run(std::move(arguments), input);
    std::this_thread::sleep_for(std::chrono::microseconds(random_.Below(40'000)));
    if (program.Kill()) {
      ++killed_;
      return false;
    }
    return true;
  }

  TestStore store_;
  Random random_{3000};
  std::size_t killed_ = 0;
};

TEST_F(KilledProgram, PutIsDoneOrNot) {
  std::int64_t version = 0;
  for (std::size_t i = 0; i < Scaled(kProgramKills); ++i) {
    const std::string value = "value " + std::to_string(i);
    const bool acknowledged = RunAndKill({"secret", "put", "acme", "name"}, value);
    Client client = store_.Open();
    const Result<Secret> got = client.Get(Project("acme"), Named("name"));
    const bool done = got && TextOf(got->value) == value;
    EXPECT_TRUE(done || !acknowledged);
    version += done ? 1 : 0;
    if (version == 0) {
      EXPECT_THAT(got, FailsWith(ErrorCode::kNotFound));
    } else {
      ASSERT_THAT(got, Succeeds());
      EXPECT_EQ(got->version.value, version);
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(Run({"secret", "put", "acme", "name"}, "last").Wait(), 0);
  store_.ExpectClean();
}

TEST_F(KilledProgram, ImportIsDoneOrNot) {
  constexpr std::int64_t kSecrets = 200;
  std::string file;
  for (int i = 0; i < kSecrets; ++i) {
    file += "NAME_" + std::to_string(i) + "=value" + std::to_string(i) + "\n";
  }
  const std::string path = store_.folder() / "import.env";
  WriteFile(path, file);
  for (std::size_t i = 0; i < Scaled(kProgramKills); ++i) {
    const std::string project = "p" + std::to_string(i);
    const bool acknowledged = RunAndKill({"secret", "import", project, "--from", path});
    std::size_t stored = 0;
    {
      Client client = store_.Open();
      stored = Must(client.List(Project(project), {}, 10'000)).size();
    }
    EXPECT_TRUE(stored == kSecrets || (stored == 0 && !acknowledged)) << stored;
    // A second run completes it, or changes nothing.
    const std::string before = store_.Content();
    EXPECT_EQ(Run({"secret", "import", project, "--from", path}).Wait(), 0);
    if (stored != 0) {
      EXPECT_EQ(store_.Content(), before);
    }
    ASSERT_FALSE(HasFailure());
  }
  store_.ExpectClean();
}

TEST_F(KilledProgram, RotationIsDoneOrNot) {
  for (int i = 0; i < 20; ++i) {
    Client client = store_.Open();
    Must(Put(client, "p" + std::to_string(i), "name", "value"));
  }
  std::size_t keks = 1;
  for (std::size_t i = 0; i < Scaled(kProgramKills); ++i) {
    const bool acknowledged = RunAndKill({"kek", "rotate"});
    Client client = store_.Open();
    const Listing<KekSummary> now = Must(ListKeks(client));
    EXPECT_TRUE(now.size() == keks + 1 || (now.size() == keks && !acknowledged));
    keks = now.size();
    EXPECT_EQ(now.back().state, KeyState::kActive);
    for (const DekSummary& dek : Must(ListDeks(client))) {
      EXPECT_EQ(dek.kek, now.back().id);
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(Run({"kek", "rotate"}).Wait(), 0);
  store_.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
