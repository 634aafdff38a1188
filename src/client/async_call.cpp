#include "client/async_call.h"

#include <numeric>
#include <span>

#include "client/get_operation.h"
#include "client/only_item.h"
#include "client/put_operation.h"
#include "client/value_operation.h"
#include "observe/stopwatch.h"

namespace rowseal {
namespace {

std::size_t SizeOf(const std::vector<OwnedPutItem>& items) {
  return std::accumulate(items.begin(), items.end(), std::size_t{0},
                         [](std::size_t sum, const auto& item) { return sum + item.value.size(); });
}

Result<AsyncClient::Secrets> RunGets(Session& session, Connection& connection,
                                     const AsyncCall& call, std::vector<SecretRef> secrets) {
  const Stopwatch stopwatch(session.observer(), Timer::kGet);
  GetOperation operation(session, call.project(), std::move(secrets), call.access());
  RunOperation(connection, operation);
  return std::move(operation).Take();
}

Result<AsyncClient::Stored> RunPuts(Session& session, Connection& connection, const AsyncCall& call,
                                    std::span<const OwnedPutItem> owned, Batch batch) {
  const Stopwatch stopwatch(session.observer(), Timer::kPut);
  std::vector<PutItem> items;
  items.reserve(owned.size());
  for (const OwnedPutItem& item : owned) {
    items.push_back({item.name, item.value.Reveal(), item.kind, item.expires_at, item.rule});
  }
  PutOperation operation(session, call.project(), items, batch, call.access());
  RunOperation(connection, operation);
  return std::move(operation).Take();
}

}  // namespace

bool AsyncCall::MayJoin(const AsyncCall& first) const {
  return kind_ == Kind::kGet && first.kind_ == Kind::kGet &&
         terms_.access.actor == first.terms_.access.actor &&
         terms_.access.reason == first.terms_.access.reason;
}

void GetCall::Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) {
  std::vector<GetCall*> gets;
  std::vector<SecretRef> secrets;
  for (const CallPtr& call : together) {
    gets.push_back(static_cast<GetCall*>(call.get()));  // only its kind joins
    secrets.push_back(gets.back()->secret_);
  }
  session.observer().Count(Counter::kGetsCoalesced, gets.size() - 1);
  Result<AsyncClient::Secrets> opened = RunGets(session, connection, *this, std::move(secrets));
  for (std::size_t i = 0; i < gets.size(); ++i) {
    gets[i]->Keep(opened ? std::move((*opened)[i])
                         : Result<Secret>(tl::unexpected(opened.error())));
  }
}

void GetBatchCall::Run(Session& session, Connection& connection,
                       const std::vector<CallPtr>& /*together*/) {
  Keep(RunGets(session, connection, *this, secrets_));
}

PutCall::PutCall(CallTerms terms, OwnedPutItem item, Callback<StoredSecret> done)
    : AsyncCallOf(std::move(terms), Kind::kWrite, item.value.size(), std::move(done)),
      item_(std::move(item)) {}

void PutCall::Run(Session& session, Connection& connection,
                  const std::vector<CallPtr>& /*together*/) {
  Keep(OnlyItem(RunPuts(session, connection, *this, {&item_, 1}, Batch::kEachAlone)));
}

PutBatchCall::PutBatchCall(CallTerms terms, std::vector<OwnedPutItem> items, Batch batch,
                           Callback<AsyncClient::Stored> done)
    : AsyncCallOf(std::move(terms), Kind::kWrite, SizeOf(items), std::move(done)),
      items_(std::move(items)),
      batch_(batch) {}

void PutBatchCall::Run(Session& session, Connection& connection,
                       const std::vector<CallPtr>& /*together*/) {
  Keep(RunPuts(session, connection, *this, items_, batch_));
}

SealValueCall::SealValueCall(CallTerms terms, ColumnLabel label, ValueToSeal value,
                             Callback<std::string> done)
    : AsyncCallOf(std::move(terms), Kind::kOtherRead, value.value.size(), std::move(done)),
      label_(std::move(label)),
      value_(std::move(value)) {}

void SealValueCall::Run(Session& session, Connection& connection,
                        const std::vector<CallPtr>& /*together*/) {
  SealValuesOperation operation(session, project(), label_, {&value_, 1});
  RunOperation(connection, operation);
  Keep(OnlyItem(std::move(operation).Take()));
}

OpenValueCall::OpenValueCall(CallTerms terms, ColumnLabel label, ValueToOpen value,
                             Callback<SecretBytes> done)
    : AsyncCallOf(std::move(terms), Kind::kOtherRead, value.sealed.size(), std::move(done)),
      label_(std::move(label)),
      value_(std::move(value)) {}

void OpenValueCall::Run(Session& session, Connection& connection,
                        const std::vector<CallPtr>& /*together*/) {
  OpenValuesOperation operation(session, project(), label_, {&value_, 1}, access());
  RunOperation(connection, operation);
  Keep(OnlyItem(std::move(operation).Take()));
}

}  // namespace rowseal
