#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/passphrase.h>

#include "keys/records.h"
#include "keys/root_provider.h"
#include "roots/root_key_file.h"

namespace rowseal {

/// OpenRoot makes the provider that `uri` names, for a store that exists:
/// - `file:PATH` reads a root key file; refused when group or others have any right on it, unless
///   the URI ends in `?mounted` (an orchestrator's mount, whose modes it chooses);
/// - `env:NAME` reads an environment variable; it is left as it is, the host owns it;
/// - `exec:PROGRAM` starts a program, and asks it which key it uses;
/// - `aws-kms:ARN` asks AWS KMS, but nothing yet;
/// - `recovery:PUBLIC-KEY` wraps to a key that is elsewhere, and opens nothing;
/// - `passphrase:` calls `ask`; `passphrase:@PATH` reads a file, under the rules of `file:`. The
/// key
///   follows from the store's row, so that provider has no fingerprint yet.
/// Everything after the colon is literal up to `?`; a relative path is made absolute.
/// Errors: kInvalidArgument (scheme), kRootKeyMissing (also: nobody to ask), kRootKeyMalformed,
/// kRootKeyExposed, and those of `ask`. No message repeats what a passphrase may have been typed
/// into.
Result<std::shared_ptr<const RootProvider>> OpenRoot(std::string_view uri,
                                                     const AskPassphrase& ask = {});

/// OpenWrapOnlyRoot gives the provider of a row from the row alone where that is all that wrapping
/// takes, a public key; nullptr for other kinds. The row's tag must have been verified. Errors:
/// kIntegrity.
Result<std::shared_ptr<const RootProvider>> OpenWrapOnlyRoot(const RootRecord& row);

/// NewRoot makes the provider of a root that is to be added to a store: as OpenRoot, and a
/// passphrase gets a salt and so has its key. Errors: OpenRoot's, kInvalidArgument (a passphrase
/// under kMinPassphraseSize), kRandomFailure, kResourceExhausted.
Result<std::shared_ptr<const RootProvider>> NewRoot(std::string_view uri,
                                                    const AskPassphrase& ask = {});

/// RootFile is the file that a `file:PATH` or `passphrase:@PATH` root comes from.
struct RootFile {
  std::string path;  ///< absolute
  FileExposure exposure = FileExposure::kOwnerOnly;
};

/// FileOfRoot gives the file of a root, or nothing for one that has none; it reads no file. Errors:
/// kInvalidArgument (as OpenRoot), kRootKeyMissing (the working directory is gone).
Result<std::optional<RootFile>> FileOfRoot(std::string_view uri);

}  // namespace rowseal
