#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <rowseal/connection.h>

namespace rowseal::testing {

/// kPatience is how long a test waits for what must happen; only a failing test waits so long.
inline constexpr std::chrono::seconds kPatience{60};

/// Gate is a store that answers when the test says so: while it is closed, every statement of the
/// connections that pass through it waits. Threads: any.
class Gate final {
 public:
  /// Asked is a statement that came to the gate.
  struct Asked {
    Procedure procedure;
    std::string project;    ///< its first parameter
    std::size_t names = 0;  ///< of a get or put: how many secrets
  };

  void Close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// LetPass lets the next statements through the closed gate.
  void LetPass(std::size_t statements) {
    const std::lock_guard lock(mutex_);
    passes_ += statements;
    changed_.notify_all();
  }
  /// FailNext makes the next statement that comes fail, once, without reaching the store.
  void FailNext(ErrorCode code) {
    const std::lock_guard lock(mutex_);
    failing_ = code;
  }
  /// AwaitAsked waits until that many statements came, since the gate was made or cleared.
  void AwaitAsked(std::size_t statements) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return asked_.size() >= statements; })) {
      throw std::runtime_error("only " + std::to_string(asked_.size()) + " statements came");
    }
  }
  std::vector<Asked> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    asked_.clear();
  }

  /// Pass is for the connections.
  Result<void> Pass(const Statement& statement) {
    std::unique_lock lock(mutex_);
    asked_.push_back(Describe(statement));
    changed_.notify_all();
    if (failing_) {
      return Fail(*std::exchange(failing_, std::nullopt), "injected failure");
    }
    changed_.wait(lock, [&] { return open_ || passes_ > 0; });
    if (!open_) {
      --passes_;
    }
    return {};
  }

 private:
  static Asked Describe(const Statement& statement) {
    Asked asked{statement.procedure, {}, 0};
    std::vector<Param> made;
    const std::vector<Param>& params = statement.AllParams(made);
    if (!params.empty()) {
      if (const auto* text = std::get_if<std::string>(&params[0])) {
        asked.project = *text;
      }
    }
    if (params.size() > 1) {
      if (const auto* names = std::get_if<std::vector<std::string>>(&params[1])) {
        asked.names = names->size();
      }
    }
    return asked;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::size_t passes_ = 0;
  std::optional<ErrorCode> failing_;
  std::vector<Asked> asked_;
};

/// GatedConnection passes statements on through a gate.
class GatedConnection final : public Connection {
 public:
  GatedConnection(std::unique_ptr<Connection> inner, std::shared_ptr<Gate> gate)
      : inner_(std::move(inner)), gate_(std::move(gate)) {}

  Result<Rows> Execute(const Statement& statement) override {
    ROWSEAL_TRY(gate_->Pass(statement));
    return inner_->Execute(statement);
  }
  Result<void> Begin(TransactionKind kind) override { return inner_->Begin(kind); }
  Result<void> Commit() override { return inner_->Commit(); }
  void Rollback() noexcept override { inner_->Rollback(); }

 private:
  std::unique_ptr<Connection> inner_;
  std::shared_ptr<Gate> gate_;
};

}  // namespace rowseal::testing
