// Writers, readers and two who rotate, KEKs and DEKs, work on one SQLite file as processes of their
// own. No call fails, no version is lost or given twice, and every read is of a value that was
// written.
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/child_process.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kWriters = 8;
constexpr std::size_t kReaders = 4;
constexpr std::size_t kPuts = 30;      // of each writer
constexpr std::size_t kGets = 30;      // of each reader
constexpr std::size_t kRotations = 8;  // of KEKs, and as many of DEKs with their reseals
constexpr std::size_t kNames = 3;

/// Seen is one version of a secret as a process wrote or read it.
struct Seen {
  std::string name;
  std::int64_t version = 0;
  std::string value;
};

// Connections says whether a process keeps its connection, or opens one for every call, as programs
// that make one call do.
enum class Connections { kKept, kOneACall };

std::ostream& operator<<(std::ostream& out, Connections connections) {
  return out << (connections == Connections::kKept ? "Kept" : "OneACall");
}

class Contention : public ::testing::TestWithParam<Connections> {
 protected:
  using Work = std::function<void(Client&, Random&, std::size_t call, const Journal&)>;

  // Starts a process that does `work` `calls` times when the line opens.
  void Start(const std::string& name, std::size_t calls, const Work& work) {
    const Journal& journal =
        journals_.emplace(name, Journal(store_.folder() / ("journal-" + name))).first->second;
    processes_.push_back(std::make_unique<ChildProcess>([&] {
      line_.Cross();
      std::optional<Client> client = store_.Open();
      Random random(5000 + journals_.size());
      for (std::size_t call = 0; call < calls; ++call) {
        if (GetParam() == Connections::kOneACall) {
          client.reset();
          client = store_.Open();
        }
        work(*client, random, call, journal);
      }
    }));
  }

  std::vector<Seen> SeenBy(const std::string& name) const {
    std::vector<Seen> all;
    for (const std::string& line : journals_.at(name).Lines()) {
      std::istringstream words(line);
      Seen seen;
      words >> seen.name >> seen.version >> seen.value;
      all.push_back(std::move(seen));
    }
    return all;
  }

  static void Write(const Journal& journal, const std::string& name, SecretVersion version,
                    const std::string& value) {
    journal.Write(name + " " + std::to_string(version.value) + " " + value);
  }

  TestStore store_;
  StartLine line_;
  std::map<std::string, Journal> journals_;
  std::vector<std::unique_ptr<ChildProcess>> processes_;
};

TEST_P(Contention, OfProcessesMakesNoCallFailAndLosesNoVersion) {
  {
    Client client = store_.Open();
    for (std::size_t i = 0; i < kNames; ++i) {
      Must(Put(client, "acme", "n" + std::to_string(i), "first"));
    }
  }
  for (std::size_t writer = 0; writer < kWriters; ++writer) {
    const std::string me = "writer" + std::to_string(writer);
    Start(me, Scaled(kPuts, 10),
          [me](Client& client, Random& random, std::size_t call, const Journal& journal) {
            const std::string name = "n" + std::to_string(random.Below(kNames));
            const std::string value = me + "-" + std::to_string(call);
            Write(journal, name, Must(Put(client, "acme", name, value)).version, value);
          });
  }
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    Start("reader" + std::to_string(reader), Scaled(kGets, 10),
          [](Client& client, Random& random, std::size_t, const Journal& journal) {
            const std::string name = "n" + std::to_string(random.Below(kNames));
            const Secret got = Must(client.Get(Project("acme"), Named(name)));
            Write(journal, name, got.version, TextOf(got.value));
          });
  }
  Start("rotator", Scaled(kRotations, 10),
        [](Client& client, Random&, std::size_t, const Journal&) {
          if (!Must(RotateKek(client)).failures.empty()) {
            throw std::runtime_error("a DEK was not rewrapped");
          }
        });
  Start("resealer", Scaled(kRotations, 10),
        [](Client& client, Random&, std::size_t, const Journal&) {
          RunJobsOptions options;
          options.jobs = Must(RotateDeks(client, Project("acme"))).jobs;
          if (Must(RunJobs(client, options)).failed != 0) {
            throw std::runtime_error("a version was not sealed again");
          }
        });
  line_.Open();
  for (const auto& process : processes_) {
    EXPECT_EQ(process->Wait(), 0);
  }

  std::map<std::pair<std::string, std::int64_t>, std::string> written;
  for (std::size_t i = 0; i < kNames; ++i) {
    written[{"n" + std::to_string(i), 1}] = "first";
  }
  for (std::size_t writer = 0; writer < kWriters; ++writer) {
    std::map<std::string, std::int64_t> last;
    for (const Seen& seen : SeenBy("writer" + std::to_string(writer))) {
      EXPECT_GT(seen.version, std::exchange(last[seen.name], seen.version));
      EXPECT_TRUE(written.try_emplace({seen.name, seen.version}, seen.value).second)
          << "version " << seen.version << " was given twice";
    }
  }
  EXPECT_EQ(written.size(), kNames + kWriters * Scaled(kPuts, 10));
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    std::map<std::string, std::int64_t> last;
    const std::vector<Seen> all = SeenBy("reader" + std::to_string(reader));
    EXPECT_EQ(all.size(), Scaled(kGets, 10));
    for (const Seen& seen : all) {
      EXPECT_GE(seen.version, std::exchange(last[seen.name], seen.version));
      EXPECT_EQ(written.at({seen.name, seen.version}), seen.value);
    }
  }
  Client client = store_.Open();
  std::map<std::string, std::size_t> versions;
  for (const auto& [key, value] : written) {
    EXPECT_EQ(Must(Get(client, "acme", key.first, key.second)), value);
    ++versions[key.first];
  }
  for (const auto& [name, count] : versions) {
    const auto kept = Must(client.Versions(Project("acme"), Named(name)));
    EXPECT_EQ(kept.size(), count);
    EXPECT_EQ(kept.front().version.value, static_cast<std::int64_t>(count)) << "a gap";
  }
  EXPECT_EQ(Must(ListKeks(client)).size(), 1 + Scaled(kRotations, 10));
  const Listing<DekSummary> deks = Must(ListDeks(client));
  EXPECT_EQ(deks.size(), 1 + Scaled(kRotations, 10));
  for (const DekSummary& dek : deks) {
    EXPECT_TRUE(dek.state == KeyState::kActive || dek.drained) << dek.id;
  }
  store_.ExpectClean();
}

INSTANTIATE_TEST_SUITE_P(Connections, Contention,
                         ::testing::Values(Connections::kKept, Connections::kOneACall),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace rowseal::testing
