#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <rowseal/error.h>

#include "store/app_rows.h"

namespace rowseal {

/// BatchPace runs batches: of 50 to 2,000 rows, as large as take some 200 ms, with pauses for
/// others, and again where the database was busy for a moment.
class BatchPace final {
 public:
  explicit BatchPace(int share_percent) : share_percent_(share_percent) {}

  /// Run calls `batch(limit)`. Errors: the batch's; kUnavailable after many tries.
  template <class Batch>
  auto Run(Batch batch) -> decltype(batch(std::size_t{})) {
    for (int tries = 0;; ++tries) {
      const auto began = Clock::now();
      auto done = batch(limit_);
      const auto took = Clock::now() - began;
      // A batch that may have been committed is done again: it finds what it did.
      const bool again = !done && tries < kMostTries &&
                         (done.error().code == ErrorCode::kUnavailable ||
                          done.error().code == ErrorCode::kInDoubt);
      if (!again) {
        Adapt(took);
        Pause(took);
        return done;
      }
      limit_ = std::max(kFewest, limit_ / 2);
      std::this_thread::sleep_for(std::chrono::milliseconds(20) * (1 << std::min(tries, 6)));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kFewest = 50;
  static constexpr std::size_t kMost = 2000;
  static constexpr int kMostTries = 20;

  void Adapt(Clock::duration took) {
    if (took < std::chrono::milliseconds(100)) {
      limit_ = std::min(kMost, limit_ + limit_ / 2);
    } else if (took > std::chrono::milliseconds(400)) {
      limit_ = std::max(kFewest, limit_ / 2);
    }
  }
  void Pause(Clock::duration took) const {
    if (share_percent_ < 100) {
      std::this_thread::sleep_for(took * (100 - share_percent_) / share_percent_);
    }
  }

  const int share_percent_;
  std::size_t limit_ = 500;
};

/// StallWatch tells when rows stay locked by others for too long.
class StallWatch final {
 public:
  void Note(std::int64_t rows) {
    if (rows > 0) {
      Restart();
    }
  }
  void Restart() { last_ = std::chrono::steady_clock::now(); }
  /// Errors: kUnavailable.
  Result<void> Check(const std::string& column, std::int64_t left) const {
    if (std::chrono::steady_clock::now() - last_ < std::chrono::seconds(60)) {
      return {};
    }
    return Fail(ErrorCode::kUnavailable,
                std::to_string(left) + " rows of " + column +
                    " have been locked by other transactions for a minute",
                "look for long transactions, end them, then run the step again");
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Stopped is how a step ends where its caller said so.
inline tl::unexpected<Error> Stopped() {
  return Fail(ErrorCode::kCancelled, "stopped", "run the step again: it goes on");
}

/// AwaitResume comes back once the column is not paused. `show(paused)` is asked at least once;
/// false stops. Errors: kCancelled, the rows'.
template <class Show>
Result<void> AwaitResume(AppRows& rows, StallWatch& watch, Show show) {
  while (true) {
    ROWSEAL_ASSIGN(const bool paused, rows.IsPaused());
    if (!show(paused)) {
      return Stopped();
    }
    if (!paused) {
      return {};
    }
    watch.Restart();
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

}  // namespace rowseal
