#include "store/calls/call.h"

namespace rowseal {

tl::unexpected<Error> WrongAnswer(std::string_view name, std::string_view object,
                                  std::string_view what) {
  std::string message = "the store's answer to ";
  message.append(name).append(object.empty() ? "" : " for ").append(object);
  message.append(": ").append(what);
  return Fail(ErrorCode::kIntegrity, std::move(message),
              "run `rowseal doctor` and `rowseal verify`; restore what was changed from a backup");
}

tl::unexpected<Error> WrongAnswer(std::string_view name, std::string_view object,
                                  const Defect& defect) {
  const std::string row = defect.row.empty() ? "" : defect.row + ": ";
  if (defect.field == "kek_revision") {
    return WrongAnswer(name, object, row + "this KEK is not in the store");
  }
  return WrongAnswer(name, object, row + std::string(defect.field) + " " + std::string(defect.why));
}

Result<void> CheckCount(std::string_view name, const Rows& rows, std::size_t asked) {
  if (rows.rows.size() != asked) {
    return WrongAnswer(
        name, {},
        "it has " + std::to_string(rows.rows.size()) + " rows instead of " + std::to_string(asked));
  }
  return {};
}

Result<void> DecodeNothing(std::string_view name, const Rows& rows) {
  const bool is_nothing =
      rows.rows.empty() || (rows.rows.size() == 1 && rows.rows.front() == Row{Null{}});
  return is_nothing ? Result<void>() : WrongAnswer(name, {}, "it has rows instead of none");
}

}  // namespace rowseal
