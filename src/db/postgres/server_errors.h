#pragma once

#include <string_view>

#include <libpq-fe.h>

#include <rowseal/postgres_text.h>

namespace rowseal {

/// ReadServerError makes an Error from a failed result (PostgreSQL's manual, appendix A) and from
/// what the server reported of its session. The server's details and contexts, which hold values,
/// are left out.
ServerError ReadServerError(const PGconn* connection, const PGresult* result,
                            std::string_view store);

/// ReadConnectError makes an Error from a connection that could not be made.
ServerError ReadConnectError(const PGconn* connection, std::string_view store);

}  // namespace rowseal
