#include "lifecycle/postgres_dump.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"

namespace rowseal {
namespace {

constexpr std::string_view kCopy = "COPY rowseal.";

struct Column {
  std::string_view name;
  char type;  // i: number, t: text, b: bytes
};

// In the order in which ParseTrustRows and ReadDek read them.
constexpr std::array kInstallation = {Column{"id", 't'},
                                      Column{"epoch", 'i'},
                                      Column{"next_kek_id", 'i'},
                                      Column{"next_root_id", 'i'},
                                      Column{"integrity_kek_id", 'i'},
                                      Column{"projects_table", 't'},
                                      Column{"project_key_type", 't'},
                                      Column{"trust_tag", 'b'},
                                      Column{"created_at", 'i'}};
constexpr std::array kRootKey = {
    Column{"id", 'i'},          Column{"uri", 't'},         Column{"scope", 't'},
    Column{"fingerprint", 'b'}, Column{"public_part", 'b'}, Column{"state", 't'},
    Column{"revision", 'i'},    Column{"row_tag", 'b'},     Column{"created_at", 'i'}};
constexpr std::array kKek = {Column{"id", 'i'},       Column{"scope", 't'},
                             Column{"purpose", 't'},  Column{"suite", 'i'},
                             Column{"state", 't'},    Column{"resumes_to", 't'},
                             Column{"revision", 'i'}, Column{"check_value", 'b'},
                             Column{"row_tag", 'b'},  Column{"created_at", 'i'}};
constexpr std::array kWrapping = {Column{"kek_id", 'i'}, Column{"root_id", 'i'},
                                  Column{"secret", 'b'}, Column{"key", 'b'}};
constexpr std::array kDek = {
    Column{"project_id", 't'}, Column{"id", 't'},          Column{"kek_id", 'i'},
    Column{"purpose", 't'},    Column{"suite", 'i'},       Column{"state", 't'},
    Column{"revision", 'i'},   Column{"check_value", 'b'}, Column{"wrapped_key", 'b'},
    Column{"row_tag", 'b'},    Column{"created_at", 'i'}};

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

Result<Value> ParseField(std::string_view field, char type, std::string_view table) {
  std::optional<std::string> text = Unescape(field);
  if (!text) {
    return Value(Null{});
  }
  if (type == 't') {
    return Value(std::move(*text));
  }
  if (type == 'i') {
    const std::optional<std::int64_t> number = ParseDecimal(*text);
    return number ? Result<Value>(*number) : Malformed(table);
  }
  Result<Bytes> bytes =
      text->starts_with("\\x") ? FromHex(text->substr(2)) : Result<Bytes>(Malformed(table));
  return bytes ? Result<Value>(Value(std::move(*bytes))) : Malformed(table);
}

// Takes one COPY block, from its head on, and gives its rows with the columns that are wanted.
Result<std::vector<Row>> TakeBlock(std::string_view& dump, std::string_view table,
                                   std::span<const Column> wanted) {
  const std::string_view head = dump.substr(0, dump.find('\n'));
  const std::size_t open = head.find('(');
  const std::size_t close = head.rfind(") FROM stdin;");
  if (open == std::string_view::npos || close == std::string_view::npos ||
      head.size() == dump.size()) {
    return Malformed(table);
  }
  const std::vector<std::string_view> names = Split(head.substr(open + 1, close - open - 1), ", ");
  std::vector<std::size_t> places;
  for (const Column& column : wanted) {
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

// What ReadDek reads of a DEK's KEK.
void AddKeks(std::vector<Row>& deks, const Rows& trust) {
  constexpr std::size_t kRevision = 7;  // behind the table's name
  constexpr std::size_t kTag = 9;
  constexpr std::size_t kKekOfDek = 2;
  std::map<Value, const Row*> keks;
  for (const Row& row : trust.rows) {
    if (row.front() == Value(std::string("kek"))) {
      keks.emplace(row[1], &row);
    }
  }
  for (Row& dek : deks) {
    const auto kek = keks.find(dek[kKekOfDek]);
    dek.push_back(kek == keks.end() ? Value(Null{}) : (*kek->second)[kRevision]);
    dek.push_back(kek == keks.end() ? Value(Null{}) : (*kek->second)[kTag]);
  }
}

}  // namespace

Result<KeyRows> ReadKeyRowsOfDump(std::string_view dump) {
  const std::array<std::tuple<std::string_view, std::span<const Column>>, 5> tables = {{
      {"installation", kInstallation},
      {"root_key", kRootKey},
      {"kek", kKek},
      {"kek_wrapping", kWrapping},
      {"dek", kDek},
  }};
  KeyRows rows;
  while (!dump.empty()) {
    if (!dump.starts_with(kCopy)) {
      const std::size_t next = dump.find("\n" + std::string(kCopy));
      dump.remove_prefix(next == std::string_view::npos ? dump.size() : next + 1);
      continue;
    }
    const std::string_view rest = dump.substr(kCopy.size());
    const std::string_view name = rest.substr(0, rest.find(' '));
    const auto known =
        std::ranges::find_if(tables, [&](const auto& table) { return std::get<0>(table) == name; });
    if (known == tables.end()) {
      dump.remove_prefix(kCopy.size());
      continue;
    }
    ROWSEAL_ASSIGN(std::vector<Row> block, TakeBlock(dump, name, std::get<1>(*known)));
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
