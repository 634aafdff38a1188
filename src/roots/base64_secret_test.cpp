#include "roots/base64_secret.h"

#include <string>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::string Encoded(ByteView bytes) {
  SecretBuffer text = Must(SecretBuffer::Create((bytes.size() + 2) / 3 * 4));
  Must(AppendBase64(bytes, text));
  return std::string(AsText(text.Reveal()));
}

// RFC 4648 section 10.
TEST(Base64Secret, PublishedVectorsHold) {
  for (const auto& [plain, text] : {std::pair<std::string, std::string>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(Encoded(AsBytes(plain)), text);
    EXPECT_EQ(TextOf(Must(DecodeBase64(AsBytes(text)))), plain);
  }
  EXPECT_EQ(Encoded(Bytes{0xfb, 0xff, 0xfe}), "+//+");
}

TEST(Base64Secret, DecodesWhatItEncodedAndNothingElse) {
  for (std::size_t size = 0; size < 100; ++size) {
    const SecretBytes bytes = Must(RandomSecret(size + 1));
    EXPECT_TRUE(Must(DecodeBase64(AsBytes(Encoded(bytes.Reveal())))).EqualsInConstantTime(bytes));
  }
  for (const std::string text : {"Zg=", "Zg", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm-v",
                                 "Zm 9", "Zg==Zg==", "=m9v", "Zm9\x80"}) {
    EXPECT_THAT(DecodeBase64(AsBytes(text)), FailsWith(ErrorCode::kIntegrity)) << text;
  }
}

}  // namespace
}  // namespace rowseal::testing
