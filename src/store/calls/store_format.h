#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// StoreFormat reads the format of the store: the one in which its tags and MACs stand.
struct StoreFormat {
  static constexpr Procedure kProcedure = Procedure::kStoreFormat;
  static constexpr std::string_view kName = "store_format";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = StoreFormat;
  };
  struct Row {
    std::int64_t format = 0;
    bool has_keys = false;  ///< an installation, a root or a KEK is there: were only some, rows
                            ///< were removed
  };
  using Answer = Row;
};

constexpr auto FieldsOf(const StoreFormat::Request*) { return std::tuple{}; }
constexpr auto FieldsOf(const StoreFormat::Row*) {
  return std::tuple{Field("format", &StoreFormat::Row::format, {0, 1'000'000}),
                    Field("has_keys", &StoreFormat::Row::has_keys)};
}

inline Result<StoreFormat::Row> Decode(const StoreFormat::Request& /*request*/, Rows rows) {
  return DecodeOnlyRow<StoreFormat>(rows, {});
}

}  // namespace rowseal
