#include "keys/integrity_key.h"

#include <algorithm>
#include <tuple>

#include "envelope/field_writer.h"

namespace rowseal {
namespace {

FieldWriter RowFields(InstallationId installation, std::string_view table) {
  FieldWriter fields("rowseal/v1/row-tag");
  fields.Add(installation).Add(table);
  return fields;
}

std::string NameOf(const RootRecord& record) { return "row " + ToText(record.id) + " of root_key"; }
std::string NameOf(const KekRecord& record) { return "row " + ToText(record.id) + " of kek"; }
std::string NameOf(const DekRecord& record) {
  return "row " + ToText(record.id) + " of dek (project '" + record.project.text() + "')";
}
std::string NameOf(const ColumnRecord& record) {
  return "row '" + record.label.text() + "' of sealed_column";
}

template <class Record, class Key>
std::vector<const Record*> SortedBy(const std::vector<Record>& records, Key key) {
  std::vector<const Record*> sorted;
  sorted.reserve(records.size());
  for (const Record& record : records) {
    sorted.push_back(&record);
  }
  std::sort(sorted.begin(), sorted.end(),
            [&](const Record* a, const Record* b) { return key(*a) < key(*b); });
  return sorted;
}

}  // namespace

Result<Bytes> IntegrityKey::TagOf(ByteView fields) const {
  ROWSEAL_ASSIGN(const rowseal::Mac mac, HmacSha256(kek_->key.bytes().Reveal(), fields));
  Bytes tag;
  tag.reserve(8 + mac.size());
  for (int shift = 56; shift >= 0; shift -= 8) {
    tag.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(kek_->id.value) >> shift));
  }
  tag.insert(tag.end(), mac.begin(), mac.end());
  return tag;
}

Result<Bytes> IntegrityKey::Tag(const RootRecord& record) const {
  FieldWriter fields = RowFields(installation_, "root_key");
  fields.Add(record.id)
      .Add(std::string_view(record.uri))
      .Add(std::string_view(record.scope))
      .Add(record.fingerprint)
      .Add(record.public_part)
      .Add(ToText(record.state))
      .Add(record.revision);
  return TagOf(fields.bytes());
}

Result<Bytes> IntegrityKey::Tag(const KekRecord& record) const {
  FieldWriter fields = RowFields(installation_, "kek");
  fields.Add(record.id)
      .Add(std::string_view(record.scope))
      .Add(ToText(record.purpose))
      .AddByte(static_cast<std::uint8_t>(record.suite))
      .Add(ToText(record.state));
  if (record.resumes_to) {
    fields.Add(ToText(*record.resumes_to));
  } else {
    fields.AddAbsent();
  }
  fields.Add(record.revision).Add(record.check_value);
  return TagOf(fields.bytes());
}

namespace {

// Not kek_id and wrapped_key: the AEAD binds those, so a rewrap changes neither tag nor revision.
void AddDek(FieldWriter& fields, const DekRecord& record) {
  fields.Add(record.project)
      .Add(record.id)
      .Add(ToText(record.purpose))
      .AddByte(static_cast<std::uint8_t>(record.suite))
      .Add(ToText(record.state))
      .Add(record.revision)
      .Add(record.check_value);
}

}  // namespace

Result<Bytes> IntegrityKey::Tag(const DekRecord& record) const {
  FieldWriter fields("rowseal/v2/row-tag");
  fields.Add(installation_).Add(std::string_view("dek"));
  AddDek(fields, record);
  fields.AddInteger(record.born_epoch);
  return TagOf(fields.bytes());
}

Result<Bytes> IntegrityKey::Format2::Tag(const DekRecord& record) const {
  FieldWriter fields = RowFields(key.installation_, "dek");
  AddDek(fields, record);
  return key.TagOf(fields.bytes());
}

Result<Bytes> IntegrityKey::Tag(const ColumnRecord& record) const {
  FieldWriter fields = RowFields(installation_, "sealed_column");
  fields.Add(record.id)
      .Add(record.label)
      .Add(ToText(record.context))
      .Add(ToText(record.state))
      .Add(record.revision);
  if (record.source) {
    fields.Add(std::string_view(record.source->database))
        .Add(std::string_view(record.source->table))
        .Add(std::string_view(record.source->column))
        .AddInteger(static_cast<std::int64_t>(record.source->keys.size()));
    for (const std::string& key : record.source->keys) {
      fields.Add(std::string_view(key));
    }
    fields.Add(std::string_view(record.source->project_column));
  }
  return TagOf(fields.bytes());
}

namespace {

// Of the fields of both formats.
void AddTrustedRows(FieldWriter& fields, const TrustRows& rows) {
  const InstallationRecord& installation = rows.installation;
  fields.Add(installation.id)
      .AddInteger(installation.epoch)
      .AddInteger(installation.next_kek_id)
      .AddInteger(installation.next_root_id)
      .Add(installation.integrity_kek)
      .Add(std::string_view(installation.projects_table))
      .Add(std::string_view(installation.project_key_type));
  fields.AddInteger(static_cast<std::int64_t>(rows.roots.size()));
  for (const RootRecord* root : SortedBy(rows.roots, [](const auto& r) { return r.id; })) {
    fields.Add(root->id).Add(root->row_tag);
  }
  fields.AddInteger(static_cast<std::int64_t>(rows.keks.size()));
  for (const KekRecord* kek : SortedBy(rows.keks, [](const auto& r) { return r.id; })) {
    fields.Add(kek->id).Add(kek->row_tag);
  }
  fields.AddInteger(static_cast<std::int64_t>(rows.wrappings.size()));
  const auto wrapping_key = [](const auto& r) { return std::tuple(r.kek, r.root); };
  for (const WrappingRecord* wrapping : SortedBy(rows.wrappings, wrapping_key)) {
    fields.Add(wrapping->kek).Add(wrapping->root).Add(wrapping->secret).Add(wrapping->key);
  }
}

}  // namespace

Result<Bytes> IntegrityKey::TrustTag(const TrustRows& rows) const {
  FieldWriter fields("rowseal/v2/trust-tag");
  fields.Add(installation_).Add(std::string_view("installation"));
  AddTrustedRows(fields, rows);
  fields.AddInteger(static_cast<std::int64_t>(rows.floors.size()));
  for (const FloorRecord* floor : SortedBy(rows.floors, [](const auto& r) { return r.scope; })) {
    fields.Add(std::string_view(floor->scope))
        .AddInteger(floor->seal)
        .AddInteger(floor->secrets)
        .AddInteger(floor->values);
  }
  return TagOf(fields.bytes());
}

Result<Bytes> IntegrityKey::Format2::TrustTag(const TrustRows& rows) const {
  FieldWriter fields = RowFields(key.installation_, "installation");
  AddTrustedRows(fields, rows);
  return key.TagOf(fields.bytes());
}

Result<void> IntegrityKey::Compare(const Result<Bytes>& expected, const Bytes& found,
                                   const std::string& row) const {
  if (!expected) {
    return tl::unexpected(expected.error());
  }
  if (!EqualInConstantTime(*expected, found)) {
    return Fail(ErrorCode::kIntegrity, row + ": its tag does not match what stands in it",
                "somebody changed it outside Rowseal; restore it from a backup");
  }
  return {};
}

Result<void> IntegrityKey::Verify(const RootRecord& record) const {
  return Compare(Tag(record), record.row_tag, NameOf(record));
}
Result<void> IntegrityKey::Verify(const KekRecord& record) const {
  return Compare(Tag(record), record.row_tag, NameOf(record));
}
Result<void> IntegrityKey::Verify(const DekRecord& record) const {
  return Compare(Tag(record), record.row_tag, NameOf(record));
}
Result<void> IntegrityKey::Verify(const ColumnRecord& record) const {
  return Compare(Tag(record), record.row_tag, NameOf(record));
}

Result<void> IntegrityKey::Verify(const TrustRows& rows) const {
  for (const RootRecord& root : rows.roots) {
    ROWSEAL_TRY(Verify(root));
  }
  for (const KekRecord& kek : rows.keks) {
    ROWSEAL_TRY(Verify(kek));
  }
  return Compare(TrustTag(rows), rows.installation.trust_tag,
                 "the set of roots, KEKs and wrappings (installation.trust_tag)");
}

Result<Bytes> IntegrityKey::Mac(const WrittenVersion& version) const {
  FieldWriter fields("rowseal/v2/version-mac");
  fields.AddInteger(version.write_count)
      .Add(version.context)
      .Add(std::optional(version.created_at))
      .Add(version.dek)
      .Add(version.nonce)
      .Add(version.encrypted_data);
  return TagOf(fields.bytes());
}

Result<Bytes> IntegrityKey::Mac(const WrittenHead& head) const {
  FieldWriter fields("rowseal/v2/head-mac");
  fields.AddInteger(head.write_count)
      .Add(installation_)
      .Add(head.project)
      .Add(head.secret)
      .Add(head.name)
      .Add(ToText(head.kind))
      .Add(head.next_version)
      .Add(head.lowest_version)
      .Add(std::optional(head.created_at))
      .Add(head.attributes);
  return TagOf(fields.bytes());
}

namespace {

Result<void> CompareMacs(const Result<Bytes>& expected, const Bytes& mac, const std::string& row,
                         std::string_view way_out) {
  ROWSEAL_TRY(expected);
  if (!EqualInConstantTime(*expected, mac)) {
    return Fail(ErrorCode::kIntegrity, row + " is not what was written last",
                "an older row may have been put back; run `rowseal verify`, then restore the row"
                " and its MAC from a backup, or " +
                    std::string(way_out));
  }
  return {};
}

}  // namespace

Result<void> IntegrityKey::CheckLastWrite(const WrittenVersion& version, const Bytes& mac,
                                          const std::string& row) const {
  return CompareMacs(Mac(version), mac, row, "put a new version");
}

Result<void> IntegrityKey::CheckLastWrite(const WrittenHead& head, const Bytes& mac,
                                          const std::string& row) const {
  return CompareMacs(Mac(head), mac, row, "delete the secret and put it anew");
}

Result<Bytes> IntegrityKey::Format2::WriteMac(ByteView context, ByteView nonce,
                                              ByteView encrypted_data) const {
  ROWSEAL_ASSIGN(
      const rowseal::Mac mac,
      HmacSha256(
          key.kek_->key.bytes().Reveal(),
          FieldWriter("rowseal/v1/write-mac").Add(context).Add(nonce).Add(encrypted_data).bytes()));
  return Bytes(mac.begin(), mac.end());
}

Result<Bytes> IntegrityKey::BundleMac(ByteView text) const {
  ROWSEAL_ASSIGN(const rowseal::Mac hash, Sha256(text));
  ROWSEAL_ASSIGN(
      const rowseal::Mac mac,
      HmacSha256(kek_->key.bytes().Reveal(),
                 FieldWriter("rowseal/v1/key-bundle").Add(installation_).Add(hash).bytes()));
  return Bytes(mac.begin(), mac.end());
}

}  // namespace rowseal
