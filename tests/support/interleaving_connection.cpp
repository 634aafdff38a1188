#include "support/interleaving_connection.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "db/postgres/postgres_connection.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;

// Whether a process of the server waits for another one's lock.
bool WaitsForLock(int backend) {
  static const std::unique_ptr<PostgresConnection> monitor =
      Must(PostgresConnection::Open(PostgresServer::Shared().Url("postgres")));
  const Rows rows = Must(monitor->Execute(Statement::Sql(
      "SELECT cardinality(pg_blocking_pids($1::bigint::integer))", {std::int64_t{backend}})));
  return rows.rows.front().front() != Value(std::int64_t{0});
}

}  // namespace

InterleavingConnection::InterleavingConnection(std::unique_ptr<Connection> inner)
    : inner_(std::move(inner)) {
  on_server_ = TestsPostgres();
  if (!on_server_) {
    Must(inner_->Execute(Statement::Sql("PRAGMA busy_timeout=0")));
  }
}

void InterleavingConnection::Attach(Interleaving* interleaving, std::size_t task) {
  if (interleaving != nullptr && on_server_) {
    interleaving->backends_[task] = static_cast<PostgresConnection&>(*inner_).backend_pid();
  }
  interleaving_ = interleaving;
  task_ = task;
}

void Interleaving::SetState(std::size_t task, State state) {
  const std::lock_guard lock(mutex_);
  states_[task] = state;
  changed_.notify_all();
}

void Interleaving::SetHoldsLock(std::size_t task, bool holds) {
  const std::lock_guard lock(mutex_);
  holds_lock_[task] = holds;
}

void InterleavingConnection::Rollback() noexcept {
  inner_->Rollback();
  in_transaction_ = false;
  if (interleaving_ != nullptr) {
    interleaving_->SetHoldsLock(task_, false);
  }
}

void Interleaving::AwaitTurn(std::size_t task) {
  std::unique_lock lock(mutex_);
  if (states_[task] != State::kBusy) {
    states_[task] = State::kAtStep;
  }
  changed_.notify_all();
  changed_.wait(lock, [&] { return states_[task] == State::kGranted; });
}

std::optional<std::size_t> Interleaving::Choose(const Choices& choices, Choices& made) const {
  const bool first = states_[0] == State::kAtStep;
  const bool second = states_[1] == State::kAtStep;
  if (first && second) {
    const std::size_t same = made.empty() ? 0 : made.back();
    made.push_back(made.size() < choices.size() ? choices[made.size()] : same);
    return made.back();
  }
  if (first || second) {
    return first ? 0 : 1;
  }
  return std::nullopt;
}

// Until the task is at its next step, done, or waits for the other's lock.
void Interleaving::AwaitStep(std::unique_lock<std::mutex>& lock, std::size_t task) {
  while (Runs(task) || states_[task] == State::kWaiting) {
    const bool changed = changed_.wait_for(lock, 2ms, [&] { return !Runs(task); });
    if (changed && states_[task] != State::kWaiting) {
      return;
    }
    if (backends_[task] != 0 && states_[task] != State::kComputing) {
      const bool waits = WaitsForLock(backends_[task]);
      if (states_[task] == State::kGranted || states_[task] == State::kWaiting) {
        states_[task] = waits ? State::kWaiting : State::kGranted;
        if (waits) {
          return;
        }
      }
    }
  }
}

Interleaving::Choices Interleaving::Run(const Choices& choices, const std::array<Task, 2>& tasks) {
  states_ = {State::kComputing, State::kComputing};
  std::vector<std::thread> threads;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    threads.emplace_back([&, task] {
      tasks[task]();
      SetState(task, State::kDone);
    });
    // Each computes up to its first step alone, so that a schedule is all that decides.
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return states_[task] != State::kComputing; });
  }
  Choices made;
  std::unique_lock lock(mutex_);
  while (states_ != std::array{State::kDone, State::kDone}) {
    const std::optional<std::size_t> task = Choose(choices, made);
    if (!task) {
      if (backends_[0] == 0) {
        // Each waits for the other's lock, which SQLite's single writer rules out.
        std::fprintf(stderr, "interleaving: both tasks are blocked\n");
        std::abort();
      }
      // A circle, which the server breaks, or the other is done and this one goes on.
      AwaitStep(lock, 0);
      AwaitStep(lock, 1);
      continue;
    }
    states_[*task] = State::kGranted;
    changed_.notify_all();
    AwaitStep(lock, *task);
    const std::size_t other = 1 - *task;
    if (states_[other] == State::kBusy && !holds_lock_[*task]) {
      states_[other] = State::kAtStep;
    }
    if (states_[other] == State::kWaiting) {
      AwaitStep(lock, other);
    }
  }
  lock.unlock();
  for (std::thread& thread : threads) {
    thread.join();
  }
  return made;
}

std::optional<Interleaving::Choices> Interleaving::Next(Choices made, std::size_t max_switches) {
  const auto same_as_before = [&](std::size_t at) { return at == 0 ? 0 : made[at - 1]; };
  std::size_t switches = 0;
  for (std::size_t at = 0; at < made.size(); ++at) {
    switches += made[at] != same_as_before(at) ? 1 : 0;
  }
  // At each place the task that went on is tried first, then the other one.
  while (!made.empty()) {
    const std::size_t last = made.size() - 1;
    if (made[last] == same_as_before(last) && switches < max_switches) {
      made[last] = 1 - made[last];
      return made;
    }
    switches -= made[last] != same_as_before(last) ? 1 : 0;
    made.pop_back();
  }
  return std::nullopt;
}

}  // namespace rowseal::testing
