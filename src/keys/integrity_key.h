#pragma once

#include <memory>
#include <optional>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "crypto/mac.h"
#include "keys/records.h"
#include "keys/wrapping.h"

namespace rowseal {

/// IntegrityKey makes and checks the tags over every row that decides trust, so that someone who
/// can write the database cannot redirect a key, change a state or scope, or drop a row unseen.
///
/// A tag is the integrity KEK's id (8 bytes, big-endian) ‖ HMAC-SHA256, 40 bytes: it names its key,
/// so that this key can rotate too. Format: docs/spec/keys.md. Threads: any.
class IntegrityKey final {
 public:
  IntegrityKey(InstallationId installation, std::shared_ptr<const Kek> kek)
      : installation_(installation), kek_(std::move(kek)) {}

  Result<Bytes> Tag(const RootRecord& record) const;
  Result<Bytes> Tag(const KekRecord& record) const;
  Result<Bytes> Tag(const DekRecord& record) const;
  Result<Bytes> Tag(const ColumnRecord& record) const;

  /// TrustTag covers the installation and the whole set: epoch, counters, and the sorted ids and
  /// tags of roots and KEKs and the wrappings, so that a deleted row shows too.
  Result<Bytes> TrustTag(const TrustRows& rows) const;

  /// Verify compares a row's tag. Errors: kIntegrity, naming the row.
  Result<void> Verify(const RootRecord& record) const;
  Result<void> Verify(const KekRecord& record) const;
  Result<void> Verify(const DekRecord& record) const;
  Result<void> Verify(const ColumnRecord& record) const;
  Result<void> Verify(const TrustRows& rows) const;

  /// WriteMac is logged with every write of a secret version, so that an older row put back shows.
  Result<Bytes> WriteMac(ByteView context, ByteView nonce, ByteView encrypted_data) const;

  /// CheckLastWrite compares a version's row with the MAC of its last write, without which it is
  /// nothing that was written last: an older row that was put back opens, and its MAC differs.
  /// `row` names it. Errors: kIntegrity.
  Result<void> CheckLastWrite(ByteView context, ByteView nonce, ByteView encrypted_data,
                              const std::optional<Bytes>& write_mac, const std::string& row) const;

  /// BundleMac binds the text of a bundle of keys to the installation, whose name and epoch stand
  /// in the text.
  Result<Bytes> BundleMac(ByteView text) const;

  KekId id() const noexcept { return kek_->id; }

 private:
  Result<Bytes> TagOf(ByteView fields) const;
  Result<void> Compare(const Result<Bytes>& expected, const Bytes& found,
                       const std::string& row) const;

  InstallationId installation_;
  std::shared_ptr<const Kek> kek_;
};

}  // namespace rowseal
