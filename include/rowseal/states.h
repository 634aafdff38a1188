#pragma once

#include <cstdint>
#include <string_view>

namespace rowseal {

/// The closed sets of words that keys, columns and jobs have. ToText returns the word as the store
/// and --json have it.

/// KeyState is the life of a key in the states of NIST SP 800-57 Part 1 section 7.
enum class KeyState : std::uint8_t {
  kPreActivation,  ///< `pre-activation`: exists; neither seals nor opens
  kActive,         ///< `active`: seals and opens; one in each scope, or project and purpose
  kSuspended,      ///< `suspended`: rejected until it is resumed
  kDeactivated,    ///< `deactivated`: opens, never seals
  kCompromised,    ///< `compromised`: opens, with a warning, so that what it protects can be
                   ///< resealed; never seals
  kDestroyed,      ///< `destroyed`: gone; its row was deleted, evidence of it is kept
};
std::string_view ToText(KeyState state) noexcept;

/// KekPurpose: `wrap` wraps DEKs; `integrity` makes the tags over trusted rows.
enum class KekPurpose : std::uint8_t { kWrap, kIntegrity };
std::string_view ToText(KekPurpose purpose) noexcept;

/// DekPurpose is what a DEK seals: `secret`, `value` (in an app's column) or `digest`. One active
/// DEK a project and purpose.
enum class DekPurpose : std::uint8_t { kSecret, kValue, kDigest };
std::string_view ToText(DekPurpose purpose) noexcept;

/// ColumnState: values of a `removed` column still open; nothing new is sealed for it.
enum class ColumnState : std::uint8_t { kActive, kRemoved };
std::string_view ToText(ColumnState state) noexcept;

/// JobState is where a job is between its runs.
enum class JobState : std::uint8_t {
  kReady,      ///< `ready`: to be run, or being run by whoever holds the lease
  kPaused,     ///< `paused`: waits until it is resumed
  kDone,       ///< `done`: came to its end
  kFailed,     ///< `failed`: came to its end, but some items failed: the next run begins again
  kCancelled,  ///< `cancelled`: given up; what it did stays
};
std::string_view ToText(JobState state) noexcept;

}  // namespace rowseal
