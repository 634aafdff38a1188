#include <array>
#include <string>

#include <rowseal/postgres_text.h>

#include "base/encoding.h"
#include "store/calls/call.h"

namespace rowseal {
namespace {

struct Rule {
  std::string_view state;  // a SQLSTATE, or its class
  ErrorCode code;
  ServerFailure failure;
  const char* hint;
  std::string_view says = {};  // with this text only
};

// The first that fits counts.
constexpr std::array kRules = {
    Rule{"RS001", ErrorCode::kNotFound, ServerFailure::kFinal,
         "insert it into the app's projects table first"},
    Rule{"RS002", ErrorCode::kRefusedByState, ServerFailure::kFinal, kRetiredHint},
    Rule{"RS003", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "the client is of another release, or the call is none of Rowseal's"},
    Rule{"RS004", ErrorCode::kConflict, ServerFailure::kFinal,
         "set this machine's clock by NTP, then call again"},
    Rule{"RS005", ErrorCode::kIntegrity, ServerFailure::kFinal,
         "find out who made it, and drop it"},
    Rule{"40001", ErrorCode::kUnavailable, ServerFailure::kSerialised, "retry"},
    Rule{"40P01", ErrorCode::kUnavailable, ServerFailure::kSerialised, "retry"},
    Rule{"55P03", ErrorCode::kUnavailable, ServerFailure::kFinal,
         "another transaction holds what this one needs; retry"},
    Rule{"57014", ErrorCode::kUnavailable, ServerFailure::kFinal,
         "somebody or a timeout of the server ended the statement; retry"},
    Rule{"57P", ErrorCode::kUnavailable, ServerFailure::kGone, "retry"},
    Rule{"08007", ErrorCode::kInDoubt, ServerFailure::kFinal, "read before you write again"},
    Rule{"08", ErrorCode::kUnavailable, ServerFailure::kGone, "retry"},
    Rule{"25006", ErrorCode::kUnavailable, ServerFailure::kGone,
         "this server only stands by for another: name all hosts in the URL, or retry; or"
         " default_transaction_read_only is on for the login, its database or this connection:"
         " ALTER ROLE or ALTER DATABASE … RESET default_transaction_read_only"},
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
         "row_security is off for the login, its database or this connection, and Rowseal needs it:"
         " ALTER ROLE or ALTER DATABASE … RESET row_security",
         "row-level security"},
    Rule{"42501", ErrorCode::kInvalidArgument, ServerFailure::kFinal,
         "the login needs the role: GRANT rowseal_service (apps), rowseal_operator (keys and jobs)"
         " or rowseal_auditor (the log) TO it"},
    // Of a role, a schema and a table: somebody else has just made it.
    Rule{"42710", ErrorCode::kConflict, ServerFailure::kFinal, "retry"},
    Rule{"42P06", ErrorCode::kConflict, ServerFailure::kFinal, "retry"},
    Rule{"42P07", ErrorCode::kConflict, ServerFailure::kFinal, "retry"},
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

constexpr std::string_view kReadOnlyTransaction = "25006";

}  // namespace

ServerError ErrorOfSqlstate(std::string_view state, std::string_view message,
                            std::string_view store) {
  ServerError server_error{{ErrorCode::kInternal, {}, {}}, ServerFailure::kFinal};
  for (const Rule& rule : kRules) {
    if (state.starts_with(rule.state) && message.find(rule.says) != std::string_view::npos) {
      server_error = {{rule.code, {}, rule.hint}, rule.failure, state == kReadOnlyTransaction};
      break;
    }
  }
  const std::string said = Printable(message);
  server_error.error.message =
      state.starts_with("RS")
          ? said
          : "store '" + std::string(store) + "': " + said + " (" + std::string(state) + ")";
  return server_error;
}

}  // namespace rowseal
