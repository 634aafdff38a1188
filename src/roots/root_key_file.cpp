#include "roots/root_key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <rowseal/passphrase.h>

#include "base/encoding.h"
#include "crypto/random.h"
#include "crypto/xaes_256_gcm.h"
#include "roots/passphrase_root.h"
#include "roots/root_key_text.h"

namespace rowseal {
namespace {

// Bytes; a root key has 66. A longer file is read this far, and is too long for either.
constexpr std::size_t kMaxFileSize = 4096;
static_assert(kMaxFileSize > kMaxPassphraseSize + 1);

constexpr std::string_view kOrMounted =
    "; for a mounted secret whose owner or mode is not yours, append ?mounted";

class FileDescriptor final {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }
  int number() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> SystemFailure(std::string_view what, const std::string& path) {
  const int cause = errno;
  const bool full = cause == ENOSPC || cause == EDQUOT;
  return Fail(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
              std::string(what) + " '" + Printable(path) + "': " + std::strerror(cause),
              full ? "free disk space, then retry" : "check the path and its rights");
}

Result<void> WriteAll(int file, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return SystemFailure("cannot write", path);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

std::string FolderOf(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Result<void> SyncFolder(const std::string& folder) {
  const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0 || fsync(opened.number()) != 0) {
    return SystemFailure("cannot sync folder", folder);
  }
  return {};
}

// Reads what a root comes from, at most `kMaxFileSize` bytes of it, once its owner and mode have
// been looked at. `name` begins every message, and `or_else` ends the hint of a file that is
// exposed.
Result<SecretBytes> ReadGuarded(const std::string& path, FileExposure exposure,
                                const std::string& name, std::string_view when_missing,
                                std::string_view or_else) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.number() < 0) {
    return Fail(ErrorCode::kRootKeyMissing, name + ": " + std::strerror(errno),
                std::string(when_missing));
  }
  struct stat status {};
  if (fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kRootKeyMalformed, name + " is not a regular file");
  }
  if (exposure == FileExposure::kOwnerOnly && (status.st_mode & 077) != 0) {
    return Fail(ErrorCode::kRootKeyExposed, name + " can be read or written by others",
                "chmod 600 " + ShellWord(path) + ", and ask who read it" + std::string(or_else));
  }
  // Its owner reads and exchanges it, whatever its mode.
  if (exposure == FileExposure::kOwnerOnly && status.st_uid != 0 && status.st_uid != geteuid()) {
    return Fail(ErrorCode::kRootKeyExposed,
                name + " belongs to another user (uid " + std::to_string(status.st_uid) + ")",
                "chown " + std::to_string(geteuid()) + " " + ShellWord(path) +
                    ", and ask who read it" + std::string(or_else));
  }
  ROWSEAL_ASSIGN(SecretBuffer text, SecretBuffer::Create(kMaxFileSize));
  std::size_t size = 0;
  while (size < kMaxFileSize) {
    const ssize_t got = read(file.number(), text.Writable().data() + size, kMaxFileSize - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Fail(ErrorCode::kRootKeyMissing, name + ": " + std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  text.SetSize(size);
  return std::move(text).Take();
}

Result<SecretBytes> Naming(const std::string& name, Result<SecretBytes> secret) {
  if (!secret) {
    secret.error().message = name + ": " + secret.error().message;
  }
  return secret;
}

}  // namespace

Result<SecretBytes> ReadRootKeyFile(const std::string& path, FileExposure exposure) {
  const std::string name = "root key file '" + Printable(path) + "'";
  ROWSEAL_ASSIGN(
      const SecretBytes text,
      ReadGuarded(path, exposure, name,
                  "give the path of the root key; without it nothing can be opened", kOrMounted));
  return Naming(name, DecodeRootKey(text.Reveal()));
}

Result<SecretBytes> ReadPassphraseFile(const std::string& path, FileExposure exposure) {
  const std::string name = "passphrase file '" + Printable(path) + "'";
  ROWSEAL_ASSIGN(const SecretBytes text,
                 ReadGuarded(path, exposure, name,
                             "give the path of the passphrase's file; without the passphrase"
                             " nothing can be opened",
                             kOrMounted));
  return Naming(name, DecodePassphrase(text.Reveal()));
}

Result<SecretBytes> ReadRecoveryKeyFile(const std::string& path) {
  return ReadGuarded(path, FileExposure::kOwnerOnly, "recovery key file '" + Printable(path) + "'",
                     "give the path of the file that `rowseal recovery keygen` wrote", {});
}

Result<void> CheckMayCreateFile(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
    return Fail(ErrorCode::kRootKeyMissing,
                "'" + Printable(path) + "' is a link that leads nowhere",
                "remove it, or name the file that the root key is to be in");
  }
  const std::string folder = FolderOf(path);
  return access(folder.c_str(), W_OK | X_OK) == 0
             ? Result<void>()
             : SystemFailure("cannot create a key file in", folder);
}

Result<void> CreateRootKeyFile(const std::string& path) {
  ROWSEAL_ASSIGN(const SecretBytes key, RandomSecret(kKeySize));
  ROWSEAL_ASSIGN(const SecretBytes text, EncodeRootKey(key));
  return CreateSecretFile(path, text);
}

Result<void> CreateSecretFile(const std::string& path, const SecretBytes& text) {
  const std::string folder = FolderOf(path);
  std::string temporary = folder + "/.rowseal-root-XXXXXX";
  const FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (file.number() < 0) {
    return SystemFailure("cannot create a key file in", folder);
  }
  const std::uint8_t newline = '\n';
  Result<void> done = WriteAll(file.number(), text.Reveal(), temporary);
  if (done) {
    done = WriteAll(file.number(), ByteView(&newline, 1), temporary);
  }
  if (done && fsync(file.number()) != 0) {
    done = SystemFailure("cannot sync", temporary);
  }
  // A link fails where a rename would overwrite somebody's key.
  if (done && link(temporary.c_str(), path.c_str()) != 0) {
    done = errno == EEXIST ? Fail(ErrorCode::kConflict, "'" + Printable(path) + "' exists already",
                                  "a key is never overwritten; choose another path")
                           : SystemFailure("cannot create", path);
  }
  unlink(temporary.c_str());
  ROWSEAL_TRY(std::move(done));
  return SyncFolder(folder);
}

}  // namespace rowseal
