#include "crypto/legacy_cipher.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "support/legacy_values.h"
#include "support/test_store.h"
#include "support/vectors.h"

namespace rowseal {
namespace {

using testing::Counted;
using testing::CountedKey;
using testing::FailsNaming;
using testing::FailsWith;
using testing::Must;
using testing::SealCbc;
using testing::SealGcm;
using testing::TextOf;
using testing::Unhex;

Bytes Of(const SecretBytes& secret) { return {secret.Reveal().begin(), secret.Reveal().end()}; }

// Of all that Wycheproof has for keys of 256 bits, those with other IVs or tags are refused.
TEST(LegacyGcm, FollowsWycheproof) {
  const std::string path = testing::VectorPath("wycheproof/aes_gcm_test.json");
  std::size_t opened_count = 0;
  std::size_t refused_count = 0;
  const nlohmann::json vectors = testing::ReadJson(path);
  for (const auto& group : vectors.at("testGroups")) {
    if (group.at("keySize") != 256) {
      continue;
    }
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&](const char* name) { return Unhex(test.at(name).get<std::string>()); };
      const Bytes iv = bytes("iv");
      const bool valid = test.at("result") == "valid" && (iv.size() == 12 || iv.size() == 16);
      const Bytes tag = bytes("tag");
      const Bytes ciphertext = bytes("ct");
      const Bytes associated = bytes("aad");
      const Result<SecretBytes> opened =
          OpenLegacyGcm(bytes("key"), {iv, tag, ciphertext, associated});
      if (valid) {
        ASSERT_THAT(opened, testing::Succeeds()) << test.at("tcId");
        EXPECT_EQ(Of(*opened), bytes("msg")) << test.at("tcId");
        ++opened_count;
      } else {
        EXPECT_THAT(opened, FailsWith(ErrorCode::kIntegrity)) << test.at("tcId");
        ++refused_count;
      }
    }
  }
  EXPECT_GT(opened_count, 30U);
  EXPECT_GT(refused_count, 30U);
}

TEST(LegacyGcm, RefusesShortTagsThatNodeTakes) {
  const Bytes key = CountedKey(1);
  const Bytes iv = Counted(12);
  const auto parts = SealGcm(key, iv, "a secret");
  EXPECT_EQ(TextOf(Must(OpenLegacyGcm(key, {iv, parts.tag, parts.ciphertext, {}}))), "a secret");
  for (std::size_t size = 0; size < 16; ++size) {
    EXPECT_THAT(OpenLegacyGcm(key, {iv, ByteView(parts.tag).first(size), parts.ciphertext, {}}),
                FailsNaming(ErrorCode::kIntegrity, "tag is not of 16 bytes"));
  }
}

TEST(LegacyGcm, TakesIvsOf12And16BytesOnly) {
  const Bytes key = CountedKey(1);
  for (const std::size_t size : {1U, 8U, 11U, 12U, 13U, 15U, 16U, 17U, 32U}) {
    const Bytes iv = Counted(size);
    const auto parts = SealGcm(key, iv, "a secret", "context");
    const Result<SecretBytes> opened =
        OpenLegacyGcm(key, {iv, parts.tag, parts.ciphertext, AsBytes("context")});
    EXPECT_EQ(opened.has_value(), size == 12 || size == 16) << size;
  }
}

TEST(LegacyGcm, OpensEmptyTextsAndRefusesKeysOfOtherSizes) {
  const Bytes iv = Counted(16);
  const auto parts = SealGcm(CountedKey(1), iv, "");
  EXPECT_EQ(Must(OpenLegacyGcm(CountedKey(1), {iv, parts.tag, {}, {}})).size(), 0U);
  EXPECT_THAT(OpenLegacyGcm(Counted(16), {iv, parts.tag, {}, {}}),
              FailsWith(ErrorCode::kInvalidArgument));
}

// SP 800-38A F.2.6 has no padding; its first block is what the IV and key are tested with here.
TEST(LegacyCbc, DecryptsAsSp80038aSays) {
  const Bytes key = Unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const Bytes iv = Unhex("000102030405060708090a0b0c0d0e0f");
  const Bytes text = Unhex("6bc1bee22e409f96e93d7e117393172a");
  const Bytes sealed = SealCbc(key, iv, AsText(text));
  ASSERT_EQ(sealed.size(), 32U);
  EXPECT_EQ(ToHex(ByteView(sealed).first(16)), "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
  EXPECT_EQ(Of(Must(OpenLegacyCbc(key, iv, sealed))), text);
}

TEST(LegacyCbc, OpensEveryLengthAndRefusesEveryOtherSize) {
  const Bytes key = CountedKey(1);
  const Bytes iv = Counted(16);
  for (std::size_t size = 0; size < 50; ++size) {
    const std::string text(size, 'x');
    const Bytes sealed = SealCbc(key, iv, text);
    EXPECT_EQ(TextOf(Must(OpenLegacyCbc(key, iv, sealed))), text);
    EXPECT_THAT(OpenLegacyCbc(key, iv, ByteView(sealed).first(sealed.size() - 1)),
                FailsNaming(ErrorCode::kIntegrity, "whole blocks"));
  }
  EXPECT_THAT(OpenLegacyCbc(key, iv, {}), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(OpenLegacyCbc(key, Counted(12), Bytes(16)), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(OpenLegacyCbc(Counted(24), iv, Bytes(16)), FailsWith(ErrorCode::kInvalidArgument));
}

// As `openssl enc -aes-256-cbc -P` prints them.
TEST(LegacyKdfs, DeriveWhatOpenSslEncDerives) {
  const ByteView passphrase = AsBytes("correct");
  const Bytes salt = Counted(8);
  EXPECT_EQ(ToHex(Must(OpenSslBytesToKey(LegacyHash::kMd5, passphrase, salt, 1)).Reveal()),
            "42ef8d32d44649ba7d27ac5f01da38a09881ccfed4eaa919c4c13306a2e50e8c"
            "621c0f8bbf2d9dcb096786f56be123d1");
  EXPECT_EQ(ToHex(Must(OpenSslBytesToKey(LegacyHash::kSha256, passphrase, salt, 1)).Reveal()),
            "bb7a8e6de9f779962ad27c64bcc6359f85fc161f6877fa117589303dcb83141d"
            "14858dd759c9623981bf4991661f6610");
  EXPECT_EQ(ToHex(Must(Pbkdf2HmacSha256(passphrase, salt, 10'000, kSaltedKeySize)).Reveal()),
            "5881331ba8dd293a281169397a55958fefaaeac91af8224c8c06864bbb4b0066"
            "fedbbef17c446b850880c38ccdd70107");
}

TEST(Pbkdf2HmacSha256, FollowsRfc7914) {
  EXPECT_EQ(ToHex(Must(Pbkdf2HmacSha256(AsBytes("passwd"), AsBytes("salt"), 1, 64)).Reveal()),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

// RFC 7914 section 12 gives 64 bytes; the first 32 do not depend on how many are asked for.
TEST(NodeScrypt, FollowsRfc7914AndNode) {
  EXPECT_EQ(ToHex(Must(NodeScrypt(AsBytes("pleaseletmein"), AsBytes("SodiumChloride"))).Reveal()),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  EXPECT_EQ(ToHex(Must(NodeScrypt(AsBytes("secret"), AsBytes("salt"))).Reveal()),
            "05ffaebcca41770af425d4ba9b4e7bcdff532237dca931c192a36d94db7307d4");
  EXPECT_THAT(NodeScrypt(AsBytes("secret"), {}), testing::Succeeds());
}

TEST(LegacyKdfs, RefuseWhatIsOutOfBounds) {
  const ByteView text = AsBytes("correct");
  const Bytes salt = Counted(8);
  for (const auto& refused :
       {OpenSslBytesToKey(LegacyHash::kMd5, {}, salt, 1).error(),
        OpenSslBytesToKey(LegacyHash::kMd5, text, Counted(7), 1).error(),
        OpenSslBytesToKey(LegacyHash::kSha256, text, salt, 0).error(),
        Pbkdf2HmacSha256({}, salt, 1, 32).error(),
        Pbkdf2HmacSha256(text, salt, kMaxKdfIterations + 1, 32).error(),
        Pbkdf2HmacSha256(text, salt, 1, 65).error(), NodeScrypt({}, salt).error()}) {
    EXPECT_EQ(refused.code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace rowseal
