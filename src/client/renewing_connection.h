#pragma once

#include <memory>

#include <rowseal/async_client.h>
#include <rowseal/connection.h>

namespace rowseal {

/// RenewingConnection makes a connection when it is first needed, and another after one failed with
/// kUnavailable or kInDoubt. The statement that failed is not repeated: that is its caller's
/// affair. What was asked within a transaction that is gone with its connection fails with
/// kUnavailable.
class RenewingConnection final : public Connection {
 public:
  /// `first` serves until it fails; it may be null.
  explicit RenewingConnection(const ConnectionFactory& make,
                              std::unique_ptr<Connection> first = nullptr)
      : make_(make), current_(std::move(first)) {}

  Result<Rows> Execute(const Statement& statement) override;
  Result<void> Begin(TransactionKind kind) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;

 private:
  Result<void> Renew();
  template <class T>
  Result<T> Watch(Result<T> outcome);

  const ConnectionFactory& make_;
  std::unique_ptr<Connection> current_;
  bool in_transaction_ = false;
};

}  // namespace rowseal
