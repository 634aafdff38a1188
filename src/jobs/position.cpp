#include "jobs/position.h"

#include <utility>

#include "base/encoding.h"
#include "base/text.h"

namespace rowseal {
namespace {

constexpr char kEscape = '%';
constexpr std::size_t kEscaped = 3;  // %0a

void AppendPart(std::string_view part, std::string& position) {
  for (const char byte : part) {
    if (static_cast<unsigned char>(byte) < 0x20 || byte == kEscape) {
      position += kEscape + ToHex(AsBytes(std::string_view(&byte, 1)));
    } else {
      position += byte;
    }
  }
}

Result<std::string> ReadPart(std::string_view written) {
  std::string part;
  for (std::size_t at = 0; at < written.size();) {
    if (written[at] != kEscape) {
      part += written[at++];
      continue;
    }
    ROWSEAL_ASSIGN(const Bytes byte, FromHex(written.substr(at + 1, kEscaped - 1)));
    part += AsText(byte);
    at += kEscaped;
  }
  return part;
}

}  // namespace

std::string JoinPosition(std::initializer_list<std::string_view> parts) {
  std::string position;
  bool is_first = true;
  for (const std::string_view part : parts) {
    position += std::exchange(is_first, false) ? "" : "\n";
    AppendPart(part, position);
  }
  return position;
}

Result<std::vector<std::string>> SplitPosition(std::string_view position, std::size_t count) {
  std::vector<std::string> parts;
  if (position.empty()) {
    return parts;
  }
  for (const std::string_view written : Split(position, "\n")) {
    Result<std::string> part = ReadPart(written);
    if (!part) {
      break;
    }
    parts.push_back(std::move(*part));
  }
  if (parts.size() != count) {
    return Fail(ErrorCode::kIntegrity, "the position of the job was changed",
                "cancel the job (rowseal jobs cancel) and rotate again");
  }
  return parts;
}

Result<std::vector<std::string>> TextKey(const Row& row, std::size_t columns,
                                         std::string_view table) {
  std::vector<std::string> key;
  std::string shown;
  for (std::size_t column = 0; column < columns; ++column) {
    shown += (shown.empty() ? "" : "/") + ShownCell(row, column);
    if (column < row.size() && std::holds_alternative<std::string>(row[column])) {
      key.push_back(std::get<std::string>(row[column]));
    }
  }
  if (key.size() != columns) {
    return Fail(ErrorCode::kIntegrity,
                "row " + shown + " of " + std::string(table) + " has a key that is no text",
                "it was changed outside Rowseal; restore the row from a backup");
  }
  return key;
}

}  // namespace rowseal
