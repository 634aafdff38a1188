#include <rowseal/secret_bytes.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rowseal {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!std::is_copy_constructible_v<SecretBuffer>);
static_assert(!std::is_copy_assignable_v<SecretBuffer>);
static_assert(!std::is_convertible_v<SecretBytes, ByteView>);
static_assert(!std::is_convertible_v<SecretBytes, std::string>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>);
static_assert(!std::is_constructible_v<std::string, SecretBytes>);
static_assert(!std::is_convertible_v<Bytes, SecretBytes>);
static_assert(!std::is_default_constructible_v<std::hash<SecretBytes>>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(std::is_nothrow_move_assignable_v<SecretBytes>);

Bytes Pattern(std::size_t size, std::uint8_t seed = 0xA5) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(seed + 31 * i);
  }
  return bytes;
}

bool AllZero(const std::uint8_t* data, std::size_t size) {
  return std::all_of(data, data + size, [](std::uint8_t byte) { return byte == 0; });
}

RC_GTEST_PROP(SecretBytes, RevealsWhatItWasMadeOf, (const Bytes& bytes)) {
  const Result<SecretBytes> secret = SecretBytes::CopyOf(bytes);
  RC_ASSERT(secret.has_value());
  RC_ASSERT(std::ranges::equal(secret->Reveal(), bytes));
  RC_ASSERT(secret->size() == bytes.size());
  RC_ASSERT(secret->empty() == bytes.empty());
}

TEST(SecretBytes, EmptyNeedsNoMemory) {
  const SecretBytes secret;
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(secret.Reveal().data(), nullptr);
  EXPECT_TRUE(secret.EqualsInConstantTime(*SecretBytes::CopyOf({})));
}

TEST(SecretBytes, MovedFromIsEmpty) {
  SecretBytes first = *SecretBytes::CopyOf(Pattern(40));
  SecretBytes second = std::move(first);
  EXPECT_EQ(first.size(), 0U);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(first.Reveal().empty());
  EXPECT_TRUE(std::ranges::equal(second.Reveal(), Pattern(40)));

  SecretBytes third = *SecretBytes::CopyOf(Pattern(8));
  third = std::move(second);
  EXPECT_EQ(second.size(), 0U);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(second.Reveal().empty());
  EXPECT_TRUE(std::ranges::equal(third.Reveal(), Pattern(40)));

  SecretBytes& same = third;
  third = std::move(same);
  EXPECT_TRUE(std::ranges::equal(third.Reveal(), Pattern(40)));
}

TEST(SecretBytes, AssignmentWipesWhatStoodThere) {
  SecretBytes secret = *SecretBytes::CopyOf(Pattern(64));
  const std::uint8_t* const old = secret.Reveal().data();
  secret = *SecretBytes::CopyOf(Pattern(64, 1));
  // The pages stay mapped; only the list of free blocks uses the first bytes.
  EXPECT_TRUE(AllZero(old + sizeof(void*), 64 - sizeof(void*)));
}

TEST(SecretBytes, CloneLivesOn) {
  SecretBytes original = *SecretBytes::CopyOf(Pattern(100));
  const SecretBytes clone = *original.Clone();
  EXPECT_NE(clone.Reveal().data(), original.Reveal().data());
  original = SecretBytes();
  EXPECT_TRUE(std::ranges::equal(clone.Reveal(), Pattern(100)));
}

TEST(SecretBytes, EqualityLooksAtSizeAndEveryByte) {
  const SecretBytes secret = *SecretBytes::CopyOf(Pattern(48));
  EXPECT_TRUE(secret.EqualsInConstantTime(*secret.Clone()));
  EXPECT_TRUE(secret.EqualsInConstantTime(secret));
  EXPECT_FALSE(secret.EqualsInConstantTime(*SecretBytes::CopyOf(Pattern(47))));
  EXPECT_FALSE(secret.EqualsInConstantTime(SecretBytes()));
  for (std::size_t i = 0; i < 48; ++i) {
    Bytes changed = Pattern(48);
    changed[i] ^= 0x80;
    EXPECT_FALSE(secret.EqualsInConstantTime(*SecretBytes::CopyOf(changed))) << i;
  }
}

TEST(SecretBuffer, RefusesMoreThanItsCapacity) {
  SecretBuffer buffer = *SecretBuffer::Create(10);
  ASSERT_TRUE(buffer.Append(Pattern(4)));
  ASSERT_TRUE(buffer.Append(Pattern(6)));
  const Result<void> refused = buffer.Append(Pattern(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(buffer.size(), 10U);
  EXPECT_TRUE(buffer.Append({}));
}

TEST(SecretBuffer, WipesWhatStandsBehindItsSize) {
  SecretBuffer buffer = *SecretBuffer::Create(32);
  ASSERT_TRUE(buffer.Append(Pattern(32)));
  buffer.SetSize(5);
  EXPECT_TRUE(std::ranges::equal(buffer.Reveal(), Pattern(5)));
  EXPECT_TRUE(AllZero(buffer.Writable().data() + 5, 27));
  buffer.Clear();
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_TRUE(AllZero(buffer.Writable().data(), 32));
}

TEST(SecretBuffer, IsEmptyAndFullAfterItsBytesWereTaken) {
  SecretBuffer buffer = *SecretBuffer::Create(16);
  ASSERT_TRUE(buffer.Append(Pattern(16)));
  const SecretBytes secret = std::move(buffer).Take();
  EXPECT_TRUE(std::ranges::equal(secret.Reveal(), Pattern(16)));
  EXPECT_EQ(buffer.size(), 0U);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(buffer.capacity(), 0U);
  EXPECT_FALSE(buffer.Append(Pattern(1)));
  EXPECT_TRUE(std::move(buffer).Take().empty());

  SecretBuffer moved_from = *SecretBuffer::Create(16);
  ASSERT_TRUE(moved_from.Append(Pattern(16)));
  const SecretBuffer moved_to = std::move(moved_from);
  EXPECT_EQ(moved_from.size(), 0U);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(moved_from.Append(Pattern(1)));
}

TEST(GuardedMemory, IsWipedWhenFreedAndZeroWhenTakenAgain) {
  for (const std::size_t size : {1U, 31U, 32U, 33U, 200U, 4096U, 16384U}) {
    const std::uint8_t* freed = nullptr;
    {
      const SecretBytes secret = *SecretBytes::CopyOf(Pattern(size, 1));
      freed = secret.Reveal().data();
    }
    if (size > sizeof(void*)) {
      EXPECT_TRUE(AllZero(freed + sizeof(void*), size - sizeof(void*))) << size;
    }
    SecretBuffer again = *SecretBuffer::Create(size);
    EXPECT_EQ(again.Writable().data(), freed) << "the last freed block is taken first";
    EXPECT_TRUE(AllZero(again.Writable().data(), size)) << size;
  }
}

TEST(GuardedMemory, HoldsLargeValues) {
  for (const std::size_t size : {16385U, 65536U, 16U * 1024 * 1024}) {
    SecretBuffer buffer = *SecretBuffer::Create(size);
    EXPECT_TRUE(AllZero(buffer.Writable().data(), size));
    const Bytes bytes = Pattern(size);
    ASSERT_TRUE(buffer.Append(bytes));
    EXPECT_TRUE(std::ranges::equal(buffer.Reveal(), bytes));
  }
}

TEST(GuardedMemory, HoldsTwentyThousandSecretsAtOnce) {
  constexpr std::size_t kCount = 20'000;
  std::vector<SecretBytes> secrets;
  std::set<const std::uint8_t*> places;
  for (std::size_t i = 0; i < kCount; ++i) {
    Result<SecretBytes> secret =
        SecretBytes::CopyOf(Pattern(1 + i % 300, static_cast<std::uint8_t>(i)));
    ASSERT_TRUE(secret) << i << ": " << secret.error().message;
    places.insert(secret->Reveal().data());
    secrets.push_back(std::move(*secret));
  }
  EXPECT_EQ(places.size(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(
        std::ranges::equal(secrets[i].Reveal(), Pattern(1 + i % 300, static_cast<std::uint8_t>(i))))
        << i;
  }
}

TEST(GuardedMemory, RefusesWhatTheMachineDoesNotHave) {
  const Result<SecretBuffer> buffer = SecretBuffer::Create(std::size_t{1} << 60);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, ErrorCode::kResourceExhausted);
}

TEST(GuardedMemory, ServesManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> damaged{0};
  for (std::uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([t, &damaged] {
      std::vector<SecretBytes> kept(16);
      for (std::size_t i = 0; i < 5'000; ++i) {
        const Bytes bytes = Pattern(1 + (i * 37 + t) % 700, t);
        SecretBytes& place = kept[i % kept.size()];
        place = *SecretBytes::CopyOf(bytes);
        damaged += std::ranges::equal(place.Reveal(), bytes) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(damaged, 0);
}

TEST(GuardedMemoryDeathTest, EndsTheProcessThatReadsBehindALargeSecret) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const SecretBytes secret = *SecretBytes::CopyOf(Pattern(20'000));
        const volatile std::uint8_t* const behind = secret.Reveal().data() + 20'000;
        static_cast<void>(*behind);
      },
      "");
}

TEST(HardenProcess, LeavesNothingToDump) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    HardenProcess();
    rlimit limit{1, 1};
    const bool hard = prctl(PR_GET_DUMPABLE) == 0 && getrlimit(RLIMIT_CORE, &limit) == 0 &&
                      limit.rlim_cur == 0 && limit.rlim_max == 0;
    _exit(hard ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace rowseal
