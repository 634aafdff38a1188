#include "store/calls/secret_versions.h"

#include "store/list_reader.h"

namespace rowseal {

Result<SecretVersions::Answer> Decode(const SecretVersions::Request& request, Rows rows) {
  const std::string object = "secret '" + request.name.text() + "'";
  SecretVersions::Answer answer;
  for (Row& cells : rows.rows) {
    std::string named = "version " + ShownCell(cells, 0) + " of " + object;
    Result<SecretVersions::Row> row = ReadListed<SecretVersions::Row>(cells);
    if (row && !answer.empty() && row->version >= answer.back().version) {
      return WrongAnswer(SecretVersions::kName, object, "versions are not in their order");
    }
    ROWSEAL_TRY(answer.Add(std::move(named), std::move(row)));
  }
  return answer;
}

}  // namespace rowseal
