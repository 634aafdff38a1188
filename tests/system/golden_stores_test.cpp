// A store of an earlier format is refused with a hint, upgrades in one transaction whatever fails
// meanwhile, and opens to what its program wrote: tests/golden_stores.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "db/sqlite/sqlite_store.h"
#include "support/faulty_disk.h"
#include "support/paths.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using nlohmann::json;

std::vector<json> ReadLines(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(ReadFile(path));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(json::parse(line));
  }
  return lines;
}

std::string Sha256(ByteView bytes) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return ToHex(digest);
}

// A copy of a golden store that a test may upgrade.
class GoldenStore final {
 public:
  explicit GoldenStore(int format)
      : original_(std::string(ROWSEAL_SOURCE_DIR "/tests/golden_stores/format_") +
                  std::to_string(format)) {
    WriteFile(path(), ReadFile(original_ + "/secrets.db"));
    WriteFile(folder_ / "root.key", ReadFile(original_ + "/root.key"));
  }

  std::string path() const { return folder_ / "secrets.db"; }
  StoreOptions Options() const {
    StoreOptions options;
    options.store = "sqlite:" + path();
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = "tester";
    // Before any expiry, whatever the year.
    options.client.clock = [] { return Must(ParseRfc3339("2027-01-01T00:00:00Z")); };
    return options;
  }
  std::int64_t Format() const { return Intruder(path()).Integer("PRAGMA user_version"); }

  void ExpectEveryRowOpens() const {
    Client client = Must(OpenStore(Options()));
    ExpectSecretsOpen(client);
    ExpectValuesOpen(client);
    for (const VerifyFailure& failure : VerifyFailures(client)) {
      ADD_FAILURE() << FailureText(failure);
    }
  }

 private:
  void ExpectSecretsOpen(Client& client) const {
    const std::vector<json> lines = ReadLines(original_ + "/secrets.jsonl");
    EXPECT_EQ(std::ssize(lines), Intruder(path()).Integer("SELECT count(*) FROM secret_version"));
    for (const json& line : lines) {
      const Result<Secret> secret = client.Get(Project(line["project"].get<std::string>()),
                                               Named(line["name"].get<std::string>()),
                                               SecretVersion{line["version"].get<std::int64_t>()});
      ASSERT_THAT(secret, Succeeds()) << line;
      EXPECT_EQ(Sha256(secret->value.Reveal()), line["sha256"]) << line;
      EXPECT_EQ(ToText(secret->kind), line["kind"].get<std::string>()) << line;
      EXPECT_EQ(secret->expires_at ? json(ToRfc3339(*secret->expires_at)) : json(),
                line["expires_at"]);
    }
  }
  void ExpectValuesOpen(Client& client) const {
    for (const json& line : ReadLines(original_ + "/values.jsonl")) {
      const Result<SecretBytes> value = client.OpenValue(
          Project(line["project"].get<std::string>()), Label(line["label"].get<std::string>()),
          line["sealed"].get<std::string>(), line["row_key"].get<std::vector<std::string>>());
      ASSERT_THAT(value, Succeeds()) << line;
      EXPECT_EQ(Sha256(value->Reveal()), line["sha256"]) << line;
    }
  }

  std::string original_;
  TempFolder folder_;
};

class GoldenStores : public ::testing::TestWithParam<int> {
 protected:
  int StepsToGo() const { return SqliteFormat() - GetParam(); }

  GoldenStore store_{GetParam()};
};

std::vector<int> EarlierFormats() {
  std::vector<int> formats;
  for (int format = 1; format < SqliteFormat(); ++format) {
    formats.push_back(format);
  }
  return formats;
}

INSTANTIATE_TEST_SUITE_P(Formats, GoldenStores, ::testing::ValuesIn(EarlierFormats()),
                         [](const auto& format) {
                           return "Format" + std::to_string(format.param);
                         });

TEST_P(GoldenStores, IsRefusedWithAHintAndLeftAsItIs) {
  const std::string bytes = ReadFile(store_.path());
  const Result<Client> client = OpenStore(store_.Options());
  EXPECT_THAT(client,
              FailsNaming(ErrorCode::kOlderSchema, "has format " + std::to_string(GetParam())));
  EXPECT_NE(client.error().hint.find("rowseal upgrade"), std::string::npos);
  EXPECT_THAT(InitStore(store_.Options()), FailsWith(ErrorCode::kOlderSchema));
  EXPECT_EQ(ReadFile(store_.path()), bytes);
}

TEST_P(GoldenStores, UpgradesOnceAndEveryRowOpensToWhatWasWritten) {
  EXPECT_EQ(Must(UpgradeStore(store_.Options())), StepsToGo());
  store_.ExpectEveryRowOpens();
  EXPECT_EQ(Must(UpgradeStore(store_.Options())), 0);
  store_.ExpectEveryRowOpens();
}

TEST_P(GoldenStores, KeysRotateAfterTheUpgrade) {
  Must(UpgradeStore(store_.Options()));
  {
    Client client = Must(OpenStore(store_.Options()));
    const DekRotation rotation = Must(RotateDeks(client, {}));
    EXPECT_EQ(rotation.columns_without_source.size(), 2U);
    EXPECT_EQ(Must(RunJobs(client)).failed, 0);
    EXPECT_TRUE(Must(RotateKek(client)).failures.empty());
  }
  Intruder intruder(store_.path());
  EXPECT_EQ(intruder.Integer("SELECT count(*) FROM secret_version v JOIN dek d"
                             " ON d.project_id = v.project_id AND d.id = v.dek_id"
                             " WHERE d.state <> 'active'"),
            0);
  EXPECT_GT(intruder.Integer("SELECT count(*) FROM dek WHERE drained_at IS NOT NULL"), 0);
  store_.ExpectEveryRowOpens();
}

// What the upgrade makes stands there already, so each of its statements fails in turn: nothing of
// those before it stays.
TEST_P(GoldenStores, AStatementThatFailsLeavesTheFormatAndTheNextUpgradeDoesIt) {
  Must(UpgradeStore(store_.Options()));
  struct Plant {
    std::string make, undo;
  };
  std::vector<Plant> plants;
  {
    const GoldenStore before(GetParam());
    Intruder old(before.path());
    Intruder made(store_.path());
    for (const Row& row : made.Run("SELECT type, name, tbl_name FROM sqlite_schema"
                                   " WHERE sql IS NOT NULL AND type IN ('table', 'index')")) {
      const std::string type = TextAt(row, 0);
      const std::string name = TextAt(row, 1);
      const bool is_new =
          old.Integer("SELECT count(*) FROM sqlite_schema WHERE name = $1", {name}) == 0;
      if (is_new) {
        plants.push_back({type == "table" ? "CREATE TABLE " + name + " (x)"
                                          : "CREATE INDEX " + name + " ON secret (name)",
                          "DROP " + type + " " + name});
      } else if (type == "table") {
        for (const Row& column : made.Run("SELECT name FROM pragma_table_info($1)", {name})) {
          const std::string field = TextAt(column, 0);
          if (old.Integer("SELECT count(*) FROM pragma_table_info($1) WHERE name = $2",
                          {name, field}) == 0) {
            plants.push_back({"ALTER TABLE " + name + " ADD COLUMN " + field + " TEXT",
                              "ALTER TABLE " + name + " DROP COLUMN " + field});
          }
        }
      }
    }
  }
  EXPECT_GE(plants.size(), 1U);
  for (const Plant& plant : plants) {
    const GoldenStore store(GetParam());
    Intruder(store.path()).Run(plant.make);
    const std::string schema = "SELECT group_concat(sql) FROM sqlite_schema";
    const std::string before = Intruder(store.path()).Text(schema);
    EXPECT_FALSE(UpgradeStore(store.Options())) << plant.make;
    EXPECT_EQ(store.Format(), GetParam()) << plant.make;
    EXPECT_EQ(Intruder(store.path()).Text(schema), before) << plant.make;
    Intruder(store.path()).Run(plant.undo);
    EXPECT_EQ(Must(UpgradeStore(store.Options())), StepsToGo()) << plant.make;
    store.ExpectEveryRowOpens();
  }
}

// A commit whose flush failed may stand or not, and is whole either way.
TEST_P(GoldenStores, AWriteThatFailsLeavesOneFormatOrTheOtherAndTheNextUpgradeDoesTheRest) {
  for (const DiskFault fault : {DiskFault::kFull, DiskFault::kIoError}) {
    bool failed = true;
    std::size_t write = 0;
    for (; failed; ++write) {
      const GoldenStore store(GetParam());
      FaultyDisk disk;
      disk.FailFrom(write, fault);
      const Result<int> steps = UpgradeStore(store.Options());
      failed = disk.Heal();
      const std::int64_t format = store.Format();
      if (steps) {
        EXPECT_EQ(format, SqliteFormat());
      } else if (steps.error().code != ErrorCode::kInDoubt) {
        EXPECT_EQ(format, GetParam()) << steps.error().message;
      }
      EXPECT_EQ(Must(UpgradeStore(store.Options())), SqliteFormat() - format);
      store.ExpectEveryRowOpens();
    }
    EXPECT_GT(write, 3U);
  }
}

// The child has the disk to itself, and is killed in the middle of a write.
TEST_P(GoldenStores, AKillAtAnyWriteLeavesOneFormatOrTheOther) {
  bool killed = true;
  int kept_old = 0;
  for (std::size_t write = 0; killed; ++write) {
    const GoldenStore store(GetParam());
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FaultyDisk disk;
      disk.FailFrom(write, DiskFault::kKill);
      _exit(UpgradeStore(store.Options()) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    EXPECT_TRUE(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    const std::int64_t format = store.Format();
    kept_old += format == GetParam() ? 1 : 0;
    EXPECT_TRUE(format == GetParam() || format == SqliteFormat());
    EXPECT_EQ(Must(UpgradeStore(store.Options())), SqliteFormat() - format);
    store.ExpectEveryRowOpens();
  }
  EXPECT_GT(kept_old, 3);
}

TEST_P(GoldenStores, OfTwoUpgradesAtOnceOneDoesItAndTheOtherFindsItDone) {
  for (int round = 0; round < 20; ++round) {
    const GoldenStore store(GetParam());
    std::array<std::optional<Result<int>>, 2> steps;
    std::barrier start(2);
    const auto upgrade = [&](std::size_t which) {
      start.arrive_and_wait();
      steps[which] = UpgradeStore(store.Options());
    };
    std::thread other(upgrade, 1);
    upgrade(0);
    other.join();
    EXPECT_EQ(Must(*steps[0]) + Must(*steps[1]), StepsToGo());
    EXPECT_TRUE(**steps[0] == 0 || **steps[1] == 0);
    store.ExpectEveryRowOpens();
  }
}

}  // namespace
}  // namespace rowseal::testing
