#include <optional>

#include <rowseal/client.h>

#include "client/client_inside.h"
#include "client/get_operation.h"
#include "client/put_operation.h"
#include "client/value_operation.h"
#include "observe/stopwatch.h"

namespace rowseal {
namespace {

// Holds an operation with what it views, and takes its time from its start to its outcome.
class GetBody final : public CallBody<Client::Secrets> {
 public:
  GetBody(Session& session, const ProjectId& project, std::vector<SecretRef> secrets, Access access,
          Within within)
      : operation_(session, project, std::move(secrets), std::move(access)) {
    operation_.RunWithin(within);
    stopwatch_.emplace(session.observer(), Timer::kGet);
  }
  std::optional<Statement> Next() override { return operation_.Next(); }
  void Feed(Result<Rows> outcome) override { operation_.Feed(std::move(outcome)); }
  Result<Client::Secrets> Take() override {
    stopwatch_.reset();
    return std::move(operation_).Take();
  }

 private:
  GetOperation operation_;
  std::optional<Stopwatch> stopwatch_;
};

class PutBody final : public CallBody<Client::Stored> {
 public:
  PutBody(Session& session, const ProjectId& project, std::vector<OwnedPutItem> items, Batch batch,
          Access access, Within within)
      : owned_(std::move(items)),
        items_(Views(owned_)),
        operation_(session, project, items_, batch, std::move(access)) {
    operation_.RunWithin(within);
    stopwatch_.emplace(session.observer(), Timer::kPut);
  }
  std::optional<Statement> Next() override { return operation_.Next(); }
  void Feed(Result<Rows> outcome) override { operation_.Feed(std::move(outcome)); }
  Result<Client::Stored> Take() override {
    stopwatch_.reset();
    return std::move(operation_).Take();
  }

 private:
  static std::vector<PutItem> Views(const std::vector<OwnedPutItem>& owned) {
    std::vector<PutItem> items;
    items.reserve(owned.size());
    for (const OwnedPutItem& item : owned) {
      items.push_back({item.name, item.value.Reveal(), item.kind, item.expires_at, item.rule});
    }
    return items;
  }

  const std::vector<OwnedPutItem> owned_;
  const std::vector<PutItem> items_;
  PutOperation operation_;
  std::optional<Stopwatch> stopwatch_;
};

class SealValuesBody final : public CallBody<Client::SealedValues> {
 public:
  SealValuesBody(Session& session, const ProjectId& project, const ColumnLabel& label,
                 std::vector<ValueToSeal> values)
      : values_(std::move(values)), operation_(session, project, label, values_) {}
  std::optional<Statement> Next() override { return operation_.Next(); }
  void Feed(Result<Rows> outcome) override { operation_.Feed(std::move(outcome)); }
  Result<Client::SealedValues> Take() override { return std::move(operation_).Take(); }

 private:
  const std::vector<ValueToSeal> values_;
  SealValuesOperation operation_;
};

class OpenValuesBody final : public CallBody<Client::OpenedValues> {
 public:
  OpenValuesBody(Session& session, const ProjectId& project, const ColumnLabel& label,
                 std::span<const ValueToOpen> values, Access access)
      : operation_(session, project, label, values, std::move(access)) {}
  std::optional<Statement> Next() override { return operation_.Next(); }
  void Feed(Result<Rows> outcome) override { operation_.Feed(std::move(outcome)); }
  Result<Client::OpenedValues> Take() override { return std::move(operation_).Take(); }

 private:
  OpenValuesOperation operation_;
};

}  // namespace

Result<StartedCall<Client::Secrets>> Client::StartGet(const ProjectId& project,
                                                      std::vector<SecretRef> secrets,
                                                      const Access& access, Within within) {
  Session& session = ClientInside::SessionOf(*this);
  ROWSEAL_ASSIGN(Access complete, session.Complete(access));
  return StartedCall<Secrets>(
      std::make_unique<GetBody>(session, project, std::move(secrets), std::move(complete), within));
}

Result<StartedCall<Client::Stored>> Client::StartPut(const ProjectId& project,
                                                     std::vector<OwnedPutItem> items, Batch batch,
                                                     const Access& access, Within within) {
  Session& session = ClientInside::SessionOf(*this);
  ROWSEAL_ASSIGN(Access complete, session.Complete(access));
  return StartedCall<Stored>(std::make_unique<PutBody>(session, project, std::move(items), batch,
                                                       std::move(complete), within));
}

Result<StartedCall<Client::SealedValues>> Client::StartSealValues(const ProjectId& project,
                                                                  const ColumnLabel& label,
                                                                  std::vector<ValueToSeal> values,
                                                                  const Access& access) {
  Session& session = ClientInside::SessionOf(*this);
  ROWSEAL_TRY(session.Complete(access));
  return StartedCall<SealedValues>(
      std::make_unique<SealValuesBody>(session, project, label, std::move(values)));
}

Result<StartedCall<Client::OpenedValues>> Client::StartOpenValues(const ProjectId& project,
                                                                  const ColumnLabel& label,
                                                                  std::vector<ValueToOpen> values,
                                                                  const Access& access) {
  Session& session = ClientInside::SessionOf(*this);
  ROWSEAL_ASSIGN(Access complete, session.Complete(access));
  return StartedCall<OpenedValues>(
      std::make_unique<OpenValuesBody>(session, project, label, values, std::move(complete)));
}

}  // namespace rowseal
