#include "migration/value_decoder.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "support/legacy_values.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::Counted;
using testing::CountedKey;
using testing::FailsNaming;
using testing::FailsWith;
using testing::GcmParts;
using testing::Joined;
using testing::Must;
using testing::SealCbc;
using testing::SealGcm;
using testing::Secret;
using testing::Succeeds;
using testing::TextOf;
using Kind = SourceFormat::Kind;
using Manifest = std::map<std::string, std::string>;

const std::string kText = "sk_live_CANARY39HqLyjWDarjtT1zdp7";

// A decoder of what `manifest` says; the key does not come from where it says.
ValueDecoder Decoder(Manifest manifest, const Bytes& key = CountedKey(1)) {
  manifest.emplace("key", "file:of-the-test");
  SourceFormat format = Must(ParseSource(manifest)).format;
  return Must(ValueDecoder::Make(std::move(format), Secret(key)));
}

ValueDecoder PlainDecoder(Manifest manifest) {
  manifest["format"] = "plain";
  return Must(ValueDecoder::Open(Must(ParseSource(manifest))));
}

Result<SecretBytes> Decode(const ValueDecoder& decoder, std::string_view stored) {
  Result<SecretBytes> decoded = decoder.Decode(AsBytes(stored));
  if (!decoded) {
    EXPECT_EQ(decoded.error().code, ErrorCode::kIntegrity);
    EXPECT_EQ((decoded.error().message + decoded.error().hint).find("CANARY"), std::string::npos);
  }
  return decoded;
}

std::string Encoded(const std::string& encoding, ByteView bytes) {
  if (encoding == "raw") {
    return std::string(AsText(bytes));
  }
  return encoding == "hex"      ? ToHex(bytes)
         : encoding == "base64" ? ToBase64(Base64::kPadded, bytes)
                                : ToBase64(Base64::kUrl, bytes);
}

std::string UpperCase(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char letter) { return static_cast<char>(toupper(letter)); });
  return text;
}

// One way in which an app may have written a GCM value, and such a value.
struct Written {
  Manifest manifest;
  std::string stored;
};

std::string Shown(const Manifest& manifest) {
  std::string text;
  for (const auto& [key, value] : manifest) {
    text += key + "=" + value + " ";
  }
  return text;
}

// Every order of the parts with every separator in every encoding, JSON, and a prefix on half.
std::vector<Written> AllGcmLayouts(const Bytes& key, const std::string& text) {
  std::vector<Written> all;
  for (const std::size_t iv_size : {12U, 16U}) {
    const Bytes iv = Counted(iv_size);
    const GcmParts parts = SealGcm(key, iv, text);
    const std::map<std::string, Bytes> bytes = {
        {"iv", iv}, {"tag", parts.tag}, {"ciphertext", parts.ciphertext}};
    for (const std::string encoding : {"hex", "base64", "base64url", "raw"}) {
      std::vector<std::string> order = {"ciphertext", "iv", "tag"};
      do {
        for (const std::string separator : {":", ".", "|", "$", "::", ""}) {
          if (encoding == "raw" && !separator.empty()) {
            continue;
          }
          Manifest manifest = {{"format", "node-gcm"},
                               {"encoding", encoding},
                               {"iv_bytes", std::to_string(iv_size)},
                               {"layout", order[0] + ":" + order[1] + ":" + order[2]},
                               {"separator", separator}};
          std::string stored;
          if (separator.empty()) {
            stored = Encoded(encoding,
                             Joined({bytes.at(order[0]), bytes.at(order[1]), bytes.at(order[2])}));
          } else {
            stored = Encoded(encoding, bytes.at(order[0])) + separator +
                     Encoded(encoding, bytes.at(order[1])) + separator +
                     Encoded(encoding, bytes.at(order[2]));
          }
          if (all.size() % 2 == 0) {
            manifest["prefix"] = "enc:v1:";
            stored = "enc:v1:" + stored;
          }
          all.push_back({std::move(manifest), std::move(stored)});
        }
      } while (std::ranges::next_permutation(order).found);
      if (encoding != "raw") {
        all.push_back({{{"format", "node-gcm"},
                        {"encoding", encoding},
                        {"iv_bytes", std::to_string(iv_size)},
                        {"json", "iv=iv,tag=authTag,ciphertext=data"}},
                       "{\"v\": 1, \"iv\": \"" + Encoded(encoding, iv) + "\", \"authTag\":\"" +
                           Encoded(encoding, parts.tag) + "\",\"data\":\"" +
                           Encoded(encoding, parts.ciphertext) + "\"}"});
      }
    }
  }
  return all;
}

TEST(NodeGcm, OpensEveryLayout) {
  const Bytes key = CountedKey(1);
  const auto all = AllGcmLayouts(key, kText);
  EXPECT_GT(all.size(), 200U);
  for (const auto& [manifest, stored] : all) {
    const ValueDecoder decoder = Decoder(manifest, key);
    EXPECT_TRUE(decoder.IsAuthenticated());
    EXPECT_EQ(TextOf(Must(Decode(decoder, stored))), kText) << Shown(manifest);
  }
}

TEST(NodeGcm, RefusesAWrongKeyInEveryLayout) {
  for (const auto& [manifest, stored] : AllGcmLayouts(CountedKey(1), kText)) {
    EXPECT_THAT(Decode(Decoder(manifest, CountedKey(2)), stored),
                FailsNaming(ErrorCode::kIntegrity, "the tag does not match"))
        << Shown(manifest);
  }
}

TEST(NodeGcm, RefusesEveryShortenedValue) {
  for (const auto& [manifest, stored] : AllGcmLayouts(CountedKey(1), kText)) {
    const ValueDecoder decoder = Decoder(manifest);
    const std::size_t unpadded_size = stored.find_last_not_of('=') + 1;
    for (std::size_t size = 0; size < stored.size(); ++size) {
      if (size != unpadded_size) {  // without its padding it is still whole
        EXPECT_FALSE(Decode(decoder, stored.substr(0, size))) << Shown(manifest) << size;
      }
    }
    EXPECT_FALSE(Decode(decoder, stored + "x")) << Shown(manifest);
  }
}

TEST(NodeGcm, RefusesEveryFlippedBit) {
  const Bytes key = CountedKey(1);
  const Bytes iv = Counted(12);
  const GcmParts parts = SealGcm(key, iv, kText);
  const Bytes sealed = Joined({iv, parts.ciphertext, parts.tag});
  const ValueDecoder decoder = Decoder({{"format", "node-gcm"},
                                        {"encoding", "raw"},
                                        {"layout", "iv:ciphertext:tag"},
                                        {"separator", ""}});
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes flipped = sealed;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(Decode(decoder, AsText(flipped))) << bit;
  }
}

TEST(NodeGcm, OpensWebCryptosTagBehindTheCiphertext) {
  const Bytes iv = Counted(12);
  const GcmParts parts = SealGcm(CountedKey(1), iv, kText);
  const Bytes tagged = Joined({parts.ciphertext, parts.tag});
  EXPECT_EQ(TextOf(Must(Decode(Decoder({{"format", "node-gcm"}, {"layout", "iv.ciphertext"}}),
                               ToHex(iv) + "." + ToHex(tagged)))),
            kText);
  const ValueDecoder whole = Decoder({{"format", "node-gcm"},
                                      {"layout", "iv:ciphertext"},
                                      {"separator", ""},
                                      {"encoding", "base64"}});
  EXPECT_EQ(TextOf(Must(Decode(whole, ToBase64(Base64::kPadded, Joined({iv, tagged}))))), kText);
  EXPECT_THAT(Decode(whole, ToBase64(Base64::kPadded, Counted(27))),
              FailsNaming(ErrorCode::kIntegrity, "too short"));
}

TEST(NodeGcm, TakesAssociatedDataAndEncodingsOfEachPart) {
  const Bytes iv = Counted(16);
  const GcmParts parts = SealGcm(CountedKey(1), iv, kText, "users");
  Manifest manifest = {{"format", "node-gcm"},
                       {"iv_bytes", "16"},
                       {"encoding", "iv=hex,tag=hex,ciphertext=base64"},
                       {"aad", "users"}};
  const std::string stored = UpperCase(ToHex(iv)) + ":" + ToHex(parts.tag) + ":" +
                             ToBase64(Base64::kPadded, parts.ciphertext);
  EXPECT_EQ(TextOf(Must(Decode(Decoder(manifest), stored))), kText);
  manifest["aad"] = "accounts";
  EXPECT_THAT(Decode(Decoder(manifest), stored), FailsNaming(ErrorCode::kIntegrity, "tag"));
}

TEST(NodeGcm, CarriesEmptyLongBinaryAndForeignTexts) {
  const Bytes iv = Counted(12);
  const ValueDecoder decoder = Decoder({{"format", "node-gcm"}});
  for (const std::string& text : {std::string(), std::string("Grüße, 世界 🔑"), std::string(3, '\0'),
                                  std::string(1'000'000, 'x'), std::string("\xFF\xFE\x00", 3)}) {
    const GcmParts parts = SealGcm(CountedKey(1), iv, text);
    EXPECT_EQ(TextOf(Must(Decode(
                  decoder, ToHex(iv) + ":" + ToHex(parts.tag) + ":" + ToHex(parts.ciphertext)))),
              text);
  }
}

TEST(NodeGcm, ErrorsSayWhatIsWrong) {
  const Bytes iv = Counted(12);
  const GcmParts parts = SealGcm(CountedKey(1), iv, kText);
  const std::string hex_iv = ToHex(iv);
  const std::string hex_tag = ToHex(parts.tag);
  const std::string hex_text = ToHex(parts.ciphertext);
  const ValueDecoder decoder = Decoder({{"format", "node-gcm"}, {"prefix", "enc:"}});
  const auto expect = [&](const std::string& stored, const std::string& why) {
    EXPECT_THAT(Decode(decoder, stored), FailsNaming(ErrorCode::kIntegrity, why)) << stored;
  };
  expect(hex_iv + ":" + hex_tag + ":" + hex_text, "does not begin with the prefix");
  expect("", "does not begin with the prefix");
  expect("enc:", "the value is empty");
  expect("enc:CANARY", "has not the 3 parts");
  expect("enc:" + hex_iv + ":" + hex_tag, "has not the 3 parts");
  expect("enc:" + hex_iv + ":" + hex_tag + ":" + hex_text + ":", "has not the 3 parts");
  expect("enc:" + hex_iv + "00000000:" + hex_tag + ":" + hex_text, "the iv has 16 bytes, not 12");
  expect("enc:" + hex_iv + ":" + hex_tag.substr(8) + ":" + hex_text,
         "the tag has 12 bytes, not 16");
  expect("enc:" + hex_iv + ":" + hex_tag + ":" + hex_text + "0", "the ciphertext: hex text has an");
  expect("enc:" + hex_iv + ":CANARY:" + hex_text, "the tag: hex text has another character");
  expect("enc:" + hex_iv + ":" + hex_tag + ":" + hex_text + "00", "the tag does not match");
}

TEST(NodeGcm, RefusesJsonThatIsNotTheObjectItShouldBe) {
  const ValueDecoder decoder =
      Decoder({{"format", "node-gcm"}, {"json", "iv=iv,tag=tag,ciphertext=data"}});
  const auto expect = [&](const std::string& stored, const std::string& why) {
    EXPECT_THAT(Decode(decoder, stored), FailsNaming(ErrorCode::kIntegrity, why)) << stored;
  };
  expect("[]", "expected '{'");
  expect("{}", "has no member");
  expect("{\"iv\":\"00\"}", "has no member 'tag'");
  expect("{\"iv\":\"00\",\"iv\":\"00\"}", "comes twice");
  expect("{\"iv\":1}", "expected a string");
  expect("{\"iv\":\"CANARY\"}", "the iv: hex");
  expect("{\"iv\":\"00\"", "expected ',' or '}'");
  expect("{\"iv\":\"00\",\"tag\":\"\",\"data\":\"\"}x", "behind the object");
  expect("{\"a\":" + std::string(20, '[') + std::string(20, ']') + "}", "nested too deep");
  expect("{\"a\":" + std::string(100'000, '['), "nested too deep");
  expect("{\"iv\":\"\xFF\"}", "not UTF-8");
  expect("{\"x\":[1,{\"iv\":\"00\"},null,true,-1.5e+7,[]],\"iv\":\"00\"}", "has no member 'tag'");
}

TEST(NodeGcm, ReadsEscapesAndOtherMembersInJson) {
  const Bytes iv = Counted(12);
  const GcmParts parts = SealGcm(CountedKey(1), iv, kText);
  std::string data = ToBase64(Base64::kPadded, parts.ciphertext);
  for (std::size_t at = 0; (at = data.find('/', at)) != std::string::npos; at += 2) {
    data.insert(at, "\\");  // as PHP does
  }
  const ValueDecoder decoder = Decoder(
      {{"format", "node-gcm"}, {"encoding", "base64"}, {"json", "iv=iv,tag=t,ciphertext=data"}});
  EXPECT_EQ(TextOf(Must(Decode(
                decoder,
                " { \"alg\" : \"aes\", \"deep\":{\"iv\":[{},[1, 2],\"}\"]},\"n\" : null ,"
                "\"\\u0069v\":\"" +
                    ToBase64(Base64::kPadded, iv) + "\",\n\"t\":\"" +
                    ToBase64(Base64::kPadded, parts.tag) + "\",\"data\":\"" + data + "\" } "))),
            kText);
}

TEST(ValueDecoder, LetsPlaintextThroughOnlyWhereTheManifestSaysSo) {
  const Bytes iv = Counted(12);
  const GcmParts parts = SealGcm(CountedKey(1), iv, kText);
  const ValueDecoder decoder = Decoder({{"format", "node-gcm"},
                                        {"prefix", "enc:"},
                                        {"without_prefix", "plain"},
                                        {"starts_with", "sk_live_"}});
  EXPECT_FALSE(decoder.IsAuthenticated());
  EXPECT_EQ(TextOf(Must(Decode(decoder, "enc:" + ToHex(iv) + ":" + ToHex(parts.tag) + ":" +
                                            ToHex(parts.ciphertext)))),
            kText);
  EXPECT_EQ(TextOf(Must(Decode(decoder, "sk_live_1"))), "sk_live_1");
  EXPECT_THAT(Decode(decoder, "ENC:CANARY"), FailsNaming(ErrorCode::kIntegrity, "implausible"));
}

TEST(PlainValues, PassAsTheyAreOrDecoded) {
  const ValueDecoder raw = PlainDecoder({});
  EXPECT_FALSE(raw.IsAuthenticated());
  for (const std::string& text : {std::string(), kText, std::string("\0\xFF", 2)}) {
    EXPECT_EQ(TextOf(Must(Decode(raw, text))), text);
  }
  EXPECT_EQ(TextOf(Must(Decode(PlainDecoder({{"encoding", "hex"}}), "4142"))), "AB");
  EXPECT_EQ(TextOf(Must(Decode(PlainDecoder({{"encoding", "base64"}}), "QUI="))), "AB");
  EXPECT_EQ(TextOf(Must(Decode(PlainDecoder({{"prefix", "p:"}}), "p:AB"))), "AB");
  EXPECT_THAT(Decode(PlainDecoder({{"content", "text"}}), "\xFF"),
              FailsWith(ErrorCode::kIntegrity));
}

TEST(CbcValues, OpenInTheirLayouts) {
  const Bytes iv = Counted(16);
  const Bytes sealed = SealCbc(CountedKey(1), iv, kText);
  const auto opened = [](Manifest manifest, const std::string& stored) {
    manifest.emplace("format", "aes-256-cbc");
    const ValueDecoder decoder = Decoder(manifest);
    EXPECT_FALSE(decoder.IsAuthenticated());
    return TextOf(Must(Decode(decoder, stored)));
  };
  EXPECT_EQ(opened({}, ToHex(iv) + ":" + ToHex(sealed)), kText);
  EXPECT_EQ(opened({{"encoding", "base64"}},
                   ToBase64(Base64::kPadded, iv) + ":" + ToBase64(Base64::kPadded, sealed)),
            kText);
  EXPECT_EQ(opened({{"encoding", "iv=hex,ciphertext=base64"}},
                   ToHex(iv) + ":" + ToBase64(Base64::kPadded, sealed)),
            kText);
  EXPECT_EQ(opened({{"layout", "ciphertext.iv"}}, ToHex(sealed) + "." + ToHex(iv)), kText);
  EXPECT_EQ(opened({{"separator", ""}, {"encoding", "base64"}},
                   ToBase64(Base64::kPadded, Joined({iv, sealed}))),
            kText);
  EXPECT_EQ(
      opened({{"separator", ""}, {"encoding", "raw"}}, std::string(AsText(Joined({iv, sealed})))),
      kText);
  EXPECT_EQ(opened({{"json", "iv=i,ciphertext=c"}},
                   "{\"i\":\"" + ToHex(iv) + "\",\"c\":\"" + ToHex(sealed) + "\"}"),
            kText);
}

TEST(CbcValues, RefuseWhatIsNoText) {
  const Bytes iv = Counted(16);
  const auto stored = [&](std::string_view text) {
    return ToHex(iv) + ":" + ToHex(SealCbc(CountedKey(1), iv, text));
  };
  const ValueDecoder text = Decoder({{"format", "aes-256-cbc"}});
  const ValueDecoder bytes = Decoder({{"format", "aes-256-cbc"}, {"content", "bytes"}});
  EXPECT_THAT(Decode(text, stored("\xFF")), FailsNaming(ErrorCode::kIntegrity, "implausible"));
  EXPECT_EQ(TextOf(Must(Decode(bytes, stored("\xFF")))), "\xFF");
  EXPECT_EQ(TextOf(Must(Decode(text, stored("Grüße, 世界 🔑")))), "Grüße, 世界 🔑");
  EXPECT_EQ(TextOf(Must(Decode(text, stored("")))), "");
}

// "It decrypted" proves nothing: of 2,000 wrong keys about 8 give right padding, and the look at
// the text lets none of them through.
TEST(CbcValues, WrongKeysPassThePaddingAndNotTheLookAtTheText) {
  const Bytes iv = Counted(16);
  std::size_t padded_count = 0;
  std::size_t plausible_count = 0;
  std::size_t tried_count = 0;
  for (const std::size_t size : {16U, 17U, 31U, 32U, 64U}) {
    const std::string text = std::string(size - 4, 'x') + "last";
    const std::string stored = ToHex(iv) + ":" + ToHex(SealCbc(CountedKey(1), iv, text));
    std::size_t padded_here = 0;
    for (std::uint32_t number = 0; number < 2'000; ++number) {
      const Bytes wrong = CountedKey(1'000 + number);
      const bool padded =
          Decode(Decoder({{"format", "aes-256-cbc"}, {"content", "bytes"}}, wrong), stored)
              .has_value();
      const bool plausible =
          Decode(Decoder({{"format", "aes-256-cbc"}}, wrong), stored).has_value();
      padded_here += padded ? 1U : 0U;
      plausible_count += plausible ? 1U : 0U;
      ++tried_count;
    }
    EXPECT_GT(padded_here, 0U) << size;
    EXPECT_LT(padded_here, 40U) << size;
    padded_count += padded_here;
    EXPECT_EQ(TextOf(Must(Decode(Decoder({{"format", "aes-256-cbc"}}), stored))), text);
  }
  EXPECT_EQ(plausible_count, 0U);
  RecordProperty("wrong_keys", static_cast<int>(tried_count));
  RecordProperty("passed_padding", static_cast<int>(padded_count));
  RecordProperty("passed_plausibility", static_cast<int>(plausible_count));
}

TEST(CbcValues, RefuseWhatIsShortenedOrTooShort) {
  const Bytes iv = Counted(16);
  const std::string stored = ToHex(iv) + ":" + ToHex(SealCbc(CountedKey(1), iv, kText));
  const ValueDecoder decoder = Decoder({{"format", "aes-256-cbc"}});
  for (std::size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(Decode(decoder, stored.substr(0, size))) << size;
  }
  EXPECT_THAT(Decode(decoder, ToHex(iv) + ":"), FailsNaming(ErrorCode::kIntegrity, "whole blocks"));
  EXPECT_THAT(Decode(decoder, ToHex(Counted(12)) + ":" + ToHex(Counted(16))),
              FailsNaming(ErrorCode::kIntegrity, "the iv has 12 bytes, not 16"));
}

// Written by CryptoJS 4.2 and by OpenSSL 3.0, with the passphrase `correct horse`.
struct Salted {
  Manifest manifest;
  std::string stored;
  std::string text;
};
const std::string kLong =
    "Grüße, 世界: a text that is long enough for openssl and others to break its lines in two";
const std::string kLine = "sk_live_4eC39HqLyjWDarjtT1zdp7dc, and more of it";
const Salted kSalted[] = {
    {{{"kdf", "md5"}},
     "U2FsdGVkX1+U6weM5Soqyv/A9ARPswiBsCaf4yFaYcrgE4bXDEwujjOD9P6gh0+Vniebi9cNgj8UUbfU+NGcfw==",
     "sk_live_4eC39HqLyjWDarjtT1zdp7dc"},
    {{{"kdf", "md5"}},
     "U2FsdGVkX1+AzUd2RelMIuLzeJ26wNCy8R3upwfrMgyXVtcMriIirR6KmTVgbt8C/vpHoH074jwSq2YGJcSUtb1/pwI"
     "mB/SGQac3RkJ0ooxeItr8LyTf9ugYaztCokogrxgLg/6WOluON7NbssWVdw==",
     kLong},
    {{{"kdf", "md5"}},
     "U2FsdGVkX1+sbo936W0GqxSafb0xXU0z0krAB2fGFnhqjy9HDs6NMwUYMxzcjlI0\n"
     "GPDWKRshw29hTdE9gbHXLitkctpqEwaLUvmVvC1wems=\n",
     kLine},
    {{{"kdf", "sha256"}},
     "U2FsdGVkX19japRrEB4mE9e3FN4g5qMYwurDfd51yL+NH1YKHuwdwMl5sS45rBam\r\n"
     "NG+aWqUyVV34Q5Z1Vs2w1UVM3T+e3yBZi1sI9g2hu8U=\r\n",
     kLine},
    {{{"kdf", "pbkdf2"}},
     "U2FsdGVkX1/VDIComdBGG4m2qIpvw10uHPyA7dJquWNgtiHS8B3FpUX4eVkvWWWk\n"
     "njm+SKuqaBbWz048VX9THQINlbSFKXO7Q1axXVGK3pY=",
     kLine},
    {{{"kdf", "pbkdf2"}, {"iterations", "1234"}},
     "U2FsdGVkX19snyNDTmMfJQsoRwvJfhtVES/dCdNEV2xX/AOgiOs9+3hPsKFZUUs5"
     "dBIzXfHEXz/+SZ+10qPpVLjqUiFOsnLC8+kVd4av1V4=",
     kLine},
};

ValueDecoder SaltedDecoder(Manifest manifest, std::string_view passphrase) {
  manifest["format"] = "openssl";
  return Decoder(manifest, Bytes(AsBytes(passphrase).begin(), AsBytes(passphrase).end()));
}

TEST(SaltedValues, OpenAsCryptoJsAndOpenSslWroteThem) {
  for (const auto& [manifest, stored, text] : kSalted) {
    const ValueDecoder decoder = SaltedDecoder(manifest, "correct horse");
    EXPECT_FALSE(decoder.IsAuthenticated());
    EXPECT_EQ(TextOf(Must(Decode(decoder, stored))), text) << Shown(manifest);
  }
}

TEST(SaltedValues, OpenInHexAndRawToo) {
  std::string base64 = kSalted[0].stored;
  std::ranges::replace(base64, '+', '-');
  std::ranges::replace(base64, '/', '_');
  const Bytes raw = Must(FromBase64(Base64::kUrl, base64.substr(0, base64.find('='))));
  EXPECT_EQ(
      TextOf(Must(Decode(SaltedDecoder({{"kdf", "md5"}, {"encoding", "hex"}}, "correct horse"),
                         ToHex(raw)))),
      kSalted[0].text);
  EXPECT_EQ(
      TextOf(Must(Decode(SaltedDecoder({{"kdf", "md5"}, {"encoding", "raw"}}, "correct horse"),
                         AsText(raw)))),
      kSalted[0].text);
}

TEST(SaltedValues, WrongPassphrasesAndKdfsAreRefused) {
  const ValueDecoder wrong_kdf = SaltedDecoder({{"kdf", "sha256"}}, "correct horse");
  EXPECT_FALSE(Decode(wrong_kdf, kSalted[0].stored));
  std::size_t padded_count = 0;
  for (int number = 0; number < 2'000; ++number) {
    const std::string passphrase = "wrong " + std::to_string(number);
    EXPECT_FALSE(Decode(SaltedDecoder({{"kdf", "md5"}}, passphrase), kSalted[0].stored));
    padded_count +=
        Decode(SaltedDecoder({{"kdf", "md5"}, {"content", "bytes"}}, passphrase), kSalted[0].stored)
            ? 1U
            : 0U;
  }
  EXPECT_GT(padded_count, 0U);
}

TEST(SaltedValues, RefuseWhatIsShortenedOrOfAnotherKind) {
  const ValueDecoder decoder = SaltedDecoder({{"kdf", "md5"}}, "correct horse");
  const std::string& stored = kSalted[0].stored;
  for (std::size_t size = 0; size + 2 < stored.size(); ++size) {
    EXPECT_FALSE(Decode(decoder, stored.substr(0, size))) << size;
  }
  EXPECT_THAT(Decode(decoder, "CANARY"), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(Decode(decoder, ToBase64(Base64::kPadded, AsBytes("Salted__1234567"))),
              FailsNaming(ErrorCode::kIntegrity, "mark and a salt"));
  EXPECT_THAT(Decode(decoder, ToBase64(Base64::kPadded, AsBytes("Salted__12345678"))),
              FailsNaming(ErrorCode::kIntegrity, "whole blocks"));
  EXPECT_THAT(
      Decode(decoder, ToBase64(Base64::kPadded, AsBytes("Pepper__12345678aaaaaaaaaaaaaaaa"))),
      FailsNaming(ErrorCode::kIntegrity, "mark and a salt"));
}

TEST(ValueDecoder, TakesAKeyOfTheRightSizeOnly) {
  const auto make = [](Kind kind, std::optional<SecretBytes> key) {
    SourceFormat format;
    format.kind = kind;
    format.layout = {SourcePart::kIv, SourcePart::kCiphertext};
    return ValueDecoder::Make(std::move(format), std::move(key));
  };
  EXPECT_THAT(make(Kind::kNodeGcm, Secret(Counted(32))), Succeeds());
  EXPECT_THAT(make(Kind::kNodeGcm, Secret(Counted(31))),
              FailsNaming(ErrorCode::kInvalidArgument, "key: has 31 bytes"));
  EXPECT_THAT(make(Kind::kCbc, Secret(Counted(16))), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(make(Kind::kCbc, {}), FailsNaming(ErrorCode::kInvalidArgument, "key: is missing"));
  EXPECT_THAT(make(Kind::kOpenSslSalted, SecretBytes()), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(make(Kind::kOpenSslSalted, Secret(Counted(3))), Succeeds());
  EXPECT_THAT(make(Kind::kPlain, Secret(Counted(32))), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(make(Kind::kPlain, {}), Succeeds());
}

TEST(ValueDecoder, RefusesValuesThatAreTooLong) {
  EXPECT_THAT(Decode(PlainDecoder({}), std::string(kMaxStoredValue + 1, 'x')),
              FailsNaming(ErrorCode::kIntegrity, "longer than any"));
  EXPECT_EQ(Must(Decode(PlainDecoder({}), std::string(kMaxStoredValue, 'x'))).size(),
            kMaxStoredValue);
}

RC_GTEST_PROP(ValueDecoder, RefusesArbitraryBytes, (const Bytes& bytes)) {
  for (const Manifest& manifest :
       {Manifest{{"format", "node-gcm"}},
        Manifest{{"format", "node-gcm"}, {"encoding", "raw"}, {"separator", ""}},
        Manifest{{"format", "node-gcm"}, {"json", "iv=i,tag=t,ciphertext=c"}},
        Manifest{{"format", "aes-256-cbc"}}, Manifest{{"format", "openssl"}, {"kdf", "md5"}}}) {
    RC_ASSERT(!Decode(Decoder(manifest), AsText(bytes)).has_value());
  }
}

}  // namespace
}  // namespace rowseal
