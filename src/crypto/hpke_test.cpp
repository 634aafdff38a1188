#include "crypto/hpke.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// The published vector of this suite: github.com/cfrg/draft-irtf-cfrg-hpke, test-vectors.json, mode
// 0, kem_id 32, kdf_id 1, aead_id 2, encryption of sequence number 0.
constexpr std::string_view kInfo = "4f6465206f6e2061204772656369616e2055726e";
constexpr std::string_view kEphemeral =
    "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11";
constexpr std::string_view kPublic =
    "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c";
constexpr std::string_view kPrivate =
    "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
constexpr std::string_view kEncapsulated =
    "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256";
constexpr std::string_view kShared =
    "3101c54c3a4f87439eaac080699ed9bbcc726ffe44e860c0424ccb7e3e2ead7b";
constexpr std::string_view kKey =
    "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f";
constexpr std::string_view kNonce = "151d9929e2449747889bc923";
constexpr std::string_view kContext = "436f756e742d30";
constexpr std::string_view kPlaintext =
    "4265617574792069732074727574682c20747275746820626561757479";
constexpr std::string_view kCiphertext =
    "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a";

Bytes Hex(std::string_view text) { return Must(FromHex(text)); }
SecretBytes Secret(std::string_view hex) { return Must(SecretBytes::CopyOf(Hex(hex))); }
HpkePublicKey Public(std::string_view hex) {
  HpkePublicKey key{};
  std::ranges::copy(Hex(hex), key.begin());
  return key;
}

TEST(Hpke, PublishedVectorHoldsInEveryStep) {
  EXPECT_EQ(Must(PublicKeyOf(Secret(kPrivate))), Public(kPublic));
  EXPECT_EQ(Must(PublicKeyOf(Secret(kEphemeral))), Public(kEncapsulated));
  const internal::HpkeSchedule schedule = Must(internal::HpkeScheduleOf(
      Secret(kEphemeral), Hex(kPublic), Hex(kEncapsulated), Hex(kPublic), Hex(kInfo)));
  EXPECT_EQ(ToHex(schedule.shared_secret.Reveal()), kShared);
  EXPECT_EQ(ToHex(schedule.key.Reveal()), kKey);
  EXPECT_EQ(ToHex(schedule.base_nonce), kNonce);
  const Bytes sealed = Must(HpkeKnownAnswer::SealWithEphemeral(
      Secret(kEphemeral), Public(kPublic), Hex(kInfo), Hex(kContext), Hex(kPlaintext)));
  EXPECT_EQ(ToHex(sealed), std::string(kEncapsulated) + std::string(kCiphertext));
  EXPECT_EQ(ToHex(Must(HpkeOpen(Secret(kPrivate), Hex(kInfo), Hex(kContext), sealed)).Reveal()),
            kPlaintext);
}

TEST(Hpke, OpensOnlyUnchangedAndInItsContext) {
  const SecretBytes key = Must(NewHpkePrivateKey());
  const HpkePublicKey to = Must(PublicKeyOf(key));
  const Bytes sealed = Must(HpkeSeal(to, AsBytes("info"), AsBytes("context"), AsBytes("value")));
  EXPECT_EQ(sealed.size(), kHpkeOverhead + 5);
  EXPECT_EQ(TextOf(Must(HpkeOpen(key, AsBytes("info"), AsBytes("context"), sealed))), "value");
  EXPECT_NE(sealed, Must(HpkeSeal(to, AsBytes("info"), AsBytes("context"), AsBytes("value"))));

  EXPECT_THAT(HpkeOpen(key, AsBytes("other"), AsBytes("context"), sealed),
              FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(HpkeOpen(key, AsBytes("info"), AsBytes("other"), sealed),
              FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(HpkeOpen(Must(NewHpkePrivateKey()), AsBytes("info"), AsBytes("context"), sealed),
              FailsWith(ErrorCode::kIntegrity));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    EXPECT_THAT(HpkeOpen(key, AsBytes("info"), AsBytes("context"), changed),
                FailsWith(ErrorCode::kIntegrity))
        << "byte " << i;
    EXPECT_THAT(HpkeOpen(key, AsBytes("info"), AsBytes("context"), ByteView(sealed).first(i)),
                FailsWith(ErrorCode::kIntegrity))
        << "cut to " << i;
  }
}

// RFC 9180 section 7.1.4: points of small order give a secret that everybody knows.
TEST(Hpke, PublicKeyThatGivesAKnownSecretIsRefused) {
  EXPECT_THAT(HpkeSeal(HpkePublicKey{}, {}, {}, AsBytes("value")),
              FailsWith(ErrorCode::kInvalidArgument));
  HpkePublicKey one{};
  one[0] = 1;
  EXPECT_THAT(HpkeSeal(one, {}, {}, AsBytes("value")), FailsWith(ErrorCode::kInvalidArgument));
  const SecretBytes key = Must(NewHpkePrivateKey());
  EXPECT_THAT(HpkeOpen(key, {}, {}, Bytes(kHpkeOverhead + 1)), FailsWith(ErrorCode::kIntegrity));
}

}  // namespace
}  // namespace rowseal::testing
