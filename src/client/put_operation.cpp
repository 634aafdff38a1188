#include "client/put_operation.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "client/audit.h"
#include "client/last_writes.h"
#include "client/random_ids.h"
#include "client/sealing.h"
#include "envelope/contexts.h"

namespace rowseal {
namespace {

// Each round loses to another writer of the same name; a queue this long deserves an error.
constexpr int kMaxRounds = 64;

}  // namespace

PutOperation::PutOperation(Session& session, const ProjectId& project,
                           const std::vector<PutItem>& items, Batch batch, Access access,
                           std::string_view action)
    : session_(session),
      project_(project),
      items_(items),
      batch_(batch),
      access_(std::move(access)),
      action_(action),
      settled_(items.size()) {
  if (Result<void> checked = CheckItems(); !checked) {
    FinishWith(std::move(checked).error());
    return;
  }
  for (std::size_t item = 0; item < items_.size(); ++item) {
    const PutItem& wanted = items_[item];
    Pending pending{item, {}, false};
    const auto known = session_.seen().Head(project_, wanted.name);
    if (known && wanted.rule != PutRule::kCreateOnly) {
      // With the kind that was asked for: the store refuses it when the secret is of another.
      pending.head = *known;
      pending.head.kind = wanted.kind.value_or(known->kind);
      pending.exists = true;
    } else {
      Result<SecretId> id = NewId<SecretId>();
      if (!id) {
        FinishWith(std::move(id).error());
        return;
      }
      pending.head.id = *id;
      pending.head.kind = wanted.kind.value_or(SecretKind::kWorkflow);
    }
    pending_.push_back(pending);
  }
  find_dek_.emplace(session_, project_, DekPurpose::kSecret);
  if (items_.empty()) {
    step_ = Step::kDone;
    return;
  }
  // The hint saves a round trip; the store decides whether that DEK still seals.
  if (const auto hint = session_.seen().ActiveDek(project_)) {
    if (auto dek = session_.keyring().OpenDek(*hint)) {
      active_ = ActiveDekOperation::Active{*hint, *dek};
      step_ = Step::kStore;
    }
  }
}

void PutOperation::OnlyInto(SecretId secret) {
  only_into_ = secret;
  for (Pending& pending : pending_) {
    if (pending.head.id != secret) {
      // Not known here: any version but the first asks the store how the secret stands.
      const SecretKind kind = pending.head.kind;
      pending.head = {};
      pending.head.id = secret;
      pending.head.kind = kind;
      pending.head.next_version = SecretVersion{2};
      pending.exists = true;
    }
  }
}

Result<void> PutOperation::CheckItems() const {
  std::set<std::string_view> names;
  for (const PutItem& item : items_) {
    if (!names.insert(item.name.text()).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "secret '" + item.name.text() + "' stands twice in one batch",
                  "put its versions one after the other");
    }
    if (item.value.size() > kMaxSecretSize) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the value of '" + item.name.text() + "' has more than 16 MiB",
                  "keep large data elsewhere and seal its key");
    }
    if (item.expires_at) {
      ROWSEAL_TRY(CheckStorable(*item.expires_at));
    }
  }
  return {};
}

// What an earlier round stored is stored: the error is then only that of the items still open.
void PutOperation::FinishWith(Error error) {
  const auto is_settled = [](const auto& settled) { return settled.has_value(); };
  if (std::ranges::any_of(settled_, is_settled)) {
    for (const Pending& pending : pending_) {
      RefuseItem(pending.item, error);
    }
  } else {
    failure_ = std::move(error);
  }
  step_ = Step::kDone;
}

void PutOperation::RefuseItem(std::size_t item, Error error) {
  settled_[item] = tl::unexpected(std::move(error));
}

std::optional<Statement> PutOperation::Next() {
  if (step_ == Step::kFindDek) {
    std::optional<Statement> statement = find_dek_->Next();
    if (statement) {
      return statement;
    }
    TakeActiveDek();  // it failed before its next statement
  }
  if (step_ == Step::kStore) {
    Result<Statement> statement = MakeStatement();
    if (statement) {
      return std::move(*statement);
    }
    FinishWith(std::move(statement).error());
  }
  return std::nullopt;
}

void PutOperation::TakeActiveDek() {
  Result<ActiveDekOperation::Active> active = std::move(*find_dek_).Take();
  if (!active) {
    FinishWith(std::move(active).error());
    return;
  }
  active_ = std::move(*active);
  if (within_ == Within::kOwnTransaction) {
    session_.seen().RememberActiveDek(active_->record);
  }
  step_ = Step::kStore;
}

Result<Statement> PutOperation::MakeStatement() {
  ROWSEAL_TRY(session_.CheckNotRolledBack());
  SecretPut::Request asked{project_, {}, {}, batch_ == Batch::kAllOrNone};
  ROWSEAL_ASSIGN(asked.entry, MakeLogEntry(session_, access_, action_));
  asked.items.reserve(pending_.size());
  // Drawn for this attempt: the next one seals other contexts, which need nonces of their own.
  ROWSEAL_ASSIGN(FreshNonces fresh, FreshNonces::Draw(pending_.size()));
  for (Pending& pending : pending_) {
    const PutItem& item = items_[pending.item];
    const SecretHead& head = pending.head;
    const FieldWriter fields =
        WriteContext(SecretContext{session_.installation(), project_, head.id, item.name, head.kind,
                                   head.next_version, item.expires_at});
    const ByteView context = fields.bytes();
    ROWSEAL_ASSIGN(SealedBytes sealed, SealProven(active_->dek->key, item.value, context, fresh));
    ROWSEAL_ASSIGN(Bytes mac, session_.integrity()->Mac(
                                  WrittenVersion{.write_count = 1,
                                                 .context = context,
                                                 .created_at = asked.entry.at,
                                                 .dek = active_->record.id,
                                                 .nonce = sealed.nonce,
                                                 .encrypted_data = sealed.encrypted_data}));
    pending.stored = head;
    ++pending.stored.next_version.value;
    if (head.next_version == SecretVersion{1}) {
      pending.stored.created_at = asked.entry.at;
    }
    ROWSEAL_ASSIGN(pending.stored.written,
                   WrittenAs(session_, project_, item.name, pending.stored));
    asked.items.push_back({.name = item.name,
                           .kind = head.kind,
                           .secret = head.id,
                           .version = head.next_version,
                           .dek = active_->record.id,
                           .nonce = sealed.nonce,
                           .encrypted_data = std::move(sealed.encrypted_data),
                           .expires_at = item.expires_at,
                           .mac = std::move(mac),
                           .secret_write_count = pending.stored.written->count,
                           .secret_mac = pending.stored.written->mac});
  }
  asked_ = std::make_shared<const SecretPut::Request>(std::move(asked));
  return Encode(asked_);
}

void PutOperation::Feed(Result<Rows> outcome) {
  if (step_ == Step::kFindDek) {
    find_dek_->Feed(std::move(outcome));
    if (find_dek_->done()) {
      TakeActiveDek();
    }
    return;
  }
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    FinishWith(std::move(outcome).error());
    return;
  }
  FeedPut(std::move(*outcome));
}

// A conflict says how the secret stands now: seal for that, or settle the item with an error.
Result<void> PutOperation::SettleConflict(Pending& pending,
                                          const std::optional<SecretHead>& found) {
  const PutItem& item = items_[pending.item];
  session_.observer().Count(Counter::kPutConflicts);
  pending.exists = found.has_value();
  if (found) {
    // What is not what was written last would be made so by the next version's MAC.
    if (Result<void> proven = CheckLastWritten(session_, project_, item.name, *found); !proven) {
      session_.ReportRefusedOpen(project_, ToText(found->id), proven.error());
      return proven;
    }
    pending.head = *found;
    return {};
  }
  // It was known, and was deleted meanwhile: it begins anew.
  session_.seen().Forget(project_, item.name);
  ROWSEAL_ASSIGN(const SecretId id, NewId<SecretId>());
  pending.head = {};
  pending.head.id = id;
  pending.head.kind = item.kind.value_or(SecretKind::kWorkflow);
  return {};
}

void PutOperation::FeedPut(Rows answer) {
  Result<SecretPut::Answer> outcomes = Decode(*asked_, std::move(answer));
  if (!outcomes) {
    FinishWith(std::move(outcomes).error());
    return;
  }
  bool all_stored = true;
  bool dek_refused = false;
  std::vector<bool> stored(pending_.size(), false);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const SecretPut::Row& row = (*outcomes)[i];
    stored[i] = row.outcome == SecretPut::Outcome::kStored;
    dek_refused = dek_refused || row.outcome == SecretPut::Outcome::kNoDek;
    all_stored = all_stored && stored[i];
    if (row.outcome == SecretPut::Outcome::kConflict) {
      if (Result<void> settled = SettleConflict(pending_[i], row.head); !settled) {
        pending_[i].refused = std::move(settled).error();
      }
    }
  }
  const bool stands = batch_ == Batch::kEachAlone || all_stored;
  std::vector<Pending> rest;
  bool failed = false;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Pending& pending = pending_[i];
    const PutItem& item = items_[pending.item];
    if (stored[i] && stands) {
      if (within_ == Within::kOwnTransaction) {  // another one's may still be rolled back
        session_.seen().Remember(project_, item.name, pending.stored);
      }
      session_.observer().Count(Counter::kSecretsSealed);
      settled_[pending.item] = StoredSecret{pending.head.id, pending.head.next_version};
      continue;
    }
    if (pending.refused) {
      RefuseItem(pending.item, std::move(*pending.refused));
      failed = true;
      continue;
    }
    const bool is_gone = only_into_ && (!pending.exists || pending.head.id != *only_into_);
    if (!stored[i] && is_gone) {
      RefuseItem(pending.item,
                 {ErrorCode::kNotFound,
                  "there is no secret '" + item.name.text() + "' in project '" + project_.text() +
                      "' any more: it was deleted or renamed meanwhile",
                  "rowseal secret list shows what is there"});
      failed = true;
      continue;
    }
    if (!stored[i] && pending.exists && item.rule == PutRule::kCreateOnly) {
      RefuseItem(pending.item, {ErrorCode::kConflict,
                                "secret '" + item.name.text() + "' exists already in project '" +
                                    project_.text() + "'",
                                "choose another name, or put without the rule"});
      failed = true;
      continue;
    }
    if (!stored[i] && pending.exists && item.kind && *item.kind != pending.head.kind) {
      RefuseItem(pending.item, {ErrorCode::kConflict,
                                "secret '" + item.name.text() + "' is of kind " +
                                    std::string(ToText(pending.head.kind)) + ", not " +
                                    std::string(ToText(*item.kind)),
                                "put it without a kind, or under another name"});
      failed = true;
      continue;
    }
    rest.push_back(pending);
  }
  if (failed && batch_ == Batch::kAllOrNone) {
    for (const Pending& pending : rest) {
      RefuseItem(
          pending.item,
          {ErrorCode::kConflict, "not stored, because another item of the batch failed", {}});
    }
    rest.clear();
  }
  pending_ = std::move(rest);
  if (pending_.empty()) {
    step_ = Step::kDone;
    return;
  }
  if (++rounds_ > kMaxRounds) {
    FinishWith(
        {ErrorCode::kUnavailable, "other writers of the same secrets were always first", "retry"});
    return;
  }
  if (dek_refused) {
    session_.seen().ForgetActiveDek(project_);
    active_.reset();
    find_dek_.emplace(session_, project_, DekPurpose::kSecret);
    step_ = Step::kFindDek;
  }
}

Result<std::vector<Result<StoredSecret>>> PutOperation::Take() && {
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  std::vector<Result<StoredSecret>> outcomes;
  for (auto& settled : settled_) {
    outcomes.push_back(settled ? std::move(*settled)
                               : Fail(ErrorCode::kInternal, "an item was not settled"));
  }
  return outcomes;
}

}  // namespace rowseal
