#pragma once

#include <string>
#include <string_view>

#include "migration/scan/scan.h"

namespace rowseal {

/// MigrationNameOf makes a migration's name (a letter, then letters, digits and `_`, at most 40)
/// from a database's URL.
std::string MigrationNameOf(const std::string& database);

/// WriteManifest writes a migration manifest (TOML 1.0) with what a scan found: likely columns as
/// blocks, doubtful ones commented out, the rest as comments. `database` is a URL without a
/// password. Never holds a value but masked ones.
std::string WriteManifest(const ScanReport& report, const std::string& database);

/// TomlText writes a text as a basic string of TOML, which any text of UTF-8 fits.
std::string TomlText(std::string_view text);

}  // namespace rowseal
