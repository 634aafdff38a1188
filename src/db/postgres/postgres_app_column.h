#pragma once

#include <memory>
#include <string>

#include "store/app_column.h"

namespace rowseal {

/// OpenPostgresAppColumn opens a registered column of a table in an app's PostgreSQL database for
/// reading and changing in place. The table is named as SQL writes it (`public.users`), columns as
/// the catalogue has them. The column is text, varchar, json, jsonb, bytea, or of another type of
/// strings; the key is the table's primary key or a unique index over columns that are NOT NULL, of
/// any type whose text reads back as the same value.
/// Errors: kInvalidArgument (no such database, table or column; another kind of table or column;
/// the key is not unique; row-level security would hide rows from the login), kUnavailable.
Result<std::unique_ptr<AppColumn>> OpenPostgresAppColumn(const std::string& url,
                                                         const ColumnSource& source);

}  // namespace rowseal
