#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/passphrase.h>
#include <rowseal/secret_bytes.h>

namespace rowseal::cli {

/// ReadSecretInput reads a secret byte for byte: from `@FILE`, or from stdin. When stdin is a
/// terminal it asks `prompt` there and reads one line without showing it. Errors: kInvalidArgument
/// (over 16 MiB, not readable, or a value in place of @FILE, which is not repeated).
Result<SecretBytes> ReadSecretInput(const std::optional<std::string>& at_file,
                                    std::string_view prompt);

/// ReadSealedInput reads a sealed value from stdin. Errors: kInvalidArgument.
Result<SecretBytes> ReadSealedInput();

/// AskForPassphrase asks for a passphrase on the terminal of this process, whatever stdin is, and
/// does not show it; for a new store it asks twice. Errors: kRootKeyMissing (there is no terminal,
/// or nothing was typed), kInvalidArgument (the two differ).
Result<SecretBytes> AskForPassphrase(PassphraseUse use);

/// Confirm asks a question on the terminal, unless `yes` was given already. Errors: kConflict (the
/// answer does not begin with `y`; the message is `otherwise`), kInvalidArgument (stdin is no
/// terminal, so nothing can be asked), with a hint to --yes.
Result<void> Confirm(bool yes, std::string_view question,
                     std::string_view otherwise = "nothing was changed");

}  // namespace rowseal::cli
