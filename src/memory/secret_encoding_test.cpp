#include "memory/secret_encoding.h"

#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::string Encoded(ByteView bytes) {
  SecretBuffer text = Must(SecretBuffer::Create(Base64Size(Base64::kPadded, bytes.size()) + 1));
  Must(AppendBase64(Base64::kPadded, bytes, text));
  return std::string(AsText(text.Reveal()));
}

// RFC 4648 section 10.
TEST(SecretEncoding, PublishedVectorsHold) {
  for (const auto& [plain, text] : {std::pair<std::string, std::string>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(Encoded(AsBytes(plain)), text);
    EXPECT_EQ(TextOf(Must(SecretFromBase64(Base64::kPadded, text))), plain);
  }
}

TEST(SecretEncoding, DecodesWhatItEncodedAndNothingElse) {
  for (std::size_t size = 1; size < 100; ++size) {
    Bytes bytes(size);
    std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(size * 7));
    EXPECT_EQ(TextOf(Must(SecretFromBase64(Base64::kPadded, Encoded(bytes)))), AsText(bytes));
  }
  for (const std::string text : {"Zg=", "Zg", "Zh==", "Zm9v\n", "Zm-v", "Zm9\x80"}) {
    EXPECT_THAT(SecretFromBase64(Base64::kPadded, text), FailsWith(ErrorCode::kIntegrity)) << text;
  }
}

TEST(SecretEncoding, AppendsBehindWhatIsThereAndWritesNothingWhereThereIsNoRoom) {
  SecretBuffer text = Must(SecretBuffer::Create(9));
  Must(text.Append(AsBytes("key:")));
  Must(AppendBase64(Base64::kPadded, AsBytes("foo"), text));
  EXPECT_EQ(AsText(text.Reveal()), "key:Zm9v");
  EXPECT_THAT(AppendBase64(Base64::kPadded, AsBytes("f"), text),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(AsText(text.Reveal()), "key:Zm9v");
}

}  // namespace
}  // namespace rowseal::testing
