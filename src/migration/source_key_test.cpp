#include "migration/source_key.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "support/legacy_values.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::Counted;
using testing::FailsNaming;
using testing::Must;
using testing::TempFolder;
using testing::TextOf;
using testing::WriteFile;

class SourceKeyTest : public ::testing::Test {
 protected:
  Result<SecretBytes> ReadFrom(std::string_view content, KeyText text,
                               KeyHash hash = KeyHash::kNone, const std::string& salt = {}) {
    WriteFile(folder_ / "old.key", content);
    return ReadSourceKey({"file:" + (folder_ / "old.key"), text, hash, salt});
  }

  TempFolder folder_;
};

TEST_F(SourceKeyTest, ReadsEveryFormOfText) {
  const Bytes key = Counted(32);
  const std::string raw(AsText(key));
  const auto hex = [](const Result<SecretBytes>& read) {
    return ToHex(Must(read->Clone()).Reveal());
  };
  EXPECT_EQ(hex(ReadFrom(ToHex(key) + "\n", KeyText::kHex)), ToHex(key));
  EXPECT_EQ(hex(ReadFrom(" " + ToBase64(Base64::kPadded, key) + "\r\n", KeyText::kBase64)),
            ToHex(key));
  EXPECT_EQ(hex(ReadFrom(ToBase64(Base64::kUrl, key), KeyText::kBase64Url)), ToHex(key));
  EXPECT_EQ(hex(ReadFrom(raw, KeyText::kRaw)), ToHex(key));
  EXPECT_EQ(TextOf(Must(ReadFrom("a line\r\n", KeyText::kUtf8))), "a line");
  EXPECT_EQ(TextOf(Must(ReadFrom(" two\n\n", KeyText::kUtf8))), " two\n");
  EXPECT_EQ(TextOf(Must(ReadFrom("a line\n", KeyText::kRaw))), "a line\n");
}

TEST_F(SourceKeyTest, ReadsTheEnvironment) {
  ASSERT_EQ(setenv("ROWSEAL_TEST_OLD_KEY", "0aFF", 1), 0);
  EXPECT_EQ(ToHex(Must(ReadSourceKey({"env:ROWSEAL_TEST_OLD_KEY"})).Reveal()), "0aff");
  ASSERT_EQ(unsetenv("ROWSEAL_TEST_OLD_KEY"), 0);
  EXPECT_THAT(ReadSourceKey({"env:ROWSEAL_TEST_OLD_KEY"}),
              FailsNaming(ErrorCode::kInvalidArgument, "env:ROWSEAL_TEST_OLD_KEY"));
}

// What Node.js 20 gives for the same calls.
TEST_F(SourceKeyTest, HashesAsNodeAppsDo) {
  const auto hashed = [&](KeyHash hash) {
    return Must(ReadFrom("secret\n", KeyText::kUtf8, hash, "salt"));
  };
  EXPECT_EQ(ToHex(hashed(KeyHash::kSha256).Reveal()),
            "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
  EXPECT_EQ(TextOf(hashed(KeyHash::kSha256Hex)), "2bb80d537b1da3e38bd30361aa855686");
  EXPECT_EQ(TextOf(hashed(KeyHash::kSha256Base64)), "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72");
  EXPECT_EQ(ToHex(hashed(KeyHash::kScrypt).Reveal()),
            "05ffaebcca41770af425d4ba9b4e7bcdff532237dca931c192a36d94db7307d4");
}

TEST_F(SourceKeyTest, ErrorsNameThePlaceAndNothingThatStandsThere) {
  const auto refused = [&](std::string_view content, KeyText text, std::string_view why) {
    const Result<SecretBytes> read = ReadFrom(content, text);
    EXPECT_THAT(read, FailsNaming(ErrorCode::kInvalidArgument, std::string(why)));
    EXPECT_THAT(read, FailsNaming(ErrorCode::kInvalidArgument, "old.key"));
    EXPECT_EQ(read.error().message.find("CANARY"), std::string::npos);
  };
  refused("CANARYCANARY", KeyText::kHex, "another character");
  refused("CANARY*", KeyText::kBase64, "base64");
  refused("CANARY\xFF", KeyText::kUtf8, "UTF-8");
  refused("", KeyText::kUtf8, "is empty");
  refused("\n", KeyText::kUtf8, "is empty");
  refused(" \n", KeyText::kHex, "is empty");
  refused(std::string(64 * 1024 + 1, 'a'), KeyText::kHex, "larger");
  EXPECT_THAT(ReadSourceKey({"file:" + (folder_ / "none")}),
              FailsNaming(ErrorCode::kInvalidArgument, "cannot be opened"));
}

TEST_F(SourceKeyTest, AKeyInPlaceOfItsPlaceIsNotRepeated) {
  for (const char* const place : {"CANARY0123456789", "file:", "env:", "", "File:x"}) {
    const Result<SecretBytes> read = ReadSourceKey({place});
    EXPECT_THAT(read, FailsNaming(ErrorCode::kInvalidArgument, "file:PATH"));
    EXPECT_EQ(read.error().message.find("CANARY"), std::string::npos);
  }
}

}  // namespace
}  // namespace rowseal
