#pragma once

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <rowseal/connection.h>
#include <rowseal/listing.h>

#include "store/fields.h"
#include "store/key_order.h"
#include "store/value_limits.h"

namespace rowseal {

/// Lists are read from rows that whoever can write to the database may have changed. A row becomes
/// a value by ListedRow or is named in Listing::unreadable, and a page goes on after it.

/// kLongText bounds texts that hold what a job or an entry of the log is about.
inline constexpr Limits kLongText{0, static_cast<std::int64_t>(kLargestStoredText)};

/// ROWSEAL_SANE_TIME is NULL where a time that nothing covers is none that Rowseal writes: nothing
/// is then due, drained or destroyed by it, and no sum with it overflows in a server.
#define ROWSEAL_SANE_TIME(column) \
  "CASE WHEN " column " BETWEEN 0 AND 253402300799999999 THEN " column " END"
static_assert(kLargestStored == 253'402'300'799'999'999);

/// ROWSEAL_BOUNDED cuts a text or bytes in SQL to one more than kLongText holds, so that a server
/// never sends, and no driver keeps, a whole huge value: what was cut is refused by its size.
#define ROWSEAL_BOUNDED(column) "substr(" column ", 1, 1048577)"
static_assert(kLongText.most + 1 == 1'048'577);

inline tl::unexpected<Error> ListDefect(const Defect& defect) {
  return Fail(ErrorCode::kIntegrity,
              "its " + std::string(defect.field) + " " + std::string(defect.why));
}

/// ListedRow reads the columns of one row in order, each as its type's codec does. After a defect
/// it gives blanks, so that a caller checks once, at the end.
class ListedRow final {
 public:
  explicit ListedRow(Row& row) : reader_(row) {}

  template <class T>
  T Take(const char* name, Limits limits = Codec<T>::kLimits) {
    T value = Blank<T>();
    if (!defect_) {
      defect_ = ReadCell(reader_.Next(), name, limits, value);
    }
    return value;
  }
  template <class T>
  std::optional<T> TakeOptional(const char* name) {
    if (reader_.NextIsNull()) {
      reader_.Skip();
      return std::nullopt;
    }
    return Take<T>(name);
  }
  std::string TakeText(const char* name) { return Take<std::string>(name, kLongText); }

  /// status errors: kIntegrity, naming the first column that is not what Rowseal writes.
  Result<void> status() const {
    return defect_ ? Result<void>(ListDefect(defect_)) : Result<void>();
  }

 private:
  RowReader reader_;
  Defect defect_;
};

/// ReadListed reads a record that is a whole row, with the same errors.
template <class Record>
Result<Record> ReadListed(Row& row) {
  auto record = Blank<Record>();
  if (const Defect defect = ReadWholeRow(row, record)) {
    return ListDefect(defect);
  }
  return record;
}

/// PageSql is a list's query, ordered by keys that stand first among its columns. Its parameters
/// are $1, the most rows, then those of `where`, then the keys of the row that a page follows.
struct PageSql {
  std::string first;  ///< without those keys
  std::string next;

  /// `keys` is `name` or `(a, b)`.
  PageSql(const std::string& select, const std::string& where, const std::string& keys,
          const std::string& key_params) {
    const std::string order =
        " ORDER BY " + (keys.front() == '(' ? keys.substr(1, keys.size() - 2) : keys) + " LIMIT $1";
    first = select + (where.empty() ? "" : " WHERE " + where) + order;
    next = select + " WHERE " + (where.empty() ? "" : where + " AND ") + keys + " > " + key_params +
           order;
  }
};

/// KeysOf gives the first columns of a row.
inline Row KeysOf(const Row& row, std::size_t keys) {
  return {row.begin(), row.begin() + static_cast<std::ptrdiff_t>(std::min(keys, row.size()))};
}

/// AppendKeys makes parameters of the keys of a row, whatever they hold.
inline void AppendKeys(const Row& keys, std::vector<Param>& params) {
  for (const Value& key : keys) {
    std::visit([&](const auto& value) { params.emplace_back(value); }, key);
    // Only a damaged SQLite file has NULL in a key. It sorts first, and compares with nothing.
    if (std::holds_alternative<Null>(key)) {
      params.back() = std::numeric_limits<std::int64_t>::min();
    }
  }
}

/// NextPage reads the rows of one page after the keys of `after` (empty: from the first). Errors:
/// the store's; kIntegrity (rows that do not go forward would be asked for for ever).
inline Result<Rows> NextPage(Connection& connection, const PageSql& sql, std::vector<Param> where,
                             Row& after, std::size_t keys, std::int64_t limit) {
  std::vector<Param> params{limit};
  std::move(where.begin(), where.end(), std::back_inserter(params));
  AppendKeys(after, params);
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(after.empty() ? sql.first : sql.next, params)));
  if (page.rows.empty()) {
    return page;
  }
  Row key = KeysOf(page.rows.back(), keys);
  if (!after.empty() && key <= after) {
    return Fail(ErrorCode::kIntegrity, "the rows of a list are not in their order",
                "rowseal doctor compares the store's tables with those of this release");
  }
  after = std::move(key);
  return page;
}

/// ReadPage lists at most `limit` rows that can be read, and names those between them that cannot:
/// a page of bad rows alone ends no list. `name` writes which row it is, `read` makes its value.
template <class T, class Name, class Read>
Result<Listing<T>> ReadPage(Connection& connection, const PageSql& sql, std::vector<Param> where,
                            Row after, std::size_t keys, std::int64_t limit, Name name, Read read) {
  Listing<T> page;
  while (true) {
    const std::int64_t left = limit - static_cast<std::int64_t>(page.size());
    ROWSEAL_ASSIGN(Rows rows, NextPage(connection, sql, where, after, keys, left));
    for (Row& row : rows.rows) {
      std::string named = name(row);
      ROWSEAL_TRY(page.Add(std::move(named), read(row)));
    }
    if (static_cast<std::int64_t>(rows.rows.size()) < left ||
        static_cast<std::int64_t>(page.size()) == limit) {
      return page;
    }
  }
}

/// ReadListing makes a listing of all rows of an answer.
template <class T, class Name, class Read>
Result<Listing<T>> ReadListing(Rows rows, Name name, Read read) {
  Listing<T> listing;
  for (Row& row : rows.rows) {
    std::string named = name(row);
    ROWSEAL_TRY(listing.Add(std::move(named), read(row)));
  }
  return listing;
}

}  // namespace rowseal
