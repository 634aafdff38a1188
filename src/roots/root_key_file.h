#pragma once

#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

enum class FileExposure : std::uint8_t { kOwnerOnly, kMounted };

/// ReadRootKeyFile reads and decodes a root key file. Errors: kRootKeyMissing, kRootKeyExposed
/// (mode & 077 is not 0 and `exposure` is kOwnerOnly), kRootKeyMalformed.
Result<SecretBytes> ReadRootKeyFile(const std::string& path, FileExposure exposure);

/// ReadPassphraseFile reads a passphrase: the file's bytes, less one final newline. Errors: as
/// ReadRootKeyFile (kRootKeyMalformed: empty, or over kMaxPassphraseSize).
Result<SecretBytes> ReadPassphraseFile(const std::string& path, FileExposure exposure);

/// ReadRecoveryKeyFile reads the text of a recovery key file; others must have no right on it.
/// Errors: kRootKeyMissing, kRootKeyExposed, kRootKeyMalformed (no regular file).
Result<SecretBytes> ReadRecoveryKeyFile(const std::string& path);

/// CreateSecretFile writes `text` and a newline to `path` with mode 0600: a temporary file, fsync,
/// a link that never overwrites, fsync of the folder. Errors: kConflict when `path` exists,
/// kUnavailable or kResourceExhausted for the file system's.
Result<void> CreateSecretFile(const std::string& path, const SecretBytes& text);

/// CreateRootKeyFile writes a fresh random root key to `path` as CreateSecretFile does.
Result<void> CreateRootKeyFile(const std::string& path);

}  // namespace rowseal
