#pragma once

#include <vector>

#include "store/calls/call.h"

namespace rowseal {

/// ValuePrepare reads what sealing or opening values of a column needs: the registration, and the
/// DEKs asked for with an entry of the log, or without any the project's active `value` DEK. A
/// retired project is refused with kRefusedByState.
struct ValuePrepare {
  static constexpr Procedure kProcedure = Procedure::kValuePrepare;
  static constexpr std::string_view kName = "value_prepare";
  static constexpr Effect kEffect = Effect::kLogsRead;

  struct Request {
    using Call = ValuePrepare;
    ProjectId project;
    ColumnLabel label;
    std::vector<DekId> deks;        ///< none: the active one, to seal
    std::optional<LogEntry> entry;  ///< where DEKs are asked for
  };

  /// The first row holds the registration, each other one a DEK; what is not there is NULL.
  struct Row {
    std::optional<ColumnRecord> column;
    std::optional<DekAndKek> dek;
  };
  struct Answer {
    std::optional<ColumnRecord> column;
    std::optional<DekAndKek> active;      ///< to seal
    std::vector<Result<DekAndKek>> deks;  ///< in the order in which they were asked for
  };
};

constexpr auto FieldsOf(const ValuePrepare::Request*) {
  using Request = ValuePrepare::Request;
  return std::tuple{Field("project", &Request::project), Field("label", &Request::label),
                    Field("dek_ids", &Request::deks), Part(&Request::entry)};
}
constexpr auto FieldsOf(const ValuePrepare::Row*) {
  return std::tuple{Part(&ValuePrepare::Row::column), Part(&ValuePrepare::Row::dek)};
}

/// Decode errors: kIntegrity (another number of rows, another column). A DEK's error is kIntegrity:
/// it is not there, or not the one that was asked for.
Result<ValuePrepare::Answer> Decode(const ValuePrepare::Request& request, Rows rows);

}  // namespace rowseal
