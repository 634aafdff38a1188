#include "client/value_sealing.h"

#include <algorithm>

#include "base/encoding.h"
#include "client/sealing.h"
#include "envelope/contexts.h"

namespace rowseal {
namespace {

Bytes ContextOf(const Session& session, const ValuePlace& place, const ColumnRecord& column) {
  return EncodeContext(ValueContext{session.installation(), place.project, column.id,
                                    column.context, place.row_key});
}

Error MadeElsewhere(const ColumnLabel& label) {
  return {ErrorCode::kIntegrity, "the sealed value was not made for column '" + label.text() + "'",
          "open it under the label it was sealed for"};
}

}  // namespace

Result<void> CheckRowKey(const ColumnRecord& column, const std::vector<std::string>& row_key) {
  const bool is_cell = column.context == ContextKind::kCell;
  if (is_cell == row_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "column '" + column.label.text() + "' has context " +
                    std::string(ToText(column.context)) +
                    (is_cell ? ": the row's key is missing" : ": it takes no row key"),
                is_cell ? "give the row's primary key (--row)" : "leave the row key out");
  }
  const bool readable = std::ranges::all_of(
      row_key, [](const std::string& part) { return IsUtf8(part) && part.size() <= 1000; });
  if (!readable) {
    return Fail(ErrorCode::kInvalidArgument, "a row key is over 1,000 bytes or not UTF-8");
  }
  return {};
}

Result<std::string> SealValueAt(Session& session, const ValuePlace& place,
                                const ColumnRecord& column, ByteView value,
                                const ActiveDekOperation::Active& active, FreshNonces& nonces,
                                Proof proof) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  const auto seal = proof == Proof::kOpenedAgain ? SealProven : SealPadded;
  ROWSEAL_ASSIGN(SealedBytes sealed,
                 seal(active.dek->key, value, ContextOf(session, place, column), nonces));
  return EncodeSealedValue(SealedValue{active.record.suite, column.context, active.record.id,
                                       sealed.nonce, std::move(sealed.encrypted_data)});
}

Result<std::shared_ptr<const Dek>> OpenDekOfValues(Session& session, const ColumnLabel& label,
                                                   const DekAndKek& row, OpenFor purpose,
                                                   SeenRows::Moment began) {
  if (!session.HadKek(row)) {
    return Fail(ErrorCode::kIntegrity,
                "the KEK of DEK " + ToText(row.dek.id) + " is not in the trusted set",
                "restore the tables kek and dek from a backup");
  }
  ROWSEAL_TRY(session.CheckOpens(row, purpose));
  if (row.dek.purpose != DekPurpose::kValue) {
    return tl::unexpected(MadeElsewhere(label));
  }
  return session.OpenDek(row.dek, began);
}

Result<SecretBytes> OpenValueAt(Session& session, const ValuePlace& place,
                                const ColumnRecord& column, const SealedValue& value,
                                const Dek& dek) {
  if (value.context_kind != column.context) {
    return tl::unexpected(MadeElsewhere(place.label));
  }
  Result<SecretBytes> opened =
      OpenPadded(dek.key, value.sealed, value.nonce, ContextOf(session, place, column));
  if (!opened && opened.error().code == ErrorCode::kIntegrity) {
    return Fail(ErrorCode::kIntegrity,
                "the sealed value does not open for column '" + place.label.text() +
                    "' of project '" + place.project.text() + "'",
                "it was changed, or moved from another project, column or row");
  }
  return opened;
}

Result<std::string> ResealValueAt(Session& session, const ValuePlace& place,
                                  const ColumnRecord& column, const SealedValue& value,
                                  const DekAndKek& row, const ActiveDekOperation::Active& active) {
  ROWSEAL_ASSIGN(
      const std::shared_ptr<const Dek> dek,
      OpenDekOfValues(session, place.label, row, OpenFor::kReseal, session.seen().Now()));
  ROWSEAL_ASSIGN(const SecretBytes opened, OpenValueAt(session, place, column, value, *dek));
  ROWSEAL_ASSIGN(FreshNonces fresh, FreshNonces::Draw(1));
  return SealValueAt(session, place, column, opened.Reveal(), active, fresh, Proof::kOpenedAgain);
}

}  // namespace rowseal
