#include "db/postgres/server_errors.h"

#include <array>
#include <cstring>

#include "base/encoding.h"

namespace rowseal {
namespace {

struct Rule {
  std::string_view state;  // a SQLSTATE, or its class
  ErrorCode code;
  ServerFailure failure;
  const char* hint;
};

// The first that fits counts.
constexpr std::array kRules = {
    Rule{"RS001", ErrorCode::kNotFound, ServerFailure::kFinal,
         "insert it into the app's projects table first"},
    Rule{
        "RS002", ErrorCode::kRefusedByState, ServerFailure::kFinal,
        "its secrets are kept: insert the project into the app's projects table again to use them"},
    Rule{"40001", ErrorCode::kUnavailable, ServerFailure::kSerialised, "retry"},
    Rule{"40P01", ErrorCode::kUnavailable, ServerFailure::kSerialised, "retry"},
    Rule{"55P03", ErrorCode::kUnavailable, ServerFailure::kFinal,
         "another transaction holds the row; retry"},
    Rule{"57014", ErrorCode::kUnavailable, ServerFailure::kFinal,
         "somebody or a timeout of the server ended the statement; retry"},
    Rule{"57P", ErrorCode::kUnavailable, ServerFailure::kGone, "retry"},
    Rule{"08", ErrorCode::kUnavailable, ServerFailure::kGone, "retry"},
    Rule{"25006", ErrorCode::kUnavailable, ServerFailure::kGone,
         "this server only stands by for another; name all hosts in the URL, or retry"},
    Rule{"25P03", ErrorCode::kUnavailable, ServerFailure::kGone, "retry"},
    Rule{"53300", ErrorCode::kUnavailable, ServerFailure::kGone,
         "raise max_connections or put a pooler before the server; retry"},
    Rule{"53", ErrorCode::kResourceExhausted, ServerFailure::kFinal,
         "nothing was changed; make room on the server, then retry"},
    Rule{"28", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "check user and password: PGPASSFILE, the service's entry and the server's pg_hba.conf"},
    Rule{"3D000", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "name an existing database in the URL"},
    Rule{"42501", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "the login needs the role: GRANT rowseal_service (apps), rowseal_operator (keys and jobs)"
         " or rowseal_auditor (the log) TO it"},
    Rule{"23", ErrorCode::kConflict, ServerFailure::kFinal, "read the row again, then decide"},
    Rule{"XX001", ErrorCode::kIntegrity, ServerFailure::kFinal, "restore it from a backup"},
    Rule{"XX002", ErrorCode::kIntegrity, ServerFailure::kFinal, "REINDEX, then rowseal verify"},
    Rule{"42P01", ErrorCode::kIntegrity, ServerFailure::kFinal,
         "the schema rowseal is not as Rowseal made it; restore it from a backup"},
    Rule{"42703", ErrorCode::kIntegrity, ServerFailure::kFinal,
         "the schema rowseal is not as Rowseal made it; restore it from a backup"},
    Rule{"42883", ErrorCode::kIntegrity, ServerFailure::kFinal,
         "the schema rowseal is not as Rowseal made it; restore it from a backup"},
    Rule{"3F000", ErrorCode::kIntegrity, ServerFailure::kFinal,
         "the schema rowseal is not as Rowseal made it; restore it from a backup"},
    Rule{"42602", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "write names as SQL does: SCHEMA.TABLE"},
    Rule{"22", ErrorCode::kInvalidArgument, ServerFailure::kFinal, ""},
    Rule{"54", ErrorCode::kInvalidArgument, ServerFailure::kFinal, "take smaller batches"},
};

ServerError ErrorOf(std::string_view state, std::string message, std::string_view store) {
  ServerError server_error{{ErrorCode::kInternal, {}, {}}, ServerFailure::kFinal};
  for (const Rule& rule : kRules) {
    if (state.starts_with(rule.state)) {
      server_error = {{rule.code, {}, rule.hint}, rule.failure};
      break;
    }
  }
  server_error.error.message = state.starts_with("RS")
                                   ? std::move(message)
                                   : "store '" + std::string(store) + "': " + std::move(message) +
                                         " (" + std::string(state) + ")";
  return server_error;
}

std::string Field(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? std::string() : Printable(text);
}

}  // namespace

ServerError ReadServerError(const PGresult* result, std::string_view store) {
  const std::string state = Field(result, PG_DIAG_SQLSTATE);
  if (state.empty()) {
    // libpq's own: the connection broke, or memory ran out.
    return {{ErrorCode::kUnavailable, "store '" + std::string(store) + "': the connection was lost",
             "retry"},
            ServerFailure::kGone};
  }
  return ErrorOf(state, Field(result, PG_DIAG_MESSAGE_PRIMARY), store);
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
  message = Printable(message);
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
  ServerError error = ErrorOf(state, std::move(message), store);
  if (is_definition) {
    error = {{ErrorCode::kInvalidArgument, error.error.message,
              "check the URL, the service's entry and the TLS settings (sslmode, sslrootcert)"},
             ServerFailure::kFinal};
  }
  return error;
}

}  // namespace rowseal
