#pragma once

#include <vector>

#include "store/calls/call.h"

namespace rowseal {

/// DekRewrap puts DEKs wrapped anew under a KEK, each where it still is under the old one.
struct DekRewrap {
  static constexpr Procedure kProcedure = Procedure::kDekRewrap;
  static constexpr std::string_view kName = "dek_rewrap";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Item {
    ProjectId project;
    DekId id;
    Bytes wrapped_key;
    KekId old_kek;
  };
  struct Request {
    using Call = DekRewrap;
    std::vector<Item> items;
    KekId kek;
  };
  using Row = void;
  using Answer = std::int64_t;  ///< how many were changed
};

constexpr auto FieldsOf(const DekRewrap::Item*) {
  using Item = DekRewrap::Item;
  return std::tuple{Field("projects", &Item::project), Field("ids", &Item::id),
                    Field("wrapped_keys", &Item::wrapped_key, kWrappedKeyBytes),
                    Field("old_kek_ids", &Item::old_kek)};
}
constexpr auto FieldsOf(const DekRewrap::Request*) {
  return std::tuple{Part(&DekRewrap::Request::items), Field("kek_id", &DekRewrap::Request::kek)};
}

inline Result<std::int64_t> Decode(const DekRewrap::Request& request, const Rows& rows) {
  if (!rows.rows.empty() || rows.changed < 0 ||
      rows.changed > static_cast<std::int64_t>(request.items.size())) {
    return WrongAnswer(DekRewrap::kName, {}, "more rows than were asked for");
  }
  return rows.changed;
}

}  // namespace rowseal
