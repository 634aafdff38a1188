#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// EpochAnchor keeps, outside the store, how far the trusted rows of installations had come: a file
/// for each in a folder of this machine. An older copy of a store that is put in its place is older
/// than what stands there. Threads and processes: any, the file is written under a lock.
class EpochAnchor final {
 public:
  explicit EpochAnchor(std::string folder) : folder_(std::move(folder)) {}

  /// State is a set of trusted rows: its epoch, and the tag over it.
  struct State {
    std::int64_t epoch = 0;
    Bytes trust_tag;  ///< 32 to 64 bytes
  };

  /// Read gives the state with the highest epoch that was kept, or nothing where none was. Errors:
  /// kUnavailable (the file cannot be read), kIntegrity (it is malformed).
  Result<std::optional<State>> Read(const InstallationId& installation) const;

  /// Raise keeps `state`, unless one of the same or a higher epoch is kept: an anchor is never
  /// lowered. A malformed file is replaced. The folder is made when it is missing. Errors:
  /// kUnavailable.
  Result<void> Raise(const InstallationId& installation, const State& state) const;

 private:
  std::string PathOf(const InstallationId& installation) const;
  std::string folder_;
};

}  // namespace rowseal
