#pragma once

#include <string_view>

namespace rowseal::schema {

/// Upgrade brings a store from format `format - 1` to `format`.
struct Upgrade {
  int format;
  std::string_view name;
  std::string_view sql;
};

}  // namespace rowseal::schema
