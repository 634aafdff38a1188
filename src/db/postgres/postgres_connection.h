#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include <libpq-fe.h>

#include <rowseal/connection.h>

#include "db/postgres/conninfo.h"
#include "db/postgres/server_errors.h"

namespace rowseal {

struct PostgresOptions {
  /// How long a hot call may take in all, connecting and trying again included.
  std::chrono::milliseconds call_deadline{10'000};
  /// The same for a maintenance statement, which may read a whole table.
  std::chrono::milliseconds maintenance_deadline{600'000};
  /// Named prepared statements save the server some work; a pooler in transaction mode needs to
  /// know them (PgBouncer 1.21 does, with max_prepared_statements).
  bool prepared_statements = false;
  /// For statements that read plaintext of an app's: libpq's copies of the rows are wiped before
  /// they are freed.
  bool wipe_results = false;
};

/// PostgresConnection is a Connection to one PostgreSQL server. It keeps no state in the server's
/// session, so that any pooler may stand between. A connection that is lost is made anew, with
/// growing pauses of random length, until the call's deadline:
/// - a statement outside a transaction is then carried out again, once its first outcome no longer
///   counts: every procedure may be called twice, and a maintenance statement of its own reads or
///   changes nothing the second time;
/// - a transaction that was not committed fails with kUnavailable;
/// - a commit whose answer was lost is looked up by its transaction id, and its outcome returned.
/// kInDoubt stays for what could not be learned before the deadline, or was lost in a failover.
class PostgresConnection final : public Connection {
 public:
  /// Open connects. Errors: kInvalidArgument (URL, login, database), kUnavailable.
  static Result<std::unique_ptr<PostgresConnection>> Open(const std::string& url,
                                                          const PostgresOptions& options = {});
  ~PostgresConnection() override;

  Result<Rows> Execute(const Statement& statement) override;
  Result<std::vector<Rows>> ExecuteAll(const std::vector<Statement>& statements) override;
  Result<void> Begin(TransactionKind kind) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;

  /// ExecuteScript runs several statements without parameters, in the open transaction or in one of
  /// their own.
  Result<void> ExecuteScript(const std::string& sql);

  /// Statements find no name through the session's search_path. These two look a name up as its
  /// user meant it, outside a transaction, and return it with its schema, quoted for SQL.
  /// ResolveTable gives an empty text where there is no such table; QualifyNewName says where
  /// something of a new name is made. Errors: kInvalidArgument (no SQL name, no schema to make it
  /// in), Execute's.
  Result<std::string> ResolveTable(const std::string& name);
  Result<std::string> QualifyNewName(const std::string& name);

  bool in_transaction() const noexcept { return transaction_ != TransactionState::kNone; }
  /// backend_pid is the process of the server that serves this connection; 0 while there is none.
  int backend_pid() const noexcept;
  const std::string& name() const noexcept { return conninfo_.name; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Close {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Clear>;
  template <class T>
  using Outcome = tl::expected<T, ServerError>;

  enum class TransactionState : std::uint8_t {
    kNone,
    kOpen,
    kBroken,  // the server failed a statement of it, or is gone
  };

  // What tells later whether a transaction was committed.
  struct TransactionMark {
    std::string xid;       // empty: it changes nothing
    std::string timeline;  // of the server's log: another one after a failover
  };

  PostgresConnection(Conninfo conninfo, const PostgresOptions& options)
      : conninfo_(std::move(conninfo)), options_(options) {}

  Outcome<void> Connect(Clock::time_point deadline);
  Result<void> ConnectPatiently(Clock::time_point deadline);
  void Pause(int tries, Clock::time_point deadline);
  void Drop() noexcept;

  Outcome<void> Wait(bool for_writing, Clock::time_point deadline);
  Outcome<void> Flush(Clock::time_point deadline);
  Outcome<ResultPtr> NextResult(Clock::time_point deadline);
  Outcome<ResultPtr> LastResult(Clock::time_point deadline);
  Outcome<Rows> Run(const Statement& statement, Clock::time_point deadline);
  Outcome<void> Send(const Statement& statement, Clock::time_point deadline);
  Outcome<void> RunScript(const std::string& sql, Clock::time_point deadline);
  Outcome<Rows> ReadResult(const PGresult* result, Procedure procedure) const;
  Outcome<std::vector<Rows>> RunPipeline(const std::vector<Statement>& statements,
                                         Clock::time_point deadline);
  ServerError Lost() const;
  ServerError TimedOut() const;
  enum class NamePath : std::uint8_t { kSafe, kOfSession };
  Result<Rows> ExecuteAlone(const Statement& statement, NamePath path);
  Outcome<Rows> RunOnSafePath(const Statement& statement, Clock::time_point deadline);
  Result<void> SettleCommit(Clock::time_point deadline);
  Clock::time_point DeadlineOf(const Statement& statement) const;

  const Conninfo conninfo_;
  const PostgresOptions options_;
  std::unique_ptr<PGconn, Close> connection_;
  TransactionState transaction_ = TransactionState::kNone;
  TransactionMark mark_;
  std::unordered_map<std::string, std::string> prepared_;  // names by text and types
  std::size_t prepared_names_ = 0;                         // given in this session
};

}  // namespace rowseal
