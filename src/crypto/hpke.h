#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// HPKE (RFC 9180) in its base mode with one suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
/// AES-256-GCM. It encrypts to a public key whose private key is elsewhere, so whoever encrypts
/// cannot decrypt.
///
/// It says nothing about who encrypted: anybody with the public key can. What authenticates is
/// above it (the tag of the row in which the ciphertext stands). One message a key agreement; there
/// is no sequence, and the ephemeral key is drawn inside.

inline constexpr std::size_t kHpkeKeySize = 32;   ///< bytes, of either key
inline constexpr std::size_t kHpkeOverhead = 48;  ///< bytes: encapsulated key 32, tag 16
using HpkePublicKey = std::array<std::uint8_t, kHpkeKeySize>;

/// NewHpkePrivateKey draws a private key. Errors: kRandomFailure, kResourceExhausted.
Result<SecretBytes> NewHpkePrivateKey();

/// PublicKeyOf computes the public key. Errors: kInvalidArgument (not 32 bytes).
Result<HpkePublicKey> PublicKeyOf(const SecretBytes& private_key);

/// HpkeSeal writes encapsulated key ‖ ciphertext ‖ tag. `info` says what the message is for, and
/// `context` is bound as associated data. Errors: kInvalidArgument (a public key with which no
/// secret can be agreed), kRandomFailure.
Result<Bytes> HpkeSeal(const HpkePublicKey& public_key, ByteView info, ByteView context,
                       ByteView plaintext);

/// HpkeOpen opens what HpkeSeal wrote. Errors: kIntegrity (another key, info or context, damaged).
Result<SecretBytes> HpkeOpen(const SecretBytes& private_key, ByteView info, ByteView context,
                             ByteView sealed);

/// HpkeKnownAnswer gives tests what the library does not have: an ephemeral key of their choice.
struct HpkeKnownAnswer {
  static Result<Bytes> SealWithEphemeral(const SecretBytes& ephemeral_key,
                                         const HpkePublicKey& public_key, ByteView info,
                                         ByteView context, ByteView plaintext);
};

namespace internal {

/// HpkeSchedule is the key schedule's result (RFC 9180 section 5.1): key 32 ‖ base nonce 12.
struct HpkeSchedule {
  SecretBytes shared_secret;
  SecretBytes key;
  std::array<std::uint8_t, 12> base_nonce{};
};

/// HpkeScheduleOf agrees on a secret between one side's private key and the other side's public key
/// and derives from it. `encapsulated` and `recipient` are the two public keys of the KEM context.
Result<HpkeSchedule> HpkeScheduleOf(const SecretBytes& own_private, ByteView other_public,
                                    ByteView encapsulated, ByteView recipient, ByteView info);

/// HpkeSealUnder seals with the ephemeral key given.
Result<Bytes> HpkeSealUnder(const SecretBytes& ephemeral_key, const HpkePublicKey& public_key,
                            ByteView info, ByteView context, ByteView plaintext);

}  // namespace internal
}  // namespace rowseal
