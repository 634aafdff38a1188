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

template <class T>
T RowReader::Take() {
  if (failed_ || next_ >= row_.size() || !std::holds_alternative<T>(row_[next_])) {
    failed_ = true;
    return T{};
  }
  return std::get<T>(std::move(row_[next_++]));
}

std::int64_t RowReader::Integer() {
  const auto value = Take<std::int64_t>();
  if (value < kSmallestStored || value > kLargestStored) {
    failed_ = out_of_bounds_ = true;
    return 0;
  }
  return value;
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
  return next_ >= row_.size() || std::holds_alternative<Null>(row_[next_]);
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
  // Columns after the bad one may have been skipped meanwhile.
  const auto bad = std::ranges::find_if(row_, [](const Value& value) {
    const auto* const number = std::get_if<std::int64_t>(&value);
    return number != nullptr && (*number < kSmallestStored || *number > kLargestStored);
  });
  if (out_of_bounds_ && bad != row_.end()) {
    return Fail(ErrorCode::kIntegrity,
                "number " + std::to_string(bad - row_.begin() + 1) + " of a row's columns holds " +
                    std::to_string(std::get<std::int64_t>(*bad)) + ", which Rowseal never writes",
                "somebody changed it outside Rowseal; restore the row from a backup");
  }
  if (failed_) {
    return Fail(ErrorCode::kIntegrity, "the store returned other columns than were asked for",
                "rowseal doctor compares its tables and functions with those of this release");
  }
  return {};
}

void RunOperation(Connection& connection, Operation& operation) {
  while (std::optional<Statement> statement = operation.Next()) {
    operation.Feed(connection.Execute(*statement));
  }
}

}  // namespace rowseal
