#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

namespace rowseal {

/// ParseJobState reads a state from the store. Errors: kIntegrity.
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
