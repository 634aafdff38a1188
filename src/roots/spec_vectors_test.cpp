// The library against docs/spec/vectors.json, which an independent program wrote: every byte string
// that the specification names is made again from the fixed inputs and compared.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "envelope/contexts.h"
#include "envelope/field_writer.h"
#include "envelope/padding.h"
#include "envelope/sealed_value.h"
#include "envelope/wrapped_key.h"
#include "keys/check_value.h"
#include "keys/integrity_key.h"
#include "keys/wrapping.h"
#include "roots/local_root.h"
#include "roots/passphrase_part.h"
#include "roots/passphrase_root.h"
#include "roots/root_key_text.h"

#include "support/paths.h"

namespace rowseal {
namespace {

using nlohmann::json;

const json& Vectors() {
  static const json vectors = [] {
    std::ifstream file(std::string(ROWSEAL_SOURCE_DIR) + "/docs/spec/vectors.json");
    return json::parse(file, nullptr, /*allow_exceptions=*/false);
  }();
  return vectors;
}

std::string Text(const json& text) { return text.get<std::string>(); }
Bytes Hex(const json& text) { return FromHex(Text(text)).value(); }
std::string ToHex(const Mac& mac) { return rowseal::ToHex(ByteView(mac)); }
XaesKey Key(const json& text) {
  return XaesKey::Create(SecretBytes::CopyOf(Hex(text)).value()).value();
}
XaesNonce Nonce(const json& text) {
  XaesNonce nonce{};
  std::ranges::copy(Hex(text), nonce.begin());
  return nonce;
}
InstallationId Installation() {
  return ParseUuid<InstallationId>(Text(Vectors()["installation"])).value();
}
InstallationId Installation(const json& vector) {
  return vector.contains("installation")
             ? ParseUuid<InstallationId>(Text(vector["installation"])).value()
             : Installation();
}
std::optional<Timestamp> Time(const json& micros) {
  return micros.is_null() ? std::optional<Timestamp>()
                          : Timestamp(std::chrono::microseconds(micros.get<std::int64_t>()));
}

std::string Seal(const XaesKey& key, const XaesNonce& nonce, ByteView plaintext, ByteView context) {
  Bytes out(plaintext.size() + kTagSize);
  return XaesKnownAnswer::SealWithNonce(key, plaintext, context, nonce, out) ? rowseal::ToHex(out)
                                                                             : "sealing failed";
}

// Opens to hexadecimal, or gives the error's name.
std::string Open(const XaesKey& key, const XaesNonce& nonce, ByteView sealed, ByteView context) {
  Bytes out(sealed.size() - kTagSize);
  const Result<void> opened = key.Open(sealed, context, nonce, out);
  return opened ? rowseal::ToHex(out) : std::string(ErrorName(opened.error().code));
}

RootRecord RootOf(const json& row) {
  RootRecord record;
  record.id.value = row["id"].get<std::int64_t>();
  record.uri = Text(row["uri"]);
  record.scope = Text(row["scope"]);
  record.fingerprint = Hex(row["fingerprint"]);
  record.public_part = Hex(row["public_part"]);
  record.state = ParseKeyState(Text(row["state"])).value();
  record.revision.value = row["revision"].get<std::int64_t>();
  return record;
}

KekRecord KekOf(const json& row) {
  KekRecord record;
  record.id.value = row["id"].get<std::int64_t>();
  record.scope = Text(row["scope"]);
  record.purpose = ParseKekPurpose(Text(row["purpose"])).value();
  record.suite = ParseSuite(row["suite"].get<std::int64_t>()).value();
  record.state = ParseKeyState(Text(row["state"])).value();
  if (!row["resumes_to"].is_null()) {
    record.resumes_to = ParseKeyState(Text(row["resumes_to"])).value();
  }
  record.revision.value = row["revision"].get<std::int64_t>();
  record.check_value = Hex(row["check_value"]);
  return record;
}

DekRecord DekOf(const json& row) {
  DekRecord record{.project = ProjectId::Parse(Text(row["project_id"])).value(),
                   .id = ParseUuid<DekId>(Text(row["id"])).value(),
                   .kek = {},
                   .purpose = ParseDekPurpose(Text(row["purpose"])).value(),
                   .suite = ParseSuite(row["suite"].get<std::int64_t>()).value(),
                   .state = ParseKeyState(Text(row["state"])).value(),
                   .revision = {row["revision"].get<std::int64_t>()},
                   .check_value = Hex(row["check_value"]),
                   .wrapped_key = {},
                   .row_tag = {},
                   .created_at = {},
                   .born_epoch = row.value("born_epoch", std::int64_t{1})};
  if (row.contains("wrapped_key")) {
    record.kek.value = row["kek_id"].get<std::int64_t>();
    record.wrapped_key = Hex(row["wrapped_key"]);
  }
  return record;
}

std::optional<ColumnSource> SourceOf(const json& row) {
  if (!row.contains("source_database")) {
    return std::nullopt;
  }
  ColumnSource source{Text(row["source_database"]),
                      Text(row["source_table"]),
                      Text(row["source_column"]),
                      {},
                      Text(row["source_project"])};
  std::istringstream keys(Text(row["source_keys"]));
  for (std::string key; std::getline(keys, key);) {
    source.keys.push_back(key);
  }
  return source;
}

ColumnRecord ColumnOf(const json& row) {
  return {.id = ParseUuid<ColumnId>(Text(row["id"])).value(),
          .label = ColumnLabel::Parse(Text(row["label"])).value(),
          .context = ParseContextKind(Text(row["context"])).value(),
          .state = ParseColumnState(Text(row["state"])).value(),
          .source = SourceOf(row),
          .revision = {row["revision"].get<std::int64_t>()},
          .row_tag = {},
          .created_at = {}};
}

IntegrityKey TaggingKey() {
  const KekId id{Vectors()["integrity_kek_id"].get<std::int64_t>()};
  return IntegrityKey(Installation(),
                      std::make_shared<const Kek>(Kek{id, Key(Vectors()["integrity_key"])}));
}

SecretContext PlaceOfVersion(const json& vector, const ProjectId& project, const SecretName& name) {
  return {Installation(vector),
          project,
          ParseUuid<SecretId>(Text(vector["secret_id"])).value(),
          name,
          ParseSecretKind(Text(vector["kind"])).value(),
          {vector["version"].get<std::int64_t>()},
          Time(vector["expires_at"])};
}

Result<Kek> Unwrap(const KekRecord& record, const json& vector) {
  const auto root =
      LocalRoot::Create("env:ROOT", SecretBytes::CopyOf(Hex(vector["root_key"])).value()).value();
  const WrappingRecord wrapping{record.id,
                                {vector["root_id"].get<std::int64_t>()},
                                Hex(vector["secret"]),
                                Hex(vector["key"])};
  return UnwrapKek(record, wrapping, Installation(), *root);
}

Result<Bytes> TagOf(const json& tagged) {
  const std::string table = Text(tagged["table"]);
  const json& row = tagged["row"];
  if (table == "root_key") {
    return TaggingKey().Tag(RootOf(row));
  }
  if (table == "kek") {
    return TaggingKey().Tag(KekOf(row));
  }
  return table == "dek" ? TaggingKey().Tag(DekOf(row)) : TaggingKey().Tag(ColumnOf(row));
}

// The set that a trust tag covers: `row_tags`, `wrappings`, `floors` and `trust_tag` of all
// vectors, or of `two_roots`.
TrustRows Trust(const json& set) {
  TrustRows rows;
  const json& row = set["trust_tag"]["row"];
  rows.installation.id = Installation();
  rows.installation.epoch = row["epoch"].get<std::int64_t>();
  rows.installation.next_kek_id = row["next_kek_id"].get<std::int64_t>();
  rows.installation.next_root_id = row["next_root_id"].get<std::int64_t>();
  rows.installation.integrity_kek.value = row["integrity_kek_id"].get<std::int64_t>();
  rows.installation.projects_table = Text(row["projects_table"]);
  rows.installation.project_key_type = Text(row["project_key_type"]);
  rows.installation.trust_tag = Hex(set["trust_tag"]["tag"]);
  for (const json& tagged : set["row_tags"]) {
    if (tagged["table"] == "root_key") {
      rows.roots.push_back(RootOf(tagged["row"]));
      rows.roots.back().row_tag = Hex(tagged["tag"]);
    } else if (tagged["table"] == "kek") {
      rows.keks.push_back(KekOf(tagged["row"]));
      rows.keks.back().row_tag = Hex(tagged["tag"]);
    }
  }
  for (const json& wrapping : set["wrappings"]) {
    rows.wrappings.push_back({{wrapping["kek_id"].get<std::int64_t>()},
                              {wrapping["root_id"].get<std::int64_t>()},
                              Hex(wrapping["secret"]),
                              Hex(wrapping["key"])});
  }
  for (const json& floor : set["floors"]) {
    rows.floors.push_back({.scope = Text(floor["scope"]),
                           .seal = floor["seal_floor"].get<std::int64_t>(),
                           .secrets = floor["secrets_floor"].get<std::int64_t>(),
                           .values = floor["values_floor"].get<std::int64_t>()});
  }
  return rows;
}

// What the MACs cover of a vector. It lives longer than the views of it.
struct VersionRow {
  explicit VersionRow(const json& vector)
      : context(Hex(vector["context"])),
        nonce(Hex(vector["nonce"])),
        encrypted_data(Hex(vector["encrypted_data"])),
        written{.write_count = vector["write_count"].get<std::int64_t>(),
                .context = context,
                .created_at = Time(vector["created_at"]).value(),
                .dek = ParseUuid<DekId>(Text(vector["dek_id"])).value(),
                .nonce = nonce,
                .encrypted_data = encrypted_data} {}
  VersionRow(const VersionRow&) = delete;
  VersionRow& operator=(const VersionRow&) = delete;

  const Bytes context;
  const Bytes nonce;
  const Bytes encrypted_data;
  WrittenVersion written;
};

struct HeadRow {
  explicit HeadRow(const json& vector)
      : project(ProjectId::Parse(Text(vector["project_id"])).value()),
        name(SecretName::Parse(Text(vector["name"])).value()),
        attributes(Text(vector["attributes"])),
        written{.write_count = vector["write_count"].get<std::int64_t>(),
                .project = project,
                .secret = ParseUuid<SecretId>(Text(vector["secret_id"])).value(),
                .name = name,
                .kind = ParseSecretKind(Text(vector["kind"])).value(),
                .next_version = {vector["next_version"].get<std::int64_t>()},
                .lowest_version = {vector["lowest_version"].get<std::int64_t>()},
                .created_at = Time(vector["created_at"]).value(),
                .attributes = attributes} {}
  HeadRow(const HeadRow&) = delete;
  HeadRow& operator=(const HeadRow&) = delete;

  const ProjectId project;
  const SecretName name;
  const std::string attributes;
  WrittenHead written;
};

class SpecVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Vectors().is_object()) << "docs/spec/vectors.json cannot be read";
  }
  // Cases gives the list of that name and insists that it is not empty.
  static const json& Cases(const char* name) {
    EXPECT_FALSE(Vectors()[name].empty()) << name;
    return Vectors()[name];
  }
};

TEST_F(SpecVectors, FieldsEncode) {
  for (const json& vector : Cases("field_encodings")) {
    FieldWriter fields(Text(vector["label"]));
    for (const json& field : vector["fields"]) {
      if (field.contains("absent")) {
        fields.AddAbsent();
      } else if (field.contains("integer")) {
        fields.AddInteger(std::stoll(Text(field["integer"])));
      } else if (field.contains("bytes")) {
        fields.Add(Hex(field["bytes"]));
      } else {
        fields.Add(std::string_view(Text(field["text"])));
      }
    }
    EXPECT_EQ(rowseal::ToHex(fields.bytes()), vector["encoded"]) << vector["name"];
  }
}

TEST_F(SpecVectors, XaesSealsAndOpens) {
  for (const json& vector : Cases("xaes")) {
    const XaesKey key = Key(vector["key"]);
    const XaesNonce nonce = Nonce(vector["nonce"]);
    const Bytes context = Hex(vector["context"]);
    EXPECT_EQ(Seal(key, nonce, Hex(vector["plaintext"]), context), vector["sealed"]);
    EXPECT_EQ(Open(key, nonce, Hex(vector["sealed"]), context), vector["plaintext"]);
  }
}

TEST_F(SpecVectors, RootKeyTextEncodesDecodesAndHasItsFingerprint) {
  for (const json& vector : Cases("root_keys")) {
    const SecretBytes key = SecretBytes::CopyOf(Hex(vector["key"])).value();
    const SecretBytes text = EncodeRootKey(key).value();
    EXPECT_EQ(AsText(text.Reveal()), Text(vector["text"]));
    EXPECT_TRUE(DecodeRootKey(text.Reveal()).value().EqualsInConstantTime(key));
    EXPECT_TRUE(DecodeRootKey(AsBytes(Text(vector["text"]) + "\n")).has_value());
    EXPECT_EQ(ToHex(RootFingerprint(Key(vector["key"])).value()), vector["fingerprint"]);
  }
}

TEST_F(SpecVectors, RootKeyTextRefusesWhatIsNotCanonical) {
  for (const json& vector : Cases("root_keys_refused")) {
    const Result<SecretBytes> decoded = DecodeRootKey(AsBytes(Text(vector["text"])));
    ASSERT_FALSE(decoded.has_value()) << vector["name"];
    EXPECT_EQ(decoded.error().code, ErrorCode::kRootKeyMalformed) << vector["name"];
  }
}

TEST_F(SpecVectors, RootKeyTextMayHaveOneFinalNewline) {
  for (const json& vector : Cases("root_keys_accepted")) {
    const Result<SecretBytes> decoded = DecodeRootKey(AsBytes(Text(vector["text"])));
    ASSERT_TRUE(decoded.has_value()) << vector["name"];
    EXPECT_EQ(rowseal::ToHex(decoded->Reveal()), vector["key"]);
  }
}

TEST_F(SpecVectors, PassphrasesBecomeTheRootKeyOfTheirRow) {
  for (const json& vector : Cases("passphrases")) {
    const Bytes public_part = Hex(vector["public_part"]);
    PassphrasePart part{{.passes = vector["passes"].get<std::uint32_t>(),
                         .memory_kib = vector["memory_kib"].get<std::uint32_t>()},
                        {}};
    std::ranges::copy(Hex(vector["salt"]), part.salt.begin());
    EXPECT_EQ(rowseal::ToHex(EncodePassphrasePart(part)), vector["public_part"]);
    const Bytes passphrase = Hex(vector["passphrase"]);
    EXPECT_EQ(rowseal::ToHex(Argon2id(passphrase, part.salt, part.cost, kKeySize).value().Reveal()),
              vector["root_key"]);

    const PassphraseRoot root("passphrase:", SecretBytes::CopyOf(passphrase).value());
    MatchBudget budget;
    const auto found = root.ForRow(Hex(vector["fingerprint"]), public_part, budget);
    ASSERT_TRUE(found.has_value()) << found.error().message;
    const SecretBytes secret = SecretBytes::CopyOf(Bytes(kKeySize, 1)).value();
    const auto same =
        LocalRoot::Create("env:ROOT", SecretBytes::CopyOf(Hex(vector["root_key"])).value()).value();
    const Bytes wrapped = (*found)->Wrap(secret, {}).value();
    EXPECT_TRUE(same->Unwrap(wrapped, {}).value().EqualsInConstantTime(secret));
  }
  for (const json& vector : Cases("passphrase_parts_refused")) {
    const Result<PassphrasePart> decoded = DecodePassphrasePart(Hex(vector["public_part"]));
    ASSERT_FALSE(decoded.has_value()) << vector["name"];
    EXPECT_EQ(decoded.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, CheckValuesMatch) {
  for (const json& vector : Cases("check_values")) {
    EXPECT_EQ(ToHex(CheckValue(Key(vector["key"]), Text(vector["id"])).value()),
              vector["check_value"]);
  }
}

TEST_F(SpecVectors, KeksUnwrapFromTheRootKey) {
  const TrustRows trust = Trust(Vectors());
  for (std::size_t i = 0; i < Cases("wrappings").size(); ++i) {
    const json& vector = Vectors()["wrappings"][i];
    const KekRecord& record = trust.keks[i];
    const WrappingRecord& wrapping = trust.wrappings[i];
    const Bytes check_value = Hex(vector["check_value"]);
    const Bytes context =
        EncodeContext(KekContext{Installation(), record.id, record.scope, ToText(record.purpose),
                                 check_value, wrapping.root});
    EXPECT_EQ(rowseal::ToHex(context), vector["context"]);
    const auto root =
        LocalRoot::Create("env:ROOT", SecretBytes::CopyOf(Hex(vector["root_key"])).value()).value();
    const Result<SecretBytes> secret = root->Unwrap(wrapping.secret, context);
    ASSERT_TRUE(secret.has_value()) << secret.error().message;
    EXPECT_EQ(rowseal::ToHex(secret->Reveal()), vector["wrapping_secret"]);
    const Result<Kek> kek = UnwrapKek(record, wrapping, Installation(), *root);
    ASSERT_TRUE(kek.has_value()) << kek.error().message;
    EXPECT_EQ(rowseal::ToHex(kek->key.bytes().Reveal()), vector["kek"]);

    WrappedKey sealed{.nonce = Nonce(vector["key_nonce"])};
    ASSERT_TRUE(XaesKnownAnswer::SealWithNonce(Key(vector["wrapping_secret"]), Hex(vector["kek"]),
                                               context, sealed.nonce, sealed.sealed_key));
    EXPECT_EQ(rowseal::ToHex(EncodeWrappedKey(sealed)), vector["key"]);
  }
}

TEST_F(SpecVectors, WrappingsInAnotherPlaceAreRefused) {
  for (const json& vector : Cases("wrappings_refused")) {
    KekRecord record;
    record.id.value = vector["kek_id"].get<std::int64_t>();
    record.scope = Text(vector["scope"]);
    record.purpose = ParseKekPurpose(Text(vector["purpose"])).value();
    record.check_value = Hex(vector["check_value"]);
    EXPECT_EQ(rowseal::ToHex(EncodeContext(KekContext{Installation(),
                                                      record.id,
                                                      record.scope,
                                                      ToText(record.purpose),
                                                      record.check_value,
                                                      {vector["root_id"].get<std::int64_t>()}})),
              vector["context"]);
    const Result<Kek> kek = Unwrap(record, vector);
    ASSERT_FALSE(kek.has_value()) << vector["name"];
    EXPECT_EQ(kek.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, DeksUnwrapFromTheirKek) {
  for (const json& vector : Cases("deks")) {
    const DekRecord record = DekOf(vector);
    const Bytes context =
        EncodeContext(DekContext{Installation(), record.project, record.id, ToText(record.purpose),
                                 record.suite, record.check_value, record.kek});
    EXPECT_EQ(rowseal::ToHex(context), vector["context"]);
    const Result<Dek> dek = UnwrapDek(record, Kek{record.kek, Key(vector["kek"])}, Installation());
    ASSERT_TRUE(dek.has_value()) << dek.error().message;
    EXPECT_EQ(rowseal::ToHex(dek->key.bytes().Reveal()), vector["key"]);
    EXPECT_EQ(rowseal::ToHex(EncodeWrappedKey(DecodeWrappedKey(record.wrapped_key).value())),
              vector["wrapped_key"]);
  }
}

TEST_F(SpecVectors, DeksInAnotherPlaceAreRefused) {
  for (const json& vector : Cases("deks_refused")) {
    const DekRecord record = DekOf(vector);
    EXPECT_EQ(rowseal::ToHex(EncodeContext(DekContext{
                  Installation(vector), record.project, record.id, ToText(record.purpose),
                  record.suite, record.check_value, record.kek})),
              vector["context"]);
    const Result<Dek> dek =
        UnwrapDek(record, Kek{record.kek, Key(vector["kek"])}, Installation(vector));
    ASSERT_FALSE(dek.has_value()) << vector["name"];
    EXPECT_EQ(dek.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, WrappedKeysOfAnotherFormAreRefused) {
  for (const json& vector : Cases("wrapped_keys_refused")) {
    const Result<WrappedKey> decoded = DecodeWrappedKey(Hex(vector["wrapped_key"]));
    ASSERT_FALSE(decoded.has_value()) << vector["name"];
    EXPECT_EQ(decoded.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, RowTagsMatch) {
  std::map<std::string, int> seen;
  for (const json& vector : Cases("row_tags")) {
    const Result<Bytes> tag = TagOf(vector);
    ASSERT_TRUE(tag.has_value());
    EXPECT_EQ(rowseal::ToHex(*tag), vector["tag"]) << vector["row"];
    ++seen[Text(vector["table"])];
  }
  EXPECT_EQ(seen.size(), 4U);  // every tagged table
}

TEST_F(SpecVectors, TagsThatDoNotStandForTheirRowAreRefused) {
  for (const json& vector : Cases("row_tags_refused")) {
    Result<void> verified;
    if (vector["table"] == "kek") {
      KekRecord record = KekOf(vector["row"]);
      record.row_tag = Hex(vector["tag"]);
      verified = TaggingKey().Verify(record);
    } else {
      ASSERT_EQ(vector["table"], "dek");
      DekRecord record = DekOf(vector["row"]);
      record.row_tag = Hex(vector["tag"]);
      verified = TaggingKey().Verify(record);
    }
    ASSERT_FALSE(verified.has_value()) << vector["name"];
    EXPECT_EQ(verified.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, TwoRootsOpenTheSameKeksAndTheirSetHasItsTag) {
  const json& two = Cases("two_roots");
  const TrustRows rows = Trust(two);
  ASSERT_EQ(rows.roots.size(), 2U);
  EXPECT_EQ(rowseal::ToHex(TaggingKey().TrustTag(rows).value()), two["trust_tag"]["tag"]);
  EXPECT_TRUE(TaggingKey().Verify(rows).has_value());
  for (const json& vector : two["wrappings"]) {
    const auto record =
        std::ranges::find(rows.keks, KekId{vector["kek_id"].get<std::int64_t>()}, &KekRecord::id);
    ASSERT_NE(record, rows.keks.end());
    const Result<Kek> kek = Unwrap(*record, vector);
    ASSERT_TRUE(kek.has_value()) << kek.error().message;
    EXPECT_EQ(rowseal::ToHex(kek->key.bytes().Reveal()), vector["kek"]);
  }
}

TEST_F(SpecVectors, TrustTagMatchesInAnyOrderOfRows) {
  TrustRows rows = Trust(Vectors());
  ASSERT_EQ(rows.floors.size(), Cases("floors").size());
  EXPECT_EQ(rowseal::ToHex(TaggingKey().TrustTag(rows).value()), Vectors()["trust_tag"]["tag"]);
  std::ranges::reverse(rows.keks);
  std::ranges::reverse(rows.wrappings);
  std::ranges::reverse(rows.floors);
  EXPECT_TRUE(TaggingKey().Verify(rows).has_value());
}

TEST_F(SpecVectors, TrustTagsThatDoNotStandForTheSetAreRefused) {
  TrustRows rows = Trust(Vectors());
  for (const json& vector : Cases("trust_tags_refused")) {
    rows.installation.trust_tag = Hex(vector["tag"]);
    const Result<void> verified = TaggingKey().Verify(rows);
    ASSERT_FALSE(verified.has_value()) << vector["name"];
    EXPECT_EQ(verified.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, ChangedFloorsAndEpochsAreRefused) {
  for (const auto floor : {&FloorRecord::seal, &FloorRecord::secrets, &FloorRecord::values}) {
    TrustRows rows = Trust(Vectors());
    --(rows.floors.front().*floor);
    EXPECT_FALSE(TaggingKey().Verify(rows).has_value());
  }
  TrustRows rows = Trust(Vectors());
  rows.floors.pop_back();
  EXPECT_FALSE(TaggingKey().Verify(rows).has_value());
  for (const json& vector : Cases("row_tags")) {
    if (vector["table"] == "dek") {
      DekRecord dek = DekOf(vector["row"]);
      dek.row_tag = Hex(vector["tag"]);
      EXPECT_TRUE(TaggingKey().Verify(dek).has_value());
      ++dek.born_epoch;
      EXPECT_FALSE(TaggingKey().Verify(dek).has_value());
    }
  }
}

TEST_F(SpecVectors, PaddingsMatch) {
  for (const json& vector : Cases("paddings")) {
    const Bytes value = Hex(vector["value"]);
    Bytes padded = value;
    padded.resize(PaddedSize(value.size()), 0xEE);
    Pad(padded, value.size());
    EXPECT_EQ(rowseal::ToHex(padded), vector["padded"]);
    EXPECT_EQ(UnpaddedSize(padded).value(), value.size());
  }
  for (const json& vector : Cases("paddings_refused")) {
    const Result<std::size_t> size = UnpaddedSize(Hex(vector["padded"]));
    ASSERT_FALSE(size.has_value()) << vector["name"];
    EXPECT_EQ(size.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, SecretVersionsSealOpenAndHaveTheirMac) {
  for (const json& vector : Cases("secret_versions")) {
    const ProjectId project = ProjectId::Parse(Text(vector["project_id"])).value();
    const SecretName name = SecretName::Parse(Text(vector["name"])).value();
    const SecretContext fields = PlaceOfVersion(vector, project, name);
    const Bytes context = EncodeContext(fields);
    EXPECT_EQ(rowseal::ToHex(context), vector["context"]);
    const XaesKey dek = Key(vector["dek"]);
    const XaesNonce nonce = Nonce(vector["nonce"]);
    const Bytes data = Hex(vector["encrypted_data"]);
    EXPECT_EQ(Seal(dek, nonce, Hex(vector["padded"]), context), vector["encrypted_data"]);
    EXPECT_EQ(Open(dek, nonce, data, context), vector["padded"]);
    const VersionRow row(vector);
    EXPECT_EQ(rowseal::ToHex(TaggingKey().Mac(row.written).value()), vector["version_mac"]);
    EXPECT_TRUE(
        TaggingKey().CheckLastWrite(row.written, Hex(vector["version_mac"]), "it").has_value());

    SecretContext elsewhere = fields;
    elsewhere.installation =
        ParseUuid<InstallationId>(Text(Vectors()["other_installation"])).value();
    EXPECT_EQ(Open(dek, nonce, data, EncodeContext(elsewhere)), "integrity");
  }
}

// What opens all the same is refused for its DEK's purpose: SpecStore has that.
TEST_F(SpecVectors, VersionsInAnotherPlaceDoNotOpen) {
  int of_another_purpose = 0;
  for (const json& vector : Cases("secret_versions_refused")) {
    const ProjectId project = ProjectId::Parse(Text(vector["project_id"])).value();
    const SecretName name = SecretName::Parse(Text(vector["name"])).value();
    const Bytes context = EncodeContext(PlaceOfVersion(vector, project, name));
    EXPECT_EQ(rowseal::ToHex(context), vector["context"]) << vector["case"];
    const std::string opened =
        Open(Key(vector["dek"]), Nonce(vector["nonce"]), Hex(vector["encrypted_data"]), context);
    if (vector["dek_purpose"] == "secret") {
      EXPECT_EQ(opened, "integrity") << vector["case"];
    } else {
      EXPECT_NE(opened, "integrity") << vector["case"];
      ++of_another_purpose;
    }
  }
  EXPECT_EQ(of_another_purpose, 1);
}

TEST_F(SpecVectors, VersionMacsOfOtherWritesAreRefused) {
  for (const json& vector : Cases("version_macs_refused")) {
    const VersionRow row(vector);
    const Result<void> checked =
        TaggingKey().CheckLastWrite(row.written, Hex(vector["version_mac"]), "it");
    ASSERT_FALSE(checked.has_value()) << vector["name"];
    EXPECT_EQ(checked.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

TEST_F(SpecVectors, SecretsHaveTheirMac) {
  for (const json& vector : Cases("secret_heads")) {
    const HeadRow row(vector);
    EXPECT_EQ(rowseal::ToHex(TaggingKey().Mac(row.written).value()), vector["head_mac"]);
    EXPECT_TRUE(
        TaggingKey().CheckLastWrite(row.written, Hex(vector["head_mac"]), "it").has_value());
  }
}

TEST_F(SpecVectors, HeadMacsOfOtherWritesAreRefused) {
  for (const json& vector : Cases("head_macs_refused")) {
    const HeadRow row(vector);
    const Result<void> checked =
        TaggingKey().CheckLastWrite(row.written, Hex(vector["head_mac"]), "it");
    ASSERT_FALSE(checked.has_value()) << vector["case"];
    EXPECT_EQ(checked.error().code, ErrorCode::kIntegrity) << vector["case"];
  }
}

TEST_F(SpecVectors, SealedValuesDecodeOpenAndEncodeToTheSameText) {
  for (const json& vector : Cases("sealed_values")) {
    const Result<SealedValue> decoded = DecodeSealedValue(Text(vector["text"]));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(EncodeSealedValue(*decoded), vector["text"]);
    EXPECT_EQ(ToText(decoded->dek), vector["dek_id"]);
    EXPECT_EQ(ToText(decoded->context_kind), vector["context_kind"]);
    EXPECT_EQ(rowseal::ToHex(decoded->nonce), vector["nonce"]);

    const ProjectId project = ProjectId::Parse(Text(vector["project_id"])).value();
    const auto row_key = vector["row_key"].get<std::vector<std::string>>();
    const Bytes context = EncodeContext(ValueContext{
        Installation(), project, ParseUuid<ColumnId>(Text(vector["column_id"])).value(),
        decoded->context_kind, row_key});
    EXPECT_EQ(rowseal::ToHex(context), vector["context"]);
    const XaesKey dek = Key(vector["dek"]);
    EXPECT_EQ(Open(dek, decoded->nonce, decoded->sealed, context), vector["padded"]);
    EXPECT_EQ(Seal(dek, decoded->nonce, Hex(vector["padded"]), context), vector["sealed"]);
  }
}

// A value for another kind of column, or under a DEK of another purpose, opens: SpecStore has
// those.
TEST_F(SpecVectors, SealedValuesInAnotherPlaceDoNotOpen) {
  int left_to_the_store = 0;
  for (const json& vector : Cases("sealed_values_elsewhere")) {
    const SealedValue decoded = DecodeSealedValue(Text(vector["text"])).value();
    EXPECT_EQ(ToText(decoded.dek), vector["dek_id"]);
    if (vector["dek_purpose"] != "value" || ToText(decoded.context_kind) != vector["registered"]) {
      ++left_to_the_store;
      continue;
    }
    const ProjectId project = ProjectId::Parse(Text(vector["project_id"])).value();
    const auto row_key = vector["row_key"].get<std::vector<std::string>>();
    const Bytes context = EncodeContext(ValueContext{
        Installation(vector), project, ParseUuid<ColumnId>(Text(vector["column_id"])).value(),
        decoded.context_kind, row_key});
    EXPECT_EQ(Open(Key(vector["dek"]), decoded.nonce, decoded.sealed, context), "integrity")
        << vector["name"];
  }
  EXPECT_EQ(left_to_the_store, 2);
}

TEST_F(SpecVectors, SealedValuesOfAnotherFormAreRefused) {
  for (const json& vector : Cases("sealed_values_refused")) {
    const Result<SealedValue> decoded = DecodeSealedValue(Text(vector["text"]));
    ASSERT_FALSE(decoded.has_value()) << vector["name"];
    EXPECT_EQ(decoded.error().code, ErrorCode::kIntegrity) << vector["name"];
  }
}

}  // namespace
}  // namespace rowseal
