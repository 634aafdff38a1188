#include "client/renewing_connection.h"

namespace rowseal {

Result<void> RenewingConnection::Renew() {
  if (current_) {
    return {};
  }
  if (in_transaction_) {
    return Fail(ErrorCode::kUnavailable, "the connection was lost within a transaction", "retry");
  }
  ROWSEAL_ASSIGN(current_, make_());
  if (!current_) {
    return Fail(ErrorCode::kInternal, "the connection factory gave no connection");
  }
  return {};
}

template <class T>
Result<T> RenewingConnection::Watch(Result<T> outcome) {
  if (!outcome && (outcome.error().code == ErrorCode::kUnavailable ||
                   outcome.error().code == ErrorCode::kInDoubt)) {
    current_.reset();
  }
  return outcome;
}

Result<Rows> RenewingConnection::Execute(const Statement& statement) {
  ROWSEAL_TRY(Renew());
  return Watch(current_->Execute(statement));
}

Result<void> RenewingConnection::Begin(TransactionKind kind) {
  ROWSEAL_TRY(Renew());
  Result<void> begun = Watch(current_->Begin(kind));
  in_transaction_ = begun.has_value();
  return begun;
}

Result<void> RenewingConnection::Commit() {
  ROWSEAL_TRY(Renew());
  Result<void> committed = Watch(current_->Commit());
  if (committed) {
    in_transaction_ = false;
  }
  return committed;
}

void RenewingConnection::Rollback() noexcept {
  in_transaction_ = false;
  if (current_) {
    current_->Rollback();
  }
}

}  // namespace rowseal
