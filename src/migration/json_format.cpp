#include <string>

#include "base/encoding.h"
#include "migration/import_formats.h"
#include "migration/json_text.h"

// RFC 8259, restricted to one flat object of strings.

namespace rowseal {
namespace {

Result<ImportItem> TakeMember(TextCursor& cursor) {
  if (!cursor.Sees("\"")) {
    return cursor.Refuse("expected a string", "the file is one flat object of strings");
  }
  ROWSEAL_ASSIGN(const SecretBytes key, TakeJsonString(cursor));
  const Result<SecretName> name = SecretName::Parse(AsText(key.Reveal()));
  if (!name) {
    return cursor.Refuse(name.error().message, name.error().hint);
  }
  cursor.SkipAnyOf(kJsonSpaces);
  if (!cursor.Skip(":")) {
    return cursor.Refuse("expected ':' behind a name");
  }
  cursor.SkipAnyOf(kJsonSpaces);
  if (!cursor.Sees("\"")) {
    return cursor.Refuse("the value of '" + Printable(name->text()) + "' is not a string",
                         "the file is one flat object of strings");
  }
  ROWSEAL_ASSIGN(SecretBytes value, TakeJsonString(cursor));
  cursor.SkipAnyOf(kJsonSpaces);
  return ImportItem{*name, {}, std::move(value)};
}

}  // namespace

Result<std::vector<ImportItem>> ParseJson(ByteView text) {
  if (!IsUtf8(AsText(text))) {
    return Fail(ErrorCode::kInvalidArgument, "is not UTF-8, so it is no JSON");
  }
  TextCursor cursor(text);
  cursor.SkipAnyOf(kJsonSpaces);
  if (!cursor.Skip("{")) {
    return cursor.Refuse("expected '{'", "the file is one flat object of strings");
  }
  cursor.SkipAnyOf(kJsonSpaces);
  std::vector<ImportItem> items;
  bool more = !cursor.Skip("}");
  while (more) {
    ROWSEAL_ASSIGN(ImportItem item, TakeMember(cursor));
    items.push_back(std::move(item));
    more = cursor.Skip(",");
    cursor.SkipAnyOf(kJsonSpaces);
    if (!more && !cursor.Skip("}")) {
      return cursor.Refuse("expected ',' or '}' behind a value");
    }
  }
  cursor.SkipAnyOf(kJsonSpaces);
  if (!cursor.AtEnd()) {
    return cursor.Refuse("something stands behind the object");
  }
  return items;
}

}  // namespace rowseal
