#include "db/postgres/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <random>
#include <thread>

#include <rowseal/postgres_text.h>

#include "base/encoding.h"
#include "db/postgres/procedure_calls.h"
#include "db/postgres/wire.h"

namespace rowseal {
namespace {

constexpr std::chrono::milliseconds kFirstPause{20};
constexpr std::chrono::milliseconds kLongestPause{1000};
constexpr int kBinary = 1;

// How often a statement that met a deadlock or a serialization failure is carried out again.
constexpr int kMostTries = 8;

void IgnoreNotice(void* /*unused*/, const PGresult* /*unused*/) {}

std::chrono::milliseconds Jittered(std::chrono::milliseconds pause) {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
}

std::string TypesText(const WireParams& params) {
  std::string text;
  for (int i = 0; i < params.count(); ++i) {
    text += std::to_string(params.types()[i]) + ",";
  }
  return text;
}

// The statements of hot calls name schemas, types and operators in full. VACUUM and CHECKPOINT run
// in no transaction with others, and their texts hold quoted names with schemas only.
bool NeedsSafePath(const Statement& statement) {
  return statement.procedure == Procedure::kSql && !statement.sql.starts_with("VACUUM") &&
         statement.sql != "CHECKPOINT";
}

}  // namespace

PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const std::string& url, const PostgresOptions& options) {
  ROWSEAL_ASSIGN(Conninfo conninfo, ParseConninfo(url));
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(std::move(conninfo), options));
  ROWSEAL_TRY(connection->ConnectPatiently(Clock::now() + options.call_deadline));
  return connection;
}

int PostgresConnection::backend_pid() const noexcept {
  return connection_ ? PQbackendPID(connection_.get()) : 0;
}

void PostgresConnection::Drop() noexcept {
  connection_.reset();
  prepared_.clear();
}

ServerError PostgresConnection::Lost() const {
  return {{ErrorCode::kUnavailable,
           "store '" + conninfo_.name + "': the connection to the server was lost", "retry"},
          ServerFailure::kGone};
}

ServerError PostgresConnection::TimedOut() const {
  return {{ErrorCode::kUnavailable,
           "store '" + conninfo_.name + "': the server did not answer in time", "retry"},
          ServerFailure::kFinal};
}

PostgresConnection::Outcome<void> PostgresConnection::Wait(bool for_writing,
                                                           Clock::time_point deadline) {
  const int socket = PQsocket(connection_.get());
  if (socket < 0) {
    return tl::unexpected(Lost());
  }
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return tl::unexpected(TimedOut());
    }
    // What the server sends may have to be read before it takes more.
    pollfd waiting{socket, static_cast<short>(for_writing ? POLLOUT | POLLIN : POLLIN), 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) {
      return {};
    }
    if (ready < 0 && errno != EINTR) {
      return tl::unexpected(Lost());
    }
  }
}

PostgresConnection::Outcome<void> PostgresConnection::Connect(Clock::time_point deadline) {
  Drop();
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : conninfo_.settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.insert(keywords.end(), {"fallback_application_name", "client_encoding", nullptr});
  values.insert(values.end(), {"rowseal", "UTF8", nullptr});
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!connection_) {
    return tl::unexpected(
        ServerError{{ErrorCode::kResourceExhausted, "no memory to connect to the store", {}},
                    ServerFailure::kFinal});
  }
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(connection_.get()) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
         status != PGRES_POLLING_FAILED) {
    if (Outcome<void> waited = Wait(status == PGRES_POLLING_WRITING, deadline); !waited) {
      Drop();
      return waited;
    }
    status = PQconnectPoll(connection_.get());
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    ServerError error = ReadConnectError(connection_.get(), conninfo_.name);
    Drop();
    return tl::unexpected(std::move(error));
  }
  PQsetnonblocking(connection_.get(), 1);
  PQsetNoticeReceiver(connection_.get(), IgnoreNotice, nullptr);
  return {};
}

void PostgresConnection::Pause(int tries, Clock::time_point deadline) {
  const auto pause = Jittered(std::min(kFirstPause * (1 << std::min(tries, 10)), kLongestPause));
  std::this_thread::sleep_for(std::min<Clock::duration>(pause, deadline - Clock::now()));
}

Result<void> PostgresConnection::ConnectPatiently(Clock::time_point deadline) {
  if (connection_ && PQstatus(connection_.get()) == CONNECTION_OK) {
    return {};
  }
  for (int tries = 0;; ++tries) {
    Outcome<void> connected = Connect(deadline);
    if (connected) {
      return {};
    }
    if (connected.error().failure == ServerFailure::kFinal || Clock::now() >= deadline) {
      return tl::unexpected(std::move(connected).error().error);
    }
    Pause(tries, deadline);
    if (Clock::now() >= deadline) {
      return tl::unexpected(std::move(connected).error().error);
    }
  }
}

PostgresConnection::Outcome<void> PostgresConnection::Flush(Clock::time_point deadline) {
  while (true) {
    const int left = PQflush(connection_.get());
    if (left == 0) {
      return {};
    }
    if (left < 0) {
      return tl::unexpected(Lost());
    }
    if (Outcome<void> waited = Wait(true, deadline); !waited) {
      return waited;
    }
    if (PQconsumeInput(connection_.get()) == 0) {
      return tl::unexpected(Lost());
    }
  }
}

PostgresConnection::Outcome<PostgresConnection::ResultPtr> PostgresConnection::NextResult(
    Clock::time_point deadline) {
  while (PQisBusy(connection_.get()) != 0) {
    if (Outcome<void> waited = Wait(false, deadline); !waited) {
      return tl::unexpected(std::move(waited).error());
    }
    if (PQconsumeInput(connection_.get()) == 0) {
      return tl::unexpected(Lost());
    }
  }
  return ResultPtr(PQgetResult(connection_.get()));
}

// The last result before the end, or the first failure.
PostgresConnection::Outcome<PostgresConnection::ResultPtr> PostgresConnection::LastResult(
    Clock::time_point deadline) {
  ResultPtr last;
  bool failed = false;
  while (true) {
    Outcome<ResultPtr> next = NextResult(deadline);
    if (!next) {
      return next;
    }
    if (!*next) {
      break;
    }
    if (!failed) {
      last = std::move(*next);
      failed = PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    }
  }
  if (!last) {
    return tl::unexpected(Lost());
  }
  return last;
}

PostgresConnection::Outcome<Rows> PostgresConnection::ReadResult(const PGresult* result,
                                                                 Procedure procedure) const {
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    return tl::unexpected(ReadServerError(connection_.get(), result, conninfo_.name));
  }
  Result<Rows> rows = ReadRows(result, procedure);
  if (!rows) {
    return tl::unexpected(ServerError{std::move(rows).error(), ServerFailure::kFinal});
  }
  return std::move(*rows);
}

PostgresConnection::Outcome<void> PostgresConnection::Send(const Statement& statement,
                                                           Clock::time_point deadline) {
  std::vector<Param> made;
  WireParams params(statement.AllParams(made));
  if (TakesAlone(statement.procedure)) {
    params.AddBoolean(transaction_ == TransactionState::kNone);
  }
  const std::string sql(StatementText(statement));
  PGconn* const connection = connection_.get();
  if (!options_.prepared_statements) {
    const int sent =
        PQsendQueryParams(connection, sql.c_str(), params.count(), params.types(), params.values(),
                          params.lengths(), params.formats(), kBinary);
    return sent != 0 ? Flush(deadline) : tl::unexpected(Lost());
  }
  std::string& name = prepared_[sql + "\n" + TypesText(params)];
  if (name.empty()) {
    name = "rowseal_" + std::to_string(++prepared_names_);
    if (PQsendPrepare(connection, name.c_str(), sql.c_str(), params.count(), params.types()) == 0) {
      return tl::unexpected(Lost());
    }
    if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF) {
      Outcome<void> flushed = Flush(deadline);
      Outcome<ResultPtr> prepared =
          flushed ? LastResult(deadline) : Outcome<ResultPtr>(tl::unexpected(flushed.error()));
      if (!prepared || PQresultStatus(prepared->get()) != PGRES_COMMAND_OK) {
        prepared_.erase(sql + "\n" + TypesText(params));
        return tl::unexpected(prepared
                                  ? ReadServerError(connection, prepared->get(), conninfo_.name)
                                  : prepared.error());
      }
    }
  }
  const int sent = PQsendQueryPrepared(connection, name.c_str(), params.count(), params.values(),
                                       params.lengths(), params.formats(), kBinary);
  return sent != 0 ? Flush(deadline) : tl::unexpected(Lost());
}

PostgresConnection::Outcome<Rows> PostgresConnection::Run(const Statement& statement,
                                                          Clock::time_point deadline) {
  if (Outcome<void> sent = Send(statement, deadline); !sent) {
    return tl::unexpected(std::move(sent).error());
  }
  Outcome<ResultPtr> result = LastResult(deadline);
  if (!result) {
    return tl::unexpected(std::move(result).error());
  }
  Outcome<Rows> rows = ReadResult(result->get(), statement.procedure);
  if (options_.wipe_results) {
    WipeRows(result->get());
  }
  return rows;
}

PostgresConnection::Outcome<void> PostgresConnection::RunScript(const std::string& sql,
                                                                Clock::time_point deadline) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) {
    return tl::unexpected(Lost());
  }
  if (Outcome<void> flushed = Flush(deadline); !flushed) {
    return flushed;
  }
  Outcome<ResultPtr> result = LastResult(deadline);
  if (!result) {
    return tl::unexpected(std::move(result).error());
  }
  const ExecStatusType status = PQresultStatus(result->get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    return tl::unexpected(ReadServerError(connection_.get(), result->get(), conninfo_.name));
  }
  // Only the statement that begins a transaction gives a row here: its marks.
  if (PQntuples(result->get()) == 1 && PQnfields(result->get()) == 2) {
    mark_ = {PQgetvalue(result->get(), 0, 0), PQgetvalue(result->get(), 0, 1)};
  }
  return {};
}

PostgresConnection::Clock::time_point PostgresConnection::DeadlineOf(
    const Statement& statement) const {
  return Clock::now() + (statement.procedure == Procedure::kSql ? options_.maintenance_deadline
                                                                : options_.call_deadline);
}

// Statements of one pipeline are one transaction, in one round trip.
PostgresConnection::Outcome<Rows> PostgresConnection::RunOnSafePath(const Statement& statement,
                                                                    Clock::time_point deadline) {
  static const Statement safe_path = Statement::Sql(kSafePathSql);
  Outcome<std::vector<Rows>> answers = RunPipeline({safe_path, statement}, deadline);
  if (!answers) {
    return tl::unexpected(std::move(answers).error());
  }
  return std::move(answers->back());
}

// Tries until the deadline of a hot call: that a server is gone shows as fast for maintenance.
Result<Rows> PostgresConnection::ExecuteAlone(const Statement& statement, NamePath path) {
  const Clock::time_point deadline = DeadlineOf(statement);
  const Clock::time_point patience = Clock::now() + options_.call_deadline;
  bool may_have_run = false;
  for (int tries = 0;; ++tries) {
    Result<void> connected = ConnectPatiently(std::min(deadline, patience));
    if (!connected) {
      if (may_have_run && MayChangeRows(statement)) {
        connected.error().code = ErrorCode::kInDoubt;
        connected.error().message += "; whether the change was stored is not known";
        connected.error().hint = "read before you write again";
      }
      return tl::unexpected(std::move(connected).error());
    }
    Outcome<Rows> outcome = path == NamePath::kSafe && NeedsSafePath(statement)
                                ? RunOnSafePath(statement, deadline)
                                : Run(statement, deadline);
    if (outcome) {
      return std::move(*outcome);
    }
    ServerError& failure = outcome.error();
    const bool is_broken = PQstatus(connection_.get()) != CONNECTION_OK ||
                           PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
    if (is_broken || failure.failure == ServerFailure::kGone) {
      may_have_run = may_have_run || !failure.did_nothing;
      Drop();
    }
    const bool again = failure.failure == ServerFailure::kGone ||
                       (failure.failure == ServerFailure::kSerialised && tries < kMostTries);
    if (!again) {
      if (is_broken && MayChangeRows(statement)) {
        failure.error.code = ErrorCode::kInDoubt;
        failure.error.message += "; whether the change was stored is not known";
        failure.error.hint = "read before you write again";
      }
      return tl::unexpected(std::move(failure.error));
    }
    if (Clock::now() >= patience) {
      if (may_have_run && MayChangeRows(statement)) {
        failure.error.code = ErrorCode::kInDoubt;
        failure.error.hint = "read before you write again";
      }
      return tl::unexpected(std::move(failure.error));
    }
    Pause(tries, patience);
  }
}

Result<Rows> PostgresConnection::Execute(const Statement& statement) {
  if (transaction_ == TransactionState::kNone) {
    return ExecuteAlone(statement, NamePath::kSafe);
  }
  if (transaction_ == TransactionState::kBroken) {
    return Fail(ErrorCode::kUnavailable, "the transaction had failed already", "retry");
  }
  Outcome<Rows> outcome = Run(statement, DeadlineOf(statement));
  if (!outcome) {
    transaction_ = TransactionState::kBroken;
    return tl::unexpected(std::move(outcome).error().error);
  }
  return std::move(*outcome);
}

PostgresConnection::Outcome<std::vector<Rows>> PostgresConnection::RunPipeline(
    const std::vector<Statement>& statements, Clock::time_point deadline) {
  PGconn* const connection = connection_.get();
  if (PQenterPipelineMode(connection) == 0) {
    return tl::unexpected(Lost());
  }
  std::optional<ServerError> failure;
  for (const Statement& statement : statements) {
    const Outcome<void> sent = Send(statement, deadline);
    if (!sent) {
      return tl::unexpected(sent.error());
    }
  }
  if (PQpipelineSync(connection) == 0) {
    return tl::unexpected(Lost());
  }
  if (Outcome<void> flushed = Flush(deadline); !flushed) {
    return tl::unexpected(std::move(flushed).error());
  }
  std::vector<Rows> answers;
  bool at_sync = false;
  while (!at_sync) {
    Outcome<ResultPtr> result = NextResult(deadline);
    if (!result) {
      return tl::unexpected(std::move(result).error());
    }
    if (!*result) {
      continue;  // the end of one statement's results
    }
    const ExecStatusType status = PQresultStatus(result->get());
    at_sync = status == PGRES_PIPELINE_SYNC;
    const bool is_prepare = options_.prepared_statements && status == PGRES_COMMAND_OK &&
                            PQnfields(result->get()) == 0 && *PQcmdStatus(result->get()) == '\0';
    if (at_sync || failure || status == PGRES_PIPELINE_ABORTED || is_prepare) {
      continue;
    }
    Outcome<Rows> rows = ReadResult(result->get(), Procedure::kSql);
    if (options_.wipe_results) {
      WipeRows(result->get());
    }
    if (rows) {
      answers.push_back(std::move(*rows));
    } else {
      failure = std::move(rows).error();
    }
  }
  PQexitPipelineMode(connection);
  if (failure) {
    // Which of them the server prepared is not known. Names are not used twice.
    for (const Statement& statement : statements) {
      std::vector<Param> made;
      prepared_.erase(std::string(StatementText(statement)) + "\n" +
                      TypesText(WireParams(statement.AllParams(made))));
    }
    return tl::unexpected(std::move(*failure));
  }
  if (answers.size() != statements.size()) {
    return tl::unexpected(
        ServerError{{ErrorCode::kInternal, "the store answered with another number of results", {}},
                    ServerFailure::kFinal});
  }
  return answers;
}

Result<std::vector<Rows>> PostgresConnection::ExecuteAll(const std::vector<Statement>& statements) {
  if (transaction_ != TransactionState::kOpen || statements.size() < 2) {
    return Connection::ExecuteAll(statements);
  }
  Outcome<std::vector<Rows>> outcome =
      RunPipeline(statements, Clock::now() + options_.maintenance_deadline);
  if (!outcome) {
    transaction_ = TransactionState::kBroken;
    return tl::unexpected(std::move(outcome).error().error);
  }
  return std::move(*outcome);
}

Result<void> PostgresConnection::Begin(TransactionKind kind) {
  const std::string sql(BeginSql(kind));
  const Clock::time_point deadline = Clock::now() + options_.call_deadline;
  for (int tries = 0;; ++tries) {
    ROWSEAL_TRY(ConnectPatiently(deadline));
    mark_ = {};
    Outcome<void> begun = RunScript(sql, deadline);
    if (begun) {
      transaction_ = TransactionState::kOpen;
      return {};
    }
    // Nothing was changed yet: whatever state the session is in, another one does.
    Drop();
    if (begun.error().failure == ServerFailure::kFinal || Clock::now() >= deadline) {
      return tl::unexpected(std::move(begun).error().error);
    }
    Pause(tries, deadline);
  }
}

// Asks a new session what became of the transaction. After a failover the id may be another's.
Result<void> PostgresConnection::SettleCommit(Clock::time_point deadline) {
  const TransactionMark mark = mark_;
  const auto in_doubt = [&](const std::string& why) {
    return Fail(ErrorCode::kInDoubt,
                "store '" + conninfo_.name + "': the answer to a commit was lost; " + why,
                "read before you write again");
  };
  if (mark.xid.empty()) {
    return {};  // it changed nothing
  }
  for (int tries = 0;; ++tries) {
    const Result<void> connected = ConnectPatiently(deadline);
    if (!connected) {
      return in_doubt(connected.error().message);
    }
    Outcome<Rows> answer = Run(Statement::Sql(kTransactionStatusSql, {mark.xid}), deadline);
    if (answer && answer->rows.size() == 1) {
      const std::string status = TextAt(answer->rows.front(), 0);
      if (TextAt(answer->rows.front(), 1) != mark.timeline) {
        return in_doubt("another server took over meanwhile");
      }
      if (status == "committed") {
        return {};
      }
      if (status == "aborted") {
        return Fail(ErrorCode::kUnavailable,
                    "store '" + conninfo_.name + "': the server ended before it committed",
                    "nothing was changed; retry");
      }
      if (status != "in progress") {
        return in_doubt("the server does not know the transaction");
      }
    } else if (!answer && answer.error().failure == ServerFailure::kFinal) {
      return in_doubt(answer.error().error.message);
    } else {
      Drop();
    }
    if (Clock::now() >= deadline) {
      return in_doubt("it was not settled in time");
    }
    Pause(tries, deadline);
  }
}

Result<void> PostgresConnection::Commit() {
  const Clock::time_point deadline = Clock::now() + options_.call_deadline;
  if (transaction_ == TransactionState::kBroken) {
    Rollback();
    return Fail(ErrorCode::kUnavailable, "the transaction had failed already", "retry");
  }
  Outcome<void> committed = RunScript("COMMIT", deadline);
  transaction_ = TransactionState::kNone;
  if (committed) {
    return {};
  }
  const bool is_broken = PQstatus(connection_.get()) != CONNECTION_OK ||
                         PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
  if (!is_broken && committed.error().failure != ServerFailure::kGone) {
    return tl::unexpected(std::move(committed).error().error);  // refused: rolled back
  }
  Drop();
  return SettleCommit(Clock::now() + options_.call_deadline);
}

void PostgresConnection::Rollback() noexcept {
  if (transaction_ == TransactionState::kNone) {
    return;
  }
  transaction_ = TransactionState::kNone;
  const bool is_idle = connection_ && PQstatus(connection_.get()) == CONNECTION_OK &&
                       PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF &&
                       PQtransactionStatus(connection_.get()) != PQTRANS_ACTIVE;
  if (!is_idle || !RunScript("ROLLBACK", Clock::now() + options_.call_deadline)) {
    Drop();  // the server rolls back what a lost session left
  }
}

Result<std::string> PostgresConnection::ResolveTable(const std::string& name) {
  // The one statement on the session's path: every function, type and operator of it is qualified.
  constexpr std::string_view kSql =
      "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
      " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
      " WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)";
  ROWSEAL_ASSIGN(const Rows found,
                 ExecuteAlone(Statement::Sql(kSql, {name}), NamePath::kOfSession));
  return found.rows.empty() ? std::string() : TextAt(found.rows.front(), 0);
}

Result<std::string> PostgresConnection::QualifyNewName(const std::string& name) {
  constexpr std::string_view kSql =
      "SELECT CASE pg_catalog.cardinality(p) WHEN 2 THEN pg_catalog.format('%I.%I', p[1], p[2])"
      " WHEN 1 THEN pg_catalog.format('%I.%I', pg_catalog.current_schema(), p[1]) END"
      " FROM pg_catalog.parse_ident($1) AS p";
  ROWSEAL_ASSIGN(const Rows found,
                 ExecuteAlone(Statement::Sql(kSql, {name}), NamePath::kOfSession));
  if (found.rows.empty() || found.rows.front().front() == Value(Null{})) {
    return Fail(ErrorCode::kInvalidArgument, "'" + Printable(name) + "' is not SCHEMA.NAME",
                "write names as SQL does: SCHEMA.NAME");
  }
  return TextAt(found.rows.front(), 0);
}

Result<void> PostgresConnection::ExecuteScript(const std::string& sql) {
  const Clock::time_point deadline = Clock::now() + options_.maintenance_deadline;
  ROWSEAL_TRY(ConnectPatiently(Clock::now() + options_.call_deadline));
  const bool alone = transaction_ == TransactionState::kNone;
  Outcome<void> run = RunScript(alone ? std::string(kSafePathSql) + ";" + sql : sql, deadline);
  if (!run) {
    if (transaction_ == TransactionState::kOpen) {
      transaction_ = TransactionState::kBroken;
    }
    return tl::unexpected(std::move(run).error().error);
  }
  return {};
}

}  // namespace rowseal
