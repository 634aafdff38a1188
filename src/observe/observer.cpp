#include <algorithm>
#include <cstdio>

#include <rowseal/observe.h>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::array<std::string_view, kCounterCount> kCounterNames = {
    "secrets_sealed", "secrets_opened",   "values_sealed",    "values_opened", "opens_refused",
    "put_conflicts",  "trust_reloads",    "deks_created",     "kek_rotations", "deks_rewrapped",
    "dek_rotations",  "secrets_resealed", "values_resealed",  "deks_drained",  "items_quarantined",
    "gets_coalesced", "calls_refused",    "deadlines_passed", "store_errors",  "rollbacks_noticed"};

constexpr std::array<std::string_view, kTimerCount> kTimerNames = {
    "get", "put", "kek_rotation", "call_wait", "seal_values", "open_values"};

constexpr std::array<std::string_view, kGaugeCount> kGaugeNames = {"calls_under_way"};

std::string Seconds(double seconds) {
  std::array<char, 32> text{};
  const int written = std::snprintf(text.data(), text.size(), "%.9g", seconds);
  return std::string(text.data(), static_cast<std::size_t>(written));
}

}  // namespace

std::string_view ToText(LogLevel level) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view ToText(Counter counter) noexcept {
  return kCounterNames[static_cast<std::size_t>(counter)];
}

std::string_view ToText(Timer timer) noexcept {
  return kTimerNames[static_cast<std::size_t>(timer)];
}

std::string_view ToText(Gauge gauge) noexcept {
  return kGaugeNames[static_cast<std::size_t>(gauge)];
}

void Observer::Log(const LogEvent& event) const {
  if (!sink_) {
    return;
  }
  // Names come from the store: nothing in them forges a line, or steers the terminal it is shown
  // on.
  LogEvent safe = event;
  safe.message = Escaped(event.message);
  for (auto& [name, value] : safe.fields) {
    value = Escaped(value);
  }
  sink_(safe);
}

void Observer::Count(Counter counter, std::uint64_t by) noexcept {
  counters_[static_cast<std::size_t>(counter)].fetch_add(by, std::memory_order_relaxed);
}

void Observer::Record(Timer timer, std::chrono::nanoseconds duration) noexcept {
  Histogram& histogram = histograms_[static_cast<std::size_t>(timer)];
  const std::int64_t micros = duration.count() / 1000;
  const auto bound = std::ranges::lower_bound(kBucketBounds, micros);
  const auto bucket = static_cast<std::size_t>(bound - kBucketBounds.begin());
  histogram.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  histogram.sum_nanoseconds.fetch_add(duration.count(), std::memory_order_relaxed);
}

void Observer::Add(Gauge gauge, std::int64_t difference) noexcept {
  gauges_[static_cast<std::size_t>(gauge)].fetch_add(difference, std::memory_order_relaxed);
}

std::int64_t Observer::Value(Gauge gauge) const noexcept {
  return gauges_[static_cast<std::size_t>(gauge)].load(std::memory_order_relaxed);
}

std::uint64_t Observer::Value(Counter counter) const noexcept {
  return counters_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
}

std::uint64_t Observer::Observations(Timer timer) const noexcept {
  std::uint64_t count = 0;
  for (const auto& bucket : histograms_[static_cast<std::size_t>(timer)].buckets) {
    count += bucket.load(std::memory_order_relaxed);
  }
  return count;
}

std::string Observer::PrometheusText() const {
  std::string text;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const std::string name = "rowseal_" + std::string(kCounterNames[i]) + "_total";
    text += "# TYPE " + name + " counter\n" + name + " " +
            std::to_string(Value(static_cast<Counter>(i))) + "\n";
  }
  for (std::size_t i = 0; i < kGaugeCount; ++i) {
    const std::string name = "rowseal_" + std::string(kGaugeNames[i]);
    text += "# TYPE " + name + " gauge\n" + name + " " +
            std::to_string(Value(static_cast<Gauge>(i))) + "\n";
  }
  for (std::size_t i = 0; i < kTimerCount; ++i) {
    const std::string name = "rowseal_" + std::string(kTimerNames[i]) + "_seconds";
    const Histogram& histogram = histograms_[i];
    std::uint64_t count = 0;
    text += "# TYPE " + name + " histogram\n";
    for (std::size_t bucket = 0; bucket < histogram.buckets.size(); ++bucket) {
      count += histogram.buckets[bucket].load(std::memory_order_relaxed);
      const std::string bound = bucket < kBucketBounds.size()
                                    ? Seconds(static_cast<double>(kBucketBounds[bucket]) / 1e6)
                                    : "+Inf";
      text += name + "_bucket{le=\"" + bound + "\"} " + std::to_string(count) + "\n";
    }
    const auto sum = histogram.sum_nanoseconds.load(std::memory_order_relaxed);
    text += name + "_sum " + Seconds(static_cast<double>(sum) / 1e9) + "\n";
    text += name + "_count " + std::to_string(count) + "\n";
  }
  return text;
}

}  // namespace rowseal
