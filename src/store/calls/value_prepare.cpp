#include "store/calls/value_prepare.h"

namespace rowseal {
namespace {

Result<DekAndKek> DecodeDek(const ValuePrepare::Request& request, const DekId& asked, Row& cells) {
  const std::string object = "DEK " + ToText(asked);
  ROWSEAL_ASSIGN(ValuePrepare::Row row, DecodeRow<ValuePrepare>(cells, object));
  if (row.column) {
    return WrongAnswer(ValuePrepare::kName, object, "the row holds a column");
  }
  if (!row.dek) {
    return Fail(ErrorCode::kIntegrity,
                "the DEK of the sealed value is not in project '" + request.project.text() + "'",
                "the value was moved here from another project or store, or its key is gone");
  }
  if (row.dek->dek.id != asked) {
    return WrongAnswer(ValuePrepare::kName, object, "it is DEK " + ToText(row.dek->dek.id));
  }
  row.dek->dek.project = request.project;
  return std::move(*row.dek);
}

Result<std::optional<DekAndKek>> DecodeActive(const ValuePrepare::Request& request, Row& cells) {
  const std::string object = "project '" + request.project.text() + "'";
  ROWSEAL_ASSIGN(ValuePrepare::Row row, DecodeRow<ValuePrepare>(cells, object));
  if (row.column) {
    return WrongAnswer(ValuePrepare::kName, object, "the row holds a column");
  }
  if (row.dek &&
      (row.dek->dek.purpose != DekPurpose::kValue || row.dek->dek.state != KeyState::kActive)) {
    return WrongAnswer(ValuePrepare::kName, object,
                       "DEK " + ToText(row.dek->dek.id) + " is not an active one for values");
  }
  if (row.dek) {
    row.dek->dek.project = request.project;
  }
  return std::move(row.dek);
}

}  // namespace

Result<ValuePrepare::Answer> Decode(const ValuePrepare::Request& request, Rows rows) {
  ROWSEAL_TRY(
      CheckCount(ValuePrepare::kName, rows, 1 + std::max<std::size_t>(request.deks.size(), 1)));
  const std::string object = "column '" + request.label.text() + "'";
  ROWSEAL_ASSIGN(ValuePrepare::Row first, DecodeRow<ValuePrepare>(rows.rows.front(), object));
  if (first.dek) {
    return WrongAnswer(ValuePrepare::kName, object, "the row holds a DEK");
  }
  if (first.column && first.column->label != request.label) {
    return WrongAnswer(ValuePrepare::kName, object, "it is another column");
  }
  ValuePrepare::Answer answer{std::move(first.column), std::nullopt, {}};
  if (request.deks.empty()) {
    ROWSEAL_ASSIGN(answer.active, DecodeActive(request, rows.rows[1]));
  }
  answer.deks.reserve(request.deks.size());
  for (std::size_t i = 0; i < request.deks.size(); ++i) {
    answer.deks.push_back(DecodeDek(request, request.deks[i], rows.rows[1 + i]));
  }
  return answer;
}

}  // namespace rowseal
