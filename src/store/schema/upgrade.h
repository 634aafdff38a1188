#pragma once

#include <functional>
#include <string_view>

#include <rowseal/connection.h>
#include <rowseal/error.h>

namespace rowseal {

/// TagRenewal makes the tags and MACs of an upgraded store anew, in the transaction of the upgrade.
using TagRenewal = std::function<Result<void>(Connection&)>;

}  // namespace rowseal

namespace rowseal::schema {

/// Upgrade brings a store from format `format - 1` to `format`.
struct Upgrade {
  int format;
  std::string_view name;
  std::string_view sql;
};

}  // namespace rowseal::schema
