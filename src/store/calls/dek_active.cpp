#include "store/calls/dek_active.h"

namespace rowseal {

Result<std::optional<DekAndKek>> DecodeActiveDek(std::string_view call, const ProjectId& project,
                                                 DekPurpose purpose, Rows rows) {
  if (rows.rows.empty()) {
    return std::nullopt;
  }
  const std::string object = "project '" + project.text() + "'";
  ROWSEAL_TRY(CheckCount(call, rows, 1));
  RowReader reader(rows.rows.front());
  ROWSEAL_ASSIGN(DekAndKek row, ReadDek(project, reader));
  if (reader.left() != 0) {
    return WrongAnswer(call, object, "the row has more columns than were asked for");
  }
  if (row.dek.purpose != purpose) {
    return WrongAnswer(call, object, "DEK " + ToText(row.dek.id) + " is of another purpose");
  }
  if (row.dek.state != KeyState::kActive) {
    return WrongAnswer(call, object, "DEK " + ToText(row.dek.id) + " is not active");
  }
  return row;
}

}  // namespace rowseal
