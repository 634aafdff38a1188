#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/column_source.h>
#include <rowseal/error.h>

namespace rowseal {

/// AppValue is what a registered column holds in one row of the app's table.
struct AppValue {
  std::vector<std::string> key;  ///< the row's key as canonical text, one part a key column
  std::string project;           ///< as text
  std::string text;              ///< the column's content; empty when there is a defect
  std::string defect;            ///< why the row cannot be worked on; empty: it can
  std::string position;          ///< of this row, for the page behind it
};

/// AppChange is a row's new content, to be written where the row still holds the old one.
struct AppChange {
  std::string position;
  std::string old_text;
  std::string new_text;
};

/// AppColumn reads and changes a registered column in place. Rows without a sealed value in their
/// text are left out, so that little of the app's other data passes through here. Not thread-safe.
/// Errors: kInvalidArgument (no such database, table or column), kUnavailable, kResourceExhausted.
class AppColumn {
 public:
  virtual ~AppColumn() = default;

  /// Count gives the number of rows that Read gives in all.
  virtual Result<std::int64_t> Count() = 0;

  /// Read gives rows in the order of their keys, behind `position` (empty: from the first), at most
  /// `limit` and about `bytes` of text.
  virtual Result<std::vector<AppValue>> Read(const std::string& position, std::size_t limit,
                                             std::int64_t bytes) = 0;

  /// Replace writes all changes in one transaction and returns which of them found the old text: an
  /// app that wrote meanwhile wins.
  virtual Result<std::vector<bool>> Replace(const std::vector<AppChange>& changes) = 0;
};

using AppColumnOpener =
    std::function<Result<std::unique_ptr<AppColumn>>(const ColumnSource& source)>;

}  // namespace rowseal
