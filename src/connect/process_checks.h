#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <rowseal/lifecycle.h>

namespace rowseal {

/// ProcessFacts is what this process may do and what the machine would do with its memory.
struct ProcessFacts {
  bool secrets_locked = true;          ///< every guarded page so far could be locked
  bool may_lock_anything = false;      ///< CAP_IPC_LOCK: the limit does not bind
  std::uint64_t lock_limit_bytes = 0;  ///< RLIMIT_MEMLOCK; UINT64_MAX is none
  bool dumpable = true;                ///< whether the kernel writes a core file of it
  std::uint64_t core_limit_bytes = 0;  ///< RLIMIT_CORE; UINT64_MAX is none
  std::string core_pattern;            ///< /proc/sys/kernel/core_pattern, first line
  std::string swaps;                   ///< /proc/swaps
  Timestamp now{};
};

/// ReadProcessFacts asks the system; what it does not tell stays empty.
ProcessFacts ReadProcessFacts(Timestamp now);

/// Each check judges facts and reads nothing by itself.
Finding CheckMemoryLock(const ProcessFacts& facts);
Finding CheckCoreDumps(const ProcessFacts& facts);
Finding CheckSwap(const ProcessFacts& facts);
Finding CheckClock(const ProcessFacts& facts);

/// kLockWantedBytes is what the keys of a client and a few values take in locked memory: twelve
/// chunks of 32 KiB with their guards, and room for values up to some hundred KiB.
inline constexpr std::uint64_t kLockWantedBytes = 1024 * 1024;

}  // namespace rowseal
