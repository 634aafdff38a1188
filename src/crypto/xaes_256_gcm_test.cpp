#include "crypto/xaes_256_gcm.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "crypto/aes_256_gcm.h"
#include "support/shake128.h"
#include "support/vectors.h"

namespace rowseal {
namespace {

using testing::Unhex;

XaesKey KeyOf(ByteView bytes) { return *XaesKey::Create(*SecretBytes::CopyOf(bytes)); }

XaesNonce NonceOf(ByteView bytes) {
  XaesNonce nonce{};
  std::ranges::copy(bytes.first(nonce.size()), nonce.begin());
  return nonce;
}

Bytes Pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(7 + 13 * i);
  }
  return bytes;
}

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

struct Sealed {
  XaesNonce nonce{};
  Bytes bytes;
};

Sealed SealedBy(const XaesKey& key, ByteView plaintext, ByteView context) {
  Sealed sealed{.nonce = {}, .bytes = Bytes(plaintext.size() + kTagSize, 0xEE)};
  const Result<void> done = key.Seal(plaintext, context, sealed.nonce, sealed.bytes);
  EXPECT_TRUE(done);
  return sealed;
}

// Opened is what came out, or the error; after an error every byte of the output must be zero.
Result<Bytes> Opened(const XaesKey& key, const Sealed& sealed, ByteView context) {
  Bytes out(sealed.bytes.size() - std::min(sealed.bytes.size(), kTagSize), 0xEE);
  const Result<void> opened = key.Open(sealed.bytes, context, sealed.nonce, out);
  if (!opened) {
    EXPECT_TRUE(AllZero(out));
    return tl::unexpected<Error>(opened.error());
  }
  return out;
}

::testing::AssertionResult RefusedWithIntegrity(const XaesKey& key, const Sealed& sealed,
                                                ByteView context) {
  const Result<Bytes> opened = Opened(key, sealed, context);
  if (opened) {
    return ::testing::AssertionFailure() << "it opened";
  }
  if (opened.error().code != ErrorCode::kIntegrity) {
    return ::testing::AssertionFailure() << "refused with " << ErrorName(opened.error().code);
  }
  return ::testing::AssertionSuccess();
}

// --- known answers
// --------------------------------------------------------------------------------

struct KnownAnswer {
  std::string_view key;
  std::string_view message_key;  // Kx, the intermediate value
  std::string_view context;
  std::string_view sealed;
};

// https://c2sp.org/XAES-256-GCM, "Test vectors": one with the top bit of L clear, one with it set.
constexpr std::string_view kNonce = "4142434445464748494a4b4c4d4e4f505152535455565758";
constexpr std::string_view kPlaintext = "XAES-256-GCM";
constexpr std::array<KnownAnswer, 2> kKnownAnswers = {{
    {"0101010101010101010101010101010101010101010101010101010101010101",
     "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b", "",
     "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
    {"0303030303030303030303030303030303030303030303030303030303030303",
     "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
     "633273702e6f72672f584145532d3235362d47434d",
     "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
}};

TEST(Xaes, GivesTheKnownAnswers) {
  for (const KnownAnswer& answer : kKnownAnswers) {
    const XaesKey key = KeyOf(Unhex(answer.key));
    const Sealed expected{.nonce = NonceOf(Unhex(kNonce)), .bytes = Unhex(answer.sealed)};
    const Bytes context = Unhex(answer.context);
    Bytes sealed(expected.bytes.size());
    ASSERT_TRUE(
        XaesKnownAnswer::SealWithNonce(key, AsBytes(kPlaintext), context, expected.nonce, sealed));
    EXPECT_EQ(ToHex(sealed), answer.sealed);
    EXPECT_EQ(AsText(*Opened(key, expected, context)), kPlaintext);
  }
}

TEST(Xaes, IsAes256GcmUnderTheDerivedKey) {
  internal::Aes256Gcm gcm = *internal::Aes256Gcm::Create();
  for (const KnownAnswer& answer : kKnownAnswers) {
    Bytes out(kPlaintext.size());
    const Bytes iv = Unhex(kNonce.substr(24));
    ASSERT_TRUE(gcm.Open(ByteView(Unhex(answer.message_key)), ByteView(iv), Unhex(answer.sealed),
                         Unhex(answer.context), out));
    EXPECT_EQ(AsText(out), kPlaintext);
  }
}

// C2SP's accumulated test: keys, nonces, texts and contexts from one SHAKE-128 stream; what was
// sealed goes into a second one.
std::string AccumulatedDigest(int rounds) {
  testing::Shake128 source;
  testing::Shake128 results;
  const auto draw = [&](std::size_t size) {
    Bytes bytes(size);
    source.Squeeze(bytes);
    return bytes;
  };
  const auto draw_sized = [&] { return draw(draw(1)[0]); };
  for (int round = 0; round < rounds; ++round) {
    const XaesKey key = KeyOf(draw(kKeySize));
    Sealed sealed{.nonce = NonceOf(draw(kXaesNonceSize)), .bytes = {}};
    const Bytes plaintext = draw_sized();
    const Bytes context = draw_sized();
    sealed.bytes.resize(plaintext.size() + kTagSize);
    const bool sealed_it =
        XaesKnownAnswer::SealWithNonce(key, plaintext, context, sealed.nonce, sealed.bytes)
            .has_value();
    // Opening every eighth keeps the long run short; the others are checked by their bytes.
    if (!sealed_it || (round % 8 == 0 && Opened(key, sealed, context) != plaintext)) {
      return "round " + std::to_string(round) + " does not open";
    }
    results.Absorb(sealed.bytes);
  }
  Bytes digest(32);
  results.Squeeze(digest);
  return ToHex(digest);
}

TEST(Xaes, SourceOfTheAccumulatedTestIsShake128) {
  testing::Shake128 stream;
  Bytes start(16);
  stream.Squeeze(start);
  EXPECT_EQ(ToHex(start), "7f9c2ba4e88f827d616045507605853e");
}

TEST(Xaes, Gives10000AccumulatedAnswers) {
  EXPECT_EQ(AccumulatedDigest(10'000),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(Xaes, Gives1000000AccumulatedAnswers) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  if (std::getenv("ROWSEAL_SOAK") == nullptr) {
    GTEST_SKIP() << "a minute under a sanitizer: runs with ROWSEAL_SOAK=1 and in every other build";
  }
#endif
  EXPECT_EQ(AccumulatedDigest(1'000'000),
            "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15");
}

// --- what opens, and what does not
// ----------------------------------------------------------------

TEST(Xaes, OpensWhatItSealedOfEverySizeTo4096) {
  const XaesKey key = *XaesKey::Generate();
  const Bytes context = Pattern(180);
  const Bytes longest = Pattern(4096);
  for (std::size_t size = 0; size <= longest.size(); ++size) {
    const ByteView plaintext = ByteView(longest).first(size);
    const Result<Bytes> opened = Opened(key, SealedBy(key, plaintext, context), context);
    ASSERT_TRUE(opened) << size;
    ASSERT_TRUE(std::ranges::equal(*opened, plaintext)) << size;
  }
}

RC_GTEST_PROP(Xaes, OpensWhatItSealed, (const Bytes& plaintext, const Bytes& context)) {
  const XaesKey key = *XaesKey::Generate();
  RC_ASSERT(*Opened(key, SealedBy(key, plaintext, context), context) == plaintext);
}

RC_GTEST_PROP(Xaes, RefusesEveryFlippedBit, (const Bytes& context)) {
  const XaesKey key = *XaesKey::Generate();
  const Bytes plaintext = Pattern(*rc::gen::inRange<std::size_t>(0, 40));
  const Sealed sealed = SealedBy(key, plaintext, context);
  for (std::size_t bit = 0; bit < sealed.bytes.size() * 8; ++bit) {
    Sealed changed = sealed;
    changed.bytes[bit / 8] = static_cast<std::uint8_t>(changed.bytes[bit / 8] ^ (1U << bit % 8));
    RC_ASSERT(RefusedWithIntegrity(key, changed, context));
  }
  for (std::size_t bit = 0; bit < sealed.nonce.size() * 8; ++bit) {
    Sealed changed = sealed;
    changed.nonce[bit / 8] = static_cast<std::uint8_t>(changed.nonce[bit / 8] ^ (1U << bit % 8));
    RC_ASSERT(RefusedWithIntegrity(key, changed, context));
  }
  for (std::size_t bit = 0; bit < context.size() * 8; ++bit) {
    Bytes changed = context;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
    RC_ASSERT(RefusedWithIntegrity(key, sealed, changed));
  }
  RC_ASSERT(*Opened(key, sealed, context) == plaintext);
}

RC_GTEST_PROP(Xaes, RefusesEveryTruncationAndExtension, (const Bytes& plaintext)) {
  const XaesKey key = *XaesKey::Generate();
  const Sealed sealed = SealedBy(key, plaintext, AsBytes("context"));
  for (std::size_t size = 0; size < sealed.bytes.size(); ++size) {
    Sealed head = sealed;
    head.bytes.resize(size);
    RC_ASSERT(RefusedWithIntegrity(key, head, AsBytes("context")));
    Sealed tail = sealed;
    tail.bytes.erase(tail.bytes.begin(), tail.bytes.end() - static_cast<std::ptrdiff_t>(size));
    RC_ASSERT(RefusedWithIntegrity(key, tail, AsBytes("context")));
  }
  for (std::size_t more = 1; more <= 64; ++more) {
    Sealed longer = sealed;
    longer.bytes.resize(sealed.bytes.size() + more);
    RC_ASSERT(RefusedWithIntegrity(key, longer, AsBytes("context")));
  }
}

RC_GTEST_PROP(Xaes, RefusesEveryFlippedBitOfTheKey, (const Bytes& plaintext)) {
  const Bytes bytes = *rc::gen::container<Bytes>(kKeySize, rc::gen::inRange<std::uint8_t>(2, 255));
  const Sealed sealed = SealedBy(KeyOf(bytes), plaintext, {});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
    RC_ASSERT(RefusedWithIntegrity(KeyOf(changed), sealed, {}));
  }
}

TEST(Xaes, RefusesSwappedNoncesContextsAndBytes) {
  const XaesKey key = *XaesKey::Generate();
  const Sealed one = SealedBy(key, Pattern(32), AsBytes("one"));
  const Sealed two = SealedBy(key, Pattern(32), AsBytes("two"));
  EXPECT_TRUE(RefusedWithIntegrity(key, one, AsBytes("two")));
  EXPECT_TRUE(RefusedWithIntegrity(key, {.nonce = two.nonce, .bytes = one.bytes}, AsBytes("one")));
  EXPECT_TRUE(RefusedWithIntegrity(key, {.nonce = one.nonce, .bytes = two.bytes}, AsBytes("one")));
  EXPECT_TRUE(RefusedWithIntegrity(key, one, {}));
  EXPECT_TRUE(RefusedWithIntegrity(key, one, AsBytes(std::string_view("one\0", 4))));
}

TEST(Xaes, GivesOneMessageForEveryCause) {
  const XaesKey key = *XaesKey::Generate();
  const Sealed sealed = SealedBy(key, Pattern(32), AsBytes("context"));
  Sealed changed = sealed;
  changed.bytes[3] ^= 1;
  Sealed cut = sealed;
  cut.bytes.resize(5);
  const std::string wrong_key =
      Opened(*XaesKey::Generate(), sealed, AsBytes("context")).error().message;
  EXPECT_EQ(Opened(key, sealed, AsBytes("Context")).error().message, wrong_key);
  EXPECT_EQ(Opened(key, changed, AsBytes("context")).error().message, wrong_key);
  EXPECT_EQ(Opened(key, cut, AsBytes("context")).error().message, wrong_key);
}

TEST(Xaes, SealsInPlace) {
  const XaesKey key = *XaesKey::Generate();
  for (const std::size_t size : {0U, 1U, 16U, 31U, 4096U}) {
    Sealed sealed{.nonce = {}, .bytes = Pattern(size + kTagSize)};
    const ByteView plaintext = ByteView(sealed.bytes).first(size);
    ASSERT_TRUE(key.Seal(plaintext, AsBytes("context"), sealed.nonce, sealed.bytes));
    EXPECT_EQ(*Opened(key, sealed, AsBytes("context")), Pattern(size));
  }
}

TEST(Xaes, RefusesRoomOfAnotherSize) {
  const XaesKey key = *XaesKey::Generate();
  const Bytes plaintext = Pattern(32);
  for (const std::size_t size : {0U, 16U, 32U, 47U, 49U}) {
    Bytes out(size, 0xEE);
    XaesNonce nonce{};
    const Result<void> done = key.Seal(plaintext, {}, nonce, out);
    ASSERT_FALSE(done) << size;
    EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(AllZero(out));
  }
  const Sealed sealed = SealedBy(key, plaintext, {});
  for (const std::size_t size : {0U, 31U, 33U, 48U}) {
    Bytes out(size, 0xEE);
    const Result<void> opened = key.Open(sealed.bytes, {}, sealed.nonce, out);
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(AllZero(out));
  }
}

// --- keys
// ------------------------------------------------------------------------------------------

TEST(XaesKey, RefusesOtherSizesAndZeros) {
  for (const std::size_t size : {0U, 16U, 31U, 33U}) {
    EXPECT_EQ(XaesKey::Create(*SecretBytes::CopyOf(Pattern(size))).error().code,
              ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(XaesKey::Create(*SecretBytes::CopyOf(Bytes(kKeySize))).error().code,
            ErrorCode::kInvalidArgument);
  Bytes almost_zero(kKeySize);
  almost_zero.back() = 1;
  EXPECT_TRUE(XaesKey::Create(*SecretBytes::CopyOf(almost_zero)));
}

TEST(XaesKey, GeneratesAnotherKeyEachTime) {
  const XaesKey one = *XaesKey::Generate();
  const XaesKey two = *XaesKey::Generate();
  EXPECT_EQ(one.bytes().size(), kKeySize);
  EXPECT_FALSE(one.bytes().EqualsInConstantTime(two.bytes()));
}

TEST(XaesKey, NeverUsesANonceTwice) {
  const XaesKey key = *XaesKey::Generate();
  std::vector<XaesNonce> nonces;
  for (int i = 0; i < 20'000; ++i) {
    nonces.push_back(SealedBy(key, {}, {}).nonce);
  }
  std::ranges::sort(nonces);
  EXPECT_EQ(std::ranges::adjacent_find(nonces), nonces.end());
}

TEST(XaesKey, WorksAfterItsExpandedKeysWereDropped) {
  const XaesKey key = *XaesKey::Generate();
  key.DropExpanded();
  const Sealed sealed = SealedBy(key, Pattern(50), {});
  key.DropExpanded();
  key.DropExpanded();
  EXPECT_EQ(*Opened(key, sealed, {}), Pattern(50));
}

TEST(XaesKey, MovesWithItsExpandedKeys) {
  XaesKey first = *XaesKey::Generate();
  const Sealed sealed = SealedBy(first, Pattern(50), {});
  XaesKey second = std::move(first);
  EXPECT_EQ(*Opened(second, sealed, {}), Pattern(50));
  XaesKey third = *XaesKey::Generate();
  EXPECT_TRUE(RefusedWithIntegrity(third, sealed, {}));
  third = std::move(second);
  EXPECT_EQ(*Opened(third, sealed, {}), Pattern(50));
}

TEST(XaesKey, RefusesToWorkOnceMovedAway) {
  XaesKey key = *XaesKey::Generate();
  const Sealed sealed = SealedBy(key, Pattern(50), {});
  const XaesKey moved = std::move(key);
  XaesNonce nonce{};
  Bytes out(66, 0xEE);
  // NOLINTBEGIN(bugprone-use-after-move): that is what is tested
  const Result<void> done = key.Seal(Pattern(50), {}, nonce, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(AllZero(out));
  EXPECT_EQ(Opened(key, sealed, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(key.bytes().empty());
  key.DropExpanded();
  // NOLINTEND(bugprone-use-after-move)
}

// Seals and opens on many threads; returns how often something was wrong.
int WorkOnThreads(const XaesKey& key, int thread_count, int rounds) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&key, &wrong, t, rounds] {
      const Bytes context{static_cast<std::uint8_t>(t)};
      for (int round = 0; round < rounds; ++round) {
        const Bytes plaintext = Pattern(static_cast<std::size_t>(round % 300));
        Sealed sealed = SealedBy(key, plaintext, context);
        const Result<Bytes> opened = Opened(key, sealed, context);
        wrong += opened && *opened == plaintext ? 0 : 1;
        sealed.bytes.back() ^= 1;
        wrong += RefusedWithIntegrity(key, sealed, context) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return wrong;
}

TEST(XaesKey, ServesFourThreadsAtOnce) {
  const XaesKey key = *XaesKey::Generate();
  EXPECT_EQ(WorkOnThreads(key, 4, 3'000), 0);
}

TEST(XaesKey, ServesMoreThreadsThanItKeepsExpandedKeysFor) {
  const XaesKey key = *XaesKey::Generate();
  EXPECT_EQ(WorkOnThreads(key, 3 * static_cast<int>(XaesKey::kMaxExpanded), 300), 0);
}

TEST(XaesKey, ServesThreadsWhileItsExpandedKeysAreDropped) {
  const XaesKey key = *XaesKey::Generate();
  std::atomic<bool> done{false};
  std::thread dropper([&] {
    while (!done) {
      key.DropExpanded();
    }
  });
  EXPECT_EQ(WorkOnThreads(key, 4, 1'000), 0);
  done = true;
  dropper.join();
}

}  // namespace
}  // namespace rowseal
