#include <rowseal/statement.h>

#include <rowseal/operation.h>

namespace rowseal {

std::string TextAt(const Row& row, std::size_t column) {
  const auto* text = column < row.size() ? std::get_if<std::string>(&row[column]) : nullptr;
  return text == nullptr ? std::string() : *text;
}

template <class T>
T RowReader::Take() {
  if (failed_ || next_ >= row_.size() || !std::holds_alternative<T>(row_[next_])) {
    failed_ = true;
    return T{};
  }
  return std::get<T>(std::move(row_[next_++]));
}

std::int64_t RowReader::Integer() { return Take<std::int64_t>(); }
std::string RowReader::Text() { return Take<std::string>(); }
Bytes RowReader::Blob() { return Take<Bytes>(); }

bool RowReader::NextIsNull() const {
  return next_ >= row_.size() || std::holds_alternative<Null>(row_[next_]);
}

Result<void> RowReader::status() const {
  if (failed_) {
    return Fail(ErrorCode::kInternal, "the store returned other columns than were asked for",
                "check that the store's driver belongs to this release");
  }
  return {};
}

void RunOperation(Connection& connection, Operation& operation) {
  while (std::optional<Statement> statement = operation.Next()) {
    operation.Feed(connection.Execute(*statement));
  }
}

}  // namespace rowseal
