#include "support/vectors.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "support/paths.h"

namespace rowseal::testing {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "test vectors: %s\n", why.c_str());
  std::abort();
}

std::string Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) {
    return {};
  }
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

}  // namespace

std::string VectorPath(std::string_view relative) {
  const auto path = std::filesystem::path(ROWSEAL_SOURCE_DIR "/tests/vectors") / relative;
  if (!std::filesystem::is_regular_file(path)) {
    Die("no file " + path.string());
  }
  return path.string();
}

Bytes Unhex(std::string_view text) {
  Result<Bytes> bytes = FromHex(text);
  if (!bytes) {
    Die("not hex: " + std::string(text));
  }
  return std::move(*bytes);
}

std::vector<ResponseCase> ReadResponses(const std::string& path) {
  std::ifstream file(path);
  std::vector<ResponseCase> cases;
  ResponseCase settings;
  bool in_case = false;
  for (std::string line; std::getline(file, line);) {
    std::string text = Trimmed(line);
    if (text.empty()) {
      in_case = false;
      continue;
    }
    if (text.front() == '#') {
      continue;
    }
    const bool setting = text.front() == '[';
    if (setting) {
      text = text.substr(1, text.size() - 2);
    }
    const std::size_t equals = text.find('=');
    const std::string name = Trimmed(std::string_view(text).substr(0, equals));
    const std::string value =
        equals == std::string::npos ? "" : Trimmed(std::string_view(text).substr(equals + 1));
    if (setting) {
      settings[name] = value;
      continue;
    }
    if (!in_case) {
      cases.push_back(settings);
      in_case = true;
    }
    cases.back()[name] = value;
  }
  if (cases.empty()) {
    Die("no case in " + path);
  }
  return cases;
}

nlohmann::json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

}  // namespace rowseal::testing
