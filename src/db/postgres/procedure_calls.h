#pragma once

#include <string_view>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// ProcedureCallText gives the SQL that calls a procedure's function in schema `rowseal`. Its
/// parameters are the statement's, in their order; where `TakesAlone`, one more follows: whether
/// the call is a transaction of its own. Empty for kSql.
std::string_view ProcedureCallText(Procedure procedure) noexcept;
bool TakesAlone(Procedure procedure) noexcept;

/// ShapeProcedureRows turns a function's rows, whose columns are the same in every row, into the
/// rows that store/procedures.h promises.
Result<Rows> ShapeProcedureRows(Procedure procedure, Rows rows);

}  // namespace rowseal
