#pragma once

#include <optional>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/operation.h>

#include "client/session.h"
#include "store/calls/secret_get.h"

namespace rowseal {

/// CheckVersion rejects a version below 1 with kInvalidArgument: SecretGet's 0 is the newest.
Result<void> CheckVersion(std::optional<SecretVersion> version);

/// GetOperation reads secrets of one project: one statement that also writes the audit entry, more
/// only when keys changed meanwhile or an open failed (a second, durable entry comes before the
/// error).
class GetOperation final : public Operation {
 public:
  /// `action` is what the audit entry says: `get`, or the maintenance that needs the value.
  GetOperation(Session& session, const ProjectId& project, std::vector<SecretRef> secrets,
               Access access, std::string_view action = "get");

  /// RunWithin says whose transaction the statements join. Called before the first Next.
  void RunWithin(Within within) noexcept { within_ = within; }

  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;

  /// Take gives the outcome once Next gave nothing.
  Result<std::vector<Result<Secret>>> Take() &&;

 private:
  enum class Step : std::uint8_t { kFetch, kReloadTrust, kLogRefusals, kDone };

  using Fetched = SecretGet::Found;

  void FeedRows(Rows answer);
  void OpenAll();
  void RefuseAll(Error error);
  Result<Secret> OpenItem(std::size_t item);
  Result<Secret> OpenFetched(const SecretRef& secret, const Fetched& fetched);
  static std::string ObjectOf(const Fetched& fetched);
  void FinishWith(Error error);

  Session& session_;
  const ProjectId project_;
  const std::vector<SecretRef> secrets_;
  const Access access_;
  const std::string action_;
  const SeenRows::Moment began_;
  Within within_ = Within::kOwnTransaction;

  Step step_ = Step::kFetch;
  std::shared_ptr<const SecretGet::Request> asked_;
  bool trust_was_reloaded_ = false;
  bool trust_is_stale_ = false;
  TrustFloor floor_;                      // of the trusted set when its reload began
  std::vector<Result<Fetched>> fetched_;  // kept: a reload of the trusted set opens them again
  std::string refused_objects_;
  std::string refusal_outcome_;
  std::optional<Error> failure_;
  std::vector<Result<Secret>> opened_;
};

}  // namespace rowseal
