#include "keys/wrapping.h"

#include <algorithm>

#include "crypto/mac.h"
#include "crypto/random.h"
#include "envelope/contexts.h"
#include "envelope/wrapped_key.h"
#include "keys/check_value.h"

namespace rowseal {
namespace {

Bytes ToBytes(const Mac& mac) { return Bytes(mac.begin(), mac.end()); }

Result<Bytes> WrapKey(const XaesKey& wrapping_key, const XaesKey& key, ByteView context) {
  WrappedKey wrapped;
  ROWSEAL_TRY(wrapping_key.Seal(key.bytes().Reveal(), context, wrapped.nonce, wrapped.sealed_key));
  return EncodeWrappedKey(wrapped);
}

// Opens a wrapped key and compares the check value that is stored beside it.
Result<XaesKey> UnwrapKey(const XaesKey& wrapping_key, ByteView encoded, ByteView context,
                          std::string_view id, ByteView check_value, ExpandedForm form) {
  ROWSEAL_ASSIGN(const WrappedKey wrapped, DecodeWrappedKey(encoded));
  ROWSEAL_ASSIGN(SecretBuffer raw, SecretBuffer::Create(kKeySize));
  ROWSEAL_TRY(wrapping_key.Open(wrapped.sealed_key, context, wrapped.nonce, raw.Writable()));
  raw.SetSize(kKeySize);
  ROWSEAL_ASSIGN(XaesKey key, XaesKey::Create(std::move(raw).Take(), form));
  ROWSEAL_ASSIGN(const Mac expected, CheckValue(key, id));
  if (!EqualInConstantTime(expected, check_value)) {
    return Fail(ErrorCode::kIntegrity, "the unwrapped key does not match its check value");
  }
  return key;
}

Bytes ContextOf(const KekRecord& record, InstallationId installation, RootId root) {
  return EncodeContext(KekContext{installation, record.id, record.scope, ToText(record.purpose),
                                  record.check_value, root});
}

Bytes ContextOf(const DekRecord& record, KekId kek, InstallationId installation) {
  return EncodeContext(DekContext{installation, record.project, record.id, ToText(record.purpose),
                                  record.suite, record.check_value, kek});
}

// Names the row in an integrity error; other errors name their object already.
Error Naming(Error error, const std::string& row) {
  if (error.code == ErrorCode::kIntegrity) {
    error.message = row + ": " + error.message;
    error.hint = "restore this row from a backup";
  }
  return error;
}

}  // namespace

Result<Kek> NewKek(KekRecord& record) {
  ROWSEAL_ASSIGN(XaesKey key, XaesKey::Generate(ExpandedForm::kForOneCall));
  ROWSEAL_ASSIGN(const Mac check, CheckValue(key, ToText(record.id)));
  record.check_value = ToBytes(check);
  return Kek{record.id, std::move(key)};
}

Result<WrappingRecord> WrapKek(const Kek& kek, const KekRecord& record, InstallationId installation,
                               RootId root, const RootProvider& provider) {
  const Bytes context = ContextOf(record, installation, root);
  ROWSEAL_ASSIGN(const XaesKey wrapping_key, XaesKey::Generate());
  WrappingRecord wrapping;
  wrapping.kek = kek.id;
  wrapping.root = root;
  ROWSEAL_ASSIGN(wrapping.secret, provider.Wrap(wrapping_key.bytes(), context));
  ROWSEAL_ASSIGN(wrapping.key, WrapKey(wrapping_key, kek.key, context));
  return wrapping;
}

Result<Kek> UnwrapKek(const KekRecord& record, const WrappingRecord& wrapping,
                      InstallationId installation, const RootProvider& provider) {
  const auto naming = [&](Error error) {
    return Naming(std::move(error),
                  "the wrapping of KEK " + ToText(record.id) + " by root " + ToText(wrapping.root));
  };
  const Bytes context = ContextOf(record, installation, wrapping.root);
  Result<SecretBytes> secret = provider.Unwrap(wrapping.secret, context);
  if (!secret) {
    return tl::unexpected(naming(std::move(secret).error()));
  }
  Result<XaesKey> wrapping_key = XaesKey::Create(std::move(*secret));
  if (!wrapping_key) {
    return Fail(ErrorCode::kIntegrity,
                naming({ErrorCode::kIntegrity, "no wrapping secret", {}}).message);
  }
  Result<XaesKey> key = UnwrapKey(*wrapping_key, wrapping.key, context, ToText(record.id),
                                  record.check_value, ExpandedForm::kForOneCall);
  if (!key) {
    return tl::unexpected(naming(std::move(key).error()));
  }
  return Kek{record.id, std::move(*key)};
}

Result<Dek> NewDek(DekRecord& record, const Kek& kek, InstallationId installation) {
  ROWSEAL_ASSIGN(XaesKey key, XaesKey::Generate());
  ROWSEAL_ASSIGN(const Mac check, CheckValue(key, ToText(record.id)));
  record.kek = kek.id;
  record.check_value = ToBytes(check);
  Dek dek{record.id, std::move(key)};
  ROWSEAL_ASSIGN(record.wrapped_key, WrapDek(dek, record, kek, installation));
  return dek;
}

Result<Bytes> WrapDek(const Dek& dek, const DekRecord& record, const Kek& kek,
                      InstallationId installation) {
  return WrapKey(kek.key, dek.key, ContextOf(record, kek.id, installation));
}

Result<Dek> UnwrapDek(const DekRecord& record, const Kek& kek, InstallationId installation) {
  Result<XaesKey> key =
      UnwrapKey(kek.key, record.wrapped_key, ContextOf(record, kek.id, installation),
                ToText(record.id), record.check_value, ExpandedForm::kKept);
  if (!key) {
    return tl::unexpected(
        Naming(std::move(key).error(),
               "DEK " + ToText(record.id) + " of project '" + record.project.text() + "'"));
  }
  return Dek{record.id, std::move(*key)};
}

}  // namespace rowseal
