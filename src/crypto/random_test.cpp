#include "crypto/random.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <rowseal/nonce.h>

#include "crypto/fresh_nonces.h"
#include "crypto/hpke.h"
#include "crypto/xaes_256_gcm.h"
#include "support/kernel_random.h"
#include "support/process_memory.h"

namespace rowseal {
namespace {

using testing::CountInMemory;
using testing::DrawnFromKernel;
using testing::DrawnSoFar;
using testing::GetRandom;
using testing::KernelRandom;
using testing::ReplacedKernelRandom;
using testing::Searched;

using Draw = std::array<std::uint8_t, 24>;

bool AllZero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool HasRepeat(std::vector<Draw> draws) {
  std::ranges::sort(draws);
  return std::ranges::adjacent_find(draws) != draws.end();
}

// SharedDraws is memory in which several processes leave what they drew.
class SharedDraws final {
 public:
  explicit SharedDraws(std::size_t count)
      : count_(count),
        draws_(static_cast<Draw*>(mmap(nullptr, count * sizeof(Draw), PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  SharedDraws(const SharedDraws&) = delete;
  SharedDraws& operator=(const SharedDraws&) = delete;
  ~SharedDraws() { munmap(draws_, count_ * sizeof(Draw)); }

  // False when the generator failed.
  bool Fill(std::size_t first, std::size_t count) {
    return std::all_of(draws_ + first, draws_ + first + count,
                       [](Draw& draw) { return FillRandom(draw).has_value(); });
  }
  std::vector<Draw> All() const { return {draws_, draws_ + count_}; }

 private:
  std::size_t count_;
  Draw* draws_;
};

// A child made without the handlers of pthread_atfork.
pid_t ForkWithoutHandlers() { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

bool ChildSucceeded(pid_t child) {
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}

// Draws in this process, its child and its grandchild: each begins with its parent's memory, as a
// virtual machine does that is resumed from a snapshot.
std::vector<Draw> DrawnOverGenerations(pid_t (*make_child)()) {
  constexpr std::size_t kEach = 500;
  SharedDraws draws(4 * kEach);
  EXPECT_TRUE(draws.Fill(0, kEach));
  const pid_t child = make_child();
  if (child == 0) {
    bool good = draws.Fill(kEach, kEach);
    const pid_t grandchild = make_child();
    if (grandchild == 0) {
      _exit(draws.Fill(2 * kEach, kEach) ? 0 : 1);
    }
    good = good && ChildSucceeded(grandchild);
    _exit(good ? 0 : 1);
  }
  EXPECT_TRUE(draws.Fill(3 * kEach, kEach));
  EXPECT_TRUE(ChildSucceeded(child));
  return draws.All();
}

TEST(Random, ForkedChildrenDrawOtherBytes) {
  EXPECT_FALSE(HasRepeat(DrawnOverGenerations([] { return fork(); })));
}

TEST(Random, ChildrenForkedWithoutHandlersDrawOtherBytes) {
  EXPECT_FALSE(HasRepeat(DrawnOverGenerations(ForkWithoutHandlers)));
}

TEST(Random, ProcessesAndThreadsNeverDrawTheSameNonce) {
  constexpr std::size_t kProcesses = 4;
  constexpr std::size_t kThreads = 4;
  const std::size_t scale = std::getenv("ROWSEAL_SOAK") != nullptr ? 100 : 1;
  const std::size_t each = 6'250 * scale;  // 10^5 nonces in all, or 10^7
  SharedDraws draws(kProcesses * kThreads * each);
  Draw first;
  ASSERT_TRUE(FillRandom(first));  // so that every child inherits a generator in use
  std::vector<pid_t> children;
  for (std::size_t process = 0; process < kProcesses; ++process) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    std::atomic<bool> good{true};
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        if (!draws.Fill((process * kThreads + thread) * each, each)) {
          good = false;
        }
      });
    }
    std::ranges::for_each(threads, [](std::thread& thread) { thread.join(); });
    _exit(good ? 0 : 1);
  }
  for (const pid_t child : children) {
    EXPECT_TRUE(ChildSucceeded(child));
  }
  EXPECT_FALSE(HasRepeat(draws.All()));
}

TEST(Random, FillsRequestsOfEverySize) {
  for (std::size_t size = 0; size <= 300; ++size) {
    Bytes bytes(size);
    ASSERT_TRUE(FillRandom(bytes));
    if (size >= 16) {
      EXPECT_FALSE(AllZero(ByteView(bytes).first(16))) << size;
      EXPECT_FALSE(AllZero(ByteView(bytes).last(16))) << size;
    }
    const Result<SecretBytes> secret = RandomSecret(size);
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->size(), size);
    if (size >= 16) {
      EXPECT_FALSE(AllZero(secret->Reveal().last(16))) << size;
    }
  }
}

TEST(Random, UsesEveryBitAboutHalfOfTheTime) {
  std::array<int, 192> ones{};
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const auto nonce = *Nonce192();
    for (std::size_t bit = 0; bit < ones.size(); ++bit) {
      ones[bit] += (nonce[bit / 8] >> (bit % 8)) & 1;
    }
  }
  for (const int count : ones) {
    // Ten standard deviations, sqrt(20,000) / 2 = 71 each.
    EXPECT_NEAR(count, kDraws / 2, 710);
  }
}

TEST(Nonces, DifferEachTime) {
  EXPECT_NE(*Nonce96(), *Nonce96());
  EXPECT_NE(*Nonce192(), *Nonce192());
}

// --- a generator that fails
// -----------------------------------------------------------------------

ssize_t Failing(void* out, std::size_t size, unsigned /*flags*/) {
  std::memset(out, 0x5A, size);  // what a careless caller would use
  errno = ENOSYS;
  return -1;
}
ssize_t GivingNothing(void* out, std::size_t size, unsigned /*flags*/) {
  std::memset(out, 0x5A, size);
  return 0;
}
ssize_t ClaimingTooMuch(void* out, std::size_t size, unsigned flags) {
  return KernelRandom(out, size, flags) + 1;
}
ssize_t FailingMidway(void* out, std::size_t size, unsigned flags) {
  static bool again = false;
  again = !again;
  if (!again || size == 1) {
    errno = EIO;
    return -1;
  }
  return KernelRandom(out, size / 2, flags);
}
ssize_t Constant(void* out, std::size_t size, unsigned /*flags*/) {
  std::memset(out, 0x5A, size);
  return static_cast<ssize_t>(size);
}

class BrokenGenerator : public ::testing::TestWithParam<GetRandom> {};
INSTANTIATE_TEST_SUITE_P(Random, BrokenGenerator,
                         ::testing::Values(Failing, GivingNothing, ClaimingTooMuch, FailingMidway,
                                           Constant));

TEST_P(BrokenGenerator, GivesNoByte) {
  const ReplacedKernelRandom replaced(GetParam());
  for (const std::size_t size : {16U, 24U, 64U, 65U, 5000U}) {
    Bytes out(size, 0xEE);
    const Result<void> filled = FillRandom(out);
    ASSERT_FALSE(filled) << size;
    EXPECT_EQ(filled.error().code, ErrorCode::kRandomFailure) << size;
    EXPECT_TRUE(AllZero(out)) << size;
  }
  EXPECT_EQ(RandomSecret(32).error().code, ErrorCode::kRandomFailure);
  EXPECT_EQ(Nonce192().error().code, ErrorCode::kRandomFailure);
  EXPECT_EQ(FreshNonces::Draw(3).error().code, ErrorCode::kRandomFailure);
}

TEST_P(BrokenGenerator, SealsNothingAndMakesNoKey) {
  const XaesKey key = *XaesKey::Generate();
  const ReplacedKernelRandom replaced(GetParam());
  EXPECT_EQ(XaesKey::Generate().error().code, ErrorCode::kRandomFailure);
  const Bytes plaintext(40, 7);
  Bytes out(plaintext.size() + kTagSize, 0xEE);
  XaesNonce nonce;
  nonce.fill(0xEE);
  const Result<void> sealed = key.Seal(plaintext, {}, nonce, out);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::kRandomFailure);
  EXPECT_TRUE(AllZero(out));
  EXPECT_TRUE(AllZero(nonce));
}

TEST(Random, AShortRequestFailsWithTheGeneratorToo) {
  const ReplacedKernelRandom replaced(Failing);
  EXPECT_EQ(Nonce96().error().code, ErrorCode::kRandomFailure);
  Bytes byte(1, 0xEE);
  EXPECT_FALSE(FillRandom(byte));
  EXPECT_TRUE(AllZero(byte));
}

// Signals interrupt the generator and large requests come in parts.
ssize_t Interrupted(void* out, std::size_t size, unsigned flags) {
  static bool interrupted = false;
  interrupted = !interrupted;
  if (interrupted) {
    errno = EINTR;
    return -1;
  }
  return KernelRandom(out, std::min<std::size_t>(size, 7), flags);
}

TEST(Random, InterruptedAndShortAnswersAreCompleted) {
  const ReplacedKernelRandom replaced(Interrupted);
  for (const std::size_t size : {24U, 100U, 1000U}) {
    Bytes bytes(size);
    ASSERT_TRUE(FillRandom(bytes));
    for (std::size_t at = 0; at + 16 <= size; ++at) {
      ASSERT_FALSE(AllZero(ByteView(bytes).subspan(at, 16))) << size << " at " << at;
    }
  }
}

TEST(Random, AnEmptyRequestNeedsNoGenerator) {
  const ReplacedKernelRandom replaced(Failing);
  EXPECT_TRUE(FillRandom({}));
  EXPECT_TRUE(FreshNonces::Draw(0));
}

// --- nothing is drawn ahead: what a snapshot of the process would hold
// --------------------------------------------

std::size_t BytesDrawnBy(const std::function<void()>& call) {
  const DrawnFromKernel before = DrawnSoFar();
  call();
  return DrawnSoFar().bytes - before.bytes;
}

TEST(Random, EachCallDrawsItsOwnBytesAndNoMore) {
  const XaesKey key = *XaesKey::Generate();
  for (int repeated = 0; repeated < 3; ++repeated) {
    EXPECT_EQ(BytesDrawnBy([] { static_cast<void>(Nonce96()); }), 12U);
    EXPECT_EQ(BytesDrawnBy([] { static_cast<void>(Nonce192()); }), 24U);
    EXPECT_EQ(BytesDrawnBy([] { static_cast<void>(RandomSecret(32)); }), 32U);
    EXPECT_EQ(BytesDrawnBy([] { static_cast<void>(NewHpkePrivateKey()); }), 32U);
    EXPECT_EQ(BytesDrawnBy([&] {
                XaesNonce nonce;
                Bytes out(8 + kTagSize);
                ASSERT_TRUE(key.Seal(Bytes(8, 1), {}, nonce, out));
              }),
              24U);
  }
}

TEST(FreshNonces, AreDrawnTogetherAndHandedOutOnce) {
  constexpr std::size_t kCount = 1000;
  const DrawnFromKernel before = DrawnSoFar();
  Result<FreshNonces> nonces = FreshNonces::Draw(kCount);
  ASSERT_TRUE(nonces);
  EXPECT_EQ(DrawnSoFar().calls - before.calls, 1U);
  EXPECT_EQ(DrawnSoFar().bytes - before.bytes, kCount * kXaesNonceSize);
  const XaesKey key = *XaesKey::Generate();
  const Bytes plaintext(8, 1);
  Bytes out(plaintext.size() + kTagSize);
  std::vector<XaesNonce> used(kCount);
  for (XaesNonce& nonce : used) {
    ASSERT_TRUE(key.Seal(plaintext, {}, *nonces->Take(), nonce, out));
  }
  EXPECT_FALSE(HasRepeat(used));
  EXPECT_EQ(nonces->Take().error().code, ErrorCode::kInternal);
}

TEST(FreshNonces, OneThatWasMovedAwaySealsNothing) {
  const XaesKey key = *XaesKey::Generate();
  FreshNonces nonces = *FreshNonces::Draw(1);
  FreshNonce nonce = *nonces.Take();
  const Bytes plaintext(8, 1);
  XaesNonce used;
  Bytes out(plaintext.size() + kTagSize);
  ASSERT_TRUE(key.Seal(plaintext, {}, std::move(nonce), used, out));
  out.assign(out.size(), 0xEE);
  const Result<void> again = key.Seal(plaintext, {}, std::move(nonce), used, out);
  EXPECT_EQ(again.error().code, ErrorCode::kInternal);
  EXPECT_TRUE(AllZero(out));
  EXPECT_TRUE(AllZero(used));

  FreshNonces full = *FreshNonces::Draw(2);
  FreshNonces moved(std::move(full));
  EXPECT_FALSE(full.Take());
  EXPECT_TRUE(moved.Take());
}

// --- what stays behind
// ----------------------------------------------------------------------------

TEST(Random, HandsOutEachByteAndKeepsNone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's shadow memory is too large to be searched";
#endif
  Draw inverted;
  {
    Draw draw;
    ASSERT_TRUE(FillRandom(draw));
    std::ranges::transform(draw, inverted.begin(),
                           [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    EXPECT_GE(CountInMemory(inverted, Searched::kAll), 1U) << "the search finds what is there";
    volatile std::uint8_t* const wiped = draw.data();
    std::fill(wiped, wiped + draw.size(), std::uint8_t{0});
  }
  EXPECT_EQ(CountInMemory(inverted, Searched::kAll), 0U);
}

}  // namespace
}  // namespace rowseal
