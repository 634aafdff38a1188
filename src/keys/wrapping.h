#pragma once

#include <memory>

#include <rowseal/error.h>

#include "crypto/xaes_256_gcm.h"
#include "keys/records.h"
#include "keys/root_provider.h"

namespace rowseal {

/// Kek is an opened key-encryption key. It wraps DEKs, or (purpose `integrity`) makes tags.
struct Kek {
  KekId id;
  XaesKey key;
};

/// Dek is an opened data-encryption key.
struct Dek {
  DekId id;
  XaesKey key;
};

/// NewKek makes a random KEK and fills the record's check value.
Result<Kek> NewKek(KekRecord& record);

/// WrapKek wraps `kek` for one root: a fresh wrapping secret, protected by the provider, and the
/// KEK under that secret by XAES, both bound to the KEK's context. Errors: the provider's.
Result<WrappingRecord> WrapKek(const Kek& kek, const KekRecord& record, InstallationId installation,
                               RootId root, const RootProvider& provider);

/// UnwrapKek opens a KEK and compares its check value. Errors: kIntegrity, the provider's.
Result<Kek> UnwrapKek(const KekRecord& record, const WrappingRecord& wrapping,
                      InstallationId installation, const RootProvider& provider);

/// NewDek makes a random DEK wrapped under `kek`, and fills the record's KEK, check value and
/// wrapped key.
Result<Dek> NewDek(DekRecord& record, const Kek& kek, InstallationId installation);

/// WrapDek wraps `dek` again, under `kek`; the record names the DEK. A rewrap is UnwrapDek and
/// this.
Result<Bytes> WrapDek(const Dek& dek, const DekRecord& record, const Kek& kek,
                      InstallationId installation);

/// UnwrapDek opens a DEK and compares its check value. `kek` is the one the record names.
/// Errors: kIntegrity.
Result<Dek> UnwrapDek(const DekRecord& record, const Kek& kek, InstallationId installation);

}  // namespace rowseal
