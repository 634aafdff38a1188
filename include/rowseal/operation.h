#pragma once

#include <cstdint>
#include <optional>

#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// Within says whose transaction a statement is carried out in. In the app's, a value that was read
/// is released before its audit entry is committed, and nothing that was read or written counts as
/// seen committed: whether it stands, the app's commit decides.
enum class Within : std::uint8_t { kOwnTransaction, kAppTransaction };

/// Operation is a hot call (get, put, seal, open) as an object that does no I/O: it says the next
/// statement and is fed that statement's rows, until it is done. Whoever has a connection, blocking
/// or not, drives it; so there is one implementation of every protocol.
class Operation {
 public:
  virtual ~Operation() = default;

  /// Next gives the statement to run now, or nothing when the operation is done. Each statement is
  /// to be committed before its rows are fed, unless the caller joins a transaction of its own.
  virtual std::optional<Statement> Next() = 0;

  /// Feed takes the outcome of the statement that Next gave.
  virtual void Feed(Result<Rows> outcome) = 0;
};

/// RunOperation drives `operation` to its end over a blocking connection.
void RunOperation(Connection& connection, Operation& operation);

}  // namespace rowseal
