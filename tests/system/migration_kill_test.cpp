// A migration is killed at system calls and at random moments, its server stops at once, and the
// app writes meanwhile: nothing is lost, nothing is in neither place, and what was acknowledged
// last is what opens.
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "migration/online_migration.h"
#include "support/app_db.h"
#include "support/child_process.h"
#include "support/soak.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;

struct Case {
  const char* name;
  AppKind kind;
  MigrationMode mode;
};

class KilledMigration : public ::testing::TestWithParam<Case> {
 protected:
  static inline const int kRows = static_cast<int>(Scaled(3000, 10));

  explicit KilledMigration(std::unique_ptr<PostgresServer> server = nullptr)
      : server_(std::move(server)), app_(GetParam().kind, server_.get()) {}

  MigrationManifest Manifest() const {
    ColumnPlan plan;
    plan.table = "item";
    plan.keys = {"id"};
    plan.project.column = "project";
    plan.column = "secret";
    plan.mode = GetParam().mode;
    plan.label = "item.secret";
    plan.context = ContextKind::kCell;
    plan.names = Must(NamingRule::Parse("n{id}"));
    plan.leave = Leave::kMarker;
    return {"app", app_.Url(), {plan}};
  }

  static std::string ValueOf(int id) { return "plain " + std::to_string(id * 7919); }
  static std::string ProjectOf(int id) { return id % 5 == 0 ? "beta" : "acme"; }

  void MakeRows(int rows = kRows) const {
    app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, secret text)");
    for (int from = 1; from <= rows; from += 500) {
      std::string values;
      for (int id = from; id < from + 500 && id <= rows; ++id) {
        values += (values.empty() ? "(" : ", (") + std::to_string(id) + ", '" + ProjectOf(id) +
                  "', '" + ValueOf(id) + "')";
      }
      app_.Run("INSERT INTO item VALUES " + values);
    }
  }

  std::vector<std::string> Contents() const {
    std::vector<std::string> lines;
    const std::string text = app_.Run("SELECT secret FROM item ORDER BY id");
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }

  // Every row's value, from wherever it stands now; fails where it stands in neither place.
  std::vector<std::string> Values(Client& client) const {
    const std::vector<std::string> contents = Contents();
    std::vector<std::string> values = contents;
    for (const char* project : {"acme", "beta"}) {
      std::vector<ValueToOpen> sealed;
      std::vector<SecretRef> moved;
      std::vector<std::size_t> sealed_at;
      std::vector<std::size_t> moved_at;
      for (std::size_t i = 0; i < contents.size(); ++i) {
        const int id = static_cast<int>(i) + 1;
        if (ProjectOf(id) != project) {
          continue;
        }
        if (contents[i].starts_with("rs1.")) {
          sealed.push_back({contents[i], {std::to_string(id)}});
          sealed_at.push_back(i);
        } else if (contents[i] == kMovedMarker) {
          moved.push_back({Named("n" + std::to_string(id)), {}});
          moved_at.push_back(i);
        }
      }
      const auto opened = Must(client.OpenValues(Project(project), Label("item.secret"), sealed));
      for (std::size_t i = 0; i < opened.size(); ++i) {
        values[sealed_at[i]] = opened[i] ? TextOf(*opened[i]) : opened[i].error().message;
      }
      const auto kept = Must(client.GetBatch(Project(project), moved));
      for (std::size_t i = 0; i < kept.size(); ++i) {
        values[moved_at[i]] = kept[i] ? TextOf(kept[i]->value) : kept[i].error().message;
      }
    }
    return values;
  }

  void ExpectNothingLost(int rows = kRows) const {
    Client client = store_.Open();
    Must(client.AddColumn(Label("item.secret"), ContextKind::kCell));
    const std::vector<std::string> values = Values(client);
    ASSERT_EQ(values.size(), static_cast<std::size_t>(rows));
    for (int id = 1; id <= rows; ++id) {
      ASSERT_EQ(values[static_cast<std::size_t>(id) - 1], ValueOf(id)) << "row " << id;
    }
  }

  // The next run ends it, everything is what it was, and one more run changes nothing.
  void ExpectFinishes(int rows = kRows) const {
    {
      Client client = store_.Open();
      const RunMigrationReport report = Must(RunMigration(client, Manifest(), {}, {}));
      EXPECT_EQ(report.columns.front().counts.plaintext, 0);
      const ColumnVerdict verdict =
          Must(VerifyMigration(client, Manifest(), [](const MigrationFailure&) {}, {})).front();
      EXPECT_EQ(verdict.opened, rows);
      EXPECT_EQ(verdict.changed + verdict.failures, 0);
    }
    ExpectNothingLost(rows);
    const std::vector<std::string> before = Contents();
    Client client = store_.Open();
    EXPECT_EQ(Must(RunMigration(client, Manifest(), {}, {})).columns.front().rows, 0);
    EXPECT_EQ(Contents(), before);
  }

  void Migrate() const {
    Client client = store_.Open();
    Must(RunMigration(client, Manifest(), {}, {}));
  }
  void RollBack() const {
    Client client = store_.Open();
    Must(RollBackMigration(client, Manifest(), {}, {}));
  }

  // Ends `work` at random moments; returns how often it was still running.
  int KillAtRandom(const std::function<void()>& work, std::size_t kills, Random& random) const {
    int killed = 0;
    for (std::size_t i = 0; i < kills; ++i) {
      ChildProcess child(work);
      const std::size_t longest = GetParam().kind == AppKind::kSqlite ? 40 : 120;
      std::this_thread::sleep_for(std::chrono::milliseconds(random.Below(longest)));
      killed += child.Kill() ? 1 : 0;
      ExpectNothingLost();
    }
    return killed;
  }

  std::unique_ptr<PostgresServer> server_;  // of the test's own
  AppDb app_;
  TestStore store_;
};

TEST_P(KilledMigration, AtRandomMomentsGoesOnAtTheNextRun) {
  MakeRows();
  Random random(21);
  const std::size_t kills = Scaled(6, 40);
  EXPECT_GT(KillAtRandom([this] { Migrate(); }, kills, random), 0);
  ExpectFinishes();
  KillAtRandom([this] { RollBack(); }, kills, random);
  RollBack();
  const std::vector<std::string> contents = Contents();
  for (int id = 1; id <= kRows; ++id) {
    ASSERT_EQ(contents[static_cast<std::size_t>(id) - 1], ValueOf(id));
  }
}

class StoppedMigration : public KilledMigration {};

TEST_P(StoppedMigration, AtSystemCallsGoesOnAtTheNextRun) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  constexpr int kFew = 40;
  MakeRows(kFew);
  bool ended = false;
  for (std::size_t call = 0; !ended; call += StepOr(23)) {
    SCOPED_TRACE("killed before call " + std::to_string(call));
    ended = !KillBeforeSystemCall(call, [this](const std::function<void()>& begin) {
      Client client = store_.Open();
      begin();
      Must(RunMigration(client, Manifest(), {}, {}));
    });
    ExpectNothingLost(kFew);
    ExpectFinishes(kFew);
    RollBack();
  }
}

// Two migrators, an old release that writes plaintext, and a new one that writes sealed values (of
// moved ones, new releases write once the run has ended): each row's last acknowledged value is
// what opens at the end.
class MigrationBesideWriters : public KilledMigration {
 protected:
  static inline const int kWriters = static_cast<int>(Scaled(4, 2));

  // A writer has rows of its own, so that an order of its writes is known.
  static int RowOf(int writer, Random& random) {
    const auto rows = static_cast<std::size_t>(kRows / kWriters);
    return static_cast<int>(random.Below(rows)) * kWriters + writer + 1;
  }
};

TEST_P(MigrationBesideWriters, KeepsTheLastAcknowledgedValue) {
  MakeRows();
  const TempFolder folder;
  const Journal journal(folder / "acknowledged");
  {
    Client client = store_.Open();
    Must(client.AddColumn(Label("item.secret"), ContextKind::kCell));
  }
  const auto write = [&](int writer) {
    Client client = store_.Open();
    Random random(static_cast<std::uint64_t>(writer));
    for (std::size_t i = 0; i < Scaled(60, 20); ++i) {
      const int id = RowOf(writer, random);
      const std::string value = "w" + std::to_string(writer) + " " + std::to_string(i);
      std::string text = value;
      if (writer % 2 == 1 && GetParam().mode == MigrationMode::kValue) {
        text = Must(client.SealValue(Project(ProjectOf(id)), Label("item.secret"), AsBytes(value),
                                     {std::to_string(id)}));
      }
      app_.Run("UPDATE item SET secret = '" + text + "' WHERE id = " + std::to_string(id));
      journal.Write(std::to_string(id) + " " + value);
    }
  };
  {
    std::vector<ChildProcess> children;
    for (int writer = 0; writer < kWriters; ++writer) {
      children.emplace_back([&, writer] { write(writer); });
    }
    for (int migrator = 0; migrator < 2; ++migrator) {
      children.emplace_back([this] {
        for (int i = 0; i < 4; ++i) {
          Migrate();
        }
      });
    }
    for (ChildProcess& child : children) {
      EXPECT_EQ(child.Wait(), 0);
    }
  }
  Migrate();
  std::map<int, std::string> expected;
  for (int id = 1; id <= kRows; ++id) {
    expected[id] = ValueOf(id);
  }
  for (const std::string& line : journal.Lines()) {
    const std::size_t space = line.find(' ');
    expected[std::stoi(line.substr(0, space))] = line.substr(space + 1);
  }
  Client client = store_.Open();
  const std::vector<std::string> values = Values(client);
  for (const auto& [id, value] : expected) {
    ASSERT_EQ(values[static_cast<std::size_t>(id) - 1], value) << "row " << id;
  }
  EXPECT_EQ(app_.Run("SELECT count(*) FROM item WHERE secret NOT LIKE 'rs1.%' AND secret <> '" +
                     std::string(kMovedMarker) + "'"),
            "0");
}

// A rollback while the app writes: what it wrote last stands there, and every other row holds what
// it held before.
TEST_P(MigrationBesideWriters, ARollbackKeepsTheLastAcknowledgedValue) {
  MakeRows();
  Migrate();
  const TempFolder folder;
  const Journal journal(folder / "acknowledged");
  const auto write = [&](int writer) {
    Random random(static_cast<std::uint64_t>(writer));
    for (std::size_t i = 0; i < Scaled(60, 20); ++i) {
      const int id = RowOf(writer, random);
      const std::string value = "r" + std::to_string(writer) + " " + std::to_string(i);
      app_.Run("UPDATE item SET secret = '" + value + "' WHERE id = " + std::to_string(id));
      journal.Write(std::to_string(id) + " " + value);
    }
  };
  {
    std::vector<ChildProcess> children;
    for (int writer = 0; writer < kWriters; ++writer) {
      children.emplace_back([&, writer] { write(writer); });
    }
    children.emplace_back([this] { RollBack(); });
    for (ChildProcess& child : children) {
      EXPECT_EQ(child.Wait(), 0);
    }
  }
  std::map<int, std::string> expected;
  for (int id = 1; id <= kRows; ++id) {
    expected[id] = ValueOf(id);
  }
  for (const std::string& line : journal.Lines()) {
    const std::size_t space = line.find(' ');
    expected[std::stoi(line.substr(0, space))] = line.substr(space + 1);
  }
  const std::vector<std::string> contents = Contents();
  for (const auto& [id, value] : expected) {
    ASSERT_EQ(contents[static_cast<std::size_t>(id) - 1], value) << "row " << id;
  }
}

constexpr Case kSqliteValue = {"SqliteValue", AppKind::kSqlite, MigrationMode::kValue};
constexpr Case kSqliteMove = {"SqliteMove", AppKind::kSqlite, MigrationMode::kMove};
constexpr Case kPostgresValue = {"PostgresValue", AppKind::kPostgres, MigrationMode::kValue};
constexpr Case kPostgresMove = {"PostgresMove", AppKind::kPostgres, MigrationMode::kMove};

std::string NameOf(const ::testing::TestParamInfo<Case>& named) { return named.param.name; }

INSTANTIATE_TEST_SUITE_P(Apps, KilledMigration,
                         ::testing::Values(kSqliteValue, kSqliteMove, kPostgresValue,
                                           kPostgresMove),
                         NameOf);
// Only system calls on files are looked at.
INSTANTIATE_TEST_SUITE_P(Apps, StoppedMigration, ::testing::Values(kSqliteValue, kSqliteMove),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Apps, MigrationBesideWriters,
                         ::testing::Values(kSqliteValue, kSqliteMove, kPostgresValue,
                                           kPostgresMove),
                         NameOf);

class StoppedServer : public KilledMigration {
 protected:
  StoppedServer() : KilledMigration(std::make_unique<PostgresServer>(Durable())) {}

 private:
  static PostgresServer::Options Durable() {
    PostgresServer::Options options;
    options.durable = true;
    return options;
  }
};

TEST_P(StoppedServer, AtOnceInTheMiddleLosesNothing) {
  MakeRows();
  Random random(22);
  for (std::size_t i = 0; i < Scaled(3, 20); ++i) {
    ChildProcess child([this] { Migrate(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + random.Below(300)));
    server_->Stop(PostgresServer::StopMode::kImmediate);
    server_->Start();
    child.Wait();
    ExpectNothingLost();
  }
  ExpectFinishes();
}

INSTANTIATE_TEST_SUITE_P(Apps, StoppedServer, ::testing::Values(kPostgresValue, kPostgresMove),
                         NameOf);

}  // namespace
}  // namespace rowseal::testing
