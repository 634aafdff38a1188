#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <rowseal/async_client.h>
#include <rowseal/connection.h>

#include "client/session.h"

namespace rowseal {

class AsyncCall;
using CallPtr = std::shared_ptr<AsyncCall>;

/// CallId names a call that may have ended already.
using CallId = std::uint64_t;

/// CallTerms are what every call of an AsyncClient has.
struct CallTerms {
  ProjectId project;
  Access access;  // complete
  std::chrono::steady_clock::time_point deadline;
};

/// AsyncCall is one call of an AsyncClient: what was asked, and where its outcome goes.
///
/// Threads: a worker calls Run, and may do so while another thread calls Fail; exactly one of
/// Finish and Fail is called, by whoever the CallQueue gave the call's end to. The queue's lock is
/// never held when a call is destroyed: a stop callback that waits for that lock is waited for
/// here.
class AsyncCall {
 public:
  /// Kind says what may be done to a call: a read may end before its outcome, a write that has
  /// begun may not, and gets may share a statement.
  enum class Kind : std::uint8_t { kGet, kOtherRead, kWrite };

  AsyncCall(CallTerms terms, Kind kind, std::size_t value_bytes)
      : terms_(std::move(terms)), kind_(kind), value_bytes_(value_bytes) {}
  AsyncCall(const AsyncCall&) = delete;
  AsyncCall& operator=(const AsyncCall&) = delete;
  virtual ~AsyncCall() = default;

  const ProjectId& project() const noexcept { return terms_.project; }
  const Access& access() const noexcept { return terms_.access; }
  std::chrono::steady_clock::time_point deadline() const noexcept { return terms_.deadline; }
  Kind kind() const noexcept { return kind_; }
  CallId id() const noexcept { return id_; }
  /// SetId is for the queue, before it shows the call to others.
  void SetId(CallId id) noexcept { id_ = id; }
  std::size_t value_bytes() const noexcept { return value_bytes_; }

  /// MayJoin tells whether this call and `first`, of the same project, may be carried out as one.
  bool MayJoin(const AsyncCall& first) const;

  /// Run carries the calls of `together`, of which this is the first, out, and keeps each outcome.
  virtual void Run(Session& session, Connection& connection,
                   const std::vector<CallPtr>& together) = 0;

  /// Finish hands over the outcome that Run kept.
  virtual void Finish() noexcept = 0;
  /// Fail hands over an error in its place.
  virtual void Fail(Error error) noexcept = 0;

  /// CallOnStop calls `stopped` when a stop is requested, at once where it was already.
  void CallOnStop(const std::stop_token& stop, std::function<void()> stopped) {
    if (stop.stop_possible()) {
      stop_callback_.emplace(stop, std::move(stopped));
    }
  }

 private:
  const CallTerms terms_;
  const Kind kind_;
  const std::size_t value_bytes_;
  CallId id_ = 0;
  std::optional<std::stop_callback<std::function<void()>>> stop_callback_;
};

/// AsyncCallOf is a call whose outcome is a T.
template <class T>
class AsyncCallOf : public AsyncCall {
 public:
  AsyncCallOf(CallTerms terms, Kind kind, std::size_t value_bytes, Callback<T> done)
      : AsyncCall(std::move(terms), kind, value_bytes), done_(std::move(done)) {}

  void Finish() noexcept final { done_(std::move(*outcome_)); }
  void Fail(Error error) noexcept final { done_(tl::unexpected(std::move(error))); }

 protected:
  void Keep(Result<T> outcome) { outcome_.emplace(std::move(outcome)); }

 private:
  const Callback<T> done_;            // of who ends the call
  std::optional<Result<T>> outcome_;  // of the worker
};

/// GetCall gets one secret, with others that wait.
class GetCall final : public AsyncCallOf<Secret> {
 public:
  GetCall(CallTerms terms, SecretRef secret, Callback<Secret> done)
      : AsyncCallOf(std::move(terms), Kind::kGet, 0, std::move(done)), secret_(std::move(secret)) {}
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const SecretRef secret_;
};

/// GetBatchCall gets many secrets, by itself.
class GetBatchCall final : public AsyncCallOf<AsyncClient::Secrets> {
 public:
  GetBatchCall(CallTerms terms, std::vector<SecretRef> secrets, Callback<AsyncClient::Secrets> done)
      : AsyncCallOf(std::move(terms), Kind::kOtherRead, 0, std::move(done)),
        secrets_(std::move(secrets)) {}
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const std::vector<SecretRef> secrets_;
};

/// PutCall puts one secret.
class PutCall final : public AsyncCallOf<StoredSecret> {
 public:
  PutCall(CallTerms terms, OwnedPutItem item, Callback<StoredSecret> done);
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const OwnedPutItem item_;
};

/// PutBatchCall puts many secrets of one project.
class PutBatchCall final : public AsyncCallOf<AsyncClient::Stored> {
 public:
  PutBatchCall(CallTerms terms, std::vector<OwnedPutItem> items, Batch batch,
               Callback<AsyncClient::Stored> done);
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const std::vector<OwnedPutItem> items_;
  const Batch batch_;
};

/// SealValueCall seals a value for a column. The store keeps nothing of it, so it is a read.
class SealValueCall final : public AsyncCallOf<std::string> {
 public:
  SealValueCall(CallTerms terms, ColumnLabel label, ValueToSeal value, Callback<std::string> done);
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const ColumnLabel label_;
  const ValueToSeal value_;
};

/// OpenValueCall opens a column's sealed value.
class OpenValueCall final : public AsyncCallOf<SecretBytes> {
 public:
  OpenValueCall(CallTerms terms, ColumnLabel label, ValueToOpen value, Callback<SecretBytes> done);
  void Run(Session& session, Connection& connection, const std::vector<CallPtr>& together) override;

 private:
  const ColumnLabel label_;
  const ValueToOpen value_;
};

}  // namespace rowseal
