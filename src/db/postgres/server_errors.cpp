#include "db/postgres/server_errors.h"

#include <string>

namespace rowseal {
namespace {

std::string Field(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string() : text;
}

bool Reports(const PGconn* connection, const char* parameter, std::string_view value) {
  const char* const reported = PQparameterStatus(connection, parameter);
  return reported != nullptr && reported == value;
}

}  // namespace

ServerError ReadServerError(const PGconn* connection, const PGresult* result,
                            std::string_view store) {
  const std::string state = Field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) {
    // libpq's own: the connection broke, or memory ran out.
    return {{ErrorCode::kUnavailable, "store '" + std::string(store) + "': the connection was lost",
             "retry"},
            ServerFailure::kGone};
  }
  ServerError error = ErrorOfSqlstate(state, Field(result, PG_DIAG_MESSAGE_PRIMARY), store);
  // A server that takes writes refused this one: another session of this login gets the same.
  if (error.did_nothing && Reports(connection, "in_hot_standby", "off") &&
      Reports(connection, "default_transaction_read_only", "on")) {
    error.error.code = ErrorCode::kInvalidArgument;
    error.error.hint =
        "default_transaction_read_only is on for the login, its database or this connection: ALTER"
        " ROLE or ALTER DATABASE … RESET default_transaction_read_only";
    error.failure = ServerFailure::kFinal;
  }
  return error;
}

// Before a server answers there is no SQLSTATE, and what it says when it refuses is only text: the
// text's first line is shown, and decides whether another try can help.
ServerError ReadConnectError(const PGconn* connection, std::string_view store) {
  std::string message = PQerrorMessage(connection);
  message = message.substr(0, message.find('\n'));
  // Which server it was stands before: `connection to server at … failed: FATAL:  …`.
  for (const std::string_view before : {"failed: ", "FATAL:  "}) {
    if (const std::size_t at = message.find(before); at != std::string::npos) {
      message.erase(0, at + before.size());
    }
  }
  const auto says = [&](std::string_view text) { return message.find(text) != std::string::npos; };
  std::string_view state = "08006";
  if (says("password") || says("authentication") || says("pg_hba.conf") || says("role \"") ||
      says("no such user")) {
    state = "28000";
  } else if (says("database \"") || says("no such database")) {
    state = "3D000";
  } else if (says("too many clients") || says("connection slots") || says("no more connections")) {
    state = "53300";
  }
  if (says("starting up") || says("shutting down") || says("recovery")) {
    state = "57P03";
  }
  const bool is_definition = says("definition of service") || says("service file") ||
                             says("invalid ") || says("root certificate") ||
                             says("certificate verify failed") ||
                             says("server does not support SSL");
  ServerError error = ErrorOfSqlstate(state, message, store);
  if (is_definition) {
    error = {{ErrorCode::kInvalidArgument, error.error.message,
              "check the URL, the service's entry and the TLS settings (sslmode, sslrootcert)"},
             ServerFailure::kFinal};
  }
  return error;
}

}  // namespace rowseal
