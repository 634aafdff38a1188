#include "roots/json_strings.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace rowseal {
namespace {

// A parser's buffers stay in the heap when they are freed. So it never sees a string: in the text
// that it parses each string is replaced by its number.
struct Outline {
  std::string text;
  std::vector<std::string_view> strings;  // views of the object, escapes as they stand
};

std::optional<Outline> OutlineOf(std::string_view object) {
  Outline outline;
  for (std::size_t at = 0; at < object.size(); ++at) {
    if (object[at] != '"') {
      outline.text += object[at];
      continue;
    }
    const std::size_t begin = ++at;
    while (at < object.size() && object[at] != '"') {
      at += object[at] == '\\' ? 2 : 1;
    }
    if (at >= object.size()) {
      return std::nullopt;
    }
    outline.text += '"' + std::to_string(outline.strings.size()) + '"';
    outline.strings.push_back(object.substr(begin, at - begin));
  }
  return outline;
}

Result<SecretBytes> Unescaped(std::string_view text) {
  ROWSEAL_ASSIGN(SecretBuffer plain, SecretBuffer::Create(text.size()));
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && text.substr(at, 2) != "\\/") {
      return Fail(ErrorCode::kInvalidArgument, "its string holds an escape");
    }
    at += text[at] == '\\' ? 1 : 0;
    ROWSEAL_TRY(plain.Append(AsBytes(text.substr(at, 1))));
  }
  return std::move(plain).Take();
}

}  // namespace

Result<SecretBytes> JsonString(ByteView object, std::string_view member) {
  using nlohmann::json;
  const std::optional<Outline> outline = OutlineOf(AsText(object));
  const json parsed = outline ? json::parse(outline->text, nullptr, /*allow_exceptions=*/false)
                              : json(json::value_t::discarded);
  if (!parsed.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "it is no JSON object");
  }
  const auto string_of = [&](const std::string& number) {
    return outline->strings[std::stoul(number)];
  };
  std::optional<std::string_view> found;
  for (const auto& [name, value] : parsed.items()) {
    if (string_of(name) != member) {
      continue;
    }
    if (found || !value.is_string()) {
      return Fail(ErrorCode::kInvalidArgument, "it has no string '" + std::string(member) + "'");
    }
    found = string_of(value.get<std::string>());
  }
  if (!found) {
    return Fail(ErrorCode::kInvalidArgument, "it has no string '" + std::string(member) + "'");
  }
  return Unescaped(*found);
}

}  // namespace rowseal
