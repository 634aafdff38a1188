#pragma once

#include <memory>
#include <optional>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "crypto/mac.h"
#include "keys/records.h"
#include "keys/wrapping.h"

namespace rowseal {

/// WrittenVersion is what the MAC of a version covers, and WrittenHead that of a secret's row.
/// Views that live as long as the call.
struct WrittenVersion {
  std::int64_t write_count;  ///< how often the row was written, this time included
  ByteView context;          ///< what the ciphertext is bound to (contexts.h)
  Timestamp created_at;
  DekId dek;
  ByteView nonce;
  ByteView encrypted_data;
};
struct WrittenHead {
  std::int64_t write_count;
  const ProjectId& project;
  SecretId secret;
  const SecretName& name;
  SecretKind kind;
  SecretVersion next_version;
  SecretVersion lowest_version;  ///< that is kept
  Timestamp created_at;
  std::string_view attributes;
};

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

  /// TrustTag covers the installation and the whole set: epoch, counters, the sorted ids and tags
  /// of roots and KEKs, the wrappings and the floors, so that a deleted row shows too.
  Result<Bytes> TrustTag(const TrustRows& rows) const;

  /// Verify compares a row's tag. Errors: kIntegrity, naming the row.
  Result<void> Verify(const RootRecord& record) const;
  Result<void> Verify(const KekRecord& record) const;
  Result<void> Verify(const DekRecord& record) const;
  Result<void> Verify(const ColumnRecord& record) const;
  Result<void> Verify(const TrustRows& rows) const;

  /// Mac is kept beside what was written last, in the form of a tag, so that an older row put back
  /// shows.
  Result<Bytes> Mac(const WrittenVersion& version) const;
  Result<Bytes> Mac(const WrittenHead& head) const;

  /// CheckLastWrite compares a row with the MAC of its last write. `row` names it. Errors:
  /// kIntegrity.
  Result<void> CheckLastWrite(const WrittenVersion& version, const Bytes& mac,
                              const std::string& row) const;
  Result<void> CheckLastWrite(const WrittenHead& head, const Bytes& mac,
                              const std::string& row) const;

  /// Format2 makes what format 2 had in these places, for the upgrade.
  struct Format2 {
    const IntegrityKey& key;
    Result<Bytes> WriteMac(ByteView context, ByteView nonce, ByteView encrypted_data) const;
    Result<Bytes> Tag(const DekRecord& record) const;
    Result<Bytes> TrustTag(const TrustRows& rows) const;
  };
  Format2 format_2() const { return {*this}; }

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
