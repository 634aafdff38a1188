#include "crypto/aes_256_gcm.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <nlohmann/json.hpp>

#include "support/vectors.h"

namespace rowseal::internal {
namespace {

using testing::Unhex;

Bytes Joined(Bytes head, const Bytes& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// Room for the plaintext of `sealed`, filled so that a byte that was not written shows.
Bytes RoomFor(const Bytes& sealed) {
  return Bytes(sealed.size() - std::min(sealed.size(), Aes256Gcm::kTagBytes), 0xEE);
}

// Expects that `sealed` is refused with `code` and that no plaintext is left in the output.
void ExpectRefused(Aes256Gcm& gcm, const Bytes& key, const Bytes& iv, const Bytes& sealed,
                   const Bytes& context, ErrorCode code, const std::string& which) {
  Bytes out = RoomFor(sealed);
  const Result<void> opened = gcm.Open(ByteView(key), ByteView(iv), sealed, context, out);
  ASSERT_FALSE(opened) << which;
  EXPECT_EQ(opened.error().code, code) << which;
  EXPECT_TRUE(AllZero(out)) << which;
}

void ExpectOpens(Aes256Gcm& gcm, const Bytes& key, const Bytes& iv, const Bytes& sealed,
                 const Bytes& context, const Bytes& plaintext, const std::string& which) {
  Bytes out = RoomFor(sealed);
  const Result<void> opened = gcm.Open(ByteView(key), ByteView(iv), sealed, context, out);
  ASSERT_TRUE(opened) << which << ": " << opened.error().message;
  EXPECT_EQ(out, plaintext) << which;
}

Bytes SealedBy(Aes256Gcm& gcm, const Bytes& key, const Bytes& iv, const Bytes& plaintext,
               const Bytes& context) {
  Bytes out(plaintext.size() + Aes256Gcm::kTagBytes, 0xEE);
  const Result<void> sealed =
      gcm.Seal(Aes256Gcm::Key(key), Aes256Gcm::Iv(iv), plaintext, context, out);
  EXPECT_TRUE(sealed);
  return out;
}

TEST(Aes256Gcm, SealsAsNistDoes) {
  const std::string path = testing::VectorPath("nist/gcmEncryptExtIV256_iv96_tag128.rsp");
  Aes256Gcm gcm = *Aes256Gcm::Create();
  std::size_t count = 0;
  for (const auto& vector : testing::ReadResponses(path)) {
    const Bytes sealed = SealedBy(gcm, Unhex(vector.at("Key")), Unhex(vector.at("IV")),
                                  Unhex(vector.at("PT")), Unhex(vector.at("AAD")));
    EXPECT_EQ(sealed, Joined(Unhex(vector.at("CT")), Unhex(vector.at("Tag")))) << vector.at("Key");
    ++count;
  }
  EXPECT_EQ(count, 375U);
}

TEST(Aes256Gcm, OpensAndRefusesAsNistDoes) {
  const std::string path = testing::VectorPath("nist/gcmDecrypt256_iv96_tag128.rsp");
  Aes256Gcm gcm = *Aes256Gcm::Create();
  std::size_t opened = 0;
  std::size_t refused = 0;
  for (const auto& vector : testing::ReadResponses(path)) {
    const Bytes sealed = Joined(Unhex(vector.at("CT")), Unhex(vector.at("Tag")));
    const Bytes key = Unhex(vector.at("Key"));
    const Bytes iv = Unhex(vector.at("IV"));
    const Bytes context = Unhex(vector.at("AAD"));
    if (vector.contains("FAIL")) {
      ExpectRefused(gcm, key, iv, sealed, context, ErrorCode::kIntegrity, vector.at("Key"));
      ++refused;
    } else {
      ExpectOpens(gcm, key, iv, sealed, context, Unhex(vector.at("PT")), vector.at("Key"));
      ++opened;
    }
  }
  EXPECT_EQ(opened, 375U - 191U);
  EXPECT_EQ(refused, 191U);
}

// OpenSSL accepts these: a tag of 4 bytes is forged after 2^32 tries, one of 1 byte after 256.
TEST(Aes256Gcm, RefusesEveryShortTag) {
  const std::string path = testing::VectorPath("nist/gcmDecrypt256_iv96_shorttag.rsp");
  Aes256Gcm gcm = *Aes256Gcm::Create();
  std::size_t count = 0;
  for (const auto& vector : testing::ReadResponses(path)) {
    const Bytes tag = Unhex(vector.at("Tag"));
    ASSERT_LT(tag.size(), Aes256Gcm::kTagBytes);
    ExpectRefused(gcm, Unhex(vector.at("Key")), Unhex(vector.at("IV")),
                  Joined(Unhex(vector.at("CT")), tag), Unhex(vector.at("AAD")),
                  ErrorCode::kIntegrity, vector.at("Key"));
    ++count;
  }
  EXPECT_EQ(count, 2250U);
}

TEST(Aes256Gcm, FollowsWycheproofAndRefusesOtherIvSizes) {
  const std::string path = testing::VectorPath("wycheproof/aes_gcm_test.json");
  Aes256Gcm gcm = *Aes256Gcm::Create();
  std::size_t followed = 0;
  std::size_t other_iv_sizes = 0;
  const nlohmann::json vectors = testing::ReadJson(path);
  for (const auto& group : vectors.at("testGroups")) {
    if (group.at("keySize") != 256 || group.at("tagSize") != 128) {
      continue;
    }
    for (const auto& test : group.at("tests")) {
      const auto bytes = [&](const char* name) { return Unhex(test.at(name).get<std::string>()); };
      const Bytes sealed = Joined(bytes("ct"), bytes("tag"));
      const std::string which = "tcId " + std::to_string(test.at("tcId").get<int>());
      if (group.at("ivSize") != 96) {
        ExpectRefused(gcm, bytes("key"), bytes("iv"), sealed, bytes("aad"),
                      ErrorCode::kInvalidArgument, which);
        ++other_iv_sizes;
      } else if (test.at("result") == "valid") {
        ExpectOpens(gcm, bytes("key"), bytes("iv"), sealed, bytes("aad"), bytes("msg"), which);
        EXPECT_EQ(SealedBy(gcm, bytes("key"), bytes("iv"), bytes("msg"), bytes("aad")), sealed)
            << which;
        ++followed;
      } else {
        ExpectRefused(gcm, bytes("key"), bytes("iv"), sealed, bytes("aad"), ErrorCode::kIntegrity,
                      which);
        ++followed;
      }
    }
  }
  EXPECT_EQ(followed, 66U);
  EXPECT_EQ(other_iv_sizes, 39U);
}

TEST(Aes256Gcm, RefusesOtherKeySizes) {
  Aes256Gcm gcm = *Aes256Gcm::Create();
  for (const std::size_t size : {0U, 16U, 24U, 31U, 33U, 64U}) {
    ExpectRefused(gcm, Bytes(size, 1), Bytes(12, 2), Bytes(40, 3), {}, ErrorCode::kInvalidArgument,
                  std::to_string(size));
  }
}

TEST(Aes256Gcm, RefusesRoomOfAnotherSize) {
  Aes256Gcm gcm = *Aes256Gcm::Create();
  const Bytes key(32, 1);
  const Bytes iv(12, 2);
  const Bytes sealed = SealedBy(gcm, key, iv, Bytes(20, 3), {});
  for (const std::size_t size : {0U, 19U, 21U, 36U}) {
    Bytes out(size, 0xEE);
    const Result<void> opened = gcm.Open(Aes256Gcm::Key(key), Aes256Gcm::Iv(iv), sealed, {}, out);
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(AllZero(out));
  }
  for (const std::size_t size : {0U, 20U, 35U, 37U}) {
    Bytes out(size, 0xEE);
    const Result<void> done =
        gcm.Seal(Aes256Gcm::Key(key), Aes256Gcm::Iv(iv), Bytes(20, 3), {}, out);
    ASSERT_FALSE(done) << size;
    EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(AllZero(out));
  }
}

// What one operation leaves behind must not reach the next: each result on a used context equals
// that of a fresh one, whatever came before it and however it ended.
RC_GTEST_PROP(Aes256Gcm, RemembersNothingOfEarlierOperations, ()) {
  Aes256Gcm used = *Aes256Gcm::Create();
  const auto steps = *rc::gen::inRange(1, 12);
  for (int step = 0; step < steps; ++step) {
    const auto key = *rc::gen::container<Bytes>(32, rc::gen::arbitrary<std::uint8_t>());
    const auto iv = *rc::gen::container<Bytes>(12, rc::gen::arbitrary<std::uint8_t>());
    const auto plaintext = *rc::gen::arbitrary<Bytes>();
    const auto context = *rc::gen::arbitrary<Bytes>();
    Aes256Gcm fresh = *Aes256Gcm::Create();
    Bytes sealed = SealedBy(fresh, key, iv, plaintext, context);
    if (*rc::gen::arbitrary<bool>()) {
      RC_ASSERT(SealedBy(used, key, iv, plaintext, context) == sealed);
      continue;
    }
    const bool damaged = *rc::gen::arbitrary<bool>();
    const std::size_t at = *rc::gen::inRange<std::size_t>(0, sealed.size());
    sealed[at] = static_cast<std::uint8_t>(sealed[at] ^ (damaged ? 1 : 0));
    Bytes out = RoomFor(sealed);
    const Result<void> opened = used.Open(ByteView(key), ByteView(iv), sealed, context, out);
    RC_ASSERT(opened.has_value() == !damaged);
    RC_ASSERT((damaged ? AllZero(out) : out == plaintext));
  }
}

}  // namespace
}  // namespace rowseal::internal
