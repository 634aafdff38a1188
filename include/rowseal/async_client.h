#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// ConnectionFactory makes a connection to the one store of an AsyncClient. Its workers call it,
/// several at once, so it must allow that; it may block. What it fails with is the error of the
/// call that needed the connection.
using ConnectionFactory = std::function<Result<std::unique_ptr<Connection>>()>;

/// AsyncOptions are the bounds of an AsyncClient.
struct AsyncOptions {
  /// Threads, each with a connection of its own: how many statements the store gets at once. 1 to
  /// 256.
  std::size_t workers = 8;

  /// Calls under way at once; the next is refused with kOverloaded. 10,000 are normal.
  std::size_t call_limit = 16'384;

  /// Bytes of values that calls under way hold in guarded memory; a call that would exceed it is
  /// refused with kOverloaded, unless it is the only one.
  std::size_t value_limit_bytes = 256U * 1024 * 1024;

  /// Waiting gets that may share one statement. 1 to 1,000; 1 turns sharing off.
  std::size_t coalesce_limit = 64;

  /// The deadline of calls that name none, from their acceptance. At most a day.
  std::chrono::milliseconds default_deadline{10'000};
};

/// CallOptions say who asks, and how long the answer is wanted.
struct CallOptions {
  Access access{};
  std::optional<std::chrono::steady_clock::time_point> deadline{};  ///< none: the client's default
  std::stop_token stop{};
};

/// Callback takes a call's outcome, once, on a thread of the client's. It must be quick (a worker
/// or the thread of the deadlines waits for it) and must not throw: an exception ends the process
/// (std::terminate). It may make further calls, but must not destroy the client.
template <class T>
using Callback = std::function<void(Result<T>)>;

/// AsyncClient makes calls without ever waiting for the store: a call is put into a bounded queue
/// and carried out by one of a few workers. What a call does, its errors and its audit entry are
/// those of the same call of Client.
///
/// **Forms.** Each call either gives a future, or takes a callback and returns at once whether it
/// was taken. A call that was not taken (kOverloaded, kInvalidArgument, or kCancelled: stopped
/// already, or the client is being destroyed) never calls back; a future then holds that error. No
/// callback runs within a call.
///
/// **Order.** None among calls under way at the same time, puts of one secret from one thread
/// included: where the order matters, make the next call when the one before has ended. The
/// projects that have calls waiting take turns, so one with ten thousand does not keep another's
/// waiting; within a project, the first come is the first served, but for gets that join an earlier
/// one.
///
/// **Sharing.** Gets of one project with the same actor and reason that wait together become one
/// statement, with one audit entry that names them all. Each has its own outcome and its own copy.
/// Nothing waits to be joined. An error of the statement is the error of each.
///
/// **Ends before the outcome.** A call whose deadline passes fails with kUnavailable, one whose
/// stop is requested with kCancelled, at once even when every worker hangs in a slow store:
///
/// - while it waits: it is never begun, and nothing was done;
/// - a read (get, open, seal) that has begun: its statement is not interrupted; what it gives is
///   wiped and dropped, and its audit entry stands;
/// - a put that has begun goes on and ends with its true outcome, later than the deadline if need
///   be, because whether it was stored matters more than when this is known.
///
/// A worker in a statement is bounded only by what its connection allows (on SQLite 10 s of waiting
/// for a lock). A worker whose connection failed with kUnavailable or kInDoubt makes a new one for
/// its next call; the one that failed is not repeated.
///
/// **Destruction** refuses new calls, ends waiting ones with kCancelled, lets those that have begun
/// end (a hanging statement is waited for), and joins the threads. Every call taken has then called
/// back, and no callback runs any more.
///
/// Memory: a waiting call holds what it was given; `AsyncOptions` bounds the calls and their
/// values. Threads: all members may be called from any thread, several at once, except that
/// destruction and moves come alone. The observer's sink and the clock of `ClientOptions` are
/// called by several workers at once. Signals are left to the host's threads. Do not fork with a
/// client.
class AsyncClient final {
 public:
  /// Connect makes a first connection and verifies the store's trusted rows with the roots given
  /// here, on the calling thread, and starts the workers. Errors: the factory's, Client::Connect's,
  /// kInvalidArgument (options out of bounds), kResourceExhausted (no threads).
  static Result<AsyncClient> Connect(ConnectionFactory connections,
                                     std::vector<std::shared_ptr<const RootProvider>> roots,
                                     ClientOptions options, const AsyncOptions& bounds = {});
  AsyncClient(AsyncClient&&) noexcept;
  AsyncClient& operator=(AsyncClient&&) noexcept;
  ~AsyncClient();

  /// Get is Client::Get.
  std::future<Result<Secret>> Get(const ProjectId& project, SecretRef secret,
                                  CallOptions options = {});
  Result<void> Get(const ProjectId& project, SecretRef secret, CallOptions options,
                   Callback<Secret> done);

  /// GetBatch is Client::GetBatch: one statement, however many.
  using Secrets = std::vector<Result<Secret>>;
  std::future<Result<Secrets>> GetBatch(const ProjectId& project, std::vector<SecretRef> secrets,
                                        CallOptions options = {});
  Result<void> GetBatch(const ProjectId& project, std::vector<SecretRef> secrets,
                        CallOptions options, Callback<Secrets> done);

  /// Put is Client::Put.
  std::future<Result<StoredSecret>> Put(const ProjectId& project, OwnedPutItem item,
                                        CallOptions options = {});
  Result<void> Put(const ProjectId& project, OwnedPutItem item, CallOptions options,
                   Callback<StoredSecret> done);

  /// PutBatch is Client::PutBatch.
  using Stored = std::vector<Result<StoredSecret>>;
  std::future<Result<Stored>> PutBatch(const ProjectId& project, std::vector<OwnedPutItem> items,
                                       Batch batch, CallOptions options = {});
  Result<void> PutBatch(const ProjectId& project, std::vector<OwnedPutItem> items, Batch batch,
                        CallOptions options, Callback<Stored> done);

  /// SealValue is Client::SealValue.
  std::future<Result<std::string>> SealValue(const ProjectId& project, const ColumnLabel& label,
                                             SecretBytes value, std::vector<std::string> row_key,
                                             CallOptions options = {});
  Result<void> SealValue(const ProjectId& project, const ColumnLabel& label, SecretBytes value,
                         std::vector<std::string> row_key, CallOptions options,
                         Callback<std::string> done);

  /// OpenValue is Client::OpenValue.
  std::future<Result<SecretBytes>> OpenValue(const ProjectId& project, const ColumnLabel& label,
                                             std::string sealed, std::vector<std::string> row_key,
                                             CallOptions options = {});
  Result<void> OpenValue(const ProjectId& project, const ColumnLabel& label, std::string sealed,
                         std::vector<std::string> row_key, CallOptions options,
                         Callback<SecretBytes> done);

 private:
  struct State;
  explicit AsyncClient(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace rowseal
