#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <libpq-fe.h>

#include <rowseal/error.h>

namespace rowseal {

/// ServerFailure is what kind of failure a server reported, for whoever decides about another try.
enum class ServerFailure : std::uint8_t {
  kFinal,       ///< the same statement fails again
  kSerialised,  ///< others were first (deadlock, serialization): it may be carried out again
  kGone,        ///< this server ends, is starting, or takes no writes: connect again
};

struct ServerError {
  Error error;
  ServerFailure failure = ServerFailure::kFinal;
};

/// ReadServerError makes an Error from a failed result (PostgreSQL's manual, appendix A). The
/// server's details and contexts, which hold values, are left out.
ServerError ReadServerError(const PGresult* result, std::string_view store);

/// ReadConnectError makes an Error from a connection that could not be made.
ServerError ReadConnectError(const PGconn* connection, std::string_view store);

}  // namespace rowseal
