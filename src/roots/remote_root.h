#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "keys/root_provider.h"

namespace rowseal {

/// RemoteLimits bound how long a call of a remote root may take and how often it asks.
struct RemoteLimits {
  /// What one attempt may take; the provider inside holds itself to it.
  std::chrono::milliseconds attempt{3000};
  /// A call gives up when no further attempt fits. A start waits this long for a root that is away.
  std::chrono::milliseconds total{8000};
  /// Before attempt n+1, between nothing and first_wait · 2^n at random, longest_wait at most: many
  /// processes that lost the same service do not come back in step.
  std::chrono::milliseconds first_wait{100};
  std::chrono::milliseconds longest_wait{2000};
  /// After so many calls in a row gave up, calls fail at once for a while; then one tries again.
  int failures_to_open = 1;
  std::chrono::milliseconds open_time{5000};
};

/// RemoteRoot asks a provider that may be slow, throttled or away: with deadlines, retries with
/// full jitter, one question for all threads that have the same one, and a circuit breaker, so that
/// an outage neither hangs callers nor is made worse by them. Only kUnavailable is tried again.
class RemoteRoot final : public RootProvider {
 public:
  /// Waiting gives tests a clock and a sleep of their own.
  struct Waiting {
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<void(std::chrono::milliseconds)> sleep;
    static Waiting Real();
  };

  explicit RemoteRoot(std::shared_ptr<const RootProvider> root, RemoteLimits limits = {},
                      Waiting waiting = Waiting::Real())
      : root_(std::move(root)), limits_(limits), waiting_(std::move(waiting)) {}

  std::string_view uri() const noexcept override { return root_->uri(); }
  ByteView fingerprint() const noexcept override { return root_->fingerprint(); }
  ByteView public_part() const noexcept override { return root_->public_part(); }
  bool can_unwrap() const noexcept override { return root_->can_unwrap(); }
  Result<Bytes> Wrap(const SecretBytes& wrapping_secret, ByteView context) const override;
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  /// Flight is an unwrap that is under way, and its result for those who wait for the same.
  struct Flight {
    bool landed = false;
    Result<SecretBytes> result;
  };
  using Question = std::pair<Bytes, Bytes>;  // what is to be unwrapped, and in which context

  template <class Value>
  Result<Value> Ask(const std::function<Result<Value>()>& attempt) const;
  Result<void> Enter() const;
  void Leave(bool answered) const;
  std::chrono::milliseconds Jitter(int attempts) const;

  const std::shared_ptr<const RootProvider> root_;
  const RemoteLimits limits_;
  const Waiting waiting_;
  mutable std::mutex mutex_;
  mutable std::condition_variable landed_;
  mutable std::map<Question, std::shared_ptr<Flight>> flights_;
  mutable int failures_ = 0;     // calls in a row that gave up
  mutable Time closed_until_{};  // while the breaker is open
  mutable bool probing_ = false;
};

}  // namespace rowseal
