#include "client/call_queue.h"

#include <algorithm>
#include <iterator>

namespace rowseal {
namespace {

// How far behind a get is looked for others that may join it, in calls that may join at most. A
// bound, because a project may have thousands of calls waiting that may not, and the lock is held.
constexpr std::size_t kLooksForEach = 4;

// Clocks and conditions are left room to add to a time.
constexpr std::chrono::hours kLongestWait{1};

Error Overloaded(std::string what) {
  return {ErrorCode::kOverloaded, std::move(what) + "; the call was not taken",
          "slow down, then retry; a store that got slow fills the queue"};
}

Error DeadlinePassed(bool has_begun) {
  return {ErrorCode::kUnavailable,
          has_begun ? "the deadline passed before the store answered; the answer will be dropped"
                    : "the deadline passed while the call waited for its turn; it was not begun",
          "retry with a later deadline, or look why the store is slow"};
}

Error StopRequested(bool has_begun) {
  return {ErrorCode::kCancelled,
          has_begun ? "the call was stopped before the store answered; the answer will be dropped"
                    : "the call was stopped while it waited for its turn; it was not begun",
          {}};
}

}  // namespace

Result<CallId> CallQueue::Add(CallPtr call) {
  const auto refuse = [&](Error error) {
    observer_.Count(Counter::kCallsRefused);
    return tl::unexpected(std::move(error));
  };
  const Time now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (closed_) {
    return Fail(ErrorCode::kCancelled, "the client is being closed; the call was not taken");
  }
  if (entries_.size() + ended_.size() >= limits_.calls) {
    return refuse(Overloaded(std::to_string(limits_.calls) + " calls are under way already"));
  }
  // A call over the limit by itself is taken when it is alone, or it could never be.
  if (value_bytes_ != 0 && value_bytes_ + call->value_bytes() > limits_.value_bytes) {
    return refuse(Overloaded("the calls under way hold as many bytes of values as they may"));
  }
  const CallId id = ++last_id_;
  call->SetId(id);
  const auto [known, is_new] = lane_of_.try_emplace(call->project().text(), lanes_.end());
  if (is_new) {
    known->second = lanes_.insert(lanes_.end(), Lane{call->project().text(), {}});
  }
  const Lanes::iterator lane = known->second;
  const auto position = lane->waiting.insert(lane->waiting.end(), id);
  value_bytes_ += call->value_bytes();
  const auto due = deadlines_.emplace(call->deadline(), id).first;
  entries_.emplace(id, Entry{std::move(call), now, Entry::Place{lane, position}});
  observer_.Add(Gauge::kCallsUnderWay, 1);
  work_.notify_one();
  if (due == deadlines_.begin()) {
    watch_.notify_one();
  }
  return id;
}

void CallQueue::LeaveLane(Entry& entry) {
  const Entry::Place place = *std::exchange(entry.place, std::nullopt);
  place.lane->waiting.erase(place.position);
  if (place.lane->waiting.empty()) {
    lane_of_.erase(place.lane->project);
    lanes_.erase(place.lane);
  }
}

// Takes a call off the books. Its owner is handed out, because a call must not go under the lock.
CallPtr CallQueue::Remove(Entries::iterator found) {
  if (found->second.place) {
    LeaveLane(found->second);
  }
  CallPtr call = std::move(found->second.call);
  deadlines_.erase({call->deadline(), call->id()});
  entries_.erase(found);
  value_bytes_ -= call->value_bytes();
  observer_.Add(Gauge::kCallsUnderWay, -1);
  return call;
}

void CallQueue::End(Entries::iterator found, Error error) {
  ended_.push_back({Remove(found), std::move(error)});
  watch_.notify_one();
}

void CallQueue::EndDue(Time now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto found = entries_.find(deadlines_.begin()->second);
    observer_.Count(Counter::kDeadlinesPassed);
    End(found, DeadlinePassed(!found->second.place));
  }
}

CallPtr CallQueue::Begin(CallId id, Time now) {
  Entry& entry = entries_.at(id);
  LeaveLane(entry);
  if (entry.call->kind() == AsyncCall::Kind::kWrite) {
    deadlines_.erase({entry.call->deadline(), id});
  }
  observer_.Record(Timer::kCallWait, now - entry.added_at);
  return entry.call;
}

std::vector<CallPtr> CallQueue::TakeTurn(Time now) {
  // The lane goes behind the others; when its last call begins, it goes altogether.
  lanes_.splice(lanes_.end(), lanes_, lanes_.begin());
  const std::list<CallId>& waiting = lanes_.back().waiting;
  const CallPtr first = entries_.at(waiting.front()).call;
  std::vector<CallId> chosen = {first->id()};
  const std::size_t looks = first->MayJoin(*first) ? kLooksForEach * limits_.together : 0;
  auto next = std::next(waiting.begin());
  for (std::size_t i = 0; i < looks && next != waiting.end(); ++i, ++next) {
    if (chosen.size() >= limits_.together) {
      break;
    }
    if (entries_.at(*next).call->MayJoin(*first)) {
      chosen.push_back(*next);
    }
  }
  std::vector<CallPtr> begun;
  begun.reserve(chosen.size());
  for (const CallId id : chosen) {
    begun.push_back(Begin(id, now));
  }
  return begun;
}

std::vector<CallPtr> CallQueue::Take() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    const Time now = std::chrono::steady_clock::now();
    EndDue(now);
    if (!lanes_.empty()) {
      return TakeTurn(now);
    }
    work_.wait(lock);
  }
  return {};
}

bool CallQueue::Finish(const AsyncCall& call) {
  CallPtr removed;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(call.id());
  if (found == entries_.end()) {
    return false;
  }
  removed = Remove(found);
  if (closed_) {
    watch_.notify_one();  // the watcher waits for the last one
  }
  return true;
}

void CallQueue::Stop(CallId id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) {
    return;
  }
  const bool has_begun = !found->second.place;
  if (!has_begun || found->second.call->kind() != AsyncCall::Kind::kWrite) {
    End(found, StopRequested(has_begun));
  }
}

std::vector<CallQueue::Ended> CallQueue::TakeEnded() {
  std::unique_lock lock(mutex_);
  while (true) {
    const Time now = std::chrono::steady_clock::now();
    EndDue(now);
    if (!ended_.empty() || (closed_ && entries_.empty())) {
      return std::exchange(ended_, {});
    }
    // A copy: the call whose deadline it is may end, and take it along, while this waits.
    Time until = now + kLongestWait;
    if (!deadlines_.empty()) {
      until = std::min(until, deadlines_.begin()->first);
    }
    watch_.wait_until(lock, until);
  }
}

void CallQueue::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  while (!lanes_.empty()) {
    End(entries_.find(lanes_.front().waiting.front()),
        {ErrorCode::kCancelled,
         "the client was closed before the call's turn; it was not begun",
         {}});
  }
  work_.notify_all();
  watch_.notify_one();
}

}  // namespace rowseal
