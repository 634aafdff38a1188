#include "store/calls/secret_version_read.h"

namespace rowseal {

const std::string& StoredVersionColumns() {
  static const std::string columns =
      std::string(
          "s.id, substr(s.name, 1, 256), substr(s.kind, 1, 256), v.version, v.expires_at,"
          " v.created_at, substr(v.nonce, 1, 25), v.encrypted_data, " ROWSEAL_MAC_COLUMNS(
              "w") ", ") +
      DekColumns();
  return columns;
}

Result<StoredVersion> ReadStoredVersion(const ProjectId& project, RowReader& reader) {
  StoredVersion version = Blank<StoredVersion>();
  if (const Defect defect = ReadFields(reader, version)) {
    return tl::unexpected(DefectError("version " + ToText(version.version) + " of secret " +
                                          ToText(version.secret) + " (project '" + project.text() +
                                          "')",
                                      defect));
  }
  version.dek.dek.project = project;
  return version;
}

Result<SecretVersionRead::Answer> Decode(const SecretVersionRead::Request& request, Rows rows) {
  if (rows.rows.empty()) {
    return std::nullopt;
  }
  const std::string object =
      "version " + ToText(request.version) + " of secret " + ToText(request.secret);
  ROWSEAL_ASSIGN(StoredVersion row, DecodeOnlyRow<SecretVersionRead>(rows, object));
  if (row.secret != request.secret || row.version != request.version) {
    return WrongAnswer(SecretVersionRead::kName, object,
                       "it is version " + ToText(row.version) + " of secret " + ToText(row.secret));
  }
  row.dek.dek.project = request.project;
  return row;
}

}  // namespace rowseal
