#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <rowseal/connection.h>

namespace rowseal::testing {

/// LyingConnection passes statements on to a real store and changes the rows that one kind of call
/// answers: what a replaced function, or a view in a table's place, could do.
class LyingConnection final : public Connection {
 public:
  using Lie = std::function<void(Rows&)>;

  explicit LyingConnection(std::unique_ptr<Connection> inner) : inner_(std::move(inner)) {}

  /// LieAbout has every answer to `procedure` changed by `lie`.
  void LieAbout(Procedure procedure, Lie lie) {
    procedure_ = procedure;
    lie_ = std::move(lie);
  }
  /// BeHonest ends that. Gives how many answers were changed.
  int BeHonest() {
    lie_ = nullptr;
    return std::exchange(lies_, 0);
  }

  Result<Rows> Execute(const Statement& statement) override {
    Result<Rows> rows = inner_->Execute(statement);
    if (rows && lie_ && statement.procedure == procedure_) {
      ++lies_;
      lie_(*rows);
    }
    return rows;
  }
  Result<void> Begin(TransactionKind kind) override { return inner_->Begin(kind); }
  Result<void> Commit() override { return inner_->Commit(); }
  void Rollback() noexcept override { inner_->Rollback(); }

 private:
  std::unique_ptr<Connection> inner_;
  Procedure procedure_ = Procedure::kSql;
  Lie lie_;
  int lies_ = 0;
};

}  // namespace rowseal::testing
