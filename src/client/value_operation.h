#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/operation.h>

#include "client/active_dek.h"
#include "client/session.h"
#include "client/value_sealing.h"
#include "envelope/sealed_value.h"

namespace rowseal {

/// SealValueOperation seals one value for a registered column.
class SealValueOperation final : public Operation {
 public:
  SealValueOperation(Session& session, ValuePlace place, ByteView value);
  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;
  Result<std::string> Take() &&;

 private:
  enum class Step : std::uint8_t { kPrepare, kFindDek, kDone };
  void FeedPrepared(Rows answer);
  void SealIfReady();

  Session& session_;
  const ValuePlace place_;
  const ByteView value_;
  Step step_ = Step::kPrepare;
  std::optional<ColumnRecord> column_;
  ActiveDekOperation find_dek_;
  Result<std::string> sealed_;
};

/// OpenValueOperation opens one sealed value; the audit entry is written by its one statement.
class OpenValueOperation final : public Operation {
 public:
  OpenValueOperation(Session& session, ValuePlace place, std::string_view sealed, Access access);
  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;
  Result<SecretBytes> Take() &&;

 private:
  enum class Step : std::uint8_t { kPrepare, kReloadTrust, kLogRefusal, kDone };
  Result<void> ReadPrepared(Rows answer);
  void OpenAndSettle();

  Session& session_;
  const ValuePlace place_;
  const Access access_;
  const SeenRows::Moment began_;
  Step step_ = Step::kPrepare;
  bool trust_was_reloaded_ = false;
  std::int64_t epoch_floor_ = 0;  // of the trusted set when its reload began
  std::optional<SealedValue> value_;
  std::optional<ColumnRecord> column_;
  std::optional<DekAndKek> dek_;
  Result<SecretBytes> opened_;
};

}  // namespace rowseal
