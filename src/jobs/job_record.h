#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// JobState: where a job stands between its runs.
enum class JobState : std::uint8_t {
  kReady,      ///< to be run, or being run by whoever holds the lease
  kPaused,     ///< waits until it is resumed
  kDone,       ///< came to its end
  kFailed,     ///< came to its end, but some items failed: the next run begins again
  kCancelled,  ///< given up; what it did stays
};

/// ToText returns the stored form: `ready`, `paused`, `done`, `failed`, `cancelled`.
std::string_view ToText(JobState state) noexcept;
/// Errors: kIntegrity, because states are read from the store.
Result<JobState> ParseJobState(std::string_view text);

/// JobRecord is a row of `job`. It is not trusted: it says where to look, and whoever works on an
/// item verifies it. A job's body alone understands `object`, `argument` and `position`.
struct JobRecord {
  JobId id;
  std::string kind;
  std::string object;    ///< what it works on: an id, or empty for all
  std::string argument;  ///< what the kind needs beside; may be empty
  JobState state = JobState::kReady;
  std::int64_t run = 1;  ///< how often it began from the beginning
  std::string position;  ///< how far this run came; empty: at the beginning
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::string owner;  ///< who holds the lease; empty: nobody
  std::optional<Timestamp> lease_until;
  Timestamp created_at;
  std::optional<Timestamp> started_at;  ///< of this run
  Timestamp changed_at;
};

/// JobFailure is an item that could not be done: its row, and why.
struct JobFailure {
  std::string item;
  std::string message;
};

}  // namespace rowseal
