#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/observe.h>

#include "client/async_call.h"

namespace rowseal {

/// CallQueue holds the calls of an AsyncClient from their acceptance to their end, which it gives
/// away once: to the worker that carried the call out, or to the watcher, when the deadline passed,
/// a stop was requested or the queue was closed before.
///
/// It calls nothing back. Threads: any; its one lock is held for bookkeeping only.
class CallQueue final {
 public:
  struct Limits {
    std::size_t calls;
    std::size_t value_bytes;
    std::size_t together;  ///< calls that may be carried out as one
  };

  /// Ended is a call that ends with an error before its outcome.
  struct Ended {
    CallPtr call;
    Error error;
  };

  CallQueue(Limits limits, Observer& observer) : limits_(limits), observer_(observer) {}

  /// Add takes a call. Errors: kOverloaded, kCancelled (closed).
  Result<CallId> Add(CallPtr call);

  /// Take waits for calls to carry out as one, and gives none when the queue is closed. The project
  /// whose turn it is gives its oldest call, and those of its next ones that may join it.
  std::vector<CallPtr> Take();

  /// Finish tells whether a call that Take gave is still to be ended; if so, its worker does that.
  bool Finish(const AsyncCall& call);

  /// Stop ends a call with kCancelled, unless it has ended or is a write that has begun.
  void Stop(CallId id);

  /// TakeEnded waits for calls that ended with an error, and gives none when the queue is closed
  /// and every call has ended. For one thread, the watcher.
  std::vector<Ended> TakeEnded();

  /// Close refuses further calls and ends those that wait with kCancelled.
  void Close();

 private:
  using Time = std::chrono::steady_clock::time_point;

  // The waiting calls of one project. Those that have calls take turns.
  struct Lane {
    std::string project;
    std::list<CallId> waiting;  // oldest first
  };
  using Lanes = std::list<Lane>;  // the next one first

  struct Entry {
    CallPtr call;
    Time added_at;
    // Where the call waits; nothing once it has begun.
    struct Place {
      Lanes::iterator lane;
      std::list<CallId>::iterator position;
    };
    std::optional<Place> place;
  };
  using Entries = std::unordered_map<CallId, Entry>;

  void LeaveLane(Entry& entry);
  CallPtr Remove(Entries::iterator found);
  void End(Entries::iterator found, Error error);
  void EndDue(Time now);
  CallPtr Begin(CallId id, Time now);
  std::vector<CallPtr> TakeTurn(Time now);

  const Limits limits_;
  Observer& observer_;

  std::mutex mutex_;
  std::condition_variable work_;   // for workers: a call waits, or closed
  std::condition_variable watch_;  // for the watcher: a call ended, an earlier deadline, or closed
  bool closed_ = false;
  CallId last_id_ = 0;
  std::size_t value_bytes_ = 0;
  Entries entries_;
  Lanes lanes_;
  std::unordered_map<std::string, Lanes::iterator> lane_of_;
  std::set<std::pair<Time, CallId>> deadlines_;  // of calls that may still end by them
  std::vector<Ended> ended_;
};

}  // namespace rowseal
