#pragma once

#include <array>
#include <cstdint>

#include <rowseal/error.h>

namespace rowseal {

/// Nonce96 returns 12 random bytes for an app's own use of AES-GCM.
///
/// Rowseal's own calls never take a nonce: they make it themselves. If you encrypt by yourself, one
/// key may seal at most 2^32 messages with random 96-bit nonces, all processes together (SP 800-38D
/// section 8.3), and a single repetition gives the key's authentication away. Prefer Nonce192 with
/// XAES-256-GCM or XChaCha20-Poly1305. Errors: kRandomFailure. Threads: any.
Result<std::array<std::uint8_t, 12>> Nonce96();

/// Nonce192 returns 24 random bytes: 2^80 messages a key at a risk under 2^-32 that any two repeat.
/// Errors: kRandomFailure. Threads: any.
Result<std::array<std::uint8_t, 24>> Nonce192();

}  // namespace rowseal
