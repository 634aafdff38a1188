#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <rowseal/bytes.h>

namespace rowseal::testing {

/// VectorPath returns the path of a file in tests/vectors. A missing one ends the program.
std::string VectorPath(std::string_view relative);

/// Unhex decodes hex that a test wrote down; anything else ends the program.
Bytes Unhex(std::string_view text);

/// ResponseCase is one case of a NIST response file: `Key = 00…` becomes ["Key"] = "00…", and a
/// bare `FAIL` becomes ["FAIL"] = "". The bracketed settings before it, such as Taglen, are
/// included.
using ResponseCase = std::map<std::string, std::string>;
std::vector<ResponseCase> ReadResponses(const std::string& path);

nlohmann::json ReadJson(const std::string& path);

}  // namespace rowseal::testing
