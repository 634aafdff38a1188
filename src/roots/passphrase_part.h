#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "crypto/kdf.h"

namespace rowseal {

/// PassphrasePart is the public part of a passphrase's row in `root_key`: what turns the passphrase
/// into that row's root key. version 1 ‖ KDF 1 ‖ passes 4 ‖ memory in KiB 4 ‖ salt 16, integers
/// big-endian, 26 bytes. KDF 1 is Argon2id, version 0x13, one lane. Format: docs/spec/keys.md.
struct PassphrasePart {
  Argon2idCost cost;
  std::array<std::uint8_t, kArgon2idSaltSize> salt{};
};

inline constexpr std::size_t kPassphrasePartSize = 26;  ///< bytes

/// The costs that are written, and so the only ones that are read: the row is read before its tag
/// can be checked, so whoever can write the store chooses the numbers.
///
/// The least is OWASP ASVS 5 (appendix C) for three passes. The most is 2 GiB filled once, however
/// it is shared between passes and memory: about eleven times the default, a few seconds.
inline constexpr std::uint32_t kMinPassphrasePasses = 3;
inline constexpr std::uint32_t kMaxPassphrasePasses = 16;
inline constexpr std::uint32_t kMinPassphraseMemoryKib = 12'288;     // 12 MiB
inline constexpr std::uint32_t kMaxPassphraseMemoryKib = 1'048'576;  // 1 GiB
inline constexpr std::uint64_t kMaxPassphraseWorkKib = 2'097'152;    // passes · memory

/// CheckPassphraseCost holds a cost to these bounds. Errors: kInvalidArgument.
Result<void> CheckPassphraseCost(Argon2idCost cost);

/// IsPassphrasePart tells whether a public part claims this form: its size, version and KDF. Other
/// roots' parts do not.
bool IsPassphrasePart(ByteView bytes) noexcept;

Bytes EncodePassphrasePart(const PassphrasePart& part);

/// DecodePassphrasePart accepts exactly what EncodePassphrasePart writes for a cost within the
/// bounds, before any work is done for it. Errors: kIntegrity.
Result<PassphrasePart> DecodePassphrasePart(ByteView bytes);

}  // namespace rowseal
