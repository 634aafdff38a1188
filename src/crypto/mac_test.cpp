#include "crypto/mac.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "support/vectors.h"

namespace rowseal {
namespace {

using testing::Unhex;

// RFC 2202 and RFC 4231, test case 2 of each.
TEST(Hmac, FollowsTheVectorsOfItsHashes) {
  const auto mac = [](HmacHash hash) {
    return ToHex(*Hmac(hash, AsBytes("Jefe"), AsBytes("what do ya want for nothing?")));
  };
  EXPECT_EQ(mac(HmacHash::kSha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(mac(HmacHash::kSha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(mac(HmacHash::kSha512),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  EXPECT_TRUE(Hmac(HmacHash::kSha1, {}, {}));
}

TEST(HmacSha256, FollowsWycheproof) {
  const std::string path = testing::VectorPath("wycheproof/hmac_sha256_test.json");
  std::size_t count = 0;
  const nlohmann::json vectors = testing::ReadJson(path);
  for (const auto& group : vectors.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const Bytes tag = Unhex(test.at("tag").get<std::string>());
      const Result<Mac> mac = HmacSha256(Unhex(test.at("key").get<std::string>()),
                                         Unhex(test.at("msg").get<std::string>()));
      ASSERT_TRUE(mac);
      ASSERT_LE(tag.size(), mac->size());
      EXPECT_EQ(EqualInConstantTime(ByteView(*mac).first(tag.size()), tag),
                test.at("result") == "valid")
          << test.at("tcId");
      ++count;
    }
  }
  EXPECT_EQ(count, 174U);
}

// RFC 4231 section 4.3, and a key longer than a block (4.7).
TEST(HmacSha256, FollowsRfc4231) {
  EXPECT_EQ(ToHex(*HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(*HmacSha256(Bytes(131, 0xAA),
                              AsBytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, TakesAnEmptyKeyAsAKeyAndNotAsTheOneBefore) {
  constexpr std::string_view kOfEmptyKeyAndMessage =
      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(ToHex(*HmacSha256({}, {})), kOfEmptyKeyAndMessage);
  ASSERT_TRUE(HmacSha256(AsBytes("another key"), AsBytes("message")));
  EXPECT_EQ(ToHex(*HmacSha256({}, {})), kOfEmptyKeyAndMessage);
}

TEST(Sha256, FollowsFips180) {
  EXPECT_EQ(ToHex(*Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(*Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(*Sha256(AsBytes(std::string(1'000'000, 'a')))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(EqualInConstantTime, LooksAtSizeAndEveryBit) {
  const Bytes bytes = Unhex("000102030405060708090a0b0c0d0e0f");
  EXPECT_TRUE(EqualInConstantTime(bytes, bytes));
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_FALSE(EqualInConstantTime(bytes, ByteView(bytes).first(15)));
  EXPECT_FALSE(EqualInConstantTime(bytes, {}));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(EqualInConstantTime(bytes, changed)) << bit;
  }
}

}  // namespace
}  // namespace rowseal
