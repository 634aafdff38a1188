#pragma once

#include <string_view>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "migration/import_source.h"

namespace rowseal {

/// FileFormat is a text format that secrets are exported to and imported from. docs/cli.md states
/// the grammar of each.
enum class FileFormat : std::uint8_t { kEnv, kJson, kCsv };

Result<FileFormat> ParseFileFormat(std::string_view text);

/// FormatOfPath guesses from a path's ending. Errors: kInvalidArgument.
Result<FileFormat> FormatOfPath(std::string_view path);

/// The parsers read a whole file and copy each value into guarded memory. They are strict: what
/// they would have to guess is refused with its line, because a guess would change a secret
/// silently. A name may come twice; the import names it as a conflict. Errors: kInvalidArgument
/// (with the line, never with a value), kResourceExhausted.

Result<std::vector<ImportItem>> ParseEnv(ByteView text);
Result<std::vector<ImportItem>> ParseJson(ByteView text);
Result<std::vector<ImportItem>> ParseCsv(ByteView text);
Result<std::vector<ImportItem>> ParseSecrets(FileFormat format, ByteView text);

}  // namespace rowseal
