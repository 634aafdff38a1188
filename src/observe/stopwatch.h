#pragma once

#include <chrono>

#include <rowseal/observe.h>

namespace rowseal {

/// Stopwatch records the time from its making until it goes.
class Stopwatch final {
 public:
  Stopwatch(Observer& observer, Timer timer) : observer_(observer), timer_(timer) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { observer_.Record(timer_, std::chrono::steady_clock::now() - start_); }

 private:
  Observer& observer_;
  const Timer timer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace rowseal
