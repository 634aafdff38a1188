#pragma once

#include <string_view>

#include <rowseal/statement.h>

namespace rowseal {

/// StatementText gives the SQL of a statement: its own, or a call of a procedure's function in
/// schema `rowseal`. Its parameters are the statement's, in their order; where `TakesAlone`, one
/// more follows: whether the call is a transaction of its own.
std::string_view StatementText(const Statement& statement);
bool TakesAlone(Procedure procedure) noexcept;

}  // namespace rowseal
