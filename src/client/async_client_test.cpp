#include <rowseal/async_client.h>

#include <csignal>

#include <atomic>
#include <barrier>
#include <thread>

#include "support/gated_connection.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kSoon{20};  // a deadline that passes while the store hangs

// Await gives a call's outcome, or ends the test when there is none.
template <class T>
Result<T> Await(std::future<Result<T>>& future) {
  if (future.wait_for(kPatience) != std::future_status::ready) {
    throw std::runtime_error("a call has no outcome");
  }
  return future.get();
}

template <class T>
bool HasOutcome(const std::future<Result<T>>& future) {
  return future.wait_for(milliseconds(0)) == std::future_status::ready;
}

OwnedPutItem Item(std::string_view name, std::string_view value) {
  return {Named(name), Must(SecretBytes::CopyOf(AsBytes(value)))};
}

SecretRef Ref(std::string_view name) { return {Named(name), {}}; }

CallOptions By(milliseconds from_now) { return {.deadline = steady_clock::now() + from_now}; }

// A store behind a gate, and an asynchronous client on it.
class AsyncClientTest : public ::testing::Test {
 protected:
  AsyncClientTest() {
    observed_.actor = "tester";
    observed_.observer = observer_;
  }

  // Whatever a test left hanging is let go, so that the client can be destroyed.
  void TearDown() override {
    gate_->Open();
    client_.reset();
  }

  AsyncClient& Start(const AsyncOptions& bounds = {}) {
    client_.emplace(Must(TryStart(bounds)));
    gate_->Clear();
    return *client_;
  }

  Result<AsyncClient> TryStart(const AsyncOptions& bounds) {
    const auto make = [this]() -> Result<std::unique_ptr<Connection>> {
      ++made_;
      if (no_connections_) {
        return Fail(ErrorCode::kUnavailable, "no connection today");
      }
      ROWSEAL_ASSIGN(std::unique_ptr<Connection> inner, store_.OpenConnection());
      return std::make_unique<GatedConnection>(std::move(inner), gate_);
    };
    return AsyncClient::Connect(make, {Must(store_.Root())}, observed_, bounds);
  }

  void Store(std::string_view project, std::string_view name, std::string_view value) {
    Client client = store_.Open();
    Must(Put(client, project, name, value));
  }

  std::future<Result<Secret>> Get(std::string_view project, std::string_view name,
                                  CallOptions options = {}) {
    return client_->Get(Project(project), Ref(name), std::move(options));
  }

  // Makes every worker wait in a statement, for a project of its own.
  std::vector<std::future<Result<Secret>>> HangWorkers(std::size_t workers) {
    gate_->Close();
    std::vector<std::future<Result<Secret>>> hanging;
    for (std::size_t i = 0; i < workers; ++i) {
      hanging.push_back(Get("hanging" + std::to_string(i), "n", By(std::chrono::hours(1))));
      gate_->AwaitAsked(i + 1);
    }
    return hanging;
  }

  TestStore store_;
  std::shared_ptr<Observer> observer_ = std::make_shared<Observer>();
  ClientOptions observed_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  std::atomic<int> made_{0};
  std::atomic<bool> no_connections_{false};
  std::optional<AsyncClient> client_;
};

TEST_F(AsyncClientTest, EveryCallGivesWhatTheClientsGives) {
  {
    Client client = store_.Open();
    Must(client.AddColumn(Label("users.totp"), ContextKind::kCell));
  }
  AsyncClient& client = Start();
  const ProjectId acme = Project("acme");

  auto put = client.Put(acme, Item("a", "one"));
  EXPECT_EQ(Must(Await(put)).version, SecretVersion{1});
  std::vector<OwnedPutItem> items;
  items.push_back(Item("a", "two"));
  items.push_back(Item("b", "three"));
  auto put_batch = client.PutBatch(acme, std::move(items), Batch::kAllOrNone);
  const AsyncClient::Stored stored = Must(Await(put_batch));
  EXPECT_EQ(Must(stored[0]).version, SecretVersion{2});
  EXPECT_EQ(Must(stored[1]).version, SecretVersion{1});

  auto get = client.Get(acme, {Named("a"), SecretVersion{1}});
  EXPECT_EQ(TextOf(Must(Await(get)).value), "one");
  auto get_batch = client.GetBatch(acme, {Ref("a"), Ref("missing"), Ref("b")});
  const AsyncClient::Secrets secrets = Must(Await(get_batch));
  EXPECT_EQ(TextOf(secrets[0]->value), "two");
  EXPECT_THAT(secrets[1], FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(TextOf(secrets[2]->value), "three");

  auto seal = client.SealValue(acme, Label("users.totp"),
                               Must(SecretBytes::CopyOf(AsBytes("JBSWY3DP"))), {"42"});
  const std::string sealed = Must(Await(seal));
  auto open = client.OpenValue(acme, Label("users.totp"), sealed, {"42"});
  EXPECT_EQ(TextOf(Must(Await(open))), "JBSWY3DP");
  auto moved = client.OpenValue(acme, Label("users.totp"), sealed, {"43"});
  EXPECT_THAT(Await(moved), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(AsyncClientTest, CallbacksGetTheOutcomeOnAThreadOfTheClientsAndMayCallAgain) {
  AsyncClient& client = Start();
  std::promise<Result<Secret>> promise;
  std::future<Result<Secret>> future = promise.get_future();
  const auto caller = std::this_thread::get_id();
  Must(client.Put(Project("acme"), Item("n", "value"), {}, [&](Result<StoredSecret> stored) {
    EXPECT_THAT(stored, Succeeds());
    EXPECT_NE(std::this_thread::get_id(), caller);
    Must(client.Get(Project("acme"), Ref("n"), {},
                    [&](Result<Secret> secret) { promise.set_value(std::move(secret)); }));
  }));
  EXPECT_EQ(TextOf(Must(Await(future)).value), "value");
}

TEST_F(AsyncClientTest, ConnectFailsAsTheClientsDoes) {
  EXPECT_THAT(TryStart({.workers = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(TryStart({.call_limit = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(TryStart({.coalesce_limit = 0}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(TryStart({.default_deadline = milliseconds(0)}),
              FailsWith(ErrorCode::kInvalidArgument));
  no_connections_ = true;
  EXPECT_THAT(TryStart({}), FailsNaming(ErrorCode::kUnavailable, "no connection today"));
  no_connections_ = false;
  const TestStore other(TestStore::Keys::kOwn);
  EXPECT_THAT(AsyncClient::Connect([&] { return store_.OpenConnection(); }, {Must(other.Root())},
                                   observed_),
              FailsWith(ErrorCode::kRootKeyMismatch));
}

TEST_F(AsyncClientTest, CallThatIsNotTakenNeverCallsBack) {
  AsyncClient& client = Start();
  std::atomic<int> called_back{0};
  const Callback<Secret> count = [&](const Result<Secret>&) { ++called_back; };
  const CallOptions bad{.access = {.actor = "", .reason = "\xFF"}};
  EXPECT_THAT(client.Get(Project("acme"), Ref("n"), bad, count),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(client.Get(Project("acme"), Ref("n"), {}, {}),
              FailsWith(ErrorCode::kInvalidArgument));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(client.Get(Project("acme"), Ref("n"), {.stop = stop.get_token()}, count),
              FailsWith(ErrorCode::kCancelled));
  auto future = Get("acme", "n", bad);
  EXPECT_TRUE(HasOutcome(future));
  client_.reset();
  EXPECT_EQ(called_back, 0);
  EXPECT_TRUE(gate_->asked().empty());
}

TEST_F(AsyncClientTest, CallerNeverWaitsForTheStore) {
  Store("acme", "n", "value");
  Start({.workers = 2});
  auto hanging = HangWorkers(2);
  std::vector<std::future<Result<Secret>>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(Get("acme", "n"));
  }
  // All 100 calls returned although no statement was answered.
  EXPECT_EQ(gate_->asked().size(), 2U);
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 102);
  gate_->Open();
  for (auto& future : waiting) {
    EXPECT_EQ(TextOf(Must(Await(future)).value), "value");
  }
  for (auto& future : hanging) {
    EXPECT_THAT(Await(future), FailsWith(ErrorCode::kNotFound));
  }
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 0);
}

TEST_F(AsyncClientTest, DeadlinesEndWaitingCallsWhileEveryWorkerHangs) {
  AsyncClient& client = Start({.workers = 1, .default_deadline = kSoon});
  auto hanging = HangWorkers(1);
  auto by_option = Get("acme", "n", By(kSoon));
  auto by_default = Get("acme", "n");
  auto passed_already = Get("acme", "n", By(milliseconds(-1)));
  auto put = client.Put(Project("acme"), Item("n", "never begun"), By(kSoon));
  for (auto* read : {&by_option, &by_default, &passed_already}) {
    EXPECT_THAT(Await(*read), FailsNaming(ErrorCode::kUnavailable, "it was not begun"));
  }
  EXPECT_THAT(Await(put), FailsNaming(ErrorCode::kUnavailable, "it was not begun"));
  EXPECT_EQ(observer_->Value(Counter::kDeadlinesPassed), 4U);
  EXPECT_FALSE(HasOutcome(hanging[0]));
  EXPECT_EQ(gate_->asked().size(), 1U);
}

TEST_F(AsyncClientTest, DeadlineEndsAReadInAHangingStatementAndItsAnswerIsDropped) {
  Store("acme", "n", "value");
  AsyncClient& client = Start({.workers = 1});
  gate_->Close();
  std::atomic<int> outcomes{0};
  // On a busy machine a deadline may pass before the call has begun: then with a later one.
  for (milliseconds deadline = kSoon; gate_->asked().empty(); deadline *= 2) {
    outcomes = 0;
    std::promise<Result<Secret>> promise;
    auto future = promise.get_future();
    Must(client.Get(Project("acme"), Ref("n"), By(deadline), [&](Result<Secret> secret) {
      ++outcomes;
      promise.set_value(std::move(secret));
    }));
    const Result<Secret> outcome = Await(future);
    EXPECT_THAT(outcome, FailsWith(ErrorCode::kUnavailable));
    if (!gate_->asked().empty()) {
      EXPECT_THAT(outcome, FailsNaming(ErrorCode::kUnavailable, "the answer will be dropped"));
    }
  }
  gate_->Open();
  auto next = Get("acme", "n");  // the worker works on
  EXPECT_THAT(Await(next), Succeeds());
  client_.reset();
  EXPECT_EQ(outcomes, 1);
}

TEST_F(AsyncClientTest, PutThatHasBegunEndsWithItsTrueOutcomeBehindItsDeadline) {
  AsyncClient& client = Start({.workers = 1});
  gate_->Close();
  std::future<Result<StoredSecret>> put;
  for (milliseconds deadline = kSoon; gate_->asked().empty(); deadline *= 2) {
    put = client.Put(Project("acme"), Item("n", "stored"), By(deadline));
    while (gate_->asked().empty() && !HasOutcome(put)) {
      std::this_thread::yield();
    }
    std::this_thread::sleep_for(deadline);  // it has passed for certain
  }
  auto later = Get("globex", "n", By(kSoon));
  EXPECT_THAT(Await(later), FailsWith(ErrorCode::kUnavailable));
  EXPECT_FALSE(HasOutcome(put));
  gate_->Open();
  EXPECT_EQ(Must(Await(put)).version, SecretVersion{1});
  Client reader = store_.Open();
  EXPECT_EQ(Must(rowseal::testing::Get(reader, "acme", "n")), "stored");
}

TEST_F(AsyncClientTest, EarlierDeadlineOfALaterCallIsNotMissed) {
  Start({.workers = 1});
  auto hanging = HangWorkers(1);
  auto late = Get("acme", "n", By(std::chrono::hours(1)));
  auto never = Get("acme", "n", {.deadline = steady_clock::time_point::max()});
  auto soon = Get("acme", "n", By(kSoon));
  EXPECT_THAT(Await(soon), FailsWith(ErrorCode::kUnavailable));
  EXPECT_FALSE(HasOutcome(late));
  EXPECT_FALSE(HasOutcome(never));
}

TEST_F(AsyncClientTest, StopEndsWaitingCallsAndReadsButNoPutThatHasBegun) {
  AsyncClient& client = Start({.workers = 2});
  std::stop_source stop;
  const CallOptions stoppable{.stop = stop.get_token()};
  gate_->Close();
  auto begun_put = client.Put(Project("acme"), Item("n", "stored"), stoppable);
  gate_->AwaitAsked(1);
  auto begun_get = Get("globex", "n", stoppable);
  gate_->AwaitAsked(2);
  auto waiting_get = Get("acme", "n", stoppable);
  auto waiting_put = client.Put(Project("acme"), Item("n", "never begun"), stoppable);
  auto other = Get("initech", "n");

  stop.request_stop();
  EXPECT_THAT(Await(begun_get), FailsNaming(ErrorCode::kCancelled, "the answer will be dropped"));
  EXPECT_THAT(Await(waiting_get), FailsNaming(ErrorCode::kCancelled, "it was not begun"));
  EXPECT_THAT(Await(waiting_put), FailsNaming(ErrorCode::kCancelled, "it was not begun"));
  EXPECT_FALSE(HasOutcome(begun_put));
  EXPECT_FALSE(HasOutcome(other));
  gate_->Open();
  EXPECT_EQ(Must(Await(begun_put)).version, SecretVersion{1});
  EXPECT_THAT(Await(other), FailsWith(ErrorCode::kNotFound));
}

TEST_F(AsyncClientTest, FullQueueRefusesAtOnceAndTakesCallsAgainLater) {
  AsyncClient& client = Start({.workers = 1, .call_limit = 3});
  auto hanging = HangWorkers(1);
  std::stop_source stop;
  auto second = Get("acme", "n");
  auto third = Get("acme", "n", {.stop = stop.get_token()});
  for (int i = 0; i < 10; ++i) {
    auto refused = Get("globex", "n");
    ASSERT_TRUE(HasOutcome(refused));
    EXPECT_THAT(Await(refused), FailsWith(ErrorCode::kOverloaded));
  }
  EXPECT_EQ(observer_->Value(Counter::kCallsRefused), 10U);
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 3);
  // A call that ended makes room, although the store still hangs.
  stop.request_stop();
  EXPECT_THAT(Await(third), FailsWith(ErrorCode::kCancelled));
  auto fourth = client.Put(Project("acme"), Item("n", "value"));
  EXPECT_FALSE(HasOutcome(fourth));
  gate_->Open();
  EXPECT_THAT(Await(fourth), Succeeds());
}

TEST_F(AsyncClientTest, ValuesHeldAreBounded) {
  AsyncClient& client = Start({.workers = 1, .value_limit_bytes = 100});
  auto hanging = HangWorkers(1);
  auto over_but_alone = client.Put(Project("acme"), Item("a", std::string(150, 'x')));
  auto refused = client.Put(Project("acme"), Item("b", "x"));
  ASSERT_TRUE(HasOutcome(refused));
  EXPECT_THAT(Await(refused), FailsWith(ErrorCode::kOverloaded));
  gate_->Open();
  EXPECT_THAT(Await(over_but_alone), Succeeds());
  auto taken = client.Put(Project("acme"), Item("b", "x"));
  EXPECT_THAT(Await(taken), Succeeds());
}

TEST_F(AsyncClientTest, GetsThatWaitTogetherShareAStatementAndEachHasItsOwnOutcome) {
  Store("acme", "a", "one");
  Store("acme", "b", "two");
  Store("globex", "a", "other project");
  Start({.workers = 1, .coalesce_limit = 4});
  auto hanging = HangWorkers(1);
  const CallOptions other_reason{.access = {.actor = "", .reason = "ticket 1"}};
  const CallOptions same_actor{.access = {.actor = "tester", .reason = ""}};
  auto a1 = Get("acme", "a");
  auto alone = Get("acme", "a", other_reason);
  auto missing = Get("acme", "missing");
  auto put = client_->Put(Project("acme"), Item("c", "three"));
  auto a2 = Get("acme", "a", same_actor);
  auto b = Get("acme", "b");
  auto fifth = Get("acme", "b");
  auto elsewhere = Get("globex", "a");
  gate_->Open();
  Must(Await(put));
  EXPECT_EQ(TextOf(Must(Await(a1)).value), "one");
  EXPECT_EQ(TextOf(Must(Await(a2)).value), "one");
  EXPECT_EQ(TextOf(Must(Await(b)).value), "two");
  EXPECT_EQ(TextOf(Must(Await(alone)).value), "one");
  EXPECT_EQ(TextOf(Must(Await(fifth)).value), "two");
  EXPECT_EQ(TextOf(Must(Await(elsewhere)).value), "other project");
  EXPECT_THAT(Await(missing), FailsNaming(ErrorCode::kNotFound, "'missing'"));

  std::vector<std::size_t> sizes;
  for (const Gate::Asked& asked : gate_->asked()) {
    if (asked.procedure == Procedure::kSecretGet && asked.project == "acme") {
      sizes.push_back(asked.names);
    }
  }
  // a1, missing, a2 and b; then the one with a reason of its own; the fifth was over the limit.
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 1, 1}));
  EXPECT_EQ(observer_->Value(Counter::kGetsCoalesced), 3U);
  // The one entry names what each was given.
  EXPECT_EQ(Intruder(store_.path())
                .Integer("SELECT count(*) FROM audit_log WHERE project_id = 'acme' AND "
                         "action = 'get'"),
            3);
}

TEST_F(AsyncClientTest, FailedStatementIsTheErrorOfEveryGetThatSharedIt) {
  Store("acme", "a", "one");
  Start({.workers = 1});
  auto hanging = HangWorkers(1);
  auto first = Get("acme", "a");
  auto second = Get("acme", "missing");
  gate_->FailNext(ErrorCode::kResourceExhausted);
  gate_->Open();
  EXPECT_THAT(Await(first), FailsWith(ErrorCode::kResourceExhausted));
  EXPECT_THAT(Await(second), FailsWith(ErrorCode::kResourceExhausted));
}

TEST_F(AsyncClientTest, ProjectWithManyCallsDoesNotKeepAnothersWaiting) {
  Start({.workers = 1, .coalesce_limit = 1});
  auto hanging = HangWorkers(1);
  std::vector<std::future<Result<Secret>>> many;
  for (int i = 0; i < 500; ++i) {
    many.push_back(Get("greedy", "n"));
  }
  auto one = Get("modest", "n");
  auto another = Get("quiet", "n");
  gate_->LetPass(4);
  gate_->AwaitAsked(5);
  const std::vector<Gate::Asked> asked = gate_->asked();
  std::vector<std::string> order;
  for (std::size_t i = 1; i < 5; ++i) {
    order.push_back(asked[i].project);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"greedy", "modest", "quiet", "greedy"}));
}

TEST_F(AsyncClientTest, TenThousandCallsUnderWayAllEndWithTheirOutcome) {
  constexpr std::size_t kProjects = 50;
  constexpr std::size_t kCalls = 10'000;
  for (std::size_t i = 0; i < kProjects; ++i) {
    Store("p" + std::to_string(i), "n", "value " + std::to_string(i));
  }
  Start({.workers = 4});
  auto hanging = HangWorkers(4);
  std::vector<std::future<Result<Secret>>> futures;
  futures.reserve(kCalls);
  for (std::size_t i = 0; i < kCalls; ++i) {
    futures.push_back(Get("p" + std::to_string(i % kProjects), "n", By(std::chrono::hours(1))));
  }
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), static_cast<std::int64_t>(kCalls + 4));
  gate_->Open();
  for (std::size_t i = 0; i < kCalls; ++i) {
    ASSERT_EQ(TextOf(Must(Await(futures[i])).value), "value " + std::to_string(i % kProjects));
  }
  EXPECT_EQ(observer_->Observations(Timer::kCallWait), kCalls + 4);
}

TEST_F(AsyncClientTest, TenThousandDeadlinesPassWhileEveryWorkerHangs) {
  Start({.workers = 1});
  auto hanging = HangWorkers(1);
  std::vector<std::future<Result<Secret>>> futures;
  for (int i = 0; i < 10'000; ++i) {
    futures.push_back(Get("p" + std::to_string(i % 7), "n", By(kSoon)));
  }
  for (auto& future : futures) {
    ASSERT_THAT(Await(future), FailsWith(ErrorCode::kUnavailable));
  }
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 1);
  EXPECT_EQ(gate_->asked().size(), 1U);
}

TEST_F(AsyncClientTest, DestructionEndsEveryCallOnceBeforeItReturns) {
  Store("acme", "n", "value");
  AsyncClient& client = Start({.workers = 1});
  gate_->Close();
  std::atomic<bool> destroyed{false};
  std::atomic<int> cancelled{0};
  std::atomic<int> others{0};
  const auto count = [&](const auto& outcome) {
    EXPECT_FALSE(destroyed);
    if (!outcome && outcome.error().code == ErrorCode::kCancelled) {
      ++cancelled;
    } else {
      EXPECT_THAT(outcome, Succeeds());
      ++others;
    }
  };
  Must(client.Put(Project("acme"), Item("n", "begun"), {},
                  [&](Result<StoredSecret> stored) { count(stored); }));
  gate_->AwaitAsked(1);
  for (int i = 0; i < 100; ++i) {
    Must(client.Get(Project("p" + std::to_string(i % 3)), Ref("n"), {},
                    [&, i](Result<Secret> secret) {
                      count(secret);
                      if (i == 0) {  // the client takes no more
                        EXPECT_THAT(client.Get(Project("acme"), Ref("n"), {}, count),
                                    FailsWith(ErrorCode::kCancelled));
                      }
                    }));
  }
  std::thread destroyer([&] {
    client_.reset();
    destroyed = true;
  });
  while (cancelled < 100) {
    std::this_thread::yield();
  }
  EXPECT_EQ(others, 0);
  gate_->Open();  // it waits for what has begun
  destroyer.join();
  EXPECT_EQ(cancelled, 100);
  EXPECT_EQ(others, 1);
  Client reader = store_.Open();
  EXPECT_EQ(Must(rowseal::testing::Get(reader, "acme", "n")), "begun");
}

TEST_F(AsyncClientTest, WorkerMakesANewConnectionAfterOneFailed) {
  Store("acme", "n", "value");
  Start({.workers = 1});
  EXPECT_EQ(made_, 1);  // the first one serves the first worker
  gate_->FailNext(ErrorCode::kUnavailable);
  auto failed = Get("acme", "n");
  EXPECT_THAT(Await(failed), FailsWith(ErrorCode::kUnavailable));
  auto next = Get("acme", "n");
  EXPECT_THAT(Await(next), Succeeds());
  EXPECT_EQ(made_, 2);

  gate_->FailNext(ErrorCode::kInDoubt);
  failed = Get("acme", "n");
  EXPECT_THAT(Await(failed), FailsWith(ErrorCode::kInDoubt));
  no_connections_ = true;
  next = Get("acme", "n");
  EXPECT_THAT(Await(next), FailsNaming(ErrorCode::kUnavailable, "no connection today"));
  no_connections_ = false;
  next = Get("acme", "n");
  EXPECT_THAT(Await(next), Succeeds());
  EXPECT_EQ(made_, 4);

  auto missing = Get("acme", "missing");  // an answer is no failure of the connection
  EXPECT_THAT(Await(missing), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(made_, 4);
}

TEST_F(AsyncClientTest, SignalsAreLeftToTheHostsThreads) {
  AsyncClient& client = Start();
  std::promise<sigset_t> promise;
  Must(client.Get(Project("acme"), Ref("n"), {}, [&](const Result<Secret>&) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    promise.set_value(blocked);
  }));
  const sigset_t blocked = promise.get_future().get();
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
  EXPECT_EQ(sigismember(&blocked, SIGSEGV), 0);
  sigset_t ours;
  pthread_sigmask(SIG_BLOCK, nullptr, &ours);
  EXPECT_EQ(sigismember(&ours, SIGTERM), 0);
}

TEST_F(AsyncClientTest, WorkersThatNobodyNeedsMakeNoConnection) {
  Store("acme", "n", "value");
  Start({.workers = 8});
  auto get = Get("acme", "n");
  EXPECT_THAT(Await(get), Succeeds());
  EXPECT_LE(made_, 2);
}

TEST_F(AsyncClientTest, ManyThreadsAtOnceWhileKeysAreRotated) {
  constexpr int kThreads = 6;
  constexpr int kCalls = 40;
  AsyncClient& client = Start({.workers = 4, .coalesce_limit = 8});
  std::barrier line(kThreads + 1);
  std::vector<std::thread> threads;
  std::atomic<int> ended{0};
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      line.arrive_and_wait();
      const std::string project = "p" + std::to_string(thread % 3);
      const std::string mine = "n" + std::to_string(thread);
      std::vector<std::future<Result<Secret>>> stopped;
      for (int call = 0; call < kCalls; ++call) {
        const std::string value = mine + " " + std::to_string(call);
        auto put = client.Put(Project(project), Item(mine, value), By(kPatience));
        const SecretVersion version = Must(Await(put)).version;
        EXPECT_EQ(version, SecretVersion{call + 1});
        auto newest = Get(project, mine, By(kPatience));
        auto by_number = client.Get(Project(project), {Named(mine), version}, By(kPatience));
        std::stop_source stop;
        stopped.push_back(Get(project, mine, {.stop = stop.get_token()}));
        stop.request_stop();
        EXPECT_EQ(TextOf(Must(Await(newest)).value), value);
        EXPECT_EQ(TextOf(Must(Await(by_number)).value), value);
        ++ended;
      }
      for (auto& future : stopped) {
        const Result<Secret> outcome = Await(future);
        EXPECT_TRUE(outcome || outcome.error().code == ErrorCode::kCancelled);
      }
    });
  }
  Client rotator = store_.Open();
  line.arrive_and_wait();
  for (int i = 0; i < 5; ++i) {
    Must(RotateKek(rotator));
    const int before = ended;
    while (ended == before && ended < kThreads * kCalls) {
      std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  client_.reset();
  EXPECT_EQ(observer_->Value(Gauge::kCallsUnderWay), 0);
  EXPECT_EQ(observer_->Value(Counter::kOpensRefused), 0U);
  store_.ExpectClean();
}

using AsyncClientDeathTest = AsyncClientTest;

TEST_F(AsyncClientDeathTest, CallbackThatThrowsEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        AsyncClient& client = Start({.workers = 1});
        std::promise<void> never;
        static_cast<void>(client.Get(Project("acme"), Ref("n"), {}, [](const Result<Secret>&) {
          throw std::runtime_error("a callback threw");
        }));
        never.get_future().wait_for(kPatience);
      },
      "");
}

}  // namespace
}  // namespace rowseal::testing
