#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/operation.h>

#include "client/active_dek.h"
#include "client/session.h"
#include "client/value_sealing.h"
#include "envelope/sealed_value.h"
#include "observe/stopwatch.h"
#include "store/calls/value_prepare.h"

namespace rowseal {

/// SealValuesOperation seals values for a registered column, under one DEK. `values` must live
/// until it is done.
class SealValuesOperation final : public Operation {
 public:
  SealValuesOperation(Session& session, const ProjectId& project, const ColumnLabel& label,
                      std::span<const ValueToSeal> values);
  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;
  Result<Client::SealedValues> Take() &&;

 private:
  enum class Step : std::uint8_t { kPrepare, kFindDek, kDone };
  void FeedPrepared(Rows answer);
  void SealIfReady();
  void FinishWith(Error error);
  Result<std::string> SealItem(const ValueToSeal& item, const ActiveDekOperation::Active& active,
                               FreshNonces& nonces);

  Session& session_;
  ValuePlace place_;  // the row's key is each item's
  const std::span<const ValueToSeal> values_;
  Step step_ = Step::kPrepare;
  std::shared_ptr<const ValuePrepare::Request> asked_;
  std::optional<ColumnRecord> column_;
  ActiveDekOperation find_dek_;
  std::optional<Error> failure_;
  Client::SealedValues sealed_;
  std::optional<Stopwatch> stopwatch_;
};

/// OpenValuesOperation opens sealed values of one column; one audit entry, written by its one
/// statement, stands for all.
class OpenValuesOperation final : public Operation {
 public:
  OpenValuesOperation(Session& session, const ProjectId& project, const ColumnLabel& label,
                      std::span<const ValueToOpen> values, Access access);
  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;
  Result<Client::OpenedValues> Take() &&;

 private:
  enum class Step : std::uint8_t { kPrepare, kReloadTrust, kLogRefusals, kDone };
  struct Item {
    std::vector<std::string> row_key;
    Result<SealedValue> value;
    std::size_t dek = 0;  // in dek_ids_
  };
  struct OpenedDek {
    std::optional<Error> failure;
    std::shared_ptr<const Dek> dek;
  };

  std::optional<Statement> NextAudited(bool is_refusal);
  void ReadPrepared(Rows answer);
  void OpenAll();
  OpenedDek OpenOneDek(std::size_t index);
  Result<SecretBytes> OpenItem(Item& item, const std::vector<OpenedDek>& deks);
  void NoteRefusal(const std::string& object, const Error& error);
  void FinishWith(Error error);
  void FailAll(const std::string& object, Error error);
  void Settle();

  Session& session_;
  ValuePlace place_;  // the row's key is each item's
  const Access access_;
  const SeenRows::Moment began_;
  Step step_ = Step::kPrepare;
  bool trust_was_reloaded_ = false;
  TrustFloor floor_;  // of the trusted set when its reload began
  std::vector<Item> items_;
  std::vector<DekId> dek_ids_;  // sorted, each once
  std::shared_ptr<const ValuePrepare::Request> asked_;
  std::vector<Result<DekAndKek>> deks_;
  std::optional<ColumnRecord> column_;
  std::optional<ErrorCode> refusal_;
  std::optional<Error> failure_;
  Client::OpenedValues opened_;
  std::optional<Stopwatch> stopwatch_;
};

}  // namespace rowseal
