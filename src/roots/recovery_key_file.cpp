#include "roots/recovery_key_file.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/random.h"
#include "crypto/xaes_256_gcm.h"
#include "envelope/field_writer.h"
#include "envelope/wrapped_key.h"
#include "roots/checked_text.h"
#include "roots/passphrase_part.h"
#include "roots/root_key_file.h"

namespace rowseal {
namespace {

constexpr std::string_view kKeyPrefix = "rsrecoverykey1";
constexpr std::size_t kFileSize = kPassphrasePartSize + kHpkeKeySize + kWrappedKeySize;

// Bound to the public key and to the passphrase's cost, so that no part of one file serves in
// another.
Bytes ContextOf(ByteView passphrase_part, ByteView public_key) {
  return FieldWriter("rowseal/v1/recovery-key").Add(passphrase_part).Add(public_key).Take();
}

Result<XaesKey> KeyOf(const SecretBytes& passphrase, const PassphrasePart& part) {
  ROWSEAL_ASSIGN(SecretBytes key, Argon2id(passphrase.Reveal(), part.salt, part.cost, kKeySize));
  return XaesKey::Create(std::move(key));
}

tl::unexpected<Error> Malformed(const std::string& path, std::string_view defect) {
  return Fail(ErrorCode::kRootKeyMalformed,
              "recovery key file '" + Printable(path) + "' " + std::string(defect),
              "take another copy of the file that `rowseal recovery keygen` wrote");
}

}  // namespace

Result<std::shared_ptr<const RecoveryRoot>> CreateRecoveryKeyFile(const std::string& path,
                                                                  const SecretBytes& passphrase,
                                                                  Argon2idCost cost) {
  if (passphrase.size() < kMinPassphraseSize) {
    return Fail(ErrorCode::kInvalidArgument,
                "the passphrase is too short: it needs at least " +
                    std::to_string(kMinPassphraseSize) + " bytes",
                "whoever copies the file can try passphrases; take six random words");
  }
  ROWSEAL_TRY(CheckPassphraseCost(cost));
  PassphrasePart part{cost, {}};
  ROWSEAL_TRY(FillRandom(part.salt));
  const Bytes part_bytes = EncodePassphrasePart(part);
  ROWSEAL_ASSIGN(const XaesKey wrapping_key, KeyOf(passphrase, part));
  ROWSEAL_ASSIGN(const SecretBytes private_key, NewHpkePrivateKey());
  ROWSEAL_ASSIGN(const HpkePublicKey public_key, PublicKeyOf(private_key));
  WrappedKey wrapped;
  ROWSEAL_TRY(wrapping_key.Seal(private_key.Reveal(), ContextOf(part_bytes, public_key),
                                wrapped.nonce, wrapped.sealed_key));
  Bytes content = part_bytes;
  content.insert(content.end(), public_key.begin(), public_key.end());
  const Bytes wrapped_bytes = EncodeWrappedKey(wrapped);
  content.insert(content.end(), wrapped_bytes.begin(), wrapped_bytes.end());
  ROWSEAL_ASSIGN(const SecretBytes text, EncodeCheckedText(kKeyPrefix, content));
  ROWSEAL_TRY(CreateSecretFile(path, text));
  return RecoveryRoot::FromPublicPart(public_key);
}

Result<std::shared_ptr<const RecoveryKey>> OpenRecoveryKeyFile(const std::string& path,
                                                               const SecretBytes& passphrase) {
  ROWSEAL_ASSIGN(const SecretBytes file, ReadRecoveryKeyFile(path));
  ByteView text = file.Reveal();
  if (!text.empty() && text.back() == '\n') {
    text = text.first(text.size() - 1);
  }
  const Result<SecretBytes> content = DecodeCheckedText(kKeyPrefix, text, kFileSize);
  if (!content && content.error().code == ErrorCode::kRootKeyMalformed) {
    return Malformed(path, content.error().message);
  }
  if (!content) {
    return tl::unexpected(content.error());
  }
  const ByteView part_bytes = content->Reveal().first(kPassphrasePartSize);
  const ByteView public_key = content->Reveal().subspan(kPassphrasePartSize, kHpkeKeySize);
  const Result<PassphrasePart> part = DecodePassphrasePart(part_bytes);
  const Result<WrappedKey> wrapped =
      DecodeWrappedKey(content->Reveal().subspan(kPassphrasePartSize + kHpkeKeySize));
  if (!part || !wrapped) {
    return Malformed(path, "is of another format");
  }
  ROWSEAL_ASSIGN(const XaesKey wrapping_key, KeyOf(passphrase, *part));
  ROWSEAL_ASSIGN(SecretBuffer private_key, SecretBuffer::Create(kHpkeKeySize));
  const Result<void> opened =
      wrapping_key.Open(wrapped->sealed_key, ContextOf(part_bytes, public_key), wrapped->nonce,
                        private_key.Writable());
  if (!opened && opened.error().code == ErrorCode::kIntegrity) {
    return Fail(ErrorCode::kRootKeyMismatch,
                "the passphrase is not that of recovery key file '" + Printable(path) + "'",
                "every letter, space and capital counts");
  }
  ROWSEAL_TRY(opened);
  private_key.SetSize(kHpkeKeySize);
  ROWSEAL_ASSIGN(std::shared_ptr<const RecoveryKey> key,
                 RecoveryKey::Create(std::move(private_key).Take()));
  if (!std::ranges::equal(key->public_part(), public_key)) {
    return Malformed(path, "holds another private key than its public key's");
  }
  return key;
}

}  // namespace rowseal
