#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <rowseal/connection.h>

namespace rowseal::testing {

/// Interleaving runs two tasks so that one statement (or BEGIN, or COMMIT) of either is carried out
/// at a time, in an order that the test chooses. A task that meets the other's lock is not runnable
/// until the other lets go: on SQLite its statement changed nothing and is tried again, on
/// PostgreSQL it waits in the server.
class Interleaving final {
 public:
  using Task = std::function<void()>;

  /// Choice is a moment at which both tasks could go on.
  using Choices = std::vector<std::size_t>;

  /// Run runs both tasks to their ends, each on a thread of its own; where both can go on, the next
  /// of `choices` decides, and behind its end the task that went on last (first: task 0). Returns
  /// the choices that were made.
  Choices Run(const Choices& choices, const std::array<Task, 2>& tasks);

  /// Next gives the choices of the schedule behind `made` in depth-first order, or nothing when
  /// that was the last one. Only schedules that switch away from a task that could go on at most
  /// `max_switches` times: most races need one or two (Musuvathi and Qadeer, PLDI 2007), and long
  /// operations have too many schedules otherwise.
  static std::optional<Choices> Next(
      Choices made, std::size_t max_switches = std::numeric_limits<std::size_t>::max());

 private:
  friend class InterleavingConnection;
  enum class State { kComputing, kAtStep, kGranted, kBusy, kWaiting, kDone };

  void AwaitTurn(std::size_t task);
  void SetState(std::size_t task, State state);
  void SetHoldsLock(std::size_t task, bool holds);
  std::optional<std::size_t> Choose(const Choices& choices, Choices& made) const;
  void AwaitStep(std::unique_lock<std::mutex>& lock, std::size_t task);
  bool Runs(std::size_t task) const {
    return states_[task] == State::kGranted || states_[task] == State::kComputing;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<State, 2> states_{State::kDone, State::kDone};
  std::array<bool, 2> holds_lock_{false, false};
  std::array<int, 2> backends_{0, 0};  // processes of the server; 0 on SQLite
};

/// InterleavingConnection gives every call to the schedule of the Interleaving it is attached to;
/// before that, it only passes calls on.
class InterleavingConnection final : public Connection {
 public:
  explicit InterleavingConnection(std::unique_ptr<Connection> inner);

  void Attach(Interleaving* interleaving, std::size_t task);

  Result<Rows> Execute(const Statement& statement) override {
    return Step<Rows>([&] { return inner_->Execute(statement); });
  }
  Result<void> Begin(TransactionKind kind) override {
    return Step<void>([&] {
      Result<void> begun = inner_->Begin(kind);
      in_transaction_ = begun.has_value();
      return begun;
    });
  }
  Result<void> Commit() override {
    return Step<void>([&] {
      Result<void> committed = inner_->Commit();
      in_transaction_ = !committed.has_value();
      return committed;
    });
  }
  void Rollback() noexcept override;

 private:
  template <class T>
  Result<T> Step(const std::function<Result<T>()>& call) {
    while (interleaving_ != nullptr) {
      interleaving_->AwaitTurn(task_);
      Result<T> result = call();
      interleaving_->SetHoldsLock(task_, in_transaction_);
      const bool busy = !on_server_ && !result && result.error().code == ErrorCode::kUnavailable;
      if (!busy) {
        interleaving_->SetState(task_, Interleaving::State::kComputing);
        return result;
      }
      interleaving_->SetState(task_, Interleaving::State::kBusy);
    }
    return call();
  }

  std::unique_ptr<Connection> inner_;
  Interleaving* interleaving_ = nullptr;
  std::size_t task_ = 0;
  bool in_transaction_ = false;
  bool on_server_ = false;
};

}  // namespace rowseal::testing
