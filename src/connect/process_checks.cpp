#include "connect/process_checks.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include <rowseal/secret_bytes.h>

#include "base/clock.h"
#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr unsigned kCapIpcLock = 14;  // capabilities(7)

// A clock that is behind this release lies.
constexpr Timestamp kEarliest{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
constexpr Timestamp kLatest{std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};

std::string ReadText(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t SoftLimit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) {
    return 0;
  }
  return limit.rlim_cur == RLIM_INFINITY ? kNoLimit : std::uint64_t{limit.rlim_cur};
}

bool HasCapability(unsigned number) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::strtoull(line.c_str() + 7, nullptr, 16) >> number & 1U) != 0;
    }
  }
  return false;
}

std::string KibText(std::uint64_t bytes) {
  return bytes == kNoLimit ? "unlimited" : std::to_string(bytes / 1024) + " KiB";
}

// The devices of /proc/swaps, but for those in compressed memory.
std::string SwapDevices(const std::string& swaps) {
  std::istringstream lines(swaps);
  std::string devices;
  std::string line;
  std::getline(lines, line);  // the header
  while (std::getline(lines, line)) {
    const std::string device = line.substr(0, line.find_first_of(" \t"));
    if (!device.empty() && !device.starts_with("/dev/zram")) {
      devices += (devices.empty() ? "" : ", ") + Printable(device);
    }
  }
  return devices;
}

}  // namespace

ProcessFacts ReadProcessFacts(Timestamp now) {
  ProcessFacts facts;
  facts.secrets_locked = SecretMemoryIsLocked();
  facts.may_lock_anything = HasCapability(kCapIpcLock);
  facts.lock_limit_bytes = SoftLimit(RLIMIT_MEMLOCK);
  facts.dumpable = prctl(PR_GET_DUMPABLE) == 1;
  facts.core_limit_bytes = SoftLimit(RLIMIT_CORE);
  facts.core_pattern = ReadText("/proc/sys/kernel/core_pattern");
  facts.core_pattern = facts.core_pattern.substr(0, facts.core_pattern.find('\n'));
  facts.swaps = ReadText("/proc/swaps");
  facts.now = now;
  return facts;
}

Finding CheckMemoryLock(const ProcessFacts& facts) {
  constexpr const char* kRaise =
      "raise it: `ulimit -l 65536`, LimitMEMLOCK=64M of the systemd unit, or the container's "
      "ulimit";
  if (!facts.secrets_locked) {
    return {Severity::kWarning, "memory_lock",
            "memory that holds secrets could not be locked and may reach swap (the limit is " +
                KibText(facts.lock_limit_bytes) + ")",
            kRaise};
  }
  if (!facts.may_lock_anything && facts.lock_limit_bytes < kLockWantedBytes) {
    return {Severity::kWarning, "memory_lock",
            "only " + KibText(facts.lock_limit_bytes) +
                " may be locked into memory; keys and a few"
                " values take " +
                KibText(kLockWantedBytes),
            kRaise};
  }
  return {Severity::kOk,
          "memory_lock",
          "secrets are locked into memory (limit: " +
              (facts.may_lock_anything ? "none" : KibText(facts.lock_limit_bytes)) + ")",
          {}};
}

Finding CheckCoreDumps(const ProcessFacts& facts) {
  constexpr const char* kHarden =
      "call HardenProcess() at the program's start, or set LimitCORE=0 and no core_pattern pipe";
  if (!facts.dumpable) {
    return {Severity::kOk, "core_dumps", "this process leaves no core file", {}};
  }
  // core(5): a pipe gets the core whatever RLIMIT_CORE says, unless that is 1.
  if (facts.core_pattern.starts_with("|") && facts.core_limit_bytes != 1) {
    return {Severity::kWarning, "core_dumps",
            "a core file of this process goes to a program, whatever its limit: " +
                Printable(facts.core_pattern),
            kHarden};
  }
  if (facts.core_limit_bytes > 1 && !facts.core_pattern.starts_with("|")) {
    return {Severity::kWarning, "core_dumps",
            "this process may leave a core file, with expanded keys and values in use (limit: " +
                KibText(facts.core_limit_bytes) + ")",
            kHarden};
  }
  return {Severity::kOk, "core_dumps", "this process leaves no core file", {}};
}

Finding CheckSwap(const ProcessFacts& facts) {
  const std::string devices = SwapDevices(facts.swaps);
  if (devices.empty()) {
    return {Severity::kOk, "swap", "there is no swap on a disk", {}};
  }
  return {Severity::kWarning, "swap",
          "swap is on (" + devices + "); whether it is encrypted cannot be seen from here",
          "encrypt it with a random key at each boot (crypttab: swap), or switch it off: what is"
          " not locked, such as a copy of yours of a value, may reach it"};
}

Finding CheckClock(const ProcessFacts& facts) {
  if (facts.now >= kEarliest && facts.now < kLatest) {
    return {Severity::kOk, "clock", "the clock is plausible", {}};
  }
  return {Severity::kError, "clock",
          "the clock cannot be right" + (facts.now < kEarliest
                                             ? std::string(": it is before this release")
                                             : std::string(": it is after the year 2099")),
          "set it: expiry, the ages of keys and the audit log go by it"};
}

}  // namespace rowseal
