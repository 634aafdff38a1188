#include "migration/value_sealer.h"

#include <algorithm>

#include "client/columns.h"
#include "envelope/sealed_value.h"

namespace rowseal {
namespace {

// A DEK that is rotated meanwhile seals for that long; its values still open, and are sealed again
// by the rotation, which waits longer than this before it calls a key drained.
constexpr std::chrono::seconds kDekIsKnown{2};

// What is registered already needs no change, which an older copy of a store would refuse.
Result<std::optional<ColumnRecord>> FindActive(Client& client, const ColumnLabel& label,
                                               ContextKind context) {
  const auto find = [&](TrustedRead& read) -> Result<std::optional<ColumnRecord>> {
    ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
    const auto found = std::ranges::find(columns, label, &ColumnRecord::label);
    const bool is_active =
        found != columns.end() && found->context == context && found->state == ColumnState::kActive;
    return is_active ? std::optional(*found) : std::nullopt;
  };
  return ReadTrusted(client, find);
}

}  // namespace

Result<ValueSealer> ValueSealer::Make(Client& client, const std::string& label, ContextKind context,
                                      const Access& access) {
  ROWSEAL_ASSIGN(const ColumnLabel wanted, ColumnLabel::Parse(label));
  ROWSEAL_ASSIGN(std::optional<ColumnRecord> column, FindActive(client, wanted, context));
  if (!column) {
    ROWSEAL_TRY(client.AddColumn(wanted, context, access));
    ROWSEAL_ASSIGN(column, FindActive(client, wanted, context));
  }
  if (!column) {
    return Fail(ErrorCode::kUnavailable, "column '" + label + "' was removed meanwhile", "retry");
  }
  return ValueSealer(client, std::move(*column));
}

Result<const ActiveDekOperation::Active*> ValueSealer::FindDek(const StoreRead& store,
                                                               const ProjectId& project) {
  const auto now = std::chrono::steady_clock::now();
  const auto known = deks_.find(project);
  if (known != deks_.end() && now < known->second.until) {
    return &known->second.active;
  }
  if (deks_.size() > 10'000) {
    deks_.clear();
  }
  ActiveDekOperation find(store.session(), project, DekPurpose::kValue);
  RunOperation(store.connection(), find);
  ROWSEAL_ASSIGN(ActiveDekOperation::Active active, std::move(find).Take());
  KnownDek& kept =
      deks_.insert_or_assign(project, KnownDek{std::move(active), now + kDekIsKnown}).first->second;
  return &kept.active;
}

Result<std::string> ValueSealer::Seal(const ProjectId& project,
                                      const std::vector<std::string>& row_key,
                                      const SecretBytes& value) {
  const bool is_cell = column_.context == ContextKind::kCell;
  const ValuePlace place{project, column_.label, is_cell ? row_key : std::vector<std::string>()};
  return ReadStore(*client_, [&](StoreRead& store) -> Result<std::string> {
    ROWSEAL_ASSIGN(const ActiveDekOperation::Active* const active, FindDek(store, project));
    ROWSEAL_TRY(CheckRowKey(column_, place.row_key));
    ROWSEAL_ASSIGN(FreshNonces fresh, FreshNonces::Draw(1));
    return SealValueAt(store.session(), place, column_, value.Reveal(), *active, fresh,
                       Proof::kOpenedAgain);
  });
}

Result<Client::OpenedValues> ValueSealer::Open(const ProjectId& project,
                                               std::vector<ValueToOpen> values,
                                               const Access& access) {
  if (column_.context != ContextKind::kCell) {
    for (ValueToOpen& value : values) {
      value.row_key.clear();
    }
  }
  return client_->OpenValues(project, column_.label, values, access);
}

}  // namespace rowseal
