#include "store/calls/secret_get.h"

namespace rowseal {
namespace {

tl::unexpected<Error> NotFound(const SecretGet::Request& request, const std::string& what) {
  return Fail(ErrorCode::kNotFound,
              "there is no " + what + " in project '" + request.project.text() + "'",
              "rowseal secret list shows what is there");
}

Result<SecretGet::Found> DecodeItem(const SecretGet::Request& request, const SecretGet::Item& item,
                                    Row& cells) {
  const std::string secret = "secret '" + item.name.text() + "'";
  ROWSEAL_ASSIGN(SecretGet::Row row, DecodeRow<SecretGet>(cells, secret));
  if (!row.head) {
    if (row.sealed || row.dek) {
      return WrongAnswer(SecretGet::kName, secret, "a version without its secret");
    }
    return NotFound(request, secret);
  }
  if (!row.sealed) {
    if (item.version == 0) {
      return Fail(ErrorCode::kIntegrity, secret + " has no version",
                  "restore its rows of secret_version from a backup");
    }
    return NotFound(request, "version " + std::to_string(item.version) + " of " + secret);
  }
  // A function or a view in the table's place could answer with an older version, which opens. That
  // the counter did not go back with it says the head's MAC.
  if (item.version == 0 && row.sealed->version.value + 1 != row.head->next_version.value) {
    return Fail(ErrorCode::kIntegrity, "the newest version of " + secret + " is missing",
                "run `rowseal verify`; restore its rows of secret, secret_version, secret_mac and"
                " version_mac from a backup");
  }
  if (item.version != 0 && row.sealed->version.value != item.version) {
    return WrongAnswer(SecretGet::kName, secret,
                       "it has version " + ToText(row.sealed->version) +
                           ", asked was for version " + std::to_string(item.version));
  }
  if (row.sealed->version >= row.head->next_version) {
    return WrongAnswer(SecretGet::kName, secret, "its version is not below next_version");
  }
  if (!row.dek) {
    return Fail(ErrorCode::kIntegrity, "the DEK of " + secret + " is gone",
                "restore the table dek from a backup");
  }
  if (row.dek->dek.purpose != DekPurpose::kSecret) {
    return Fail(ErrorCode::kIntegrity,
                secret + " names DEK " + ToText(row.dek->dek.id) + ", which is not for secrets",
                "run `rowseal verify`; restore the row from a backup");
  }
  row.dek->dek.project = request.project;
  return SecretGet::Found{*row.head, std::move(*row.sealed), std::move(*row.dek)};
}

}  // namespace

Result<SecretGet::Answer> Decode(const SecretGet::Request& request, Rows rows) {
  ROWSEAL_TRY(CheckCount(SecretGet::kName, rows, request.items.size()));
  SecretGet::Answer answer;
  answer.reserve(request.items.size());
  for (std::size_t item = 0; item < request.items.size(); ++item) {
    answer.push_back(DecodeItem(request, request.items[item], rows.rows[item]));
  }
  return answer;
}

}  // namespace rowseal
