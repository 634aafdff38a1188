#include "migration/source_format.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "migration/source_manifest.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsNaming;
using testing::Must;
using testing::Succeeds;
using Kind = SourceFormat::Kind;
using Manifest = std::map<std::string, std::string>;

Manifest Gcm(Manifest more = {}) {
  more.insert({{"format", "node-gcm"}, {"key", "file:old.key"}});
  return more;
}

Manifest OpenSsl(Manifest more = {}) {
  more.insert({{"format", "openssl"}, {"key", "env:OLD"}, {"kdf", "md5"}});
  return more;
}

TEST(SourceManifest, HasTheUsualDefaults) {
  const ValueSource gcm = Must(ParseSource(Gcm()));
  EXPECT_EQ(gcm.format.kind, Kind::kNodeGcm);
  EXPECT_EQ(gcm.format.encoding, SourceEncoding::kHex);
  EXPECT_EQ(gcm.format.layout,
            (std::vector{SourcePart::kIv, SourcePart::kTag, SourcePart::kCiphertext}));
  EXPECT_EQ(gcm.format.separator, ":");
  EXPECT_EQ(gcm.format.iv_bytes, 12U);
  EXPECT_EQ(gcm.key->place, "file:old.key");
  EXPECT_EQ(gcm.key->text, KeyText::kHex);

  const ValueSource cbc = Must(ParseSource({{"format", "aes-256-cbc"}, {"key", "env:OLD"}}));
  EXPECT_EQ(cbc.format.layout, (std::vector{SourcePart::kIv, SourcePart::kCiphertext}));

  const ValueSource salted = Must(ParseSource(OpenSsl()));
  EXPECT_EQ(salted.format.encoding, SourceEncoding::kBase64);
  EXPECT_EQ(salted.format.iterations, 1U);
  EXPECT_EQ(salted.key->text, KeyText::kUtf8);
  Manifest pbkdf2 = OpenSsl();
  pbkdf2["kdf"] = "pbkdf2";
  EXPECT_EQ(Must(ParseSource(pbkdf2)).format.iterations, 10'000U);

  const ValueSource plain = Must(ParseSource({{"format", "plain"}}));
  EXPECT_EQ(plain.format.encoding, SourceEncoding::kRaw);
  EXPECT_FALSE(plain.key.has_value());
}

TEST(SourceManifest, ReadsEveryKey) {
  const ValueSource source =
      Must(ParseSource(Gcm({{"prefix", "enc:v1:"},
                            {"without_prefix", "plain"},
                            {"encoding", "iv=hex,tag=base64url,ciphertext=base64"},
                            {"layout", "ciphertext..tag..iv"},
                            {"iv_bytes", "16"},
                            {"aad", "users"},
                            {"key_hash", "scrypt"},
                            {"salt", "pepper"},
                            {"content", "text"},
                            {"min_bytes", "8"},
                            {"max_bytes", "64"},
                            {"starts_with", "sk_live_,sk_test_"},
                            {"shape", "printable"}})));
  const SourceFormat& format = source.format;
  EXPECT_EQ(format.prefix, "enc:v1:");
  EXPECT_EQ(format.without_prefix, SourceFormat::WithoutPrefix::kPlaintext);
  EXPECT_EQ(format.encoding_of.at(SourcePart::kTag), SourceEncoding::kBase64Url);
  EXPECT_EQ(format.layout,
            (std::vector{SourcePart::kCiphertext, SourcePart::kTag, SourcePart::kIv}));
  EXPECT_EQ(format.separator, "..");
  EXPECT_EQ(format.iv_bytes, 16U);
  EXPECT_EQ(format.associated, "users");
  EXPECT_EQ(source.key->hash, KeyHash::kScrypt);
  EXPECT_EQ(source.key->salt, "pepper");
  EXPECT_EQ(source.key->text, KeyText::kUtf8);
  EXPECT_EQ(format.plausibility.content, Plausibility::Content::kText);
  EXPECT_EQ(format.plausibility.min_bytes, 8U);
  EXPECT_EQ(format.plausibility.max_bytes, 64U);
  EXPECT_EQ(format.plausibility.starts_with, (std::vector<std::string>{"sk_live_", "sk_test_"}));
  EXPECT_EQ(format.plausibility.shape, TokenShape::kPrintable);

  const ValueSource json = Must(ParseSource(Gcm({{"json", "iv=iv,tag=authTag,ciphertext=data"}})));
  EXPECT_EQ(json.format.members.at(SourcePart::kTag), "authTag");
  EXPECT_TRUE(json.format.layout.empty());
  EXPECT_EQ(Must(ParseSource(Gcm({{"separator", ""}}))).format.separator, "");
  EXPECT_EQ(Must(ParseSource(Gcm({{"separator", "$"}}))).format.separator, "$");
}

struct Refusal {
  Manifest manifest;
  const char* names;
};

TEST(SourceManifest, ErrorsNameTheKeyAndWhatIsAllowed) {
  const Refusal refusals[] = {
      {{}, "format: is missing; it is one of node-gcm, aes-256-cbc, openssl, plain"},
      {{{"format", "aes"}}, "format: 'aes' is none of node-gcm"},
      {{{"format", "plain"}, {"key", "env:X"}}, "'key' says nothing in this format"},
      {{{"format", "plain"}, {"encoding", "iv=hex"}}, "encoding: a plain value has no parts"},
      {{{"format", "node-gcm"}}, "key: is missing"},
      {Gcm({{"kdf", "md5"}}), "'kdf' says nothing"},
      {Gcm({{"colour", "red"}}), "'colour' says nothing"},
      {Gcm({{"encoding", "hx"}}), "encoding: 'hx' is none of hex, base64, base64url, raw"},
      {Gcm({{"encoding", "iv=hx"}}), "encoding: 'hx' is none of"},
      {Gcm({{"encoding", "iv=hex,iv=hex"}}), "encoding: the part 'iv' comes twice"},
      {Gcm({{"layout", "iv:tag"}}), "layout: the part 'ciphertext' is missing"},
      {Gcm({{"layout", ""}}), "layout: the part 'iv' is missing"},
      {Gcm({{"layout", "iv:tag:tag:ciphertext"}}), "layout: the part 'tag' comes twice"},
      {Gcm({{"layout", "iv:tag:data"}}), "layout: "},
      {Gcm({{"layout", "iv:tag.ciphertext"}}), "layout: between two parts"},
      {Gcm({{"layout", "ivtagciphertext"}}), "layout: between two parts"},
      {Gcm({{"layout", "iv:tag:ciphertext:"}}), "layout: between two parts"},
      {Gcm({{"layout", ":iv:tag:ciphertext"}}), "layout: the parts are iv, tag, ciphertext"},
      {Gcm({{"layout", "iv+tag+ciphertext"}, {"encoding", "base64"}}), "separator: '+' may also"},
      {Gcm({{"separator", "-"}, {"encoding", "base64url"}}), "separator: '-' may also stand"},
      {Gcm({{"separator", ":"}, {"encoding", "raw"}}), "separator: ':' may also stand"},
      {Gcm({{"separator", ""}, {"encoding", "iv=hex,ciphertext=base64"}}), "encoding: parts that"},
      {Gcm({{"json", "iv=a,tag=b"}}), "json: the part 'ciphertext' is missing"},
      {Gcm({{"json", "iv=a,tag=b,ciphertext=a"}}), "json: the members' names"},
      {Gcm({{"json", "iv=a,tag,ciphertext=a"}}), "json: 'tag' is not of the form PART="},
      {Gcm({{"json", "iv=a,data=b"}}), "json: 'data' is none of iv, tag, ciphertext"},
      {Gcm({{"json", "iv=a,ciphertext=b"}, {"layout", "iv:ciphertext"}}), "json: a JSON object"},
      {Gcm({{"json", "iv=a,ciphertext=b"}, {"encoding", "raw"}}), "encoding: bytes in JSON"},
      {Gcm({{"iv_bytes", "13"}}), "iv_bytes: is 12 or 16"},
      {Gcm({{"iv_bytes", "12 "}}), "iv_bytes: is a number"},
      {Gcm({{"iv_bytes", "-12"}}), "iv_bytes: is a number"},
      {Gcm({{"without_prefix", "plain"}}), "without_prefix: there is no prefix"},
      {Gcm({{"key_hash", "sha1"}}), "key_hash: 'sha1' is none of none, sha256"},
      {Gcm({{"key_hash", "scrypt"}}), "salt: is missing"},
      {Gcm({{"salt", "x"}}), "salt: only key_hash = scrypt"},
      {Gcm({{"key_encoding", "utf16"}}), "key_encoding: 'utf16' is none of hex"},
      {Gcm({{"min_bytes", "9"}, {"max_bytes", "8"}}), "max_bytes: is less"},
      {Gcm({{"min_bytes", "many"}}), "min_bytes: is a number of 0 to 16777216"},
      {Gcm({{"starts_with", "a,"}}), "starts_with: an empty"},
      {Gcm({{"shape", "round"}}), "shape: 'round' is none of printable"},
      {{{"format", "aes-256-cbc"}, {"key", "env:X"}, {"layout", "iv:tag:ciphertext"}},
       "layout: AES-256-CBC has no tag"},
      {{{"format", "aes-256-cbc"}, {"key", "env:X"}, {"iv_bytes", "16"}},
       "'iv_bytes' says nothing"},
      {{{"format", "openssl"}, {"key", "env:X"}},
       "kdf: is missing; it is one of md5, sha256, pbkdf2"},
      {OpenSsl({{"iterations", "0"}}), "iterations: is a number of 1 to 10000000"},
      {OpenSsl({{"encoding", "iv=hex"}}), "encoding: this format has no parts"},
      {OpenSsl({{"key_hash", "sha256"}}), "'key_hash' says nothing"},
  };
  for (const auto& [manifest, names] : refusals) {
    EXPECT_THAT(ParseSource(manifest), FailsNaming(ErrorCode::kInvalidArgument, names));
  }
}

TEST(SourceManifest, DoesNotRepeatAKeyThatStandsThereByMistake) {
  Manifest manifest = Gcm();
  manifest["key"] = "CANARY";
  const Result<ValueSource> source = ParseSource(manifest);
  ASSERT_FALSE(source);
  EXPECT_EQ((source.error().message + source.error().hint).find("CANARY"), std::string::npos);
}

TEST(SourceFormat, ADefaultOneIsPlain) { EXPECT_THAT(CheckFormat({}), Succeeds()); }

}  // namespace
}  // namespace rowseal
