#include "client/value_operation.h"

#include <algorithm>

#include "client/audit.h"

namespace rowseal {
namespace {

// Verifies the registration that a value depends on.
Result<ColumnRecord> CheckRegistration(Session& session, const ColumnLabel& label,
                                       std::optional<ColumnRecord> column) {
  if (!column) {
    return Fail(ErrorCode::kNotFound, "no column is registered under '" + label.text() + "'",
                "register it: rowseal column add LABEL");
  }
  ROWSEAL_TRY(session.integrity()->Verify(*column));
  return std::move(*column);
}

Error Unfinished() { return {ErrorCode::kInternal, "the operation was not driven to its end", {}}; }

}  // namespace

SealValuesOperation::SealValuesOperation(Session& session, const ProjectId& project,
                                         const ColumnLabel& label,
                                         std::span<const ValueToSeal> values)
    : session_(session),
      place_{project, label, {}},
      values_(values),
      step_(values.empty() ? Step::kDone : Step::kPrepare),
      find_dek_(session, project, DekPurpose::kValue) {
  stopwatch_.emplace(session.observer(), Timer::kSealValues);
}

void SealValuesOperation::FinishWith(Error error) {
  failure_ = std::move(error);
  step_ = Step::kDone;
}

std::optional<Statement> SealValuesOperation::Next() {
  if (step_ == Step::kPrepare) {
    asked_ = std::make_shared<const ValuePrepare::Request>(
        ValuePrepare::Request{place_.project, place_.label, {}, std::nullopt});
    return Encode(asked_);
  }
  if (step_ == Step::kFindDek) {
    if (std::optional<Statement> statement = find_dek_.Next()) {
      return statement;
    }
    SealIfReady();  // it failed before its next statement
  }
  return std::nullopt;
}

void SealValuesOperation::Feed(Result<Rows> outcome) {
  if (step_ == Step::kFindDek) {
    find_dek_.Feed(std::move(outcome));
    SealIfReady();
    return;
  }
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    FinishWith(std::move(outcome).error());
    return;
  }
  FeedPrepared(std::move(*outcome));
}

void SealValuesOperation::FeedPrepared(Rows answer) {
  Result<ValuePrepare::Answer> prepared = Decode(*asked_, std::move(answer));
  Result<ColumnRecord> column =
      prepared ? CheckRegistration(session_, place_.label, std::move(prepared->column))
               : tl::unexpected(std::move(prepared).error());
  if (!column) {
    FinishWith(std::move(column).error());
    return;
  }
  if (column->state != ColumnState::kActive) {
    FinishWith({ErrorCode::kNotFound,
                "column '" + place_.label.text() + "' was removed; nothing is sealed for it",
                "register it again: rowseal column add LABEL"});
    return;
  }
  column_ = std::move(*column);
  const auto fits = [&](const ValueToSeal& item) {
    return CheckRowKey(*column_, item.row_key).has_value();
  };
  if (std::ranges::none_of(values_, fits)) {
    FinishWith(CheckRowKey(*column_, values_.front().row_key).error());  // and no DEK is made
    return;
  }
  step_ = Step::kFindDek;
  find_dek_.Consider(prepared->active);
  SealIfReady();
}

void SealValuesOperation::SealIfReady() {
  if (!find_dek_.done()) {
    return;
  }
  step_ = Step::kDone;
  Result<ActiveDekOperation::Active> active = std::move(find_dek_).Take();
  if (!active) {
    failure_ = std::move(active).error();
    return;
  }
  Result<FreshNonces> nonces = FreshNonces::Draw(values_.size());
  if (!nonces) {
    failure_ = std::move(nonces).error();
    return;
  }
  sealed_.reserve(values_.size());
  for (const ValueToSeal& item : values_) {
    sealed_.push_back(SealItem(item, *active, *nonces));
  }
}

Result<std::string> SealValuesOperation::SealItem(const ValueToSeal& item,
                                                  const ActiveDekOperation::Active& active,
                                                  FreshNonces& nonces) {
  ROWSEAL_TRY(CheckRowKey(*column_, item.row_key));
  place_.row_key = item.row_key;
  ROWSEAL_ASSIGN(std::string sealed,
                 SealValueAt(session_, place_, *column_, item.value.Reveal(), active, nonces));
  session_.observer().Count(Counter::kValuesSealed);
  return sealed;
}

Result<Client::SealedValues> SealValuesOperation::Take() && {
  stopwatch_.reset();
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  if (step_ != Step::kDone) {
    return tl::unexpected(Unfinished());
  }
  return std::move(sealed_);
}

OpenValuesOperation::OpenValuesOperation(Session& session, const ProjectId& project,
                                         const ColumnLabel& label,
                                         std::span<const ValueToOpen> values, Access access)
    : session_(session),
      place_{project, label, {}},
      access_(std::move(access)),
      began_(session.seen().Now()) {
  stopwatch_.emplace(session.observer(), Timer::kOpenValues);
  items_.reserve(values.size());
  for (const ValueToOpen& value : values) {
    const Item& item = items_.emplace_back(value.row_key, DecodeSealedValue(value.sealed));
    if (item.value) {
      dek_ids_.push_back(item.value->dek);
    }
  }
  std::ranges::sort(dek_ids_);
  const auto repeated = std::ranges::unique(dek_ids_);
  dek_ids_.erase(repeated.begin(), repeated.end());
  for (Item& item : items_) {
    if (item.value) {
      item.dek = static_cast<std::size_t>(std::ranges::lower_bound(dek_ids_, item.value->dek) -
                                          dek_ids_.begin());
    }
  }
  if (dek_ids_.empty()) {
    OpenAll();  // texts that are no sealed values name no key, but the attempt belongs in the log
  }
}

void OpenValuesOperation::FinishWith(Error error) {
  failure_ = std::move(error);
  step_ = Step::kDone;
}

void OpenValuesOperation::NoteRefusal(const std::string& object, const Error& error) {
  session_.ReportRefusedOpen(place_.project, object, error);
  refusal_ = error.code;
}

std::optional<Statement> OpenValuesOperation::Next() {
  switch (step_) {
    case Step::kDone:
      return std::nullopt;
    case Step::kReloadTrust:
      floor_ = session_.Floor();
      return AskTrust();
    case Step::kPrepare:
      return NextAudited(false);
    case Step::kLogRefusals:
      return NextAudited(true);
  }
  return std::nullopt;
}

std::optional<Statement> OpenValuesOperation::NextAudited(bool is_refusal) {
  Result<LogEntry> entry = MakeLogEntry(session_, access_, "open");
  if (!entry) {
    FinishWith(std::move(entry).error());
    return std::nullopt;
  }
  if (is_refusal) {
    return Encode(std::make_shared<const AuditAppend::Request>(AuditAppend::Request{
        place_.project.text(), std::move(*entry), std::string(ErrorName(*refusal_)),
        column_ ? ToText(column_->id) : std::string()}));
  }
  asked_ = std::make_shared<const ValuePrepare::Request>(
      ValuePrepare::Request{place_.project, place_.label, dek_ids_, std::move(*entry)});
  return Encode(asked_);
}

void OpenValuesOperation::Feed(Result<Rows> outcome) {
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    if (step_ == Step::kLogRefusals && outcome.error().code == ErrorCode::kInvalidArgument) {
      step_ = Step::kDone;  // it disowns what its own answer named: that is refused all the same
      return;
    }
    FinishWith(std::move(outcome).error());
    return;
  }
  switch (step_) {
    case Step::kPrepare:
      ReadPrepared(std::move(*outcome));
      return;
    case Step::kReloadTrust: {
      Result<void> adopted = session_.AdoptTrust(std::move(*outcome), floor_);
      trust_was_reloaded_ = true;
      if (!adopted) {
        FailAll(ToText(column_->id), std::move(adopted).error());
        return;
      }
      OpenAll();
      return;
    }
    case Step::kLogRefusals:
    case Step::kDone:
      step_ = Step::kDone;
      return;
  }
}

// What every value depends on was refused.
void OpenValuesOperation::FailAll(const std::string& object, Error error) {
  if (error.code == ErrorCode::kIntegrity || trust_was_reloaded_) {
    NoteRefusal(object, error);
  }
  failure_ = std::move(error);
  Settle();
}

void OpenValuesOperation::ReadPrepared(Rows answer) {
  Result<ValuePrepare::Answer> prepared = Decode(*asked_, std::move(answer));
  Result<ColumnRecord> column =
      prepared ? CheckRegistration(session_, place_.label, std::move(prepared->column))
               : tl::unexpected(std::move(prepared).error());
  if (!column) {
    FailAll(ToText(dek_ids_.front()), std::move(column).error());
    return;
  }
  column_ = std::move(*column);
  deks_ = std::move(prepared->deks);
  const bool every_kek_is_known = std::ranges::all_of(
      deks_, [&](const Result<DekAndKek>& dek) { return !dek || session_.KnowsKek(*dek); });
  if (!every_kek_is_known) {
    step_ = Step::kReloadTrust;
    return;
  }
  OpenAll();
}

OpenValuesOperation::OpenedDek OpenValuesOperation::OpenOneDek(std::size_t index) {
  const Result<DekAndKek>& row = deks_[index];
  Result<std::shared_ptr<const Dek>> dek =
      row ? OpenDekOfValues(session_, place_.label, *row, OpenFor::kUse, began_)
          : Result<std::shared_ptr<const Dek>>(tl::unexpected(row.error()));
  return dek ? OpenedDek{{}, std::move(*dek)} : OpenedDek{std::move(dek).error(), {}};
}

Result<SecretBytes> OpenValuesOperation::OpenItem(Item& item, const std::vector<OpenedDek>& deks) {
  if (!item.value) {
    return tl::unexpected(std::move(item.value).error());
  }
  ROWSEAL_TRY(CheckRowKey(*column_, item.row_key));
  const OpenedDek& dek = deks[item.dek];
  if (dek.failure) {
    return tl::unexpected(*dek.failure);
  }
  place_.row_key = std::move(item.row_key);
  return OpenValueAt(session_, place_, *column_, *item.value, *dek.dek);
}

void OpenValuesOperation::OpenAll() {
  std::vector<OpenedDek> deks;
  for (std::size_t i = 0; i < deks_.size(); ++i) {
    deks.push_back(OpenOneDek(i));
  }
  const std::string object = column_ ? ToText(column_->id) : std::string();
  opened_.reserve(items_.size());
  for (Item& item : items_) {
    Result<SecretBytes> opened = OpenItem(item, deks);
    if (opened) {
      session_.observer().Count(Counter::kValuesOpened);
    } else if (opened.error().code != ErrorCode::kInvalidArgument) {
      NoteRefusal(object, opened.error());
    }
    opened_.push_back(std::move(opened));
  }
  Settle();
}

void OpenValuesOperation::Settle() { step_ = refusal_ ? Step::kLogRefusals : Step::kDone; }

Result<Client::OpenedValues> OpenValuesOperation::Take() && {
  stopwatch_.reset();
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  if (step_ != Step::kDone) {
    return tl::unexpected(Unfinished());
  }
  return std::move(opened_);
}

}  // namespace rowseal
