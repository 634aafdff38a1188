#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// StoreTime reads the store's clock. Ages, due dates and leases go by it, so that machines whose
/// clocks differ agree.
struct StoreTime {
  static constexpr Procedure kProcedure = Procedure::kClock;
  static constexpr std::string_view kName = "now_micros";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = StoreTime;
  };
  struct Row {
    Timestamp now{};
  };
  using Answer = Timestamp;
};

constexpr auto FieldsOf(const StoreTime::Request*) { return std::tuple{}; }
constexpr auto FieldsOf(const StoreTime::Row*) {
  return std::tuple{Field("now_micros", &StoreTime::Row::now)};
}

inline Result<Timestamp> Decode(const StoreTime::Request& /*request*/, Rows rows) {
  ROWSEAL_ASSIGN(const StoreTime::Row row, DecodeOnlyRow<StoreTime>(rows, {}));
  return row.now;
}

}  // namespace rowseal
