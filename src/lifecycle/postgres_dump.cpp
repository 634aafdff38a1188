#include "lifecycle/postgres_dump.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::string_view kCopy = "COPY rowseal.";

// A dump's tables, as ParseTrustRows and ReadDekRow read their rows.
struct DumpedTable {
  std::string_view name;
  std::vector<CellInfo> columns;
};

template <class Record>
DumpedTable TableFor(std::vector<CellInfo> columns = {}) {
  ForEachCell<Record>([&](const CellInfo& cell) { columns.push_back(cell); });
  return {kTableOf<Record>, std::move(columns)};
}

tl::unexpected<Error> Malformed(std::string_view table) {
  return Fail(ErrorCode::kIntegrity,
              "the dump's rows of rowseal." + std::string(table) + " are malformed or cut off",
              "take another dump; pg_dump writes what is read here as plain text");
}

// COPY's text format: backslash before what is not itself, \N for NULL.
std::optional<std::string> Unescape(std::string_view field) {
  if (field == "\\N") {
    return std::nullopt;
  }
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      text += field[i];
      continue;
    }
    constexpr std::string_view kNames = "bfnrtv";
    constexpr std::string_view kMeant = "\b\f\n\r\t\v";
    const std::size_t named = kNames.find(field[++i]);
    text += named == std::string_view::npos ? field[i] : kMeant[named];
  }
  return text;
}

Result<Value> ParseField(std::string_view field, CellType type, std::string_view table) {
  std::optional<std::string> text = Unescape(field);
  if (!text) {
    return Value(Null{});
  }
  if (type == CellType::kText || type == CellType::kUuid) {
    return Value(std::move(*text));
  }
  if (type == CellType::kInteger) {
    const std::optional<std::int64_t> number = ParseDecimal(*text);
    return number ? Result<Value>(*number) : Malformed(table);
  }
  Result<Bytes> bytes =
      text->starts_with("\\x") ? FromHex(text->substr(2)) : Result<Bytes>(Malformed(table));
  return bytes ? Result<Value>(Value(std::move(*bytes))) : Malformed(table);
}

// Takes one COPY block, from its head on, and gives its rows with the columns that are wanted.
Result<std::vector<Row>> TakeBlock(std::string_view& dump, std::string_view table,
                                   std::span<const CellInfo> wanted) {
  const std::string_view head = dump.substr(0, dump.find('\n'));
  const std::size_t open = head.find('(');
  const std::size_t close = head.rfind(") FROM stdin;");
  if (open == std::string_view::npos || close == std::string_view::npos ||
      head.size() == dump.size()) {
    return Malformed(table);
  }
  const std::vector<std::string_view> names = Split(head.substr(open + 1, close - open - 1), ", ");
  std::vector<std::size_t> places;
  for (const CellInfo& column : wanted) {
    // pg_dump puts quotes around names that are words of SQL's.
    const std::string quoted = '"' + std::string(column.name) + '"';
    const auto found = std::ranges::find_if(
        names, [&](std::string_view name) { return name == column.name || name == quoted; });
    if (found == names.end()) {
      return Malformed(table);
    }
    places.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  dump.remove_prefix(head.size() + 1);
  std::vector<Row> rows;
  while (true) {
    const std::size_t end = dump.find('\n');
    if (end == std::string_view::npos) {
      return Malformed(table);
    }
    const std::string_view line = dump.substr(0, end);
    dump.remove_prefix(end + 1);
    if (line == "\\.") {
      return rows;
    }
    const std::vector<std::string_view> fields = Split(line, "\t");
    if (fields.size() != names.size()) {
      return Malformed(table);
    }
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ROWSEAL_ASSIGN(Value value, ParseField(fields[places[i]], wanted[i].type, table));
      row.push_back(std::move(value));
    }
  }
}

// What ReadDek reads of a DEK's KEK. A set that does not parse is whoever checks the rows to name.
void AddKeks(std::vector<Row>& deks, const Rows& trust) {
  constexpr std::size_t kKekOfDek = 2;
  std::map<Value, std::pair<Value, Value>> keks;
  if (const Result<TrustRows> parsed = ParseTrustRows(trust)) {
    for (const KekRecord& kek : parsed->keks) {
      keks.emplace(kek.id.value, std::pair(kek.revision.value, kek.row_tag));
    }
  }
  for (Row& dek : deks) {
    const auto kek = keks.find(dek[kKekOfDek]);
    dek.push_back(kek == keks.end() ? Value(Null{}) : kek->second.first);
    dek.push_back(kek == keks.end() ? Value(Null{}) : kek->second.second);
  }
}

}  // namespace

Result<KeyRows> ReadKeyRowsOfDump(std::string_view dump) {
  const std::array<DumpedTable, 6> tables = {
      TableFor<InstallationRecord>(), TableFor<RootRecord>(),
      TableFor<KekRecord>(),          TableFor<WrappingRecord>(),
      TableFor<FloorRecord>(),        TableFor<DekRecord>({{.name = "project_id", .limits = {}}})};
  KeyRows rows;
  while (!dump.empty()) {
    if (!dump.starts_with(kCopy)) {
      const std::size_t next = dump.find("\n" + std::string(kCopy));
      dump.remove_prefix(next == std::string_view::npos ? dump.size() : next + 1);
      continue;
    }
    const std::string_view rest = dump.substr(kCopy.size());
    const std::string_view name = rest.substr(0, rest.find(' '));
    const auto known = std::ranges::find(tables, name, &DumpedTable::name);
    if (known == tables.end()) {
      dump.remove_prefix(kCopy.size());
      continue;
    }
    ROWSEAL_ASSIGN(std::vector<Row> block, TakeBlock(dump, name, known->columns));
    for (Row& row : block) {
      if (name == "dek") {
        rows.deks.push_back(std::move(row));
      } else {
        row.insert(row.begin(), Value(std::string(name)));
        rows.trust.rows.push_back(std::move(row));
      }
    }
  }
  if (rows.trust.rows.empty()) {
    return Fail(
        ErrorCode::kNotFound, "the dump holds no keys of Rowseal's",
        "it must be plain text (pg_restore --file - makes that of other formats), with"
        " schema rowseal, and be taken by a login that row-level security hides nothing of");
  }
  AddKeks(rows.deks, rows.trust);
  return rows;
}

}  // namespace rowseal
