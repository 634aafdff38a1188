#include "support/interleaving_connection.h"

#include <stdexcept>
#include <thread>

#include "support/test_store.h"

namespace rowseal::testing {

InterleavingConnection::InterleavingConnection(std::unique_ptr<Connection> inner)
    : inner_(std::move(inner)) {
  if (!TestsPostgres()) {
    Must(inner_->Execute(Statement::Sql("PRAGMA busy_timeout=0")));
  }
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
      // Each waits for the other's lock, which SQLite's single writer rules out.
      std::fprintf(stderr, "interleaving: both tasks are blocked\n");
      std::abort();
    }
    states_[*task] = State::kGranted;
    changed_.notify_all();
    changed_.wait(lock, [&] {
      return states_[*task] != State::kGranted && states_[*task] != State::kComputing;
    });
    const std::size_t other = 1 - *task;
    if (states_[other] == State::kBusy && !holds_lock_[*task]) {
      states_[other] = State::kAtStep;
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
