#include <array>
#include <optional>
#include <string>

#include "migration/import_formats.h"
#include "migration/text_cursor.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxFields = 3;  // name, value, kind

struct Record {
  std::array<SecretBytes, kMaxFields> fields;
  std::size_t count = 0;
};

bool SeesFieldEnd(const TextCursor& cursor) {
  return cursor.AtEnd() || cursor.Sees(",") || cursor.Sees("\n") || cursor.Sees("\r\n");
}

// RFC 4180: in quotes, a quote is written twice and everything else is literal, line ends too.
Result<SecretBytes> TakeQuoted(TextCursor& cursor) {
  const std::size_t first_line = cursor.line();
  const std::string_view rest = cursor.Rest();
  std::size_t length = rest.find('"');
  while (length != std::string_view::npos && rest.substr(length + 1).starts_with('"')) {
    length = rest.find('"', length + 2);
  }
  if (length == std::string_view::npos) {
    return TextCursor::RefuseLine(first_line, "a quoted field is never closed");
  }
  ROWSEAL_ASSIGN(SecretBuffer value, SecretBuffer::Create(length));
  std::string_view raw = rest.substr(0, length);
  while (!raw.empty()) {
    const std::size_t quote = raw.find('"');
    const std::size_t upto = quote == std::string_view::npos ? raw.size() : quote + 1;
    ROWSEAL_TRY(value.Append(AsBytes(raw.substr(0, upto))));
    raw.remove_prefix(quote == std::string_view::npos ? upto : upto + 1);
  }
  cursor.Advance(length + 1);
  if (!SeesFieldEnd(cursor)) {
    return cursor.Refuse("something stands behind a closing quote");
  }
  return std::move(value).Take();
}

Result<SecretBytes> TakeField(TextCursor& cursor) {
  if (cursor.Skip("\"")) {
    return TakeQuoted(cursor);
  }
  const std::size_t start = cursor.position();
  while (!SeesFieldEnd(cursor)) {
    if (cursor.Sees("\"")) {
      return cursor.Refuse("a quote stands in a field that does not begin with one",
                           "put the field into quotes and double those inside");
    }
    cursor.Advance();
  }
  return SecretBytes::CopyOf(AsBytes(cursor.Since(start)));
}

Result<Record> TakeRecord(TextCursor& cursor) {
  Record record;
  do {
    if (record.count == kMaxFields) {
      return cursor.Refuse("has more fields than name,value,kind");
    }
    ROWSEAL_ASSIGN(record.fields.at(record.count), TakeField(cursor));
    ++record.count;
  } while (cursor.Skip(","));
  cursor.Skip("\r\n") || cursor.Skip("\n");
  return record;
}

bool IsHeader(const Record& record) {
  constexpr std::array<std::string_view, kMaxFields> kHeader = {"name", "value", "kind"};
  for (std::size_t i = 0; i < record.count; ++i) {
    if (AsText(record.fields.at(i).Reveal()) != kHeader.at(i)) {
      return false;
    }
  }
  return record.count >= 2;
}

Result<ImportItem> ToItem(Record record, std::size_t line) {
  const Result<SecretName> name = SecretName::Parse(AsText(record.fields[0].Reveal()));
  if (!name) {
    return TextCursor::RefuseLine(line, name.error().message, name.error().hint);
  }
  ImportItem item{*name, {}, std::move(record.fields[1])};
  const std::string_view kind_text = AsText(record.fields[2].Reveal());
  if (kind_text.empty()) {
    return item;
  }
  const Result<SecretKind> kind = ParseSecretKind(kind_text);
  if (!kind) {
    return TextCursor::RefuseLine(line, kind.error().message, kind.error().hint);
  }
  item.kind = *kind;
  return item;
}

}  // namespace

Result<std::vector<ImportItem>> ParseCsv(ByteView text) {
  TextCursor cursor(text);
  ROWSEAL_ASSIGN(const Record header, TakeRecord(cursor));
  if (!IsHeader(header)) {
    return TextCursor::RefuseLine(1, "the header is neither name,value nor name,value,kind");
  }
  std::vector<ImportItem> items;
  while (!cursor.AtEnd()) {
    const std::size_t line = cursor.line();
    ROWSEAL_ASSIGN(Record record, TakeRecord(cursor));
    if (record.count != header.count) {
      return TextCursor::RefuseLine(line, "has " + std::to_string(record.count) +
                                              " fields, the header " +
                                              std::to_string(header.count));
    }
    ROWSEAL_ASSIGN(ImportItem item, ToItem(std::move(record), line));
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace rowseal
