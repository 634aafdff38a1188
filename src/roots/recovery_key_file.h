#pragma once

#include <memory>
#include <string>

#include <rowseal/error.h>
#include <rowseal/passphrase.h>

#include "crypto/kdf.h"
#include "roots/recovery_root.h"

namespace rowseal {

/// A recovery key file holds the private key of a `recovery:` root under a passphrase, so that a
/// copy of the file alone opens nothing. One line: `rsrecoverykey1` and checked text
/// (checked_text.h) of the passphrase's public part 26 ‖ public key 32 ‖ wrapped private key 74.
/// Form: docs/spec/keys.md.

/// CreateRecoveryKeyFile draws a key pair, writes the private key to `path` (mode 0600, never
/// overwritten) and returns the root. Errors: kInvalidArgument (a passphrase under
/// kMinPassphraseSize), kConflict, kRandomFailure, the file system's.
Result<std::shared_ptr<const RecoveryRoot>> CreateRecoveryKeyFile(const std::string& path,
                                                                  const SecretBytes& passphrase,
                                                                  Argon2idCost cost = {});

/// OpenRecoveryKeyFile gives the private key. Errors: kRootKeyMissing, kRootKeyExposed,
/// kRootKeyMalformed, kRootKeyMismatch (the passphrase is another).
Result<std::shared_ptr<const RecoveryKey>> OpenRecoveryKeyFile(const std::string& path,
                                                               const SecretBytes& passphrase);

}  // namespace rowseal
