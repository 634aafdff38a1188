#include "crypto/kdf.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <argon2.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "support/vectors.h"

namespace rowseal {
namespace {

using testing::Unhex;

TEST(HkdfSha256, FollowsWycheproof) {
  const std::string path = testing::VectorPath("wycheproof/hkdf_sha256_test.json");
  std::size_t count = 0;
  const nlohmann::json vectors = testing::ReadJson(path);
  for (const auto& group : vectors.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&](const char* name) { return Unhex(test.at(name).get<std::string>()); };
      const Result<SecretBytes> derived = HkdfSha256(bytes("ikm"), bytes("salt"), bytes("info"),
                                                     test.at("size").get<std::size_t>());
      const bool valid = test.at("result") == "valid";
      ASSERT_EQ(derived.has_value(), valid) << test.at("tcId");
      if (valid) {
        EXPECT_TRUE(std::ranges::equal(derived->Reveal(), bytes("okm"))) << test.at("tcId");
      } else {
        EXPECT_EQ(derived.error().code, ErrorCode::kInvalidArgument) << test.at("tcId");
      }
      ++count;
    }
  }
  EXPECT_EQ(count, 86U);
}

TEST(HkdfSha256, RefusesSizesBeyondTheRfc) {
  EXPECT_EQ(HkdfSha256(Bytes(32, 1), {}, {}, 8160)->size(), 8160U);
  EXPECT_EQ(HkdfSha256(Bytes(32, 1), {}, {}, 8161).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(HkdfSha256(Bytes(32, 1), {}, {}, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(HkdfSha256({}, {}, {}, 32).error().code, ErrorCode::kInvalidArgument);
}

// Returns the bytes written after `label` in the reference file, such as "Salt[16]: 02 02 …".
Bytes FieldOf(const std::string& text, const std::string& label) {
  const std::size_t start = text.find(": ", text.find(label)) + 2;
  std::string digits = text.substr(start, text.find('\n', start) - start);
  std::erase(digits, ' ');
  return Unhex(digits);
}

// The known answer of RFC 9106 section 5.3 has four lanes, a secret and associated data, which our
// function does not take. So the other library is held to it, and ours to the other.
TEST(Argon2id, ReferenceImplementationFollowsRfc9106) {
  const std::string path = testing::VectorPath("argon2/argon2id.kat");
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  Bytes password = FieldOf(text, "Password[32]");
  Bytes salt = FieldOf(text, "Salt[16]");
  Bytes secret = FieldOf(text, "Secret[8]");
  Bytes associated = FieldOf(text, "Associated data[12]");
  const Bytes expected = FieldOf(text, "\nTag");
  Bytes tag(32);
  argon2_context context{};
  context.out = tag.data();
  context.outlen = 32;
  context.pwd = password.data();
  context.pwdlen = 32;
  context.salt = salt.data();
  context.saltlen = 16;
  context.secret = secret.data();
  context.secretlen = 8;
  context.ad = associated.data();
  context.adlen = 12;
  context.t_cost = 3;
  context.m_cost = 32;
  context.lanes = 4;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  ASSERT_EQ(argon2_ctx(&context, Argon2_id), ARGON2_OK);
  EXPECT_EQ(ToHex(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
  EXPECT_EQ(tag, expected);
}

RC_GTEST_PROP(Argon2id, EqualsTheReferenceImplementation, ()) {
  const auto passphrase = *rc::gen::arbitrary<Bytes>();
  const auto salt = *rc::gen::container<Bytes>(16, rc::gen::arbitrary<std::uint8_t>());
  const Argon2idCost cost{.passes = *rc::gen::inRange<std::uint32_t>(1, 5),
                          .memory_kib = *rc::gen::inRange<std::uint32_t>(8, 300)};
  const auto size = *rc::gen::inRange<std::size_t>(16, 65);
  Bytes expected(size);
  RC_ASSERT(argon2id_hash_raw(cost.passes, cost.memory_kib, 1, passphrase.data(), passphrase.size(),
                              salt.data(), salt.size(), expected.data(),
                              expected.size()) == ARGON2_OK);
  const Result<SecretBytes> derived = Argon2id(passphrase, salt, cost, size);
  RC_ASSERT(derived.has_value());
  RC_ASSERT(std::ranges::equal(derived->Reveal(), expected));
}

TEST(Argon2id, RefusesCostsOutOfBoundsBeforeAnyWork) {
  const auto refused = [&](Argon2idCost cost, std::size_t salt_size, std::size_t size) {
    const Result<SecretBytes> derived =
        Argon2id(AsBytes("passphrase"), Bytes(salt_size, 2), cost, size);
    return !derived && derived.error().code == ErrorCode::kInvalidArgument;
  };
  constexpr std::uint32_t kMax = 0xFFFFFFFF;
  EXPECT_TRUE(refused({.passes = 0, .memory_kib = 64}, 16, 32));
  EXPECT_TRUE(refused({.passes = 17, .memory_kib = 64}, 16, 32));
  EXPECT_TRUE(refused({.passes = kMax, .memory_kib = 64}, 16, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 7}, 16, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 0}, 16, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 1024 * 1024 + 1}, 16, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = kMax}, 16, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 64}, 15, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 64}, 17, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 64}, 0, 32));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 64}, 16, 15));
  EXPECT_TRUE(refused({.passes = 1, .memory_kib = 64}, 16, 65));
  EXPECT_FALSE(refused({.passes = 16, .memory_kib = 8}, 16, 16));
  EXPECT_FALSE(refused({.passes = 1, .memory_kib = 64}, 16, 64));
}

}  // namespace
}  // namespace rowseal
