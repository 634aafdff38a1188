#include "store/columns.h"

#include "base/encoding.h"

namespace rowseal {

bool Codec<std::vector<std::string>>::Read(std::string& cell, std::vector<std::string>& value) {
  std::string_view joined = cell;
  if (!IsUtf8(joined)) {
    return false;
  }
  value.clear();
  while (true) {
    const std::size_t end = joined.find('\n');
    value.emplace_back(joined.substr(0, end));
    if (end == std::string_view::npos) {
      return true;
    }
    joined.remove_prefix(end + 1);
  }
}

std::string Codec<std::vector<std::string>>::Write(const std::vector<std::string>& value) {
  std::string joined;
  for (const std::string& key : value) {
    joined += (joined.empty() ? "" : "\n") + key;
  }
  return joined;
}

const std::string& DekColumns() {
  static const std::string columns =
      BoundedNames<DekRecord>("d.") + ", k.revision, substr(k.row_tag, 1, 41)";
  return columns;
}

Result<DekAndKek> ReadDek(const ProjectId& project, RowReader& reader) {
  DekAndKek read = Blank<DekAndKek>();
  read.dek.project = project;
  const Defect defect = ReadFields(reader, read);
  if (!defect) {
    return read;
  }
  const std::string row =
      "row " + ToText(read.dek.id) + " of dek (project '" + project.text() + "')";
  if (defect.field == "kek_revision") {
    return Fail(ErrorCode::kIntegrity,
                row + ": its KEK " + ToText(read.dek.kek) + " is not in the store",
                "restore the tables kek and dek from a backup");
  }
  return tl::unexpected(DefectError(row, defect));
}

std::string DekQuery(std::string_view rest) {
  return "SELECT d.project_id, " + DekColumns() +
         " FROM rowseal.dek d LEFT JOIN rowseal.kek k ON k.id = d.kek_id " + std::string(rest);
}

Result<DekAndKek> ReadDekRow(Row& row) {
  RowReader reader(row);
  const Result<ProjectId> project = ProjectId::Parse(reader.Text());
  if (!project) {
    return Fail(ErrorCode::kIntegrity, "a row of dek names no project",
                "run `rowseal verify`; restore it from a backup");
  }
  return ReadDek(*project, reader);
}

}  // namespace rowseal
