#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// TransactionKind says what a transaction may do and what it sees of others.
enum class TransactionKind : std::uint8_t {
  kRead,       ///< changes nothing; every statement sees the same moment
  kWrite,      ///< changes rows; on PostgreSQL each statement sees what others committed before it,
               ///< so what decides a change is locked first (kSecretLock, `FOR UPDATE`)
  kExclusive,  ///< a write of which one runs at a time in the whole store: it changes trusted rows,
               ///< jobs or policies. Readers and kWrite go on beside it.
};

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

  /// ExecuteAll runs statements that do not depend on each other's rows, in their order, until one
  /// fails; in an open transaction only. A driver that can sends them all before it waits.
  virtual Result<std::vector<Rows>> ExecuteAll(const std::vector<Statement>& statements) {
    std::vector<Rows> answers;
    for (const Statement& statement : statements) {
      ROWSEAL_ASSIGN(Rows rows, Execute(statement));
      answers.push_back(std::move(rows));
    }
    return answers;
  }

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
