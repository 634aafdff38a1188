#pragma once

#include "store/calls/dek_active.h"

namespace rowseal {

/// DekInsert stores an active DEK, created at the store's time, unless the project and purpose have
/// one, the KEK is not active, the installation's epoch is not the one in which it was made, or its
/// id is that of a destroyed one. One that is below the seal floor is replaced. Gives the DEK that
/// is active then, if any: of several that make one at once, all read the same.
struct DekInsert {
  static constexpr Procedure kProcedure = Procedure::kDekInsert;
  static constexpr std::string_view kName = "dek_insert";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Request {
    using Call = DekInsert;
    ProjectId project;
    DekId id;
    KekId kek;
    DekPurpose purpose = DekPurpose::kSecret;
    Suite suite = Suite::kXaes256Gcm;
    Bytes check_value;
    Bytes wrapped_key;
    Bytes row_tag;
    std::int64_t born_epoch = 0;
    /// The active DEK that may not seal any more, as it is when this one has taken its place.
    struct Replaced {
      DekId id;
      Revision revision;
      Bytes row_tag;
    };
    std::optional<Replaced> replaced;
  };
  using Row = DekAndKek;
  using Answer = std::optional<DekAndKek>;
};

constexpr auto FieldsOf(const DekInsert::Request::Replaced*) {
  using Replaced = DekInsert::Request::Replaced;
  return std::tuple{Field("replaced_id", &Replaced::id),
                    Field("replaced_revision", &Replaced::revision),
                    Field("replaced_row_tag", &Replaced::row_tag, kTagBytes)};
}
constexpr auto FieldsOf(const DekInsert::Request*) {
  using Request = DekInsert::Request;
  return std::tuple{Field("project", &Request::project),
                    Field("id", &Request::id),
                    Field("kek_id", &Request::kek),
                    Field("purpose", &Request::purpose),
                    Field("suite", &Request::suite),
                    Field("check_value", &Request::check_value, kMacBytes),
                    Field("wrapped_key", &Request::wrapped_key, kWrappedKeyBytes),
                    Field("row_tag", &Request::row_tag, kTagBytes),
                    Field("born_epoch", &Request::born_epoch, {1, kMostNumber}),
                    Part(&Request::replaced)};
}

inline Result<DekInsert::Answer> Decode(const DekInsert::Request& request, Rows rows) {
  return DecodeActiveDek(DekInsert::kName, request.project, request.purpose, std::move(rows));
}

}  // namespace rowseal
