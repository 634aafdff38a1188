#include "store/calls/secret_put.h"

namespace rowseal {
namespace {

using Outcome = SecretPut::Outcome;

// Whether an outcome can be that of the item, the secret being found as it was. What a repeated
// call had stored is stored, whatever was written since.
bool CanBe(const SecretPut::Item& item, const SecretPut::Row& row) {
  const auto stands_as_sealed = [&](const SecretHead& head) {
    return head.id == item.secret && head.kind == item.kind && head.next_version == item.version &&
           head.written && head.written->count + 1 == item.secret_write_count;
  };
  const bool is_as_sealed =
      row.head ? stands_as_sealed(*row.head) : item.version == SecretVersion{1};
  switch (row.outcome) {
    case Outcome::kStored:
      return is_as_sealed || !row.head || row.head->next_version > item.version;
    case Outcome::kConflict:
      return !row.head || !is_as_sealed;
    case Outcome::kNoDek:
      return is_as_sealed;
  }
  return false;
}

}  // namespace

std::string_view ToText(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kStored:
      return "stored";
    case Outcome::kConflict:
      return "conflict";
    case Outcome::kNoDek:
      return "no_dek";
  }
  return {};
}

Result<Outcome> ParseOutcome(std::string_view text) {
  for (const Outcome outcome : {Outcome::kStored, Outcome::kConflict, Outcome::kNoDek}) {
    if (text == ToText(outcome)) {
      return outcome;
    }
  }
  return Fail(ErrorCode::kIntegrity, "no such outcome of a put");
}

Result<SecretPut::Answer> Decode(const SecretPut::Request& request, Rows rows) {
  ROWSEAL_TRY(CheckCount(SecretPut::kName, rows, request.items.size()));
  SecretPut::Answer answer;
  answer.reserve(request.items.size());
  for (std::size_t i = 0; i < request.items.size(); ++i) {
    const SecretPut::Item& item = request.items[i];
    const auto name = [&] { return "secret '" + item.name.text() + "'"; };
    ROWSEAL_ASSIGN(SecretPut::Row row, DecodeRow<SecretPut>(rows.rows[i], name()));
    if (!CanBe(item, row)) {
      return WrongAnswer(
          SecretPut::kName, name(),
          "outcome " + std::string(ToText(row.outcome)) + " contradicts the secret that was found");
    }
    answer.push_back(std::move(row));
  }
  return answer;
}

}  // namespace rowseal
