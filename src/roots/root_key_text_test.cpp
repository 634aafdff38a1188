#include "roots/root_key_text.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "crypto/xaes_256_gcm.h"

namespace rowseal {
namespace {

Bytes SomeKey() {
  Bytes key(kKeySize);
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  return key;
}

std::string Encode(ByteView key) {
  return std::string(AsText(EncodeRootKey(SecretBytes::CopyOf(key).value()).value().Reveal()));
}

Result<SecretBytes> Decode(std::string_view text) { return DecodeRootKey(AsBytes(text)); }

// No part of a key may stand in a message: neither of the text nor of the bytes in hexadecimal.
void ExpectNoKeyIn(const Error& error, const std::string& text) {
  const std::string shown = error.message + error.hint;
  for (std::size_t at = 7; at + 6 <= text.size(); ++at) {
    EXPECT_EQ(shown.find(text.substr(at, 6)), std::string::npos) << shown;
  }
  EXPECT_EQ(shown.find(ToHex(ByteView(SomeKey()).first(3))), std::string::npos) << shown;
}

RC_GTEST_PROP(RootKeyText, DecodesWhatItEncoded, ()) {
  const Bytes key = *rc::gen::container<Bytes>(kKeySize, rc::gen::arbitrary<std::uint8_t>());
  RC_PRE(std::ranges::any_of(key, [](std::uint8_t byte) { return byte != 0; }));
  const std::string text = Encode(key);
  RC_ASSERT(text.size() == 65);
  const Result<SecretBytes> decoded = Decode(text);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(std::ranges::equal(decoded->Reveal(), key));
}

TEST(RootKeyText, EveryOneByteMutationIsRefused) {
  const std::string text = Encode(SomeKey());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string mutated = text;
      mutated[at] = static_cast<char>(byte);
      if (mutated == text) {
        continue;
      }
      const Result<SecretBytes> decoded = Decode(mutated);
      ASSERT_FALSE(decoded) << "byte " << at << " = " << byte;
      ASSERT_EQ(decoded.error().code, ErrorCode::kRootKeyMalformed) << at << " = " << byte;
    }
  }
}

TEST(RootKeyText, EveryTruncationIsRefused) {
  const std::string text = Encode(SomeKey());
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_EQ(Decode(text.substr(0, size)).error().code, ErrorCode::kRootKeyMalformed) << size;
  }
}

TEST(RootKeyText, OneFinalNewlineIsAllowedAndNothingElse) {
  const std::string text = Encode(SomeKey());
  EXPECT_TRUE(Decode(text + "\n").has_value());
  for (const std::string& other :
       {text + "\n\n", text + "\r\n", text + " ", " " + text, "\n" + text, text + "=",
        text + std::string(1, '\0'), text + text, "\xEF\xBB\xBF" + text}) {
    const Result<SecretBytes> decoded = Decode(other);
    ASSERT_FALSE(decoded) << Printable(other);
    EXPECT_EQ(decoded.error().code, ErrorCode::kRootKeyMalformed);
    ExpectNoKeyIn(decoded.error(), text);
  }
}

TEST(RootKeyText, OtherEncodingsAreNamedAndNoByteOfTheKeyIsShown) {
  const Bytes key = SomeKey();
  const std::string text = Encode(key);
  std::string upper = text;
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  const std::vector<std::pair<std::string, std::string>> foreign = {
      {ToHex(key), "hexadecimal"},
      {ToBase64(Base64::kUrl, key), "base64"},
      {ToBase64(Base64::kUrl, key) + "=", "base64"},
      {std::string(AsText(key)), "raw"},
      {upper, "does not begin"},
      {"", "empty"},
      {"\n", "empty"},
      {"-----BEGIN PRIVATE KEY-----", "does not begin"},
  };
  for (const auto& [given, defect] : foreign) {
    const Result<SecretBytes> decoded = Decode(given);
    ASSERT_FALSE(decoded) << defect;
    EXPECT_EQ(decoded.error().code, ErrorCode::kRootKeyMalformed) << defect;
    EXPECT_NE(decoded.error().message.find(defect), std::string::npos) << decoded.error().message;
    ExpectNoKeyIn(decoded.error(), text);
    ExpectNoKeyIn(decoded.error(), "1234567" + given);
  }
}

TEST(RootKeyText, AllZerosIsRefused) {
  const Result<SecretBytes> decoded = Decode(Encode(Bytes(kKeySize, 0)));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kRootKeyMalformed);
  EXPECT_NE(decoded.error().message.find("zero"), std::string::npos) << decoded.error().message;
}

}  // namespace
}  // namespace rowseal
