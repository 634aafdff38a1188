#include "migration/export_formats.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/encoding.h"
#include "migration/json_text.h"

namespace rowseal {
namespace {

bool IsLetterOrDigit(char character) {
  const char lower = static_cast<char>(character | 0x20);
  return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9');
}

tl::unexpected<Error> CannotCarry(const SecretName& name, std::string_view format,
                                  std::string_view why, std::string_view instead) {
  return Fail(ErrorCode::kInvalidArgument,
              "the format " + std::string(format) + " cannot carry secret '" +
                  Printable(name.text()) + "': " + std::string(why),
              "use " + std::string(instead));
}

// Writes `text` with `prefix` before each character of `set`.
Result<void> AppendEscaped(std::string_view text, std::string_view set, std::string_view prefix,
                           SecretWriter& out) {
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find_first_of(set), text.size());
    ROWSEAL_TRY(out.Append(text.substr(0, plain)));
    text.remove_prefix(plain);
    if (!text.empty()) {
      ROWSEAL_TRY(out.Append(prefix));
      ROWSEAL_TRY(out.Append(text.substr(0, 1)));
      text.remove_prefix(1);
    }
  }
  return {};
}

// Single quotes carry everything but themselves. Double quotes escape what a shell would escape,
// and line ends stay literal, so a shell that sources the file reads the same values.
Result<void> WriteEnv(const ExportItem& item, SecretWriter& out) {
  const std::string& name = item.name.text();
  const std::string_view value = AsText(item.value);
  const bool plain_name = std::all_of(name.begin(), name.end(), [](char character) {
    return IsLetterOrDigit(character) || character == '_' || character == '.' || character == '-';
  });
  if (!plain_name) {
    return CannotCarry(item.name, "env", "its name is not letters, digits, '_', '.' and '-'",
                       "--format json or csv");
  }
  if (value.find('\0') != std::string_view::npos || !IsUtf8(value)) {
    return CannotCarry(item.name, "env", "its value is not UTF-8 text without NUL",
                       "--format csv, which carries any bytes");
  }
  ROWSEAL_TRY(out.Append(std::string_view(name)));
  if (value.find('\'') == std::string_view::npos) {
    ROWSEAL_TRY(out.Append("='"));
    ROWSEAL_TRY(out.Append(value));
    return out.Append("'\n");
  }
  ROWSEAL_TRY(out.Append("=\""));
  ROWSEAL_TRY(AppendEscaped(value, "\"\\$`", "\\", out));
  return out.Append("\"\n");
}

Result<void> AppendJsonString(std::string_view text, SecretWriter& out) {
  return QuoteJson(text, [&](std::string_view piece) { return out.Append(piece); });
}

Result<void> WriteJson(const ExportItem& item, bool first, SecretWriter& out) {
  const std::string_view value = AsText(item.value);
  if (!IsUtf8(value)) {
    return CannotCarry(item.name, "json", "its value is not UTF-8 text",
                       "--format csv, which carries any bytes");
  }
  ROWSEAL_TRY(out.Append(std::string_view(first ? "\n  " : ",\n  ")));
  ROWSEAL_TRY(AppendJsonString(item.name.text(), out));
  ROWSEAL_TRY(out.Append(": "));
  return AppendJsonString(value, out);
}

Result<void> WriteCsv(const ExportItem& item, SecretWriter& out) {
  ROWSEAL_TRY(out.Append("\""));
  ROWSEAL_TRY(AppendEscaped(item.name.text(), "\"", "\"", out));
  ROWSEAL_TRY(out.Append("\",\""));
  ROWSEAL_TRY(AppendEscaped(AsText(item.value), "\"", "\"", out));
  ROWSEAL_TRY(out.Append("\","));
  ROWSEAL_TRY(out.Append(ToText(item.kind)));
  return out.Append("\r\n");
}

}  // namespace

Result<void> WriteSecrets(FileFormat format, const std::vector<ExportItem>& items,
                          SecretWriter& out) {
  if (format == FileFormat::kJson) {
    ROWSEAL_TRY(out.Append("{"));
  }
  if (format == FileFormat::kCsv) {
    ROWSEAL_TRY(out.Append("name,value,kind\r\n"));
  }
  for (const ExportItem& item : items) {
    switch (format) {
      case FileFormat::kEnv:
        ROWSEAL_TRY(WriteEnv(item, out));
        break;
      case FileFormat::kJson:
        ROWSEAL_TRY(WriteJson(item, &item == &items.front(), out));
        break;
      case FileFormat::kCsv:
        ROWSEAL_TRY(WriteCsv(item, out));
        break;
    }
  }
  if (format == FileFormat::kJson) {
    return out.Append(std::string_view(items.empty() ? "}\n" : "\n}\n"));
  }
  return {};
}

}  // namespace rowseal
