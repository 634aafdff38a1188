#include "client/value_operation.h"

#include "client/random_ids.h"

namespace rowseal {
namespace {

// Reads and verifies the registration that a value depends on.
Result<ColumnRecord> ReadRegistration(Session& session, const ColumnLabel& label, Row& row) {
  RowReader reader(row);
  if (reader.NextIsNull()) {
    return Fail(ErrorCode::kNotFound, "no column is registered under '" + label.text() + "'",
                "register it: rowseal column add LABEL");
  }
  ROWSEAL_ASSIGN(ColumnRecord column, ReadColumn(reader));
  ROWSEAL_TRY(session.integrity()->Verify(column));
  if (column.label != label) {
    return Fail(ErrorCode::kIntegrity, "the store gave another column than was asked for");
  }
  return column;
}

Result<std::string> Unfinished() {
  return Fail(ErrorCode::kInternal, "the operation was not driven to its end");
}

}  // namespace

SealValueOperation::SealValueOperation(Session& session, ValuePlace place, ByteView value)
    : session_(session),
      place_(std::move(place)),
      value_(value),
      find_dek_(session, place_.project, DekPurpose::kValue),
      sealed_(Unfinished()) {}

std::optional<Statement> SealValueOperation::Next() {
  if (step_ == Step::kPrepare) {
    return Statement::Call(
        Procedure::kValuePrepare,
        {place_.project.text(), place_.label.text(), std::vector<std::string>{}, std::string(),
         std::int64_t{0}, std::string(), std::string(), std::string()});
  }
  if (step_ == Step::kFindDek) {
    if (std::optional<Statement> statement = find_dek_.Next()) {
      return statement;
    }
    SealIfReady();  // it failed before its next statement
  }
  return std::nullopt;
}

void SealValueOperation::Feed(Result<Rows> outcome) {
  if (step_ == Step::kFindDek) {
    find_dek_.Feed(std::move(outcome));
    SealIfReady();
    return;
  }
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    sealed_ = tl::unexpected(std::move(outcome).error());
    step_ = Step::kDone;
    return;
  }
  FeedPrepared(std::move(*outcome));
}

void SealValueOperation::FeedPrepared(Rows answer) {
  step_ = Step::kDone;
  if (answer.rows.size() != 2) {
    sealed_ = Fail(ErrorCode::kInternal, "the store answered with another number of rows");
    return;
  }
  Result<ColumnRecord> column = ReadRegistration(session_, place_.label, answer.rows[0]);
  if (!column) {
    sealed_ = tl::unexpected(std::move(column).error());
    return;
  }
  if (column->state != ColumnState::kActive) {
    sealed_ = Fail(ErrorCode::kNotFound,
                   "column '" + place_.label.text() + "' was removed; nothing is sealed for it",
                   "register it again: rowseal column add LABEL");
    return;
  }
  if (Result<void> checked = CheckRowKey(*column, place_.row_key); !checked) {
    sealed_ = tl::unexpected(std::move(checked).error());
    return;
  }
  column_ = std::move(*column);
  step_ = Step::kFindDek;
  Rows dek;
  dek.rows.push_back(std::move(answer.rows[1]));
  find_dek_.Consider(std::move(dek));
  SealIfReady();
}

void SealValueOperation::SealIfReady() {
  if (!find_dek_.done()) {
    return;
  }
  step_ = Step::kDone;
  Result<ActiveDekOperation::Active> active = std::move(find_dek_).Take();
  if (!active) {
    sealed_ = tl::unexpected(std::move(active).error());
    return;
  }
  sealed_ = SealValueAt(session_, place_, *column_, value_, *active);
  if (sealed_) {
    session_.observer().Count(Counter::kValuesSealed);
  }
}

Result<std::string> SealValueOperation::Take() && { return std::move(sealed_); }

OpenValueOperation::OpenValueOperation(Session& session, ValuePlace place, std::string_view sealed,
                                       Access access)
    : session_(session),
      place_(std::move(place)),
      access_(std::move(access)),
      began_(session.seen().Now()),
      opened_(Fail(ErrorCode::kInternal, "the operation was not driven to its end")) {
  Result<SealedValue> value = DecodeSealedValue(sealed);
  if (value) {
    value_ = std::move(*value);
    return;
  }
  // Text that is no sealed value names no key, but the attempt belongs in the log.
  opened_ = tl::unexpected(std::move(value).error());
  session_.ReportRefusedOpen(place_.project, {}, opened_.error());
  step_ = Step::kLogRefusal;
}

std::optional<Statement> OpenValueOperation::Next() {
  if (step_ == Step::kDone) {
    return std::nullopt;
  }
  if (step_ == Step::kReloadTrust) {
    epoch_floor_ = session_.keyring().epoch();
    return Statement::Call(Procedure::kTrustLoad);
  }
  const Timestamp now = session_.Now();
  const Result<std::array<std::uint8_t, 16>> entry = TimeOrderedUuid(now);
  if (!entry) {
    opened_ = tl::unexpected(entry.error());
    step_ = Step::kDone;
    return std::nullopt;
  }
  const std::int64_t at = now.time_since_epoch().count();
  if (step_ == Step::kLogRefusal) {
    return Statement::Call(
        Procedure::kAuditAppend,
        {place_.project.text(), UuidText(*entry), at, access_.actor, access_.reason,
         std::string("open"), std::string(ErrorName(opened_.error().code)),
         column_ ? ToText(column_->id) : std::string()});
  }
  return Statement::Call(
      Procedure::kValuePrepare,
      {place_.project.text(), place_.label.text(), std::vector<std::string>{ToText(value_->dek)},
       UuidText(*entry), at, access_.actor, access_.reason, std::string("open")});
}

void OpenValueOperation::Feed(Result<Rows> outcome) {
  if (step_ == Step::kLogRefusal) {
    if (!outcome) {
      opened_ = tl::unexpected(std::move(outcome).error());
    }
    step_ = Step::kDone;
    return;
  }
  const auto fail = [&](Error error) {
    opened_ = tl::unexpected(std::move(error));
    step_ = Step::kDone;
  };
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    fail(std::move(outcome).error());
    return;
  }
  if (step_ == Step::kReloadTrust) {
    Result<void> adopted = session_.AdoptTrust(std::move(*outcome), epoch_floor_);
    trust_was_reloaded_ = true;
    if (!adopted) {
      opened_ = tl::unexpected(std::move(adopted).error());
      session_.ReportRefusedOpen(place_.project, ToText(column_->id), opened_.error());
      step_ = Step::kLogRefusal;
      return;
    }
  } else if (Result<void> read = ReadPrepared(std::move(*outcome)); !read) {
    opened_ = tl::unexpected(std::move(read).error());
    const bool refused = opened_.error().code == ErrorCode::kIntegrity;
    if (refused) {
      session_.ReportRefusedOpen(place_.project, ToText(value_->dek), opened_.error());
    }
    step_ = refused ? Step::kLogRefusal : Step::kDone;
    return;
  }
  OpenAndSettle();
}

Result<void> OpenValueOperation::ReadPrepared(Rows answer) {
  if (answer.rows.size() != 2) {
    return Fail(ErrorCode::kInternal, "the store answered with another number of rows");
  }
  ROWSEAL_ASSIGN(column_, ReadRegistration(session_, place_.label, answer.rows[0]));
  ROWSEAL_TRY(CheckRowKey(*column_, place_.row_key));
  RowReader reader(answer.rows[1]);
  if (reader.NextIsNull()) {
    return Fail(ErrorCode::kIntegrity,
                "the DEK of the sealed value is not in project '" + place_.project.text() + "'",
                "the value was moved here from another project or store, or its key is gone");
  }
  ROWSEAL_ASSIGN(dek_, ReadDek(place_.project, reader));
  return {};
}

void OpenValueOperation::OpenAndSettle() {
  if (!session_.KnowsKek(*dek_) && !trust_was_reloaded_) {
    step_ = Step::kReloadTrust;
    return;
  }
  opened_ = OpenValueAt(session_, place_, *column_, *value_, *dek_, began_);
  if (opened_) {
    session_.observer().Count(Counter::kValuesOpened);
    step_ = Step::kDone;
    return;
  }
  session_.ReportRefusedOpen(place_.project, ToText(column_->id), opened_.error());
  step_ = Step::kLogRefusal;
}

Result<SecretBytes> OpenValueOperation::Take() && { return std::move(opened_); }

}  // namespace rowseal
