// The driver beside a server that ends, hangs, and loses answers.
#include "db/postgres/postgres_connection.h"
#include "store/calls/all_calls.h"

#include <atomic>
#include <map>
#include <thread>

#include "support/cutting_proxy.h"
#include "support/postgres_server.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;

// A store on a server of the test's own, reached through a proxy.
class PostgresStore : public ::testing::Test {
 protected:
  PostgresStore() : server_(Durable()), proxy_(server_.port()) {
    server_.Run("postgres", "CREATE ROLE app LOGIN CREATEROLE");
    database_ = server_.CreateDatabase("template0", "app");
    Must(InitStore(Options(server_.Url(database_, "app"))));
  }

  static PostgresServer::Options Durable() {
    PostgresServer::Options options;
    options.durable = true;
    return options;
  }

  StoreOptions Options(const std::string& url) const {
    StoreOptions options;
    options.store = url;
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = "tester";
    return options;
  }

  std::string ProxyUrl() const {
    return "postgres://app@127.0.0.1:" + std::to_string(proxy_.port()) + "/" + database_;
  }
  Client OpenThroughProxy() const { return Must(OpenStore(Options(ProxyUrl()))); }
  Client Open() const { return Must(OpenStore(Options(server_.Url(database_, "app")))); }

  std::string Count(const std::string& what) const {
    const std::string text = server_.Run(database_, "SELECT count(*) FROM rowseal." + what);
    return text.substr(0, text.find('\n'));
  }

  TempFolder folder_;
  PostgresServer server_;
  std::string database_;
  CuttingProxy proxy_;
};

// A planner without statistics would read the whole project for each name.
TEST_F(PostgresStore, ALookupReadsTheRowsItGivesInATableThatWasNeverAnalyzed) {
  server_.Run(database_, "ALTER TABLE rowseal.secret SET (autovacuum_enabled = off)");
  Client client = Open();
  std::vector<PutItem> items;
  for (int i = 0; i < 500; ++i) {
    items.push_back({Named("s" + std::to_string(i)), AsBytes("value"), {}, {}});
  }
  Must(client.PutBatch(Project("acme"), items, Batch::kAllOrNone));
  const std::string read = server_.Run(
      database_,
      "BEGIN; DO $$BEGIN PERFORM * FROM rowseal.secret_get('acme', ARRAY['s1', 's2', 's499'],"
      " ARRAY[0, 0, 0]::bigint[], gen_random_uuid(), 1, 'actor', '', 'get', true); END$$;"
      " SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_all_tables"
      " WHERE schemaname = 'rowseal' AND relname = 'secret'; ROLLBACK");
  EXPECT_EQ(read.substr(0, read.find('\n')), "3") << read;
}

TEST_F(PostgresStore, APutWhoseAnswerIsLostIsStoredOnce) {
  Client client = OpenThroughProxy();
  Must(Put(client, "acme", "name", "one"));
  for (int round = 2; round < 12; ++round) {
    proxy_.LoseNextAnswer();
    const StoredSecret stored = Must(Put(client, "acme", "name", "value " + std::to_string(round)));
    EXPECT_EQ(stored.version.value, round);
  }
  EXPECT_EQ(proxy_.cuts(), 10);
  EXPECT_EQ(Count("secret_version"), "11");
  EXPECT_EQ(Count("audit_log WHERE action = 'put'"), "11");
  EXPECT_EQ(Must(Get(client, "acme", "name")), "value 11");
}

TEST_F(PostgresStore, TheFirstPutOfAProjectWhoseAnswersAreLostMakesOneDek) {
  Client client = OpenThroughProxy();
  for (const std::string project : {"a", "b", "c"}) {
    proxy_.LoseNextAnswer();
    Must(Put(client, project, "name", "value"));
  }
  EXPECT_EQ(Count("dek"), "3");
  EXPECT_EQ(Count("secret_version"), "3");
}

TEST_F(PostgresStore, AGetWhoseAnswerIsLostIsAskedAgainAndLoggedOnce) {
  Client client = OpenThroughProxy();
  Must(Put(client, "acme", "name", "value"));
  proxy_.LoseNextAnswer();
  EXPECT_EQ(Must(Get(client, "acme", "name")), "value");
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(Count("audit_log WHERE action = 'get'"), "1");
}

// Whichever answer of a rename is lost, it is done or not, and the client says which.
TEST_F(PostgresStore, ATransactionWhoseAnswersAreLostIsDoneOrNot) {
  Client client = OpenThroughProxy();
  Must(Put(client, "acme", "name0", "value"));
  int done = 0;
  for (int lost = 0; lost < 12; ++lost) {
    // Let `lost` requests pass before the one whose answer is lost.
    std::thread cutter([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(lost * 300));
      proxy_.LoseNextAnswer();
    });
    const Result<void> renamed =
        client.Rename(Project("acme"), Named("name" + std::to_string(done)),
                      Named("name" + std::to_string(done + 1)));
    cutter.join();
    Client other = Open();
    const auto found = Must(other.List(Project("acme")));
    ASSERT_EQ(found.size(), 1U);
    if (renamed) {
      ++done;
    } else {
      EXPECT_EQ(renamed.error().code, ErrorCode::kUnavailable) << renamed.error().message;
    }
    EXPECT_EQ(found.front().name.text(), "name" + std::to_string(done));
    EXPECT_EQ(Must(Get(other, "acme", "name" + std::to_string(done))), "value");
  }
  EXPECT_GT(done, 0);
}

TEST_F(PostgresStore, ACommitWhoseAnswerIsLostIsLookedUp) {
  auto connection = Must(PostgresConnection::Open(ProxyUrl()));
  Must(connection->Begin(TransactionKind::kExclusive));
  Must(
      connection->Execute(Statement::Sql("INSERT INTO rowseal.policy (name, value, changed_at)"
                                         " VALUES ('kek.max_age', '1d', 1)")));
  proxy_.LoseNextAnswer();
  EXPECT_THAT(connection->Commit(), Succeeds());
  EXPECT_EQ(proxy_.cuts(), 1);
  EXPECT_EQ(Count("policy"), "1");
}

// Acknowledged writes survive whatever the server does, each exactly once.
TEST_F(PostgresStore, ImmediateStopsDuringWritesLoseNoAcknowledgedPut) {
  constexpr int kWriters = 4;
  std::atomic<bool> ends{false};
  std::array<std::map<std::string, std::int64_t>, kWriters> acknowledged;
  std::array<int, kWriters> doubtful{};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      Client client = Open();
      for (int count = 0; !ends; ++count) {
        const std::string name = "w" + std::to_string(writer) + "-" + std::to_string(count % 7);
        const auto stored =
            Put(client, "p" + std::to_string(writer % 2), name, name + "=" + std::to_string(count));
        if (stored) {
          acknowledged[writer][name] = stored->version.value;
        } else {
          ASSERT_THAT((std::array{ErrorCode::kUnavailable, ErrorCode::kInDoubt}),
                      ::testing::Contains(stored.error().code))
              << stored.error().message;
          doubtful[writer] += stored.error().code == ErrorCode::kInDoubt ? 1 : 0;
        }
      }
    });
  }
  Client rotator = Open();
  for (std::size_t stop = 0; stop < Scaled(3, 50); ++stop) {
    std::this_thread::sleep_for(300ms);
    static_cast<void>(RotateKek(rotator));
    server_.Stop(PostgresServer::StopMode::kImmediate);
    server_.Start();
  }
  std::this_thread::sleep_for(300ms);
  ends = true;
  for (std::thread& writer : writers) {
    writer.join();
  }
  Client client = Open();
  for (int writer = 0; writer < kWriters; ++writer) {
    EXPECT_FALSE(acknowledged[writer].empty());
    for (const auto& [name, version] : acknowledged[writer]) {
      const auto summary =
          Must(client.Versions(Project("p" + std::to_string(writer % 2)), Named(name)));
      EXPECT_GE(summary.front().version.value, version);
      // Only this writer writes the name, so more versions than it knows of would be duplicates.
      EXPECT_LE(summary.front().version.value, version + doubtful[writer]) << name;
    }
  }
  for (const VerifyFailure& failure : VerifyFailures(client)) {
    ADD_FAILURE() << FailureText(failure);
  }
}

TEST_F(PostgresStore, AJobGoesOnAfterTheServerWasRestarted) {
  Client client = Open();
  std::vector<PutItem> items;
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) {
    names.push_back("name" + std::to_string(i));
  }
  for (const std::string& name : names) {
    items.push_back({Named(name), AsBytes(name), {}, {}});
  }
  Must(client.PutBatch(Project("acme"), items, Batch::kAllOrNone));
  const DekRotation rotation = Must(RotateDeks(client, Project("acme")));
  RunJobsOptions options;
  options.jobs = rotation.jobs;
  bool stopped = false;
  options.on_progress = [&](const JobSummary&) {
    if (!std::exchange(stopped, true)) {
      server_.Stop(PostgresServer::StopMode::kImmediate);
      server_.Start();
    }
    return true;
  };
  const JobsReport report = Must(RunJobs(client, options));
  EXPECT_TRUE(stopped);
  EXPECT_EQ(report.failed, 0);
  EXPECT_EQ(Count("secret_version v JOIN rowseal.dek d ON d.project_id = v.project_id"
                  " AND d.id = v.dek_id WHERE d.state <> 'active'"),
            "0");
  EXPECT_TRUE(VerifyFailures(client).empty());
}

PostgresOptions Impatient() {
  PostgresOptions options;
  options.call_deadline = 500ms;
  options.maintenance_deadline = 500ms;
  return options;
}

TEST_F(PostgresStore, AHungServerIsGivenUpAtTheDeadline) {
  auto connection = Must(PostgresConnection::Open(ProxyUrl(), Impatient()));
  Must(Ask(*connection, StoreTime::Request{}));
  proxy_.Hang();
  EXPECT_THAT(Ask(*connection, StoreTime::Request{}),
              FailsNaming(ErrorCode::kUnavailable, "did not answer in time"));
  EXPECT_THAT(Ask(*connection, DekActive::Request{Project("acme"), DekPurpose::kSecret}),
              FailsWith(ErrorCode::kUnavailable));
  EXPECT_THAT(PostgresConnection::Open(ProxyUrl(), Impatient()),
              FailsWith(ErrorCode::kUnavailable));
  proxy_.Resume();
  EXPECT_THAT(Ask(*connection, StoreTime::Request{}), Succeeds());
}

// The server may still carry it out: that is not known, and said.
TEST_F(PostgresStore, AWriteThatGotNoAnswerIsInDoubt) {
  auto connection = Must(PostgresConnection::Open(ProxyUrl(), Impatient()));
  Must(Ask(*connection, StoreTime::Request{}));
  proxy_.Hang();
  EXPECT_THAT(
      Ask(*connection,
          AuditAppend::Request{"acme", {EntryId{}, Timestamp{}, "a", {}, "get"}, "done", {}}),
      FailsWith(ErrorCode::kInDoubt));
  proxy_.Resume();
}

TEST_F(PostgresStore, AServerThatIsGoneIsUnavailableAndComesBack) {
  Client client = Open();
  Must(Put(client, "acme", "name", "value"));
  server_.Stop(PostgresServer::StopMode::kFast);
  EXPECT_THAT(PostgresConnection::Open(server_.Url(database_, "app"), Impatient()),
              FailsWith(ErrorCode::kUnavailable));
  server_.Start();
  EXPECT_EQ(Must(Get(client, "acme", "name")), "value");
}

TEST_F(PostgresStore, WrongLoginsNamesAndFormatsSayWhatToDo) {
  const auto open = [&](const std::string& url) { return OpenStore(Options(url)); };
  server_.Run("postgres", "CREATE ROLE stranger LOGIN");
  EXPECT_THAT(open(server_.Url(database_, "nobody")),
              FailsNaming(ErrorCode::kInvalidArgument, "role \"nobody\" does not exist"));
  EXPECT_THAT(open(server_.Url("nowhere", "app")),
              FailsNaming(ErrorCode::kInvalidArgument, "database \"nowhere\" does not exist"));
  EXPECT_THAT(open(server_.Url(database_, "stranger")),
              FailsNaming(ErrorCode::kInvalidArgument, "permission denied"));
  EXPECT_THAT(open(server_.Url("postgres")),
              FailsNaming(ErrorCode::kNotFound, "there is no store"));
  EXPECT_THAT(open("postgres://a:CANARY@localhost/x"),
              FailsNaming(ErrorCode::kInvalidArgument, "holds a password"));
  EXPECT_THAT(open("postgres://h:port/x"), FailsNaming(ErrorCode::kInvalidArgument, "port"));
  EXPECT_THAT(open("service=nothing"), FailsWith(ErrorCode::kInvalidArgument));
  server_.Run(database_, "UPDATE rowseal.schema_version SET format = 99");
  EXPECT_THAT(open(server_.Url(database_, "app")),
              FailsNaming(ErrorCode::kNewerSchema, "format 99"));
  server_.Run(database_, "UPDATE rowseal.schema_version SET format = 0");
}

TEST_F(PostgresStore, PreparedStatementsAndPipelinesGiveTheSame) {
  PostgresOptions options;
  options.prepared_statements = true;
  auto connection = Must(PostgresConnection::Open(server_.Url(database_, "app"), options));
  for (int round = 0; round < 3; ++round) {
    Must(connection->Begin(TransactionKind::kWrite));
    std::vector<Statement> statements;
    for (std::int64_t number = 0; number < 50; ++number) {
      statements.push_back(Statement::Sql("SELECT $1::bigint + 1", {number}));
    }
    const std::vector<Rows> answers = Must(connection->ExecuteAll(statements));
    ASSERT_EQ(answers.size(), 50U);
    EXPECT_EQ(answers[49].rows.front().front(), Value(std::int64_t{50}));
    Must(connection->Commit());
  }
  // A failure in the middle is the whole call's, and the connection serves on.
  Must(connection->Begin(TransactionKind::kWrite));
  EXPECT_THAT(connection->ExecuteAll({Statement::Sql("SELECT 1"), Statement::Sql("SELECT 1 / 0"),
                                      Statement::Sql("SELECT 2")}),
              FailsWith(ErrorCode::kInvalidArgument));
  connection->Rollback();
  EXPECT_THAT(Ask(*connection, StoreTime::Request{}), Succeeds());
}

}  // namespace
}  // namespace rowseal::testing
