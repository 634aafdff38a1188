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

Result<void> SyncFolder(const std::string& folder) {
  const FileDescriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0 || fsync(opened.number()) != 0) {
    return SystemFailure("cannot sync folder", folder);
  }
  return {};
}

// Reads what a root comes from, at most `kMaxFileSize` bytes of it, once its mode has been looked
// at. `name` begins every message.
Result<SecretBytes> ReadGuarded(const std::string& path, FileExposure exposure,
                                const std::string& name, std::string_view when_missing) {
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
                "chmod 600 it; for a mounted secret whose mode is not yours, append ?mounted");
  }
  // Its owner reads and exchanges it, whatever its mode.
  if (exposure == FileExposure::kOwnerOnly && status.st_uid != 0 && status.st_uid != geteuid()) {
    return Fail(ErrorCode::kRootKeyExposed,
                name + " belongs to another user (uid " + std::to_string(status.st_uid) + ")",
                "chown it to the user that runs this; for a mounted secret whose owner is not"
                " yours, append ?mounted");
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
  ROWSEAL_ASSIGN(const SecretBytes text,
                 ReadGuarded(path, exposure, name,
                             "give the path of the root key; without it nothing can be opened"));
  return Naming(name, DecodeRootKey(text.Reveal()));
}

Result<SecretBytes> ReadPassphraseFile(const std::string& path, FileExposure exposure) {
  const std::string name = "passphrase file '" + Printable(path) + "'";
  ROWSEAL_ASSIGN(const SecretBytes text,
                 ReadGuarded(path, exposure, name,
                             "give the path of the passphrase's file; without the passphrase"
                             " nothing can be opened"));
  return Naming(name, DecodePassphrase(text.Reveal()));
}

Result<SecretBytes> ReadRecoveryKeyFile(const std::string& path) {
  Result<SecretBytes> text =
      ReadGuarded(path, FileExposure::kOwnerOnly, "recovery key file '" + Printable(path) + "'",
                  "give the path of the file that `rowseal recovery keygen` wrote");
  if (!text && text.error().code == ErrorCode::kRootKeyExposed) {
    text.error().hint = "chmod 600 it, and ask who read it";
  }
  return text;
}

Result<void> CreateRootKeyFile(const std::string& path) {
  ROWSEAL_ASSIGN(const SecretBytes key, RandomSecret(kKeySize));
  ROWSEAL_ASSIGN(const SecretBytes text, EncodeRootKey(key));
  return CreateSecretFile(path, text);
}

Result<void> CreateSecretFile(const std::string& path, const SecretBytes& text) {
  namespace fs = std::filesystem;

  const fs::path parent = fs::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
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
