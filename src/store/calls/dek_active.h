#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// DekActive reads the active DEK of a project and purpose, if it has one.
struct DekActive {
  static constexpr Procedure kProcedure = Procedure::kDekActive;
  static constexpr std::string_view kName = "dek_active";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = DekActive;
    ProjectId project;
    DekPurpose purpose = DekPurpose::kSecret;
  };
  using Row = DekAndKek;
  using Answer = std::optional<DekAndKek>;
};

constexpr auto FieldsOf(const DekActive::Request*) {
  using Request = DekActive::Request;
  return std::tuple{Field("project", &Request::project), Field("purpose", &Request::purpose)};
}

/// DecodeActiveDek decodes what is to be the active DEK of a project and purpose, or no row.
/// Errors: kIntegrity (several rows, or a DEK of another purpose or state).
Result<std::optional<DekAndKek>> DecodeActiveDek(std::string_view call, const ProjectId& project,
                                                 DekPurpose purpose, Rows rows);

inline Result<DekActive::Answer> Decode(const DekActive::Request& request, Rows rows) {
  return DecodeActiveDek(DekActive::kName, request.project, request.purpose, std::move(rows));
}

}  // namespace rowseal
