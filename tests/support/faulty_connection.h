#pragma once

#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <rowseal/connection.h>

namespace rowseal::testing {

/// Fault says what became of the call that failed.
enum class Fault {
  kNotDone,  ///< the store never saw it
  kDone,     ///< the store carried it out; the answer was lost
};

/// FaultyConnection passes calls on, and makes one of them fail, or the process die.
class FaultyConnection final : public Connection {
 public:
  explicit FaultyConnection(std::unique_ptr<Connection> inner) : inner_(std::move(inner)) {}

  /// FailAt makes the `call`-th call from now (the first is 0) fail with `code`, once.
  void FailAt(std::size_t call, ErrorCode code, Fault fault) {
    calls_ = 0;
    failing_ = {call, code, fault};
  }

  /// DieAt kills the process (SIGKILL) at the `call`-th call from now, before or after it is done.
  void DieAt(std::size_t call, Fault fault) {
    calls_ = 0;
    failing_ = {call, std::nullopt, fault};
  }

  /// Heal ends the failing; true when the failure had happened.
  bool Heal() { return !std::exchange(failing_, std::nullopt).has_value(); }

  Result<Rows> Execute(const Statement& statement) override {
    return Call<Rows>([&] { return inner_->Execute(statement); });
  }
  /// A transaction whose beginning was not confirmed is gone with the connection.
  Result<void> Begin(TransactionKind kind) override {
    if (failing_ && failing_->code) {
      failing_->fault = calls_ == failing_->call ? Fault::kNotDone : failing_->fault;
    }
    return Call<void>([&] { return inner_->Begin(kind); });
  }
  Result<void> Commit() override {
    return Call<void>([&] { return inner_->Commit(); });
  }
  void Rollback() noexcept override { inner_->Rollback(); }

 private:
  struct Failing {
    std::size_t call;
    std::optional<ErrorCode> code;  // nothing: the process dies
    Fault fault;
  };

  template <class T, class Function>
  Result<T> Call(Function function) {
    if (!failing_ || calls_++ != failing_->call) {
      return function();
    }
    const Failing failing = *std::exchange(failing_, std::nullopt);
    if (failing.fault == Fault::kDone) {
      if (const Result<T> done = function(); !done) {
        return done;
      }
    }
    if (!failing.code) {
      std::raise(SIGKILL);
    }
    return Fail(*failing.code, "injected failure");
  }

  std::unique_ptr<Connection> inner_;
  std::optional<Failing> failing_;
  std::size_t calls_ = 0;
};

}  // namespace rowseal::testing
