#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// A passphrase is a root key that somebody remembers: 1 to 1,024 bytes, taken byte for byte.
/// Nothing is normalised: `é` typed on one machine may be other bytes than on another, and then it
/// is another passphrase. It never stands in a URI, on a command line or in an environment.

/// kMinPassphraseSize is the least for a new store, in bytes. Whoever has a copy of the store can
/// guess at Argon2id's cost, so it must not be guessable; three words are too few, six random ones
/// do. A store that exists takes what it was made with.
inline constexpr std::size_t kMinPassphraseSize = 12;
inline constexpr std::size_t kMaxPassphraseSize = 1024;

/// PassphraseUse says what a passphrase is asked for.
enum class PassphraseUse : std::uint8_t {
  kOpen,    ///< a store that exists
  kCreate,  ///< a new one: ask twice, because a slip of the hand locks it for good
};

/// AskPassphrase gives the passphrase of a root `passphrase:` that names no file, without its line
/// end. It is called on the thread that opens or makes the store, at most once for each such root.
/// Its error is passed on as it is.
using AskPassphrase = std::function<Result<SecretBytes>(PassphraseUse)>;

}  // namespace rowseal
