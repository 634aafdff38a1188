#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rowseal {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

std::string_view ToText(LogLevel level) noexcept;

/// LogEvent is one thing that happened, as data. It never holds a secret, a key or a secret's name.
struct LogEvent {
  LogLevel level = LogLevel::kInfo;
  std::string_view name;  ///< stable: `kek_rotated`, `open_refused`, …
  std::string message;    ///< for people
  std::vector<std::pair<std::string_view, std::string>> fields;
};

/// LogSink receives events, on the thread that caused them, so an AsyncClient's workers call it at
/// once; it must not call back into Rowseal.
using LogSink = std::function<void(const LogEvent&)>;

/// Counter names what is counted. Each becomes `rowseal_<name>_total` in Prometheus' text.
enum class Counter : std::uint8_t {
  kSecretsSealed,
  kSecretsOpened,
  kValuesSealed,
  kValuesOpened,
  kOpensRefused,  ///< integrity failures: alert on any
  kPutConflicts,  ///< a put lost a race and sealed again
  kTrustReloads,
  kDeksCreated,
  kKekRotations,
  kDeksRewrapped,
  kDekRotations,
  kSecretsResealed,
  kValuesResealed,
  kDeksDrained,
  kItemsQuarantined,  ///< items that a job could not do: alert on any
  kGetsCoalesced,     ///< asynchronous gets that shared another's statement
  kCallsRefused,      ///< asynchronous calls refused as kOverloaded
  kDeadlinesPassed,   ///< asynchronous calls that ended at their deadline
  kStoreErrors,
  kRollbacksNoticed,  ///< an older copy of the store was met: alert on any
};
inline constexpr std::size_t kCounterCount =
    static_cast<std::size_t>(Counter::kRollbacksNoticed) + 1;

std::string_view ToText(Counter counter) noexcept;

/// Timer names what is timed, in seconds: `rowseal_<name>_seconds` histograms.
enum class Timer : std::uint8_t {
  kGet,
  kPut,
  kKekRotation,
  kCallWait,    ///< from an asynchronous call's acceptance to its turn
  kSealValues,  ///< one call that seals values for an app's column
  kOpenValues,
};
inline constexpr std::size_t kTimerCount = static_cast<std::size_t>(Timer::kOpenValues) + 1;

std::string_view ToText(Timer timer) noexcept;

/// Gauge names what goes up and down: `rowseal_<name>`.
enum class Gauge : std::uint8_t {
  kCallsUnderWay,  ///< asynchronous calls that were taken and have no outcome yet
};
inline constexpr std::size_t kGaugeCount = static_cast<std::size_t>(Gauge::kCallsUnderWay) + 1;

std::string_view ToText(Gauge gauge) noexcept;

/// Observer gathers log events and metrics. It has no sink until the app gives one, and its metrics
/// carry no label that names a tenant or a secret. Threads: all members may be called from any
/// thread, except that the sink is given before use.
class Observer final {
 public:
  Observer() = default;
  explicit Observer(LogSink sink) : sink_(std::move(sink)) {}
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void Log(const LogEvent& event) const;
  void Count(Counter counter, std::uint64_t by = 1) noexcept;
  void Record(Timer timer, std::chrono::nanoseconds duration) noexcept;
  void Add(Gauge gauge, std::int64_t difference) noexcept;

  std::uint64_t Value(Counter counter) const noexcept;
  std::int64_t Value(Gauge gauge) const noexcept;
  std::uint64_t Observations(Timer timer) const noexcept;

  /// PrometheusText writes every counter, gauge and histogram in the Prometheus text format 0.0.4.
  std::string PrometheusText() const;

  /// kBucketBounds are the histograms' upper bounds, in microseconds.
  static constexpr std::array<std::int64_t, 12> kBucketBounds = {
      50, 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 10000000};

 private:
  struct Histogram {
    std::array<std::atomic<std::uint64_t>, kBucketBounds.size() + 1> buckets{};
    std::atomic<std::int64_t> sum_nanoseconds{0};
  };

  LogSink sink_;
  std::array<std::atomic<std::uint64_t>, kCounterCount> counters_{};
  std::array<Histogram, kTimerCount> histograms_{};
  std::array<std::atomic<std::int64_t>, kGaugeCount> gauges_{};
};

}  // namespace rowseal
