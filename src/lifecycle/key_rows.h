#pragma once

#include <string>
#include <string_view>

#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// KeyRows are the rows of a store's keys: of each trusted one its table's name and its columns in
/// their order (ParseTrustRows), and of each DEK what ReadDekRow reads. Claims, all of them.
struct KeyRows {
  Rows trust;
  std::vector<Row> deks;  // by project and id
};

/// ReadKeyRows reads them in the open transaction. Errors: the store's.
Result<KeyRows> ReadKeyRows(Connection& connection);

/// RowText writes a row as one line without its end; ParseRow reads it. Each value stands behind a
/// tab: `-` NULL, `i` and a decimal number, `t` and a text in which % and control characters are
/// %XX, `b` and hexadecimal digits. Errors: kIntegrity.
std::string RowText(std::string_view name, const Row& row);
Result<Row> ParseRow(std::string_view line);

}  // namespace rowseal
