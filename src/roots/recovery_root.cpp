#include "roots/recovery_root.h"

#include <algorithm>

#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "envelope/field_writer.h"
#include "roots/checked_text.h"

namespace rowseal {
namespace {

constexpr std::string_view kUriPrefix = "rsrecovery1";
constexpr std::uint8_t kPartVersion = 1;  // of the wrapped form
constexpr std::size_t kWrappedSize = 1 + kHpkeOverhead + kKeySize;

Bytes Info() { return FieldWriter("rowseal/v1/recovery").Take(); }

HpkePublicKey KeyOf(ByteView bytes) {
  HpkePublicKey key{};
  std::ranges::copy(bytes, key.begin());
  return key;
}

}  // namespace

// There is no secret to make a fingerprint of, and none to keep: it is a hash of the public key.
Result<std::shared_ptr<const RecoveryRoot>> RecoveryRoot::Of(const HpkePublicKey& key) {
  ROWSEAL_ASSIGN(const SecretBytes text, EncodeCheckedText(kUriPrefix, key));
  ROWSEAL_ASSIGN(const Mac hash,
                 Sha256(FieldWriter("rowseal/v1/fingerprint").Add(ByteView(key)).bytes()));
  return std::shared_ptr<const RecoveryRoot>(
      new RecoveryRoot(std::string(kRecoveryScheme) + std::string(AsText(text.Reveal())), key,
                       Bytes(hash.begin(), hash.end())));
}

Result<std::shared_ptr<const RecoveryRoot>> RecoveryRoot::FromUri(std::string_view uri) {
  const std::string_view text = uri.substr(std::min(uri.size(), kRecoveryScheme.size()));
  const Result<SecretBytes> key = DecodeCheckedText(kUriPrefix, AsBytes(text), kHpkeKeySize);
  if (!key && key.error().code == ErrorCode::kRootKeyMalformed) {
    return Fail(ErrorCode::kInvalidArgument,
                "the public key of a recovery: root " + key.error().message,
                "give the line that `rowseal recovery keygen` printed; the private key's file"
                " stays offline");
  }
  if (!key) {
    return tl::unexpected(key.error());
  }
  return Of(KeyOf(key->Reveal()));
}

Result<std::shared_ptr<const RecoveryRoot>> RecoveryRoot::FromPublicPart(ByteView public_part) {
  if (public_part.size() != kHpkeKeySize) {
    return Fail(ErrorCode::kIntegrity, "the public part of a recovery: root is no public key");
  }
  return Of(KeyOf(public_part));
}

Result<Bytes> RecoveryRoot::Wrap(const SecretBytes& wrapping_secret, ByteView context) const {
  if (wrapping_secret.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a wrapping secret has 32 bytes");
  }
  ROWSEAL_ASSIGN(const Bytes sealed,
                 HpkeSeal(public_key_, Info(), context, wrapping_secret.Reveal()));
  Bytes wrapped = {kPartVersion};
  wrapped.insert(wrapped.end(), sealed.begin(), sealed.end());
  return wrapped;
}

Result<SecretBytes> RecoveryRoot::Unwrap(ByteView /*wrapped*/, ByteView /*context*/) const {
  return Fail(ErrorCode::kRefusedByState,
              "a recovery: root only wraps; its private key is not in this process",
              "rowseal recovery open, with the file of the private key");
}

Result<std::shared_ptr<const RecoveryKey>> RecoveryKey::Create(SecretBytes private_key) {
  ROWSEAL_ASSIGN(const HpkePublicKey public_key, PublicKeyOf(private_key));
  ROWSEAL_ASSIGN(std::shared_ptr<const RecoveryRoot> root,
                 RecoveryRoot::FromPublicPart(public_key));
  return std::shared_ptr<const RecoveryKey>(
      new RecoveryKey(std::move(private_key), std::move(root)));
}

Result<SecretBytes> RecoveryKey::Unwrap(ByteView wrapped, ByteView context) const {
  if (wrapped.size() != kWrappedSize || wrapped[0] != kPartVersion) {
    return Fail(ErrorCode::kIntegrity, "a wrapping secret for recovery is not of a known form");
  }
  return HpkeOpen(private_key_, Info(), context, wrapped.subspan(1));
}

}  // namespace rowseal
