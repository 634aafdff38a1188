#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

namespace rowseal {

/// EpochAnchor keeps, outside the store, how far the trusted rows of installations had come, and
/// which installation is at which place: a file for each in a folder of this machine. An older copy
/// of a store that is put in its place is older than what is kept there, and another store that the
/// same root opens is not the one that is kept. Threads and processes: any, the file is written
/// under a lock.
class EpochAnchor final {
 public:
  explicit EpochAnchor(std::string folder) : folder_(std::move(folder)) {}

  /// State is a set of trusted rows: its epoch, the tag over it, and the KEKs that nothing was to
  /// be opened with: suspended, compromised and destroyed ones.
  struct State {
    std::int64_t epoch = 0;
    Bytes trust_tag;  ///< 32 to 64 bytes
    std::map<KekId, KeyState> refused{};
  };

  /// Read gives the state with the highest epoch that was kept, or nothing where none was. Errors:
  /// kUnavailable (the file cannot be read), kIntegrity (it is malformed).
  Result<std::optional<State>> Read(const InstallationId& installation) const;

  /// Raise keeps `state`, unless one of the same or a higher epoch is kept: an anchor is never
  /// lowered. A malformed file is replaced. The folder is made when it is missing. Errors:
  /// kUnavailable.
  Result<void> Raise(const InstallationId& installation, const State& state) const;

  /// CheckPlace compares the installation that stands at a place (a store's path or URL) with the
  /// one that was met there first, and keeps it where none was. Errors: kIntegrity (another one, or
  /// the file is malformed), kUnavailable (it can be neither read nor written).
  Result<void> CheckPlace(const std::string& place, const InstallationId& installation) const;

  /// ForgetPlace is for who makes a new store at a place.
  void ForgetPlace(const std::string& place) const;

 private:
  std::string PathOfPlace(const std::string& place) const;
  Result<std::string> KeepPlace(const std::string& path, const std::string& text) const;
  Result<void> MakeFolder() const;
  std::string PathOf(const InstallationId& installation) const;
  std::string folder_;
};

}  // namespace rowseal
