#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>

#include "client/audit.h"
#include "client/session.h"

namespace rowseal {

/// One way to read a store, and one to change it. What each body would otherwise have to remember
/// is done here: the client's lock, the transaction, the verified set, the refusal of an older
/// copy, the audit entry, epoch and tag of a changed set, and that memory follows the commit.
///
/// No root is asked while the store is locked. A remote one may hang, and on SQLite every put would
/// wait for it. So what needs a root is prepared first, without any lock, and counts only if the
/// set is still the same once the store is locked; else it is prepared again, a bounded number of
/// times. A KEK that a body finds it must open is opened between two attempts.

/// StoreRead is a connection at a moment at which nobody else uses it.
class StoreRead {
 public:
  StoreRead(Connection& connection, Session& session)
      : connection_(connection), session_(session) {}

  Connection& connection() const noexcept { return connection_; }
  Session& session() const noexcept { return session_; }
  Observer& observer() const noexcept { return session_.observer(); }
  /// Now is the store's clock, asked once.
  Result<Timestamp> Now();

 private:
  Connection& connection_;
  Session& session_;
  std::optional<Timestamp> now_;
};

/// TrustedRead is a transaction in which the trusted set was loaded and verified.
class TrustedRead : public StoreRead {
 public:
  using StoreRead::StoreRead;
  const TrustSet& trust() const noexcept { return *trust_; }
  const IntegrityKey& integrity() const noexcept { return *trust_->integrity; }

 private:
  const std::shared_ptr<const TrustSet> trust_ = session().keyring().trust();
};

/// Change is the open transaction of a change. The set is no older than any that this machine has
/// seen. A body may be called again, from the beginning, after its transaction was rolled back.
class Change final : public TrustedRead {
 public:
  Change(Connection& connection, Session& session, Access access)
      : TrustedRead(connection, session), access_(std::move(access)) {}

  const Access& access() const noexcept { return access_; }

  /// rows is the set as this change leaves it, to begin with as it was loaded. Whoever asks for it
  /// changes it: epoch and tag are written before the commit, and adopted after it. The rows
  /// themselves are the body's to write.
  TrustRows& rows();

  /// epoch is the installation's when this change has been committed, which a DEK that is made here
  /// is born in. Whoever changes the set does so first.
  std::int64_t epoch() const noexcept { return trust().rows.installation.epoch + (rows_ ? 1 : 0); }

  /// Audit writes the entry, and gives its id for its items. A change without one is an error.
  Result<EntryId> Audit(std::string_view action, std::string_view object,
                        std::string_view project = kSystemProject);

  /// NothingToDo rolls the transaction back and makes a success of it.
  void NothingToDo() noexcept { nothing_to_do_ = true; }

  /// AfterCommit runs what may only follow a commit, such as what memory takes over; Log is for an
  /// event.
  void AfterCommit(std::function<void()> then) { after_commit_.push_back(std::move(then)); }
  void Log(LogEvent event);

 private:
  friend class ChangeRunner;
  const Access access_;
  std::optional<TrustRows> rows_;
  bool has_entry_ = false;
  bool nothing_to_do_ = false;
  std::vector<std::function<void()>> after_commit_;
};

/// ChangeKind is what a body cannot say in its transaction.
struct ChangeKind {
  /// kRows is for a body that locks the rows that decide what it changes; kStore lets no other
  /// change run beside it.
  enum class Locks : std::uint8_t { kStore, kRows } locks = Locks::kStore;
  /// A lease, or a job's batch that found nothing, has no entry.
  enum class Entry : std::uint8_t { kNeeded, kNone } entry = Entry::kNeeded;
  /// kAccepted is the way out of a rollback alarm, and no other change's.
  enum class OlderCopy : std::uint8_t { kRefused, kAccepted } older_copy = OlderCopy::kRefused;
};

/// Snapshot is what is prepared from: a verified set that no transaction holds.
struct Snapshot {
  Session& session;
  std::shared_ptr<const TrustSet> trust;
  Timestamp now;  ///< by the store's clock
};

/// TakeSnapshot takes one to judge by what a change would come to. It goes on after a rollback
/// alarm, which the change itself refuses.
Result<Snapshot> TakeSnapshot(Client& client);

/// RunChange is what the templates below make their results of.
Result<void> RunChange(Client& client, const Access& access, ChangeKind kind,
                       const std::function<Result<void>(const Snapshot&)>& prepare,
                       const std::function<Result<void>(Change&)>& body);
Result<void> RunTrustedRead(Client& client, const std::function<Result<void>(TrustedRead&)>& body);
Result<void> RunStoreRead(Client& client, const std::function<Result<void>(StoreRead&)>& body);

/// Keeping gives a function that calls `body` and keeps what it returned in `kept`.
template <class Kept, class Body>
auto Keeping(Kept& kept, Body& body) {
  return [&kept, &body](auto& moment) -> Result<void> {
    kept = body(moment);
    return kept ? Result<void>() : tl::unexpected(kept.error());
  };
}

/// Outcome makes one result of what a body returned and of how its transaction ended.
template <class Kept>
Kept Outcome(Kept kept, Result<void> ended) {
  return ended ? std::move(kept) : Kept(tl::unexpected(std::move(ended).error()));
}

template <class Kept>
Kept NotRun() {
  return tl::unexpected(Error{ErrorCode::kInternal, "a transaction's body was not run", {}});
}

/// ChangeStore runs `body`, a function of a Change& that returns a Result. Errors: the body's,
/// kRefusedByState (an older copy of the store), kInvalidArgument (`access`), the store's.
template <class Body>
auto ChangeStore(Client& client, const Access& access, Body body, ChangeKind kind = {}) {
  auto kept = NotRun<std::invoke_result_t<Body&, Change&>>();
  Result<void> ended = RunChange(client, access, kind, {}, Keeping(kept, body));
  return Outcome(std::move(kept), std::move(ended));
}

/// ChangeStoreAfter calls `prepare`, a function of a const Snapshot& that returns a Result and may
/// ask roots, before the store is locked, and hands what it gave to
/// `body(Change&, const Prepared&)`.
template <class Prepare, class Body>
auto ChangeStoreAfter(Client& client, const Access& access, Prepare prepare, Body body) {
  auto prepared = NotRun<std::invoke_result_t<Prepare&, const Snapshot&>>();
  const auto with_prepared = [&](Change& change) { return body(change, std::as_const(*prepared)); };
  auto kept = NotRun<std::invoke_result_t<decltype(with_prepared)&, Change&>>();
  Result<void> ended =
      RunChange(client, access, {}, Keeping(prepared, prepare), Keeping(kept, with_prepared));
  return Outcome(std::move(kept), std::move(ended));
}

/// ReadTrusted runs `body`, a function of a TrustedRead& that returns a Result, in one read
/// transaction. It goes on after a rollback alarm.
template <class Body>
auto ReadTrusted(Client& client, Body body) {
  auto kept = NotRun<std::invoke_result_t<Body&, TrustedRead&>>();
  Result<void> ended = RunTrustedRead(client, Keeping(kept, body));
  return Outcome(std::move(kept), std::move(ended));
}

/// ReadStore does so without a transaction and for what no tag covers: jobs, policies, lists.
template <class Body>
auto ReadStore(Client& client, Body body) {
  auto kept = NotRun<std::invoke_result_t<Body&, StoreRead&>>();
  Result<void> ended = RunStoreRead(client, Keeping(kept, body));
  return Outcome(std::move(kept), std::move(ended));
}

/// ReadRows runs one query in this way.
inline Result<Rows> ReadRows(Client& client, const Statement& query) {
  return ReadStore(client, [&](StoreRead& store) { return store.connection().Execute(query); });
}

/// ObserverOf is for what is told once a call has ended.
Observer& ObserverOf(Client& client) noexcept;

/// LogRead writes the entry of what was read, and changes nothing else.
Result<void> LogRead(Client& client, const Access& access, std::string_view action,
                     std::string_view object);

/// CheckMayChange refuses an older copy of the store: for what changes more than one transaction
/// holds, such as an app's tables, before it touches anything.
Result<void> CheckMayChange(Client& client, const Access& access);

}  // namespace rowseal
