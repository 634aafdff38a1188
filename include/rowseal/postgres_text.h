#pragma once

/// What a driver of PostgreSQL needs to carry Rowseal's statements: texts and parameters as any
/// driver sends them, rows read from the text format, errors from SQLSTATEs. Nothing here does I/O
/// or knows libpq.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/operation.h>
#include <rowseal/statement.h>

namespace rowseal {

/// PostgresCall is a statement as it goes to a server, to be sent with unnamed or named preparation
/// but never as a simple query. Parameters carry no type: the text says it where it matters.
struct PostgresCall {
  std::string text;  ///< the same for every call of the same kind, so it may be prepared by name
  /// Null, text in the text format, bytes in the binary format.
  std::vector<std::variant<Null, std::string, Bytes>> params;
};

PostgresCall ToPostgresCall(const Statement& statement, Within within);

/// MayChangeRows tells whether a call may have changed something when its answer was lost.
bool MayChangeRows(const Statement& statement) noexcept;

/// PostgresCells is one row in the text format; nothing stands for NULL.
using PostgresCells = std::vector<std::optional<std::string>>;

/// ReadPostgresRows reads the rows of an answer. `types` are the columns' type numbers
/// (`pg_type.oid`); `changed` is the number in the command's tag. Errors: kInternal (cells that do
/// not fit their types, types that Rowseal's statements never give, other columns than announced).
Result<Rows> ReadPostgresRows(const std::vector<std::uint32_t>& types,
                              std::vector<PostgresCells> cells, std::int64_t changed);

/// ServerFailure is what kind of failure a server reported, for whoever decides about another try.
enum class ServerFailure : std::uint8_t {
  kFinal,       ///< the same statement fails again
  kSerialised,  ///< others were first (deadlock, serialization): it may be carried out again
  kGone,        ///< this server ends, is starting, or takes no writes: connect again
};

struct ServerError {
  Error error;
  ServerFailure failure = ServerFailure::kFinal;
  bool did_nothing = false;  ///< kGone: the statement was not carried out, whatever it was
};

/// ErrorOfSqlstate makes an Error of a SQLSTATE (PostgreSQL's manual, appendix A) and the server's
/// primary message. Its details and contexts hold values: never give them here.
ServerError ErrorOfSqlstate(std::string_view state, std::string_view message,
                            std::string_view store);

/// BeginSql gives the script that begins a transaction, as one simple query. One that writes ends
/// with a row of two marks: the transaction's id, and the timeline of the server's log.
std::string_view BeginSql(TransactionKind kind) noexcept;

/// kTransactionStatusSql asks, with a transaction's id as $1, what became of it (`committed`,
/// `aborted`, `in progress` or NULL), and for the timeline: after a failover the id may be
/// another's.
inline constexpr std::string_view kTransactionStatusSql =
    "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8), pg_catalog.substr("
    "pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)";

/// kSafePathSql makes names of the statements after it, up to the transaction's end, be found in
/// pg_catalog only, and be shown with no more quotes than they need. A statement outside a
/// transaction goes with it in one pipeline or transaction.
inline constexpr std::string_view kSafePathSql =
    "SELECT pg_catalog.concat(pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
    " pg_catalog.set_config('quote_all_identifiers', 'off', true))";

}  // namespace rowseal
