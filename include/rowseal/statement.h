#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
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
/// batch. Values of secrets never appear here, only ciphertext, ids and names. An array of views
/// holds ciphertext that stays where its request has it.
using Param = std::variant<Null, std::int64_t, std::string, Bytes, std::vector<std::int64_t>,
                           std::vector<std::string>, std::vector<Bytes>, std::vector<ByteView>>;

/// Value is one column of a row that a store returned.
using Value = std::variant<Null, std::int64_t, std::string, Bytes>;
using Row = std::vector<Value>;

/// Procedure names a statement that a store carries out whole: one round trip and one transaction
/// of its own (or a part of the one that is open). What each is asked and answers: the folder
/// src/store/calls. PostgreSQL has a function for each; the SQLite store has one in code. kSql
/// means: run `sql`.
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
/// and tables written `rowseal.name`; nothing is ever put into it. A procedure has a request in its
/// place: a struct with named fields, which a driver in code takes as it is, and any other by
/// `encode`.
struct Statement {
  Procedure procedure = Procedure::kSql;
  std::string_view sql;
  std::vector<Param> params;
  std::shared_ptr<const void> request;
  std::vector<Param> (*encode)(const void* request) = nullptr;

  static Statement Sql(std::string_view sql, std::vector<Param> params = {}) {
    return {Procedure::kSql, sql, std::move(params), nullptr, nullptr};
  }

  /// AllParams gives the parameters for $1, $2, … of either kind. Those of a procedure are made
  /// into `made`; views among them live as long as `request`.
  const std::vector<Param>& AllParams(std::vector<Param>& made) const {
    if (encode == nullptr) {
      return params;
    }
    made = encode(request.get());
    return made;
  }
};

/// Rows is a statement's result: its rows, and for a change how many rows it changed.
struct Rows {
  std::vector<Row> rows;
  std::int64_t changed = 0;
};

/// TextAt gives a column's text, or an empty text when it is something else.
std::string TextAt(const Row& row, std::size_t column);

/// ShownCell writes a column for a message, whatever it holds: a text escaped and cut to 80 bytes,
/// bytes by their number.
std::string ShownCell(const Row& row, std::size_t column);

/// kSmallestStored and kLargestStored bound every whole number of a store: times are within them,
/// and counters stay far below. Sums of what was read therefore never overflow; whoever writes to
/// the database outside Rowseal can put any number there.
inline constexpr std::int64_t kSmallestStored = kEarliestTime.time_since_epoch().count();
inline constexpr std::int64_t kLargestStored = kLatestTime.time_since_epoch().count();

/// RowReader reads a row's columns in order. A column of another type, a row that is too short or a
/// number out of bounds makes `status` an error (kIntegrity, naming the column) and every later
/// read empty, whatever follows, so a caller checks once, at the end.
class RowReader final {
 public:
  explicit RowReader(Row& row) : row_(row) {}

  /// Next gives the next column to take, or null at the end of the row.
  Value* Next() noexcept { return left() > 0 ? &row_[next_++] : nullptr; }
  /// left is how many columns are still to be taken; none after the first that could not be.
  std::size_t left() const noexcept {
    return fault_.empty() && next_ < row_.size() ? row_.size() - next_ : 0;
  }
  /// NextAreNull tells whether that many columns follow and all are NULL.
  bool NextAreNull(std::size_t columns) const;

  /// Integer reads a number from kSmallestStored to kLargestStored.
  std::int64_t Integer();
  std::string Text();
  Bytes Blob();
  /// Time reads microseconds since 1970; OptionalTime also takes NULL.
  Timestamp Time();
  std::optional<Timestamp> OptionalTime();
  /// NextIsNull looks at the next column without consuming it.
  bool NextIsNull() const;
  void Skip(std::size_t columns = 1) noexcept { next_ += std::min(columns, left()); }
  Result<void> status() const;

 private:
  template <class T>
  T Take();
  void Fault(std::string why);

  Row& row_;
  std::size_t next_ = 0;
  std::string fault_;  // what was wrong with the first column that could not be taken
};

}  // namespace rowseal
