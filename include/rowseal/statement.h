#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// Null is SQL's NULL.
using Null = std::monostate;

/// Param is a parameter of a statement: a scalar, or an array with one element for each item of a
/// batch. Values of secrets never appear here, only ciphertext, ids and names.
using Param = std::variant<Null, std::int64_t, std::string, Bytes, std::vector<std::int64_t>,
                           std::vector<std::string>, std::vector<Bytes>>;

/// Value is one column of a row that a store returned.
using Value = std::variant<Null, std::int64_t, std::string, Bytes>;
using Row = std::vector<Value>;

/// Procedure names a statement that a store carries out whole: one round trip and one transaction
/// of its own (or a part of the one that is open). PostgreSQL has a function of the same name for
/// each; the SQLite store has one in code. kSql means: run `sql`.
enum class Procedure : std::uint8_t {
  kSql,
  kTrustLoad,
  kSecretGet,
  kSecretPut,
  kDekActive,
  kDekInsert,
  kValuePrepare,
  kAuditAppend,
  kClock,
  kStoreFormat,
  kSecretList,
  kSecretVersions,
  kSecretLock,
  kSecretVersionRead,
  kSecretReseal,
  kSecretRename,
  kSecretDelete,
  kDekRewrap,
};

/// Statement is what an operation asks a store to do. `sql` is fixed text with parameters $1, $2, …
/// and tables written `rowseal.name`; nothing is ever put into it.
struct Statement {
  Procedure procedure = Procedure::kSql;
  std::string_view sql;
  std::vector<Param> params;

  static Statement Sql(std::string_view sql, std::vector<Param> params = {}) {
    return {Procedure::kSql, sql, std::move(params)};
  }
  static Statement Call(Procedure procedure, std::vector<Param> params = {}) {
    return {procedure, {}, std::move(params)};
  }
};

/// Rows is a statement's result: its rows, and for a change how many rows it changed.
struct Rows {
  std::vector<Row> rows;
  std::int64_t changed = 0;
};

/// TextAt gives a column's text, or an empty text when it is something else.
std::string TextAt(const Row& row, std::size_t column);

/// kSmallestStored and kLargestStored bound every whole number of a store: times are within them,
/// and counters stay far below. Sums of what was read therefore never overflow; whoever writes to
/// the database outside Rowseal can put any number there.
inline constexpr std::int64_t kSmallestStored = kEarliestTime.time_since_epoch().count();
inline constexpr std::int64_t kLargestStored = kLatestTime.time_since_epoch().count();

/// RowReader reads a row's columns in order. A column of another type, a row that is too short
/// (kInternal: the store answered something else than was asked) and a number out of bounds
/// (kIntegrity) make `status` an error and every later read empty, so a caller checks once, at the
/// end.
class RowReader final {
 public:
  explicit RowReader(Row& row) : row_(row) {}

  /// Integer reads a number from kSmallestStored to kLargestStored.
  std::int64_t Integer();
  std::string Text();
  Bytes Blob();
  /// Time reads microseconds since 1970; OptionalTime also takes NULL.
  Timestamp Time();
  std::optional<Timestamp> OptionalTime();
  /// NextIsNull looks at the next column without consuming it.
  bool NextIsNull() const;
  void Skip(std::size_t columns = 1) { next_ += columns; }
  Result<void> status() const;

 private:
  template <class T>
  T Take();
  Row& row_;
  std::size_t next_ = 0;
  bool failed_ = false;
  bool out_of_bounds_ = false;
};

}  // namespace rowseal
