#include "connect/file_checks.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/encoding.h"
#include "roots/root_registry.h"

namespace rowseal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnvScheme = "env:";
constexpr std::string_view kPassphraseScheme = "passphrase:";

std::string Quoted(const std::string& path) { return "'" + Printable(path) + "'"; }

std::string ModeText(mode_t mode) {
  std::string digits = "0";
  for (int shift = 6; shift >= 0; shift -= 3) {
    digits += static_cast<char>('0' + (mode >> shift & 7U));
  }
  return digits;
}

// The path with links followed as far as it exists.
std::string Canonical(const std::string& path) {
  std::error_code failure;
  const fs::path canonical = fs::weakly_canonical(path, failure);
  return failure ? path : canonical.string();
}

std::string FolderOf(const std::string& canonical_path) {
  return fs::path(canonical_path).parent_path().string();
}

std::optional<std::string> GitTreeOf(const std::string& folder) {
  std::error_code ignored;
  for (fs::path at = folder; !at.empty(); at = at.parent_path()) {
    if (fs::exists(at / ".git", ignored)) {
      return at.string();
    }
    if (at == at.parent_path()) {
      break;
    }
  }
  return std::nullopt;
}

// Who may write to a folder may exchange what stands in it, and in what stands above too. Sticky
// folders (/tmp) keep everybody's hands off the files of others.
void CheckFolders(const std::string& folder, const std::string& check, const std::string& what,
                  std::vector<Finding>& findings) {
  for (fs::path at = folder; !at.empty(); at = at.parent_path()) {
    struct stat status {};
    const bool known = stat(at.c_str(), &status) == 0 && (status.st_mode & S_ISVTX) == 0;
    if (known && (status.st_mode & S_IWOTH) != 0) {
      findings.push_back({Severity::kError, check,
                          "every user can exchange " + what + ": the folder " +
                              Quoted(at.string()) + " has mode " + ModeText(status.st_mode),
                          "chmod o-w it, then ask whether it was exchanged already"});
    } else if (known && (status.st_mode & S_IWGRP) != 0) {
      findings.push_back({Severity::kWarning, check,
                          "a group can exchange " + what + ": the folder " + Quoted(at.string()) +
                              " has mode " + ModeText(status.st_mode),
                          "chmod g-w it, unless all of that group may"});
    }
    if (at == at.parent_path()) {
      break;
    }
  }
}

void CheckOwner(const struct stat& status, const std::string& check, const std::string& named,
                std::vector<Finding>& findings) {
  if (status.st_uid != geteuid()) {
    findings.push_back({Severity::kWarning, check,
                        named + " belongs to user " + std::to_string(status.st_uid) +
                            ", and this process is user " + std::to_string(geteuid()),
                        "run as its owner, or chown it to the user that runs the program"});
  }
}

// One copy of a folder must not hold both the key and what it opens.
void CheckPlace(const std::string& path, const std::string& store, std::vector<Finding>& findings) {
  const std::string canonical = Canonical(path);
  const std::string folder = FolderOf(canonical);
  const std::string named = Quoted(path);
  if (!store.empty() && ShareABackup(folder, FolderOf(Canonical(store)))) {
    findings.push_back(
        {Severity::kWarning, "root_place",
         named + " stands in one tree of folders with the store: one backup takes"
                 " both, and is plaintext",
         "keep it elsewhere, for example under /etc, and out of the store's backup"});
  }
  if (IsTemporaryPlace(canonical)) {
    findings.push_back(
        {Severity::kWarning, "root_place",
         named + " stands in a temporary folder: a reboot or a cleaner takes it away",
         "move it, and keep a copy offline: without it the store is lost"});
  }
  if (const std::optional<std::string> tree = GitTreeOf(folder)) {
    findings.push_back(
        {Severity::kWarning, "root_place",
         named + " stands in the git work tree " + Quoted(*tree) + ": a commit may take it along",
         "move it out; if it was ever committed, the key is out too"});
  }
}

FileReport CheckRootFile(const RootFile& file, const std::string& store) {
  FileReport report;
  std::vector<Finding>& findings = report.findings;
  const std::string named = Quoted(file.path);
  struct stat status {};
  if (stat(file.path.c_str(), &status) != 0) {
    return {{{Severity::kError, "root_file", named + ": " + std::strerror(errno),
              "give the path of the store's root key, or take it from its backup"}},
            false};
  }
  if (!S_ISREG(status.st_mode)) {
    return {{{Severity::kError, "root_file", named + " is not a regular file",
              "give the path of the store's root key"}},
            false};
  }
  const bool exposed = (status.st_mode & 077) != 0;
  if (exposed && file.exposure == FileExposure::kOwnerOnly) {
    findings.push_back(
        {Severity::kError, "root_file",
         named + " can be read or written by others: its mode is " + ModeText(status.st_mode),
         "chmod 600 it, and ask who read it"});
    report.usable = false;
  } else if (exposed) {
    findings.push_back({Severity::kWarning, "root_file",
                        named + " is taken as mounted, with mode " + ModeText(status.st_mode) +
                            ": who else sees that mount can read it",
                        "leave ?mounted away where the mode is yours to choose"});
  }
  if (file.exposure == FileExposure::kOwnerOnly && status.st_uid != 0 &&
      status.st_uid != geteuid()) {
    findings.push_back({Severity::kError, "root_file",
                        named + " belongs to user " + std::to_string(status.st_uid) +
                            ", who can read and exchange it",
                        "chown " + std::to_string(geteuid()) + " " + ShellWord(file.path) +
                            ", and ask who read it"});
    report.usable = false;
  }
  if (findings.empty()) {
    findings.push_back({Severity::kOk, "root_file", named + " is its owner's alone", {}});
  }

  const std::string folder = FolderOf(Canonical(file.path));
  const std::size_t before = findings.size();
  CheckFolders(folder, "root_folder", named, findings);
  struct stat parent {};
  if (stat(folder.c_str(), &parent) == 0 && (parent.st_mode & S_IROTH) != 0) {
    findings.push_back({Severity::kWarning, "root_folder",
                        "every user can list the folder " + Quoted(folder) +
                            ", and sees that a key is there and when it changes",
                        "chmod o-r it"});
  }
  CheckPlace(file.path, store, findings);
  if (findings.size() == before) {
    findings.push_back({Severity::kOk,
                        "root_place",
                        named + " is apart from the store, in a folder that others do not see",
                        {}});
  }
  return report;
}

FileReport CheckEnvRoot(const std::string& name) {
  if (std::getenv(name.c_str()) == nullptr) {
    return {{{Severity::kError, "root_env",
              "the environment variable '" + Printable(name) + "' is not set",
              "set it to the root key's text"}},
            false};
  }
  return {{{Severity::kWarning, "root_env",
            "the root key in '" + Printable(name) +
                "' can be read in /proc/PID/environ by every process of this user, and child"
                " processes inherit it",
            "prefer file:PATH, with a file that only this user can read"}},
          true};
}

void CheckStoreFile(const std::string& path, const struct stat& status,
                    std::vector<Finding>& findings) {
  const std::string named = Quoted(path);
  if ((status.st_mode & 022) != 0) {
    findings.push_back(
        {Severity::kError, "store_file",
         named + " can be written by others: its mode is " + ModeText(status.st_mode),
         "chmod 600 it, then `rowseal verify`"});
  } else if ((status.st_mode & 077) != 0) {
    findings.push_back({Severity::kWarning, "store_file",
                        named + " can be read by others: its mode is " + ModeText(status.st_mode) +
                            "; names, kinds, times and the audit log stand there in the clear",
                        "chmod 600 it"});
  }
  CheckOwner(status, "store_file", named, findings);
}

}  // namespace

bool IsTemporaryPlace(std::string_view absolute_path) noexcept {
  // Not /run: orchestrators mount secrets there.
  constexpr std::array<std::string_view, 3> kPlaces = {"/tmp/", "/var/tmp/", "/dev/shm/"};
  return std::ranges::any_of(
      kPlaces, [&](std::string_view place) { return absolute_path.starts_with(place); });
}

bool ShareABackup(const std::string& folder, const std::string& other) {
  const auto holds = [](const fs::path& outer, const fs::path& inner) {
    return outer != outer.root_path() &&
           std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
               outer.end();
  };
  return folder == other || holds(folder, other) || holds(other, folder);
}

FileReport CheckRoot(std::string_view uri, const std::string& store) {
  if (uri.starts_with(kEnvScheme)) {
    return CheckEnvRoot(std::string(uri.substr(kEnvScheme.size())));
  }
  const Result<std::optional<RootFile>> file = FileOfRoot(uri);
  if (!file) {
    return {{{Severity::kError, "root", file.error().message, file.error().hint}}, false};
  }
  if (!*file && uri != kPassphraseScheme) {
    return {{{Severity::kOk, "root", Printable(uri) + " keeps no key here", {}}}, true};
  }
  if (!*file) {
    return {
        {{Severity::kOk, "root_passphrase", "the passphrase stands nowhere, and is asked for", {}}},
        true};
  }
  return CheckRootFile(**file, store);
}

FileReport CheckStoreFiles(const std::string& store) {
  FileReport report;
  struct stat status {};
  if (stat(store.c_str(), &status) != 0) {
    return {{{Severity::kError, "store_file",
              "there is no store at " + Quoted(store) + ": " + std::strerror(errno),
              "give its path, or make one: rowseal init"}},
            false};
  }
  if (!S_ISREG(status.st_mode)) {
    return {{{Severity::kError, "store_file", Quoted(store) + " is not a regular file",
              "give the path of the store"}},
            false};
  }
  CheckStoreFile(store, status, report.findings);
  for (const char* end : {"-wal", "-shm"}) {
    struct stat beside {};
    if (stat((store + end).c_str(), &beside) == 0) {
      CheckStoreFile(store + end, beside, report.findings);
    }
  }
  if (report.findings.empty()) {
    report.findings.push_back(
        {Severity::kOk, "store_file", Quoted(store) + " is its owner's alone", {}});
  }
  const std::string canonical = Canonical(store);
  CheckFolders(FolderOf(canonical), "store_folder", Quoted(store), report.findings);
  if (IsTemporaryPlace(canonical)) {
    report.findings.push_back(
        {Severity::kWarning, "store_folder",
         Quoted(store) + " stands in a temporary folder: a reboot or a cleaner takes it away",
         "move it"});
  }
  return report;
}

Finding CheckDiskSpace(std::uint64_t free_bytes) {
  const std::string free = std::to_string(free_bytes / (1024 * 1024)) + " MiB are free";
  if (free_bytes < kFreeBytesNeeded) {
    return {Severity::kError, "disk_space", free + " on the store's disk",
            "make room: a full disk stops reads too, because each is logged"};
  }
  if (free_bytes < kFreeBytesWanted) {
    return {Severity::kWarning, "disk_space", "only " + free + " on the store's disk",
            "make room: the audit log grows with every read"};
  }
  return {Severity::kOk, "disk_space", "the store's disk has room", {}};
}

std::uint64_t FreeBytes(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) {
    return 0;
  }
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace rowseal
