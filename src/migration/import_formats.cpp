#include "migration/import_formats.h"

#include <string>

#include "base/encoding.h"

namespace rowseal {

Result<FileFormat> ParseFileFormat(std::string_view text) {
  if (text == "env") {
    return FileFormat::kEnv;
  }
  if (text == "json") {
    return FileFormat::kJson;
  }
  if (text == "csv") {
    return FileFormat::kCsv;
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a file format",
              "use env, json or csv");
}

Result<FileFormat> FormatOfPath(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  if (file.ends_with(".json")) {
    return FileFormat::kJson;
  }
  if (file.ends_with(".csv")) {
    return FileFormat::kCsv;
  }
  if (file.ends_with(".env") || file.starts_with(".env.")) {
    return FileFormat::kEnv;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "the format of '" + Printable(path) + "' does not show in its name",
              "add --format env, json or csv");
}

Result<std::vector<ImportItem>> ParseSecrets(FileFormat format, ByteView text) {
  switch (format) {
    case FileFormat::kEnv:
      return ParseEnv(text);
    case FileFormat::kJson:
      return ParseJson(text);
    case FileFormat::kCsv:
      return ParseCsv(text);
  }
  return Fail(ErrorCode::kInternal, "an unknown file format");
}

}  // namespace rowseal
