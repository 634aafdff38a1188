// What happens while a call waits inside a function of the database. Whole calls are the steps of
// interleaving_test.cpp; here a lock that the test holds stops one half-way, others go on, and the
// lock is let go.
#include <chrono>
#include <functional>
#include <future>
#include <thread>

#include "client/session.h"
#include "db/postgres/postgres_connection.h"
#include "roots/root_registry.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr const char* kUser = "paused_calls";

// Carries statements on, and does something before those of one procedure.
class BeforeProcedure final : public Connection {
 public:
  BeforeProcedure(std::unique_ptr<Connection> inner, Procedure procedure)
      : inner_(std::move(inner)), procedure_(procedure) {}

  std::function<void()> act;

  Result<Rows> Execute(const Statement& statement) override {
    if (statement.procedure == procedure_ && act) {
      std::exchange(act, nullptr)();
    }
    return inner_->Execute(statement);
  }
  Result<void> Begin(TransactionKind kind) override { return inner_->Begin(kind); }
  Result<void> Commit() override { return inner_->Commit(); }
  void Rollback() noexcept override { inner_->Rollback(); }

 private:
  std::unique_ptr<Connection> inner_;
  Procedure procedure_;
};

class PausedCalls : public ::testing::Test {
 protected:
  PausedCalls() : server_(PostgresServer::Shared()) {
    static const bool login_is_made = [&] {
      server_.Run("postgres", std::string("CREATE ROLE ") + kUser + " LOGIN CREATEROLE");
      return true;
    }();
    static_cast<void>(login_is_made);
    database_ = server_.CreateDatabase("template0", kUser);
    Must(InitStore(Options()));
    holder_ = Must(PostgresConnection::Open(server_.Url(database_)));
    watcher_ = Must(PostgresConnection::Open(server_.Url(database_)));
  }
  ~PausedCalls() override {
    LetGo();
    server_.DropDatabase(database_);
  }

  StoreOptions Options() const {
    StoreOptions options;
    options.store = server_.Url(database_, kUser);
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = "tester";
    return options;
  }
  Client Open() const { return Must(OpenStore(Options())); }

  // A client whose statements of one procedure wait for `connection->act`.
  Client OpenOver(std::unique_ptr<Connection> connection) const {
    ClientOptions options;
    options.actor = "tester";
    return Must(Client::Connect(std::move(connection), {Must(OpenRoot(Options().roots.front()))},
                                std::move(options)));
  }

  // The test's own transaction, which stops others.
  void Hold(const std::string& sql) {
    if (!holds_) {
      Must(holder_->Begin(TransactionKind::kWrite));
      holds_ = true;
    }
    Must(holder_->Execute(Statement::Sql("SET LOCAL session_replication_role = replica")));
    Must(holder_->Execute(Statement::Sql(sql)));
  }
  void LetGo() {
    if (std::exchange(holds_, false)) {
      holder_->Rollback();
    }
  }

  // Waits until that many sessions wait for a lock, or one of the calls has ended without.
  template <class... Futures>
  ::testing::AssertionResult Waiting(int sessions, const Futures&... calls) {
    for (;;) {
      const Rows rows = Must(watcher_->Execute(Statement::Sql(
          "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
          " AND pg_catalog.cardinality(pg_catalog.pg_blocking_pids(pid)) > 0")));
      if (std::get<std::int64_t>(rows.rows[0][0]) >= sessions) {
        return ::testing::AssertionSuccess();
      }
      if (((calls.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) || ...)) {
        return ::testing::AssertionFailure() << "a call ended where it should have waited";
      }
    }
  }

  std::int64_t Count(const std::string& from) {
    const Rows rows = Must(watcher_->Execute(Statement::Sql("SELECT count(*) FROM " + from)));
    return std::get<std::int64_t>(rows.rows[0][0]);
  }
  bool IsFree(const std::string& rows) {
    Must(watcher_->Begin(TransactionKind::kWrite));
    const bool is_free =
        watcher_->Execute(Statement::Sql("SELECT 1 FROM " + rows + " FOR UPDATE NOWAIT"))
            .has_value();
    watcher_->Rollback();
    return is_free;
  }
  void ExpectClean() {
    Client client = Open();
    for (const VerifyFailure& failure : VerifyFailures(client)) {
      ADD_FAILURE() << FailureText(failure);
    }
  }

  // A row of another secret that is not committed: whoever makes one of that name waits for it.
  std::string UncommittedSecret(const std::string& name) const {
    return "INSERT INTO rowseal.secret (project_id, id, name, kind, next_version, created_at,"
           " lowest_version, attributes) VALUES ('acme', gen_random_uuid(), '" +
           name + "', 'workflow', 2, 0, 1, '')";
  }

  PostgresServer& server_;
  TempFolder folder_;
  std::string database_;
  std::unique_ptr<PostgresConnection> holder_;
  std::unique_ptr<PostgresConnection> watcher_;
  bool holds_ = false;
};

template <class Call>
auto InBackground(Call call) {
  return std::async(std::launch::async, std::move(call));
}

TEST_F(PausedCalls, PutsOfOneSecretThatMeetBecomeVersionsOfIt) {
  Client first = Open();
  Client second = Open();
  Must(Put(first, "acme", "name", "0"));
  Must(Get(second, "acme", "name"));
  Hold("SELECT 1 FROM rowseal.secret FOR UPDATE");
  auto one = InBackground([&] { return Put(first, "acme", "name", "1"); });
  auto two = InBackground([&] { return Put(second, "acme", "name", "2"); });
  ASSERT_TRUE(Waiting(2, one, two));
  LetGo();
  const std::int64_t versions = Must(one.get()).version.value + Must(two.get()).version.value;
  EXPECT_EQ(versions, 2 + 3);
  ExpectClean();
}

TEST_F(PausedCalls, ANewSecretThatTwoMakeAtOnceIsMadeOnce) {
  Client first = Open();
  Client second = Open();
  Must(Put(first, "acme", "other", "x"));
  Hold(UncommittedSecret("name"));
  auto one = InBackground([&] { return Put(first, "acme", "name", "1"); });
  auto two = InBackground([&] { return Put(second, "acme", "name", "2"); });
  ASSERT_TRUE(Waiting(2, one, two));
  LetGo();
  EXPECT_EQ(Must(one.get()).version.value + Must(two.get()).version.value, 1 + 2);
  EXPECT_EQ(Count("rowseal.secret WHERE name = 'name'"), 1);
  ExpectClean();
}

TEST_F(PausedCalls, ABatchLeavesNothingWhereAnotherMadeOneOfItsSecretsMeanwhile) {
  Client client = Open();
  Client other = Open();
  Must(Put(client, "acme", "other", "x"));
  const std::vector<PutItem> items = {{Named("a"), AsBytes("1"), {}, {}, PutRule::kCreateOnly},
                                      {Named("name"), AsBytes("1"), {}, {}, PutRule::kCreateOnly},
                                      {Named("z"), AsBytes("1"), {}, {}, PutRule::kCreateOnly}};
  Hold(UncommittedSecret("name"));
  auto second = InBackground([&] { return Put(other, "acme", "name", "theirs"); });
  ASSERT_TRUE(Waiting(1, second));
  auto batch =
      InBackground([&] { return client.PutBatch(Project("acme"), items, Batch::kAllOrNone); });
  ASSERT_TRUE(Waiting(2, batch));
  LetGo();
  Must(second.get());
  const Result<Client::Stored> stored = batch.get();
  // The server wakes both; whoever comes first makes the secret.
  const bool batch_was_first = stored && stored->at(1);
  EXPECT_EQ(Must(Get(client, "acme", "name")), "theirs");
  EXPECT_EQ(Must(client.Versions(Project("acme"), Named("name"))).size(),
            batch_was_first ? 2U : 1U);
  EXPECT_EQ(Count("rowseal.secret WHERE name IN ('a', 'z')"), batch_was_first ? 2 : 0);
  ExpectClean();
}

// The barrier of a reseal: a version on its way under a DEK that was just deactivated is waited
// for.
TEST_F(PausedCalls, AResealWaitsForAPutUnderTheOldDek) {
  Client writer = Open();
  Client operator_ = Open();
  Must(Put(writer, "acme", "other", "x"));
  Hold(UncommittedSecret("name"));
  auto put = InBackground([&] { return Put(writer, "acme", "name", "late"); });
  ASSERT_TRUE(Waiting(1, put));
  EXPECT_FALSE(IsFree("rowseal.dek")) << "its DEK may be destroyed under it";
  Must(RotateDeks(operator_, Project("acme")));
  auto jobs = InBackground([&] { return RunJobs(operator_); });
  ASSERT_TRUE(Waiting(2, put, jobs));
  LetGo();
  Must(put.get());
  EXPECT_EQ(Must(jobs.get()).failed, 0);
  EXPECT_EQ(Count("rowseal.secret_version v JOIN rowseal.dek d ON d.id = v.dek_id"
                  " WHERE d.state <> 'active'"),
            0);
  EXPECT_EQ(Count("rowseal.dek WHERE state = 'deactivated' AND drained_at IS NOT NULL"), 1);
  EXPECT_EQ(Must(Get(operator_, "acme", "name")), "late");
}

// A DEK that somebody holds for himself, to deactivate or to destroy it, seals nothing meanwhile.
TEST_F(PausedCalls, APutWaitsForWhoHoldsItsDekAndLooksAgain) {
  Client client = Open();
  Must(Put(client, "acme", "name", "1"));
  Hold("SELECT 1 FROM rowseal.dek FOR UPDATE");
  auto put = InBackground([&] { return Put(client, "acme", "name", "2"); });
  ASSERT_TRUE(Waiting(1, put));
  Must(holder_->Execute(
      Statement::Sql("UPDATE rowseal.dek SET state = 'deactivated', revision = revision + 1")));
  holds_ = false;
  Must(holder_->Commit());
  Must(put.get());
  EXPECT_EQ(Count("rowseal.secret_version v JOIN rowseal.dek d ON d.id = v.dek_id"
                  " WHERE d.state <> 'active' AND v.version = 2"),
            0);
}

TEST_F(PausedCalls, ADekIsNotMadeUnderAKekThatIsRotatedAway) {
  Client client = Open();
  Client operator_ = Open();
  Must(Put(client, "acme", "name", "1"));
  // Whoever makes the project's first DEK waits for this one, which is never committed.
  Hold(
      "INSERT INTO rowseal.dek (project_id, id, kek_id, purpose, suite, state, revision,"
      " check_value, wrapped_key, row_tag, created_at, born_epoch)"
      " SELECT 'new', gen_random_uuid(), kek_id, purpose, suite, state, revision, check_value,"
      " wrapped_key, row_tag, created_at, born_epoch FROM rowseal.dek");
  auto put = InBackground([&] { return Put(client, "new", "name", "1"); });
  ASSERT_TRUE(Waiting(1, put));
  EXPECT_FALSE(IsFree("rowseal.kek WHERE purpose = 'wrap'")) << "its KEK may be destroyed under it";
  LetGo();
  Must(put.get());

  Hold("SELECT 1 FROM rowseal.kek WHERE purpose = 'wrap' FOR UPDATE");
  auto second = InBackground([&] { return Put(client, "newer", "name", "1"); });
  ASSERT_TRUE(Waiting(1, second));
  auto rotation = InBackground([&] { return RotateKek(operator_); });
  ASSERT_TRUE(Waiting(2, second, rotation));
  LetGo();
  Must(second.get());
  Must(rotation.get());
  ExpectClean();
}

TEST_F(PausedCalls, ARenameWaitsForThePutAndTakesItsVersionWithIt) {
  Client writer = Open();
  Client renamer = Open();
  Must(Put(writer, "acme", "name", "1"));
  Hold("SELECT 1 FROM rowseal.secret FOR UPDATE");
  auto put = InBackground([&] { return Put(writer, "acme", "name", "2"); });
  ASSERT_TRUE(Waiting(1, put));
  auto rename = InBackground(
      [&] { return renamer.Rename(Project("acme"), Named("name"), Named("renamed")); });
  ASSERT_TRUE(Waiting(2, put, rename));
  LetGo();
  Must(put.get());
  Must(rename.get());
  EXPECT_EQ(Must(Get(writer, "acme", "renamed", 1)), "1");
  ExpectClean();
}

// Between the look for the active DEK and the write, the DEK is rotated away: the database writes
// nothing, which must not pass for a write.
TEST_F(PausedCalls, ExpireAndRenameSealAgainWhereTheirDekIsRotatedAwayBeforeTheWrite) {
  Client operator_ = Open();
  auto connection = std::make_unique<BeforeProcedure>(
      Must(PostgresConnection::Open(server_.Url(database_, kUser))), Procedure::kSecretReseal);
  BeforeProcedure& before = *connection;
  Client client = OpenOver(std::move(connection));
  Must(Put(client, "acme", "name", "1"));
  Must(Put(client, "acme", "name", "2"));
  const auto rotate = [&] { Must(RotateDeks(operator_, Project("acme"))); };

  before.act = rotate;
  const Timestamp expiry = SystemClock() + std::chrono::hours(1);
  Must(client.Expire(Project("acme"), Named("name"), SecretVersion{1}, expiry));
  EXPECT_FALSE(before.act);
  EXPECT_EQ(Count("rowseal.secret_version WHERE version = 1 AND expires_at IS NOT NULL"), 1);

  before.act = rotate;
  Must(client.Rename(Project("acme"), Named("name"), Named("renamed")));
  EXPECT_FALSE(before.act);
  EXPECT_EQ(Count("rowseal.secret_version v JOIN rowseal.dek d ON d.id = v.dek_id"
                  " WHERE d.state = 'active'"),
            2);
  EXPECT_EQ(Must(Get(client, "acme", "renamed")), "2");
  ExpectClean();
}

// What a login, a pooler or an app turned off is on again where keys are made, and only there.
TEST_F(PausedCalls, WhatMakesKeysWaitsForTheLogAlsoInsideTheAppsTransaction) {
  Client client = Open();
  Must(Put(client, "acme", "name", "1"));
  const auto setting_after = [&](Result<StartedCall<Client::Stored>> call) {
    auto app = Must(PostgresConnection::Open(server_.Url(database_, kUser)));
    Must(app->ExecuteScript("SET synchronous_commit = off"));
    Must(app->ExecuteScript("BEGIN"));
    RunOperation(*app, *call);
    Must(std::move(*call).Take());
    const std::string setting = TextAt(
        Must(app->Execute(Statement::Sql("SELECT current_setting('synchronous_commit')"))).rows[0],
        0);
    Must(app->ExecuteScript("COMMIT"));
    return setting;
  };
  const auto put = [&](const std::string& project) {
    std::vector<OwnedPutItem> items;
    items.push_back({Named("a"), Must(SecretBytes::CopyOf(AsBytes("1")))});
    return client.StartPut(Project(project), std::move(items), Batch::kAllOrNone, {},
                           Within::kAppTransaction);
  };
  EXPECT_EQ(setting_after(put("new")), "on");
  EXPECT_EQ(setting_after(put("acme")), "off");
}

TEST_F(PausedCalls, AReadInsideATransactionLeavesItsCommitDurable) {
  Client client = Open();
  Must(Put(client, "acme", "name", "1"));
  Must(client.AddColumn(Label("field"), ContextKind::kField));
  const std::string sealed =
      Must(client.SealValue(Project("acme"), Label("field"), AsBytes("value")));
  auto app = Must(PostgresConnection::Open(server_.Url(database_, kUser)));
  Must(app->Begin(TransactionKind::kWrite));
  const auto setting = [&] {
    return TextAt(
        Must(app->Execute(Statement::Sql("SELECT current_setting('synchronous_commit')"))).rows[0],
        0);
  };
  auto get = Must(client.StartGet(Project("acme"), {{Named("name"), {}}}));
  RunOperation(*app, get);
  EXPECT_TRUE(Must(std::move(get).Take()).front());
  EXPECT_EQ(setting(), "on");
  auto open = Must(client.StartOpenValues(Project("acme"), Label("field"), {{sealed, {}}}));
  RunOperation(*app, open);
  EXPECT_TRUE(Must(std::move(open).Take()).front());
  EXPECT_EQ(setting(), "on");
  app->Rollback();
}

}  // namespace
}  // namespace rowseal::testing
