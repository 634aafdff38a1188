#include <rowseal/postgres_text.h>

#include <array>
#include <cctype>
#include <charconv>

#include "base/encoding.h"
#include "db/postgres/array_encoding.h"
#include "db/postgres/procedure_calls.h"
#include "db/postgres/type_ids.h"
#include "store/value_limits.h"

namespace rowseal {
namespace {

Bytes ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

// A text goes without a type, so that a uuid column takes one; the others say theirs, because the
// server would take `$1 + 1` for an integer.
std::string_view CastOf(const Param& param) {
  constexpr std::string_view kNone;
  constexpr std::array<std::string_view, std::variant_size_v<Param>> kCasts = {
      kNone, "::bigint", kNone, "::bytea", "::bigint[]", "::text[]", "::bytea[]", "::bytea[]"};
  return kCasts[param.index()];
}

// Writes the types of parameters behind their places, unless one stands there already.
std::string WithTypes(std::string_view sql, const std::vector<Param>& params) {
  std::string text;
  for (std::size_t at = 0; at < sql.size();) {
    text += sql[at++];
    if (text.back() != '$' || at == sql.size() || std::isdigit(sql[at]) == 0) {
      continue;
    }
    std::size_t number = 0;
    const char* const end = std::from_chars(sql.data() + at, sql.data() + sql.size(), number).ptr;
    const auto next = static_cast<std::size_t>(end - sql.data());
    text += sql.substr(at, next - at);
    at = next;
    const bool has_type = sql.substr(at).starts_with("::");
    if (!has_type && number >= 1 && number <= params.size()) {
      text += CastOf(params[number - 1]);
    }
  }
  return text;
}

std::variant<Null, std::string, Bytes> ToText(const Param& param) {
  if (const auto* integer = std::get_if<std::int64_t>(&param)) {
    return std::to_string(*integer);
  }
  if (const auto* text = std::get_if<std::string>(&param)) {
    return *text;
  }
  if (const auto* bytes = std::get_if<Bytes>(&param)) {
    return *bytes;
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&param)) {
    return ToBytes(ArrayBytes(*integers));
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&param)) {
    return ToBytes(ArrayBytes(*texts));
  }
  if (const auto* blobs = std::get_if<std::vector<Bytes>>(&param)) {
    return ToBytes(ArrayBytes(*blobs));
  }
  if (const auto* views = std::get_if<std::vector<ByteView>>(&param)) {
    return ToBytes(ArrayBytes(*views));
  }
  return Null{};
}

tl::unexpected<Error> WrongCell(std::uint32_t type) {
  return Fail(ErrorCode::kInternal, "the store answered with a column of type " +
                                        std::to_string(type) + " that Rowseal does not read");
}

// bytea_output may be `escape` in an app's sessions: printable bytes as they are, others as \\ooo.
std::optional<Bytes> FromEscapes(std::string_view text) {
  Bytes bytes;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      bytes.push_back(static_cast<std::uint8_t>(text[at++]));
    } else if (text.substr(at).starts_with("\\\\")) {
      bytes.push_back('\\');
      at += 2;
    } else {
      unsigned value = 0;
      const std::string_view digits = text.substr(at + 1, 3);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
      if (error != std::errc{} || end != digits.data() + 3 || value > 0xFF) {
        return std::nullopt;
      }
      bytes.push_back(static_cast<std::uint8_t>(value));
      at += 4;
    }
  }
  return bytes;
}

std::optional<Bytes> ReadBytea(std::string_view text) {
  if (!text.starts_with("\\x")) {
    return FromEscapes(text);
  }
  Result<Bytes> bytes = FromHex(text.substr(2));
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

Result<Value> ReadCell(std::uint32_t type, std::optional<std::string> cell) {
  if (!cell) {
    return Null{};
  }
  switch (type) {
    case kInt8Type:
    case kInt4Type:
    case kInt2Type: {
      std::int64_t value = 0;
      const char* const end = cell->data() + cell->size();
      const auto [read, error] = std::from_chars(cell->data(), end, value);
      if (error != std::errc{} || read != end) {
        return WrongCell(type);
      }
      return value;
    }
    case kBoolType:
      if (*cell != "t" && *cell != "f") {
        return WrongCell(type);
      }
      return std::int64_t{*cell == "t" ? 1 : 0};
    case kByteaType: {
      std::optional<Bytes> bytes = ReadBytea(*cell);
      if (!bytes) {
        return WrongCell(type);
      }
      return std::move(*bytes);
    }
    case kTextType:
    case kVarcharType:
    case kNameType:
    case kCharType:
    case kUnknownType:
    case kUuidType:
      return std::move(*cell);
    case kVoidType:
      return Null{};
    default:
      return WrongCell(type);
  }
}

}  // namespace

PostgresCall ToPostgresCall(const Statement& statement, Within within) {
  std::vector<Param> made;
  const std::vector<Param>& params = statement.AllParams(made);
  PostgresCall call{WithTypes(StatementText(statement), params), {}};
  call.params.reserve(params.size() + 1);
  for (const Param& param : params) {
    call.params.push_back(ToText(param));
  }
  if (TakesAlone(statement.procedure)) {
    call.params.emplace_back(within == Within::kOwnTransaction ? "t" : "f");
  }
  return call;
}

Result<Rows> ReadPostgresRows(const std::vector<std::uint32_t>& types,
                              std::vector<PostgresCells> cells, std::int64_t changed) {
  Rows rows;
  rows.changed = changed;
  rows.rows.reserve(cells.size());
  for (PostgresCells& row : cells) {
    if (row.size() != types.size()) {
      return Fail(ErrorCode::kInternal, "the store answered with other columns than it announced");
    }
    Row& values = rows.rows.emplace_back();
    values.reserve(row.size());
    for (std::size_t column = 0; column < row.size(); ++column) {
      // Bytes come as two hexadecimal digits each, or as up to four characters.
      const std::size_t limit =
          types[column] == kByteaType ? 4 * kLargestStoredBytes : kLargestAppValue;
      if (row[column] && row[column]->size() > limit) {
        return TooLarge("number " + std::to_string(column + 1), row[column]->size(), limit);
      }
      ROWSEAL_ASSIGN(Value value, ReadCell(types[column], std::move(row[column])));
      values.push_back(std::move(value));
    }
  }
  return rows;
}

}  // namespace rowseal
