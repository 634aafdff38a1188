#include "migration/plausibility.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsNaming;
using testing::Succeeds;
using Content = Plausibility::Content;

bool IsText(std::string_view text) { return rowseal::IsText(AsBytes(text)); }

TEST(Plausibility, TextIsUtf8WithoutControlCharacters) {
  for (const std::string_view text :
       {"", "sk_live_1", "Grüße, 世界 🔑", "-----BEGIN KEY-----\r\nMII\tE\n", "\xC2\xA0"}) {
    EXPECT_TRUE(IsText(text)) << Printable(text);
  }
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"a\0b"sv, "\x01"sv, "\x1B[2J"sv, "\x7F"sv, "\x0B"sv, "\xC2\x80"sv, "\xC2\x9F"sv, "\xFF"sv,
        "\xC0\x80"sv, "\xED\xA0\x80"sv, "gr\xFC\xDF"sv, "\xC2"sv}) {
    EXPECT_FALSE(IsText(text)) << Printable(text);
  }
}

TEST(Plausibility, EachRuleRefusesByItself) {
  const auto check = [](const Plausibility& rules, std::string_view text) {
    return CheckPlausible(rules, Content::kBytes, AsBytes(text));
  };
  EXPECT_THAT(check({}, "\xFF"), Succeeds());
  EXPECT_THAT(CheckPlausible({}, Content::kText, AsBytes("\xFF")),
              FailsNaming(ErrorCode::kIntegrity, "implausible: no text"));
  EXPECT_THAT(CheckPlausible({.content = Content::kBytes}, Content::kText, AsBytes("\xFF")),
              Succeeds());
  EXPECT_THAT(check({.min_bytes = 3}, "ab"), FailsNaming(ErrorCode::kIntegrity, "under 3 bytes"));
  EXPECT_THAT(check({.min_bytes = 3}, "abc"), Succeeds());
  EXPECT_THAT(check({.max_bytes = 3}, "abcd"), FailsNaming(ErrorCode::kIntegrity, "over 3 bytes"));
  EXPECT_THAT(check({.max_bytes = 0}, ""), Succeeds());
  EXPECT_THAT(check({.starts_with = {"sk_live_", "sk_test_"}}, "sk_test_1"), Succeeds());
  EXPECT_THAT(check({.starts_with = {"sk_live_", "sk_test_"}}, "sk_testing"),
              FailsNaming(ErrorCode::kIntegrity, "starts_with"));
  EXPECT_THAT(check({.shape = TokenShape::kHex}, "xy"),
              FailsNaming(ErrorCode::kIntegrity, "shape"));
}

TEST(Plausibility, KnowsShapesOfTokens) {
  const auto has = [](TokenShape shape, std::string_view text) {
    return HasShape(shape, AsBytes(text));
  };
  EXPECT_TRUE(has(TokenShape::kPrintable, "a!~{}"));
  EXPECT_FALSE(has(TokenShape::kPrintable, "a b"));
  EXPECT_FALSE(has(TokenShape::kPrintable, "ä"));
  EXPECT_TRUE(has(TokenShape::kHex, "00fFaA"));
  EXPECT_FALSE(has(TokenShape::kHex, "0g"));
  EXPECT_TRUE(has(TokenShape::kBase64Url, "aZ09-_"));
  EXPECT_FALSE(has(TokenShape::kBase64Url, "aZ=="));
  EXPECT_TRUE(has(TokenShape::kUuid, "6f1c3a70-0c2b-4f6e-9a51-2f2f8e1d0c3b"));
  EXPECT_FALSE(has(TokenShape::kUuid, "6f1c3a70-0c2b-4f6e-9a51-2f2f8e1d0c3"));
  EXPECT_FALSE(has(TokenShape::kUuid, "6f1c3a7000c2b-4f6e-9a51-2f2f8e1d0c3b"));
  EXPECT_TRUE(has(TokenShape::kJwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"));
  EXPECT_FALSE(has(TokenShape::kJwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0"));
  EXPECT_FALSE(has(TokenShape::kJwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.a.b"));
  EXPECT_FALSE(has(TokenShape::kJwt, "eyJ.."));
  for (const TokenShape shape : {TokenShape::kPrintable, TokenShape::kHex, TokenShape::kBase64Url,
                                 TokenShape::kUuid, TokenShape::kJwt}) {
    EXPECT_FALSE(has(shape, ""));
  }
}

TEST(MaskedSample, ShowsFourCharactersOfLongTextsOnly) {
  EXPECT_EQ(MaskedSample(AsBytes("")), "(0 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("twelve chars")), "(12 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("thirteen char")), "th…ar (13 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("äöüßäöüßäöüß世")), "äö…ß世 (13 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("äöüßäöüßäöüß")), "(12 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("\n\ta long text\r\n")), "\\x0a\\x09…\\x0d\\x0a (15 characters)");
  EXPECT_EQ(MaskedSample(AsBytes("\x1B[2J\x1B[2J\x1B[2J\x1B[2J")), "(16 bytes, no text)");
}

RC_GTEST_PROP(MaskedSample, IsPrintableWhateverItIsMadeOf, (const Bytes& bytes)) {
  const std::string sample = MaskedSample(bytes);
  RC_ASSERT(IsText(sample));
  RC_ASSERT(sample.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace rowseal
