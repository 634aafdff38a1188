#include "store/calls/secret_versions.h"

namespace rowseal {

Result<SecretVersions::Answer> Decode(const SecretVersions::Request& request, Rows rows) {
  const std::string object = "secret '" + request.name.text() + "'";
  SecretVersions::Answer answer;
  for (Row& cells : rows.rows) {
    ROWSEAL_ASSIGN(SecretVersions::Row row, DecodeRow<SecretVersions>(cells, object));
    if (!answer.empty() && row.version >= answer.back().version) {
      return WrongAnswer(SecretVersions::kName, object, "versions are not in their order");
    }
    answer.push_back(std::move(row));
  }
  return answer;
}

}  // namespace rowseal
