#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/lifecycle.h>

namespace rowseal {

/// FileReport is what was found about a file, and whether it can be used at all.
struct FileReport {
  std::vector<Finding> findings;
  bool usable = true;
};

/// CheckRoot looks at where a root key is kept: mode and owner of its file, who may write to its
/// folders, and whether it stands where a backup of the store, a commit or a reboot takes it along.
/// Reads no key. `store` is the store's path, empty for none.
FileReport CheckRoot(std::string_view uri, const std::string& store);

/// CheckStoreFiles looks at the store's file with its -wal and -shm, and their folder.
FileReport CheckStoreFiles(const std::string& store);

/// CheckDiskSpace judges the free bytes of the store's disk.
Finding CheckDiskSpace(std::uint64_t free_bytes);
inline constexpr std::uint64_t kFreeBytesWanted = 100U * 1024 * 1024;
inline constexpr std::uint64_t kFreeBytesNeeded = 10U * 1024 * 1024;

/// FreeBytes gives what this user may still write to the disk of `path`; 0 when it is unknown.
std::uint64_t FreeBytes(const std::string& path);

/// IsTemporaryPlace tells whether a reboot or a cleaner empties that place.
bool IsTemporaryPlace(std::string_view absolute_path) noexcept;

/// ShareABackup tells whether one of the two folders holds the other: whoever backs that one up
/// takes both along. The root folder does not count.
bool ShareABackup(const std::string& folder, const std::string& other);

}  // namespace rowseal
