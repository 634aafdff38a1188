#pragma once

#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

enum class FileExposure : std::uint8_t { kOwnerOnly, kMounted };

/// ReadRootKeyFile reads and decodes a root key file. Errors: kRootKeyMissing, kRootKeyExposed
/// (`exposure` is kOwnerOnly, and mode & 077 is not 0 or the owner is neither root nor the
/// effective user), kRootKeyMalformed.
Result<SecretBytes> ReadRootKeyFile(const std::string& path, FileExposure exposure);

/// ReadPassphraseFile reads a passphrase: the file's bytes, less one final newline. Errors: as
/// ReadRootKeyFile (kRootKeyMalformed: empty, or over kMaxPassphraseSize).
Result<SecretBytes> ReadPassphraseFile(const std::string& path, FileExposure exposure);

/// ReadRecoveryKeyFile reads the text of a recovery key file, which is its owner's alone as above.
/// Errors: kRootKeyMissing, kRootKeyExposed, kRootKeyMalformed (no regular file).
Result<SecretBytes> ReadRecoveryKeyFile(const std::string& path);

/// CreateSecretFile writes `text` and a newline to `path` with mode 0600: a temporary file, fsync,
/// a link that never overwrites, fsync of the folder. Errors: kConflict when `path` exists,
/// kUnavailable or kResourceExhausted for the file system's.
Result<void> CreateSecretFile(const std::string& path, const SecretBytes& text);

/// CheckMayCreateFile finds what CreateSecretFile would fail of, so that nothing else is made in
/// vain. Errors: kRootKeyMissing (`path` is a link that leads nowhere), kUnavailable (its folder).
Result<void> CheckMayCreateFile(const std::string& path);

/// CreateRootKeyFile writes a fresh random root key to `path` as CreateSecretFile does.
Result<void> CreateRootKeyFile(const std::string& path);

}  // namespace rowseal
