// Calls that do not wait, on a real server: ten thousand of them, a server that is gone in the
// middle, and one that hangs.
#include <csignal>

#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;

class AsyncOnPostgres : public ::testing::Test {
 protected:
  AsyncOnPostgres() {
    database_ = server_.CreateDatabase();
    options_.store = server_.Url(database_);
    options_.roots = {"file:" + (folder_ / "root.key")};
    options_.client.actor = "async";
    options_.client.observer = observer_;
    Must(InitStore(options_));
    Client client = Must(OpenStore(options_));
    for (int i = 0; i < 10; ++i) {
      for (const std::string project : {"acme", "zeta"}) {
        Must(Put(client, project, Name(i), project + Name(i)));
      }
    }
  }
  static std::string Name(int i) { return "name" + std::to_string(i); }

  PostgresServer server_;
  TempFolder folder_;
  std::string database_;
  StoreOptions options_;
  std::shared_ptr<Observer> observer_ = std::make_shared<Observer>();
};

TEST_F(AsyncOnPostgres, TenThousandInFlightAreAllAnsweredAndShareStatements) {
  AsyncClient client = Must(OpenAsyncStore(options_));
  struct Asked {
    std::string project;
    std::string name;
    std::future<Result<Secret>> answer;
  };
  std::vector<Asked> asked;
  for (int i = 0; i < 10'000; ++i) {
    const std::string project = i % 3 == 0 ? "zeta" : "acme";
    asked.push_back({project, Name(i % 10), {}});
    asked.back().answer = client.Get(Project(project), {Named(Name(i % 10)), {}});
  }
  for (Asked& each : asked) {
    const Result<Secret> secret = each.answer.get();
    ASSERT_THAT(secret, Succeeds());
    ASSERT_EQ(TextOf(secret->value), each.project + each.name);
  }
  EXPECT_GT(observer_->Value(Counter::kGetsCoalesced), 0U);
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 0);
}

TEST_F(AsyncOnPostgres, PutsAreStoredOnceWhileTheServerIsRestarted) {
  AsyncClient client = Must(OpenAsyncStore(options_));
  std::vector<std::future<Result<StoredSecret>>> stored;
  for (int i = 0; i < 300; ++i) {
    OwnedPutItem item{Named("new" + std::to_string(i)),
                      Must(SecretBytes::CopyOf(AsBytes("value " + std::to_string(i))))};
    stored.push_back(client.Put(Project("acme"), std::move(item)));
    if (i == 150) {
      server_.Stop(PostgresServer::StopMode::kImmediate);
      server_.Start();
    }
  }
  Client reader = Must(OpenStore(options_));
  for (int i = 0; i < 300; ++i) {
    const Result<StoredSecret> outcome = stored[static_cast<std::size_t>(i)].get();
    ASSERT_THAT(outcome, Succeeds());
    EXPECT_EQ(outcome->version.value, 1) << "stored twice";
    EXPECT_EQ(Must(Get(reader, "acme", "new" + std::to_string(i))), "value " + std::to_string(i));
  }
  EXPECT_TRUE(VerifyFailures(reader).empty());
}

// A caller never waits: not for a server that does not answer, and not for its own deadline.
TEST_F(AsyncOnPostgres, CallsToAServerThatIsGoneEndAtTheirDeadline) {
  AsyncClient client = Must(OpenAsyncStore(options_));
  ASSERT_THAT(client.Get(Project("acme"), {Named(Name(0)), {}}).get(), Succeeds());
  server_.Stop(PostgresServer::StopMode::kImmediate);
  CallOptions soon;
  soon.deadline = std::chrono::steady_clock::now() + 300ms;
  std::vector<std::future<Result<Secret>>> answers;
  for (int i = 0; i < 1'000; ++i) {
    answers.push_back(client.Get(Project("acme"), {Named(Name(i % 10)), {}}, soon));
  }
  for (std::future<Result<Secret>>& answer : answers) {
    EXPECT_THAT(answer.get(), FailsWith(ErrorCode::kUnavailable));
  }
  server_.Start();
  EXPECT_THAT(client.Get(Project("acme"), {Named(Name(0)), {}}).get(), Succeeds());
}

}  // namespace
}  // namespace rowseal::testing
