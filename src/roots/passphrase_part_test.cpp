#include "roots/passphrase_part.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::uint32_t kMax = 0xFFFFFFFF;

Bytes Encoded(std::uint32_t passes, std::uint32_t memory_kib) {
  return EncodePassphrasePart({{.passes = passes, .memory_kib = memory_kib}, {}});
}

bool Refused(ByteView bytes) {
  const Result<PassphrasePart> decoded = DecodePassphrasePart(bytes);
  return !decoded && decoded.error().code == ErrorCode::kIntegrity;
}

TEST(PassphrasePart, HasTheLayoutOfTheSpecification) {
  PassphrasePart part{{.passes = 3, .memory_kib = 65536}, {}};
  for (std::size_t i = 0; i < part.salt.size(); ++i) {
    part.salt[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  EXPECT_EQ(ToHex(EncodePassphrasePart(part)),
            "0101"
            "00000003"
            "00010000"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
}

TEST(PassphrasePart, TheDefaultCostIsWithinTheBounds) {
  EXPECT_TRUE(CheckPassphraseCost({}).has_value());
}

TEST(PassphrasePart, CostsOutOfBoundsAreRefused) {
  EXPECT_FALSE(Refused(Encoded(kMinPassphrasePasses, kMinPassphraseMemoryKib)));
  EXPECT_FALSE(Refused(Encoded(16, 131'072)));  // 16 · 128 MiB = 2 GiB, the most
  EXPECT_TRUE(Refused(Encoded(16, 131'073)));   // a KiB a pass more
  EXPECT_FALSE(Refused(Encoded(3, 699'050)));   // the most memory that three passes may have
  EXPECT_TRUE(Refused(Encoded(3, 699'051)));
  EXPECT_TRUE(Refused(Encoded(0, 65'536)));
  EXPECT_TRUE(Refused(Encoded(2, 65'536)));
  EXPECT_TRUE(Refused(Encoded(17, 65'536)));
  EXPECT_TRUE(Refused(Encoded(kMax, 12'288)));
  EXPECT_TRUE(Refused(Encoded(3, 0)));
  EXPECT_TRUE(Refused(Encoded(3, 12'287)));
  EXPECT_TRUE(Refused(Encoded(3, kMaxPassphraseMemoryKib + 1)));
  EXPECT_TRUE(Refused(Encoded(kMax, kMax)));  // the product must not wrap around
}

TEST(PassphrasePart, OtherFormsAreRefusedAndDoNotClaimToBeThis) {
  const Bytes good = Encoded(3, 65'536);
  EXPECT_TRUE(IsPassphrasePart(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_TRUE(Refused(ByteView(good).first(size)));
    EXPECT_FALSE(IsPassphrasePart(ByteView(good).first(size)));
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(Refused(longer));
  for (const std::size_t at : {0U, 1U}) {
    for (int value = 0; value < 256; ++value) {
      Bytes other = good;
      other[at] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(Refused(other), value != 1) << at << " " << value;
      EXPECT_EQ(IsPassphrasePart(other), value == 1);
    }
  }
}

RC_GTEST_PROP(PassphrasePart, EncodesAgainToWhatItDecoded, ()) {
  // Mostly valid headers, so that the numbers and the salt are what varies.
  Bytes bytes = *rc::gen::container<Bytes>(kPassphrasePartSize, rc::gen::arbitrary<std::uint8_t>());
  if (*rc::gen::weightedElement<bool>({{9, true}, {1, false}})) {
    const Bytes head = Encoded(*rc::gen::inRange<std::uint32_t>(0, 20),
                               *rc::gen::inRange<std::uint32_t>(0, 1'200'000));
    std::copy_n(head.begin(), 10, bytes.begin());
  }
  const Result<PassphrasePart> decoded = DecodePassphrasePart(bytes);
  if (decoded) {
    RC_ASSERT(EncodePassphrasePart(*decoded) == bytes);
    RC_ASSERT(CheckPassphraseCost(decoded->cost).has_value());
  } else {
    RC_ASSERT(decoded.error().code == ErrorCode::kIntegrity);
  }
}

RC_GTEST_PROP(PassphrasePart, EveryCostWithinTheBoundsComesBack, ()) {
  const auto passes = *rc::gen::inRange<std::uint32_t>(3, 17);
  const std::uint32_t most = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kMaxPassphraseMemoryKib, kMaxPassphraseWorkKib / passes));
  const auto memory = *rc::gen::inRange<std::uint32_t>(kMinPassphraseMemoryKib, most + 1);
  const Result<PassphrasePart> decoded = DecodePassphrasePart(Encoded(passes, memory));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->cost.passes == passes);
  RC_ASSERT(decoded->cost.memory_kib == memory);
}

}  // namespace
}  // namespace rowseal
