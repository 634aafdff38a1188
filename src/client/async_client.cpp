#include <rowseal/async_client.h>

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <thread>

#include "client/async_call.h"
#include "client/call_queue.h"
#include "client/renewing_connection.h"
#include "client/session.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxWorkers = 256;
constexpr std::size_t kMaxTogether = 1000;
constexpr std::chrono::hours kLongestDefault{24};

Result<void> CheckBounds(const AsyncOptions& bounds) {
  const auto refuse = [](std::string what) {
    return Fail(ErrorCode::kInvalidArgument, std::move(what));
  };
  if (bounds.workers < 1 || bounds.workers > kMaxWorkers) {
    return refuse("an asynchronous client has 1 to 256 workers");
  }
  if (bounds.call_limit < 1) {
    return refuse("an asynchronous client takes at least one call at a time");
  }
  if (bounds.coalesce_limit < 1 || bounds.coalesce_limit > kMaxTogether) {
    return refuse("1 to 1,000 gets may share a statement");
  }
  if (bounds.default_deadline <= std::chrono::milliseconds::zero() ||
      bounds.default_deadline > kLongestDefault) {
    return refuse("the default deadline of calls is more than nothing and at most a day");
  }
  return {};
}

// While it lives, threads that are started take no signal: the host's handlers run on the host's
// threads.
class SignalsBlocked final {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int signal : kLeft) {
      sigdelset(&all, signal);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  // Not those that a thread causes itself, by which a host learns of a crash, nor a profiler's.
  static constexpr int kLeft[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                  SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
  sigset_t before_{};
};

// Makes a call by its form with a callback, and gives its outcome as a future.
template <class T, class Call>
std::future<Result<T>> AsFuture(Call call) {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  const Result<void> taken =
      call([promise](Result<T> outcome) { promise->set_value(std::move(outcome)); });
  if (!taken) {
    promise->set_value(tl::unexpected(taken.error()));
  }
  return future;
}

}  // namespace

struct AsyncClient::State final {
  State(ConnectionFactory factory, std::vector<std::shared_ptr<const RootProvider>> roots,
        ClientOptions options, const AsyncOptions& limits)
      : connections(std::move(factory)),
        session(std::move(roots), std::move(options)),
        bounds(limits),
        queue({limits.call_limit, limits.value_limit_bytes, limits.coalesce_limit},
              session.observer()) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  Result<void> Start(std::unique_ptr<Connection> first);
  void Work(std::unique_ptr<Connection> first);
  void Watch();

  template <class T>
  Result<CallTerms> Terms(const ProjectId& project, const CallOptions& options,
                          const Callback<T>& done) const;
  Result<void> Submit(CallPtr call, const CallOptions& options);

  const ConnectionFactory connections;
  Session session;
  const AsyncOptions bounds;
  CallQueue queue;
  std::vector<std::thread> threads;
};

AsyncClient::State::~State() {
  queue.Close();
  for (std::thread& thread : threads) {
    thread.join();
  }
}

Result<void> AsyncClient::State::Start(std::unique_ptr<Connection> first) {
  const SignalsBlocked blocked;
  try {
    threads.reserve(bounds.workers + 1);
    threads.emplace_back([this] { Watch(); });
    for (std::size_t i = 0; i < bounds.workers; ++i) {
      threads.emplace_back([this](std::unique_ptr<Connection> made) { Work(std::move(made)); },
                           std::move(first));
    }
  } catch (const std::system_error&) {
    return Fail(ErrorCode::kResourceExhausted, "the system starts no more threads",
                "ask for fewer workers, or raise the limit (ulimit -u)");
  }
  return {};
}

// What a worker does: carry calls out, and end those that nobody ended before.
void AsyncClient::State::Work(std::unique_ptr<Connection> first) {
  RenewingConnection connection(connections, std::move(first));
  while (true) {
    const std::vector<CallPtr> together = queue.Take();
    if (together.empty()) {
      return;
    }
    std::optional<Error> thrown;
    try {
      together.front()->Run(session, connection, together);
    } catch (...) {
      thrown = CaughtException();
    }
    for (const CallPtr& call : together) {
      if (queue.Finish(*call)) {
        thrown ? call->Fail(*thrown) : call->Finish();
      }
    }
  }
}

// What the watcher does: end calls for which no worker may be free. It never waits for the store.
void AsyncClient::State::Watch() {
  while (true) {
    std::vector<CallQueue::Ended> ended = queue.TakeEnded();
    if (ended.empty()) {
      return;
    }
    for (CallQueue::Ended& one : ended) {
      one.call->Fail(std::move(one.error));
    }
  }
}

template <class T>
Result<CallTerms> AsyncClient::State::Terms(const ProjectId& project, const CallOptions& options,
                                            const Callback<T>& done) const {
  if (!done) {
    return Fail(ErrorCode::kInvalidArgument, "a call without a callback has no outcome");
  }
  ROWSEAL_ASSIGN(Access access, session.Complete(options.access));
  return CallTerms{
      project, std::move(access),
      options.deadline.value_or(std::chrono::steady_clock::now() + bounds.default_deadline)};
}

Result<void> AsyncClient::State::Submit(CallPtr call, const CallOptions& options) {
  if (options.stop.stop_requested()) {
    return Fail(ErrorCode::kCancelled, "the call was stopped before it was made");
  }
  ROWSEAL_ASSIGN(const CallId id, queue.Add(call));
  call->CallOnStop(options.stop, [this, id] { queue.Stop(id); });
  return {};
}

AsyncClient::AsyncClient(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
AsyncClient::AsyncClient(AsyncClient&&) noexcept = default;
AsyncClient& AsyncClient::operator=(AsyncClient&&) noexcept = default;
AsyncClient::~AsyncClient() = default;

Result<AsyncClient> AsyncClient::Connect(ConnectionFactory connections,
                                         std::vector<std::shared_ptr<const RootProvider>> roots,
                                         ClientOptions options, const AsyncOptions& bounds) {
  ROWSEAL_TRY(CheckBounds(bounds));
  auto state =
      std::make_unique<State>(std::move(connections), std::move(roots), std::move(options), bounds);
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> first, state->connections());
  ROWSEAL_TRY(state->session.LoadTrust(*first));
  state->session.WarnOnceIfMemoryIsNotLocked();
  ROWSEAL_TRY(state->Start(std::move(first)));
  return AsyncClient(std::move(state));
}

Result<void> AsyncClient::Get(const ProjectId& project, SecretRef secret, CallOptions options,
                              Callback<Secret> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(
      std::make_shared<GetCall>(std::move(terms), std::move(secret), std::move(done)), options);
}

std::future<Result<Secret>> AsyncClient::Get(const ProjectId& project, SecretRef secret,
                                             CallOptions options) {
  return AsFuture<Secret>([&](Callback<Secret> done) {
    return Get(project, std::move(secret), std::move(options), std::move(done));
  });
}

Result<void> AsyncClient::GetBatch(const ProjectId& project, std::vector<SecretRef> secrets,
                                   CallOptions options, Callback<Secrets> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(
      std::make_shared<GetBatchCall>(std::move(terms), std::move(secrets), std::move(done)),
      options);
}

std::future<Result<AsyncClient::Secrets>> AsyncClient::GetBatch(const ProjectId& project,
                                                                std::vector<SecretRef> secrets,
                                                                CallOptions options) {
  return AsFuture<Secrets>([&](Callback<Secrets> done) {
    return GetBatch(project, std::move(secrets), std::move(options), std::move(done));
  });
}

Result<void> AsyncClient::Put(const ProjectId& project, OwnedPutItem item, CallOptions options,
                              Callback<StoredSecret> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(
      std::make_shared<PutCall>(std::move(terms), std::move(item), std::move(done)), options);
}

std::future<Result<StoredSecret>> AsyncClient::Put(const ProjectId& project, OwnedPutItem item,
                                                   CallOptions options) {
  return AsFuture<StoredSecret>([&](Callback<StoredSecret> done) {
    return Put(project, std::move(item), std::move(options), std::move(done));
  });
}

Result<void> AsyncClient::PutBatch(const ProjectId& project, std::vector<OwnedPutItem> items,
                                   Batch batch, CallOptions options, Callback<Stored> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(
      std::make_shared<PutBatchCall>(std::move(terms), std::move(items), batch, std::move(done)),
      options);
}

std::future<Result<AsyncClient::Stored>> AsyncClient::PutBatch(const ProjectId& project,
                                                               std::vector<OwnedPutItem> items,
                                                               Batch batch, CallOptions options) {
  return AsFuture<Stored>([&](Callback<Stored> done) {
    return PutBatch(project, std::move(items), batch, std::move(options), std::move(done));
  });
}

Result<void> AsyncClient::SealValue(const ProjectId& project, const ColumnLabel& label,
                                    SecretBytes value, std::vector<std::string> row_key,
                                    CallOptions options, Callback<std::string> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(std::make_shared<SealValueCall>(
                            std::move(terms), label,
                            ValueToSeal{std::move(value), std::move(row_key)}, std::move(done)),
                        options);
}

std::future<Result<std::string>> AsyncClient::SealValue(const ProjectId& project,
                                                        const ColumnLabel& label, SecretBytes value,
                                                        std::vector<std::string> row_key,
                                                        CallOptions options) {
  return AsFuture<std::string>([&](Callback<std::string> done) {
    return SealValue(project, label, std::move(value), std::move(row_key), std::move(options),
                     std::move(done));
  });
}

Result<void> AsyncClient::OpenValue(const ProjectId& project, const ColumnLabel& label,
                                    std::string sealed, std::vector<std::string> row_key,
                                    CallOptions options, Callback<SecretBytes> done) {
  ROWSEAL_ASSIGN(CallTerms terms, state_->Terms(project, options, done));
  return state_->Submit(std::make_shared<OpenValueCall>(
                            std::move(terms), label,
                            ValueToOpen{std::move(sealed), std::move(row_key)}, std::move(done)),
                        options);
}

std::future<Result<SecretBytes>> AsyncClient::OpenValue(const ProjectId& project,
                                                        const ColumnLabel& label,
                                                        std::string sealed,
                                                        std::vector<std::string> row_key,
                                                        CallOptions options) {
  return AsFuture<SecretBytes>([&](Callback<SecretBytes> done) {
    return OpenValue(project, label, std::move(sealed), std::move(row_key), std::move(options),
                     std::move(done));
  });
}

}  // namespace rowseal
