#include <rowseal/ids.h>

#include <type_traits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rowseal {
namespace {

void ExpectNameRefused(std::string_view text, std::string_view why) {
  const Result<SecretName> name = SecretName::Parse(text);
  ASSERT_FALSE(name) << why;
  EXPECT_EQ(name.error().code, ErrorCode::kInvalidArgument) << why;
  EXPECT_NE(name.error().message.find(why), std::string::npos) << name.error().message;
}

TEST(Name, HoldsUpTo255BytesExactlyAsTheyAre) {
  for (const std::string& text :
       {std::string("a"), std::string(" a b "), std::string("Stripe/caf\xC3\xA9"),
        std::string("cafe\xCC\x81"), std::string(255, 'x'), std::string("\xC2\xA0"),
        std::string("\xF0\x9F\x94\x91")}) {
    const Result<SecretName> name = SecretName::Parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->text(), text);
  }
}

TEST(Name, IsNeverNormalised) {
  EXPECT_NE(*SecretName::Parse("caf\xC3\xA9"), *SecretName::Parse("cafe\xCC\x81"));
  EXPECT_NE(*SecretName::Parse("Key"), *SecretName::Parse("key"));
}

TEST(Name, RefusesWrongSizesAndBytes) {
  ExpectNameRefused("", "empty");
  ExpectNameRefused(std::string(256, 'x'), "longer than 255 bytes");
  // 128 characters of two bytes are 256 bytes: the limit counts bytes.
  std::string two_byte_characters;
  for (int i = 0; i < 128; ++i) {
    two_byte_characters += "\xC3\xA9";
  }
  ExpectNameRefused(two_byte_characters, "longer than 255 bytes");
  ExpectNameRefused("a\xFF", "not UTF-8");
  ExpectNameRefused("a\xC2", "not UTF-8");
  ExpectNameRefused("\xED\xA0\x80", "not UTF-8");
}

TEST(Name, RefusesEveryControlCharacterAnywhere) {
  for (int control = 0; control <= 0x9F; ++control) {
    if (control >= 0x20 && control < 0x7F) {
      continue;
    }
    std::string text;
    if (control < 0x80) {
      text = std::string(1, static_cast<char>(control));
    } else {
      text = {'\xC2', static_cast<char>(control)};
    }
    ExpectNameRefused(text, "control character");
    ExpectNameRefused("a" + text, "control character");
    ExpectNameRefused(text + "b", "control character");
  }
  EXPECT_TRUE(SecretName::Parse("\xC2\xA0"));
  EXPECT_TRUE(SecretName::Parse("~"));
}

TEST(Name, RefusalSaysWhatWasRefusedWithoutControls) {
  const Result<ProjectId> project = ProjectId::Parse("evil\x1B[2J");
  ASSERT_FALSE(project);
  EXPECT_EQ(project.error().message.find('\x1B'), std::string::npos);
  EXPECT_NE(project.error().message.find("project 'evil\\x1b[2J'"), std::string::npos);
}

RC_GTEST_PROP(Uuid, ReadsWhatItWrites, (const std::array<std::uint8_t, 16>& bytes)) {
  const std::string text = UuidText(bytes);
  RC_ASSERT(text.size() == 36U);
  const Result<SecretId> id = ParseUuid<SecretId>(text);
  RC_ASSERT(id.has_value());
  RC_ASSERT(id->bytes == bytes);
  RC_ASSERT(ToText(*id) == text);
}

TEST(Uuid, IsWrittenInGroups) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(0xF0 - i);
  }
  EXPECT_EQ(UuidText(bytes), "f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2e1");
}

TEST(Uuid, HasOneText) {
  for (const std::string_view text :
       {"", "f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2e", "f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2e10",
        "F0EFEEED-ECEB-EAE9-E8E7-E6E5E4E3E2E1", "{f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2e}",
        "f0efeeedeceb-eae9-e8e7-e6e5e4e3e2e1-", "f0efeeedecebeae9e8e7e6e5e4e3e2e1",
        "f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2g1", " f0efeeed-eceb-eae9-e8e7-e6e5e4e3e2e",
        "f0efeee--eceb-eae9-e8e7-e6e5e4e3e2e1"}) {
    const Result<SecretId> id = ParseUuid<SecretId>(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Ids, OfDifferentKindsDoNotMix) {
  static_assert(!std::is_convertible_v<KekId, RootId>);
  static_assert(!std::is_convertible_v<SecretId, DekId>);
  static_assert(!std::is_convertible_v<ProjectId, SecretName>);
  static_assert(!std::is_convertible_v<std::int64_t, KekId>);
  static_assert(!std::is_constructible_v<SecretName, std::string>);
  EXPECT_EQ(ToText(KekId{-7}), "-7");
}

TEST(Kinds, ReadTheirOwnTextOnly) {
  for (const SecretKind kind :
       {SecretKind::kWebhook, SecretKind::kAccessToken, SecretKind::kWorkflow}) {
    EXPECT_EQ(*ParseSecretKind(ToText(kind)), kind);
  }
  for (const ContextKind kind : {ContextKind::kField, ContextKind::kCell}) {
    EXPECT_EQ(*ParseContextKind(ToText(kind)), kind);
  }
  for (const std::string_view text : {"", "Webhook", "webhook ", "token", "access-token"}) {
    ASSERT_FALSE(ParseSecretKind(text)) << text;
    EXPECT_EQ(ParseSecretKind(text).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(ParseContextKind(text).error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace rowseal
