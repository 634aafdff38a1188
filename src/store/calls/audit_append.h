#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// AuditAppend writes an entry of the log, durably where it is a transaction of its own.
struct AuditAppend {
  static constexpr Procedure kProcedure = Procedure::kAuditAppend;
  static constexpr std::string_view kName = "audit_append";
  static constexpr Effect kEffect = Effect::kChanges;

  struct Request {
    using Call = AuditAppend;
    std::string project;
    LogEntry entry;
    std::string outcome;
    std::string object;
  };
  using Row = void;
  using Answer = void;
};

constexpr auto FieldsOf(const AuditAppend::Request*) {
  using Request = AuditAppend::Request;
  return std::tuple{Field("project", &Request::project), Part(&Request::entry),
                    Field("outcome", &Request::outcome), Field("object", &Request::object)};
}

inline Result<void> Decode(const AuditAppend::Request& /*request*/, const Rows& rows) {
  return DecodeNothing(AuditAppend::kName, rows);
}

}  // namespace rowseal
