// Many clients at once, through a pooler in transaction mode and on several connections: no tenant
// sees another's rows, rotators and writers go on beside each other, and keys that go leave no
// orphan.
#include <atomic>
#include <map>
#include <thread>

#include "support/postgres_server.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;

class Pooled : public ::testing::Test {
 protected:
  Pooled()
      : server_(PostgresServer::Shared()),
        database_(MakeDatabase(server_)),
        pooler_(server_, {"postgres", "pooled"}, 4) {
    Must(InitStore(Options(server_.Url(database_, "pooled"))));
  }
  ~Pooled() override { server_.DropDatabase(database_); }

  static std::string MakeDatabase(PostgresServer& server) {
    static const bool login_is_made = [&] {
      server.Run("postgres", "CREATE ROLE pooled LOGIN CREATEROLE");
      return true;
    }();
    static_cast<void>(login_is_made);
    return server.CreateDatabase("template0", "pooled");
  }
  StoreOptions Options(const std::string& url) const {
    StoreOptions options;
    options.store = url;
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = "tester";
    return options;
  }
  Client Open() const { return Must(OpenStore(Options(pooler_.Url(database_, "pooled")))); }
  std::int64_t Integer(const std::string& sql) const {
    return std::stoll(server_.Run(database_, sql));
  }

  TempFolder folder_;
  PostgresServer& server_;
  std::string database_;
  PgBouncer pooler_;
};

// Eight clients on four sessions: the tenant of one transaction must not be left for the next.
TEST_F(Pooled, NoTenantSeesAnothersRows) {
  constexpr int kClients = 8;
  std::atomic<int> operations{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < kClients; ++number) {
    threads.emplace_back([&, number] {
      Client client = Open();
      const std::string project = "tenant" + std::to_string(number);
      Random random(static_cast<std::uint64_t>(number) + 1);
      std::map<std::string, std::string> model;
      for (std::size_t i = 0; i < Scaled(150, 100'000); ++i) {
        // The same names in every project.
        const std::string name = "name" + std::to_string(random.Below(5));
        switch (random.Below(6)) {
          case 0:
          case 1:
            model[name] = project + "=" + std::to_string(i);
            Must(Put(client, project, name, model[name]));
            break;
          case 2:
            if (model.erase(name) == 1) {
              Must(client.Delete(Project(project), Named(name)));
            }
            break;
          case 3:
            EXPECT_EQ(Must(client.List(Project(project))).size(), model.size());
            break;
          default: {
            const auto got = Get(client, project, name);
            ASSERT_EQ(got.has_value(), model.contains(name));
            if (got) {
              ASSERT_EQ(*got, model[name]);
            }
          }
        }
        ++operations;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(operations, kClients * static_cast<int>(Scaled(150, 100'000)));
  Client client = Open();
  EXPECT_TRUE(VerifyFailures(client).empty());
}

TEST_F(Pooled, TwoRotatorsAndEightWritersGoOnBesideEachOther) {
  std::atomic<bool> ends{false};
  std::atomic<int> kek_rotations{0};
  {
    Client client = Open();
    for (const std::string project : {"project0", "project1", "project2"}) {
      Must(Put(client, project, "first", "value"));
    }
  }
  std::vector<std::thread> threads;
  std::array<std::map<std::string, std::string>, 8> acknowledged;
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&, number] {
      Client client = Open();
      for (int i = 0; !ends; ++i) {
        const std::string name = "w" + std::to_string(number) + "-" + std::to_string(i % 9);
        const std::string value = name + "=" + std::to_string(i);
        Must(Put(client, "project" + std::to_string(number % 3), name, value));
        acknowledged[number][name] = value;
        EXPECT_EQ(Must(Get(client, "project" + std::to_string(number % 3), name)), value);
      }
    });
  }
  for (int number = 0; number < 2; ++number) {
    threads.emplace_back([&, number] {
      Client client = Open();
      while (!ends) {
        Must(RotateKek(client));
        ++kek_rotations;
        Must(RotateDeks(client, Project("project" + std::to_string(number))));
        EXPECT_EQ(Must(RunJobs(client, {})).failed, 0);
        EXPECT_EQ(Integer("SELECT count(*) FROM rowseal.kek WHERE purpose = 'wrap' AND state ="
                          " 'active'"),
                  1);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(Scaled(3, 60)));
  ends = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GT(kek_rotations, 1);
  // KEK 2 is the integrity key's, and each rotation took one number.
  EXPECT_EQ(Integer("SELECT max(id) FROM rowseal.kek"), kek_rotations + 2);
  Client client = Open();
  RotateDeks(client, {}).value();
  EXPECT_EQ(Must(RunJobs(client, {})).failed, 0);
  EXPECT_EQ(Integer("SELECT count(*) FROM rowseal.secret_version v JOIN rowseal.dek d ON"
                    " d.project_id = v.project_id AND d.id = v.dek_id WHERE d.state <> 'active' OR"
                    " d.drained_at IS NOT NULL"),
            0);
  for (int number = 0; number < 8; ++number) {
    for (const auto& [name, value] : acknowledged[number]) {
      EXPECT_EQ(Must(Get(client, "project" + std::to_string(number % 3), name)), value);
    }
  }
  EXPECT_TRUE(VerifyFailures(client).empty());
}

// Ten processes' worth of clients share one reseal: every version is sealed again exactly once.
TEST_F(Pooled, TenRunnersShareJobsWithoutDoingWorkTwice) {
  constexpr int kProjects = 12;
  constexpr int kSecrets = 60;
  {
    Client client = Open();
    for (int project = 0; project < kProjects; ++project) {
      std::vector<std::string> names;
      std::vector<PutItem> items;
      for (int i = 0; i < kSecrets; ++i) {
        names.push_back("name" + std::to_string(i));
      }
      for (const std::string& name : names) {
        items.push_back({Named(name), AsBytes(name), {}, {}});
      }
      Must(client.PutBatch(Project("p" + std::to_string(project)), items, Batch::kAllOrNone));
    }
    for (int project = 0; project < kProjects; ++project) {
      Must(RotateDeks(client, Project("p" + std::to_string(project))));
    }
  }
  std::atomic<std::int64_t> done{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 10; ++number) {
    threads.emplace_back([&] {
      Client client = Open();
      const JobsReport report = Must(RunJobs(client, {}));
      EXPECT_EQ(report.failed, 0);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  Client client = Open();
  EXPECT_EQ(Must(RunJobs(client, {})).failed, 0);
  EXPECT_EQ(Integer("SELECT sum(done) FROM rowseal.job WHERE kind = 'reseal'"),
            kProjects * kSecrets)
      << server_.Run(database_, "SELECT object, run, state, done, total FROM rowseal.job");
  // Each version was written twice: by the put, and by one reseal.
  EXPECT_EQ(Integer("SELECT sum(write_count) FROM rowseal.version_mac"), 2 * kProjects * kSecrets);
  EXPECT_TRUE(VerifyFailures(client).empty());
}

// A key goes by DELETE, and the foreign key decides: whatever is written meanwhile, no version is
// left without its key.
TEST_F(Pooled, AKeyThatIsDeletedDuringWritesLeavesNoOrphan) {
  Client client = Open();
  // One version always stands: it makes the first key, and needs it until it is resealed.
  Must(Put(client, "acme", "kept", "x"));
  std::atomic<bool> ends{false};
  std::vector<std::thread> writers;
  for (int number = 0; number < 4; ++number) {
    writers.emplace_back([&, number] {
      Client writer = Open();
      for (int i = 0; !ends; ++i) {
        // Few versions stand at any time, or resealing them would be all that happens.
        const std::string name = "w" + std::to_string(number) + "-" + std::to_string(i / 4);
        Must(Put(writer, "acme", name, "x"));
        if (i % 4 == 3) {
          Must(writer.Delete(Project("acme"), Named(name)));
        }
      }
    });
  }
  int deleted = 0;
  int refused = 0;
  for (std::size_t round = 0; round < Scaled(40, 4000); ++round) {
    Must(RotateDeks(client, Project("acme")));
    if (round % 2 == 0) {
      RunJobsOptions options;
      options.share_percent = 100;
      EXPECT_EQ(Must(RunJobs(client, options)).failed, 0);
    }
    try {
      const std::string gone =
          server_.Run(database_, "DELETE FROM rowseal.dek WHERE state <> 'active' RETURNING 1");
      deleted += gone.empty() ? 0 : 1;
    } catch (const std::exception& failure) {
      EXPECT_NE(std::string(failure.what()).find("foreign key"), std::string::npos)
          << failure.what();
      ++refused;
    }
  }
  ends = true;
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_GT(deleted, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(Integer("SELECT count(*) FROM rowseal.secret_version v WHERE NOT EXISTS (SELECT 1 FROM"
                    " rowseal.dek d WHERE d.project_id = v.project_id AND d.id = v.dek_id)"),
            0);
  EXPECT_TRUE(VerifyFailures(client).empty());
}

// What a client reads that vanishes before it took the answer is in the log.
TEST_F(Pooled, AReadWhoseClientVanishesIsLogged) {
  Client client = Open();
  Must(Put(client, "acme", "name", "value"));
  const ProgramResult vanished = RunProgram(
      {"/bin/sh", "-c",
       "psql -X -q '" + server_.Url(database_, "pooled") +
           "' -c \"SELECT rowseal.secret_get('acme', ARRAY['name'], ARRAY[0], gen_random_uuid(), 1,"
           " 'vanished', '', 'get', true)\" > /dev/full"});
  static_cast<void>(vanished);
  EXPECT_EQ(Integer("SELECT count(*) FROM rowseal.audit_log WHERE actor = 'vanished' AND outcome ="
                    " 'granted'"),
            1);
}

// --- failover -----------------------------------------------------------------------------------

// With a standby that commits wait for, a promotion loses nothing that was acknowledged, and
// clients that know both hosts go on with the keys they hold.
TEST(Failover, ToASynchronousStandbyLosesNothing) {
  PostgresServer::Options options;
  options.durable = true;
  options.settings = {"synchronous_standby_names = '*'"};
  PostgresServer primary(PostgresServer::Options{.settings = {}, .durable = true});
  primary.Run("postgres", "CREATE ROLE app LOGIN CREATEROLE");
  const std::string database = primary.CreateDatabase("template0", "app");
  PostgresServer standby(
      PostgresServer::Options{.settings = {}, .durable = true, .primary = &primary});
  primary.Run("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
  primary.Run("postgres", "SELECT pg_reload_conf()");

  TempFolder folder;
  StoreOptions store;
  store.store = "postgres://app@127.0.0.1:" + std::to_string(primary.port()) +
                ",127.0.0.1:" + std::to_string(standby.port()) + "/" + database;
  store.roots = {"file:" + (folder / "root.key")};
  store.client.actor = "tester";
  Must(InitStore(store));
  Client client = Must(OpenStore(store));
  Must(Put(client, "acme", "name", "before"));
  Must(RotateKek(client));
  Must(RotateDeks(client, Project("acme")));
  Must(Put(client, "acme", "name", "rotated"));

  std::atomic<bool> ends{false};
  std::map<std::string, std::string> acknowledged;
  std::thread writer([&] {
    Client other = Must(OpenStore(store));
    for (int i = 0; !ends; ++i) {
      const std::string name = "name" + std::to_string(i % 50);
      if (Put(other, "acme", name, std::to_string(i))) {
        acknowledged[name] = std::to_string(i);
      }
    }
  });
  std::this_thread::sleep_for(500ms);
  primary.Stop(PostgresServer::StopMode::kImmediate);
  standby.Promote();
  std::this_thread::sleep_for(500ms);
  ends = true;
  writer.join();

  EXPECT_EQ(Must(Get(client, "acme", "name")), "rotated");
  for (const auto& [name, value] : acknowledged) {
    EXPECT_GE(std::stoi(Must(Get(client, "acme", name))), std::stoi(value)) << name;
  }
  EXPECT_EQ(Must(RunJobs(client, {})).failed, 0);
  Must(RotateKek(client));
  EXPECT_TRUE(VerifyFailures(client).empty());
}

}  // namespace
}  // namespace rowseal::testing
