#include "lifecycle/key_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/encoding.h"
#include "store/calls/trust_load.h"
#include "store/list_reader.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::int64_t kKeysPage = 1000;

tl::unexpected<Error> Malformed() {
  return Fail(ErrorCode::kIntegrity, "a line of the bundle is malformed",
              "it was cut off or changed: take another copy");
}

void AppendText(std::string& line, std::string_view text) {
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7f || byte == '%') {
      line += '%' + ToHex({&byte, 1});
    } else {
      line += character;
    }
  }
}

Result<std::string> ParseText(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const Result<Bytes> byte = FromHex(text.substr(1, 2));
    if (!byte || byte->size() != 1) {
      return Malformed();
    }
    out += static_cast<char>(byte->front());
    text.remove_prefix(3);
  }
  return out;
}

Result<Value> ParseValue(std::string_view field) {
  if (field.empty()) {
    return Malformed();
  }
  const std::string_view rest = field.substr(1);
  switch (field.front()) {
    case '-':
      return rest.empty() ? Result<Value>(Null{}) : Malformed();
    case 'i': {
      std::int64_t number = 0;
      const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
      return failed == std::errc() && end == rest.data() + rest.size() ? Result<Value>(number)
                                                                       : Malformed();
    }
    case 't': {
      ROWSEAL_ASSIGN(std::string text, ParseText(rest));
      return Value(std::move(text));
    }
    case 'b': {
      Result<Bytes> bytes = FromHex(rest);
      return bytes ? Result<Value>(Value(std::move(*bytes))) : Malformed();
    }
    default:
      return Malformed();
  }
}

}  // namespace

Result<KeyRows> ReadKeyRows(Connection& connection) {
  static const PageSql sql(DekQuery(""), "", "(d.project_id, d.id)", "($2, $3)");
  KeyRows rows;
  ROWSEAL_ASSIGN(const TrustRows trust, Ask(connection, TrustLoad::Request{}));
  rows.trust.rows = TrustCells(trust);
  Row after;
  while (true) {
    ROWSEAL_ASSIGN(Rows page, NextPage(connection, sql, {}, after, 2, kKeysPage));
    std::ranges::move(page.rows, std::back_inserter(rows.deks));
    if (static_cast<std::int64_t>(page.rows.size()) < kKeysPage) {
      return rows;
    }
  }
}

std::string RowText(std::string_view name, const Row& row) {
  std::string line(name);
  for (const Value& value : row) {
    line += '\t';
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      line += 'i' + std::to_string(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      line += 't';
      AppendText(line, *text);
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      line += 'b' + ToHex(*bytes);
    } else {
      line += '-';
    }
  }
  return line;
}

Result<Row> ParseRow(std::string_view line) {
  Row row;
  std::size_t at = line.find('\t');
  while (at != std::string_view::npos) {
    const std::size_t next = line.find('\t', at + 1);
    ROWSEAL_ASSIGN(
        Value value,
        ParseValue(line.substr(at + 1, next == std::string_view::npos ? next : next - at - 1)));
    row.push_back(std::move(value));
    at = next;
  }
  return row;
}

}  // namespace rowseal
