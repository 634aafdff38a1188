#include <rowseal/statement.h>

#include <algorithm>

#include <rowseal/operation.h>

#include "base/encoding.h"

namespace rowseal {

std::string TextAt(const Row& row, std::size_t column) {
  const auto* text = column < row.size() ? std::get_if<std::string>(&row[column]) : nullptr;
  return text == nullptr ? std::string() : *text;
}

std::string ShownCell(const Row& row, std::size_t column) {
  if (column >= row.size() || std::holds_alternative<Null>(row[column])) {
    return "NULL";
  }
  if (const auto* number = std::get_if<std::int64_t>(&row[column])) {
    return std::to_string(*number);
  }
  if (const auto* bytes = std::get_if<Bytes>(&row[column])) {
    return std::to_string(bytes->size()) + " bytes";
  }
  return Printable(TextAt(row, column));
}

// Only the first one counts: what comes after it may be another column than it is taken for.
void RowReader::Fault(std::string why) {
  if (fault_.empty()) {
    fault_ = "number " + std::to_string(next_ + 1) + " of a row's columns " + std::move(why);
  }
}

template <class T>
T RowReader::Take() {
  T* const value = left() > 0 ? std::get_if<T>(&row_[next_]) : nullptr;
  if (value == nullptr) {
    Fault(left() == 0 ? "is missing" : NextIsNull() ? "is NULL" : "is of another type");
    return T{};
  }
  ++next_;
  return std::move(*value);
}

std::int64_t RowReader::Integer() {
  const std::int64_t* const value = left() > 0 ? std::get_if<std::int64_t>(&row_[next_]) : nullptr;
  if (value != nullptr && (*value < kSmallestStored || *value > kLargestStored)) {
    Fault("holds " + std::to_string(*value) + ", which Rowseal never writes");
  }
  return Take<std::int64_t>();
}
std::string RowReader::Text() { return Take<std::string>(); }
Bytes RowReader::Blob() { return Take<Bytes>(); }
Timestamp RowReader::Time() { return Timestamp(std::chrono::microseconds(Integer())); }

std::optional<Timestamp> RowReader::OptionalTime() {
  if (NextIsNull()) {
    Skip();
    return std::nullopt;
  }
  return Time();
}

bool RowReader::NextIsNull() const {
  return left() == 0 || std::holds_alternative<Null>(row_[next_]);
}

bool RowReader::NextAreNull(std::size_t columns) const {
  if (left() < columns) {
    return false;
  }
  const auto begin = row_.begin() + static_cast<std::ptrdiff_t>(next_);
  return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(columns),
                     [](const Value& value) { return std::holds_alternative<Null>(value); });
}

Result<void> RowReader::status() const {
  if (!fault_.empty()) {
    return Fail(ErrorCode::kIntegrity, fault_,
                "it was changed outside Rowseal: restore the row from a backup; rowseal doctor"
                " compares tables and functions with those of this release");
  }
  return {};
}

void RunOperation(Connection& connection, Operation& operation) {
  while (std::optional<Statement> statement = operation.Next()) {
    operation.Feed(connection.Execute(*statement));
  }
}

}  // namespace rowseal
