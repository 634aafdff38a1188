#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace rowseal::node {

/// JavaScriptName is what a described field (rowseal/fields.h) is called in JavaScript:
/// `created_at` is `createdAt`. The name of a time, which is a Date there, ends in `At`: `due` is
/// `dueAt`.
inline std::string JavaScriptName(std::string_view name, bool is_time) {
  std::string camel;
  bool starts_word = false;
  for (const char c : name) {
    if (c == '_') {
      starts_word = true;
      continue;
    }
    camel += starts_word ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    starts_word = false;
  }
  const bool ends_so = camel == "at" || camel.ends_with("At");
  return is_time && !ends_so ? camel + "At" : camel;
}

}  // namespace rowseal::node
