#pragma once

#include <cstdint>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// TransactionKind: a read sees one moment; a write has the right to change from its beginning on
/// (SQLite: BEGIN IMMEDIATE), so it never fails half-way for want of a lock.
enum class TransactionKind : std::uint8_t { kRead, kWrite };

/// Connection carries statements to a store and rows back. It is what an embedder implements for a
/// driver of its own. Not thread-safe: one operation at a time.
///
/// Errors: kUnavailable (busy or gone: retry), kResourceExhausted (full), kConflict (a constraint),
/// kIntegrity (the file is damaged), kInDoubt (the commit's outcome is unknown).
class Connection {
 public:
  virtual ~Connection() = default;

  /// Execute runs one statement, in the open transaction or in one of its own.
  virtual Result<Rows> Execute(const Statement& statement) = 0;

  virtual Result<void> Begin(TransactionKind kind) = 0;
  virtual Result<void> Commit() = 0;
  /// Rollback ends the open transaction, changing nothing. Never fails: at worst the connection
  /// ends it by closing.
  virtual void Rollback() noexcept = 0;
};

/// Transaction rolls back unless it was committed.
class Transaction final {
 public:
  static Result<Transaction> Begin(Connection& connection, TransactionKind kind) {
    ROWSEAL_TRY(connection.Begin(kind));
    return Transaction(connection);
  }
  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (connection_ != nullptr) {
      connection_->Rollback();
    }
  }
  Result<void> Commit() {
    Connection* connection = std::exchange(connection_, nullptr);
    Result<void> committed = connection->Commit();
    if (!committed) {
      connection->Rollback();
    }
    return committed;
  }

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace rowseal
