#pragma once

#include <cstddef>

namespace rowseal::testing {

/// DiskFault is how a write or a flush fails.
enum class DiskFault {
  kFull,
  kIoError,
  kKill,  ///< the process is killed instead
};

/// FaultyDisk stands between SQLite and the file system as long as it lives: connections opened
/// meanwhile write through it. One at a time in a process.
class FaultyDisk final {
 public:
  FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk();

  /// FailFrom makes the `write`-th write or flush from now (the first is 0), and every one behind
  /// it, fail.
  void FailFrom(std::size_t write, DiskFault fault);

  /// Heal ends the failing; true when a write had failed.
  bool Heal();
};

}  // namespace rowseal::testing
