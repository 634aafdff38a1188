// The failing generators are put in place by an interface that OpenSSL 3 calls deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/random.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <rowseal/nonce.h>

#include "crypto/xaes_256_gcm.h"

namespace rowseal {
namespace {

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

// A child made behind the back of pthread_atfork: only the kernel's wiping protects it.
pid_t ForkWithoutHandlers() { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

bool ChildSucceeded(pid_t child) {
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}

// Draws in this process, its child and its grandchild, each inheriting a half-used buffer.
std::vector<Draw> DrawnOverGenerations(pid_t (*make_child)()) {
  constexpr std::size_t kEach = 500;  // more than a buffer holds
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
  ASSERT_TRUE(FillRandom(first));  // so that every child inherits a buffer
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

int Failing(unsigned char* out, int size) {
  std::memset(out, 0x5A, static_cast<std::size_t>(size));  // what a careless caller would use
  return 0;
}
int Unsupported(unsigned char* out, int size) {
  std::memset(out, 0x5A, static_cast<std::size_t>(size));
  return -1;
}
int Constant(unsigned char* out, int size) {
  std::memset(out, 0x5A, static_cast<std::size_t>(size));
  return 1;
}
// Gives the same bytes each time: a generator restored from a snapshot, or one without a state.
int Repeating(unsigned char* out, int size) {
  for (int i = 0; i < size; ++i) {
    out[i] = static_cast<unsigned char>(i * 167 + (i >> 8));
  }
  return 1;
}

using Generator = int (*)(unsigned char*, int);

// Runs `test` while OpenSSL draws from `bytes`, on a thread of its own: its buffer is empty.
template <class Test>
void WithGenerator(Generator bytes, Test test) {
  static RAND_METHOD method;
  method = {};
  method.bytes = bytes;
  method.pseudorand = bytes;
  const RAND_METHOD* const before = RAND_get_rand_method();
  ASSERT_EQ(RAND_set_rand_method(&method), 1);
  std::thread(test).join();
  ASSERT_EQ(RAND_set_rand_method(before), 1);
}

class BrokenGenerator : public ::testing::TestWithParam<Generator> {};
INSTANTIATE_TEST_SUITE_P(Random, BrokenGenerator,
                         ::testing::Values(Failing, Unsupported, Constant));

TEST_P(BrokenGenerator, GivesNoByte) {
  WithGenerator(GetParam(), [] {
    for (const std::size_t size : {1U, 12U, 24U, 64U, 65U, 5000U}) {
      Bytes out(size, 0xEE);
      const Result<void> filled = FillRandom(out);
      ASSERT_FALSE(filled) << size;
      EXPECT_EQ(filled.error().code, ErrorCode::kRandomFailure) << size;
      EXPECT_TRUE(AllZero(out)) << size;
    }
    EXPECT_EQ(RandomSecret(32).error().code, ErrorCode::kRandomFailure);
    EXPECT_EQ(Nonce96().error().code, ErrorCode::kRandomFailure);
    EXPECT_EQ(Nonce192().error().code, ErrorCode::kRandomFailure);
  });
}

TEST_P(BrokenGenerator, SealsNothingAndMakesNoKey) {
  const XaesKey key = *XaesKey::Generate();
  WithGenerator(GetParam(), [&] {
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
  });
}

TEST(Random, RefusesARefillThatRepeatsTheOneBefore) {
  WithGenerator(Repeating, [] {
    std::size_t drawn = 0;
    Draw draw;
    Result<void> filled;
    while (drawn < 10'000 && (filled = FillRandom(draw))) {
      ++drawn;
    }
    EXPECT_LT(drawn * draw.size(), 4097U) << "no byte of the second refill";
    ASSERT_FALSE(filled);
    EXPECT_EQ(filled.error().code, ErrorCode::kRandomFailure);
    EXPECT_TRUE(AllZero(draw));
    EXPECT_FALSE(FillRandom(draw)) << "and it stays refused";
  });
}

TEST(Random, WorksAgainWhenTheGeneratorDoes) {
  static bool broken;
  broken = true;
  WithGenerator(
      [](unsigned char* out, int size) { return broken ? 0 : RAND_OpenSSL()->bytes(out, size); },
      [] {
        Draw draw{};
        EXPECT_FALSE(FillRandom(draw));
        broken = false;
        EXPECT_TRUE(FillRandom(draw));
        EXPECT_FALSE(AllZero(draw));
      });
}

// --- what stays behind
// ----------------------------------------------------------------------------

// Counts where `needle`, which is kept inverted so as not to find itself, stands in this process.
std::size_t CountInMemory(const Draw& inverted) {
  Draw needle;
  std::ranges::transform(inverted, needle.begin(),
                         [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::ifstream maps("/proc/self/maps");
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::string mode;
    std::istringstream(line) >> std::hex >> from >> dash >> to >> mode;
    if (mode.starts_with("rw")) {
      ranges.emplace_back(from, to);
    }
  }
  std::size_t count = 0;
  Bytes copy;
  for (const auto& [from, to] : ranges) {
    copy.assign(to - from, 0);
    const ssize_t size = pread(memory, copy.data(), copy.size(), static_cast<off_t>(from));
    copy.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    for (auto at = copy.begin();
         (at = std::search(at, copy.end(), needle.begin(), needle.end())) != copy.end(); ++at) {
      const std::uintptr_t place = from + static_cast<std::uintptr_t>(at - copy.begin());
      const auto own = reinterpret_cast<std::uintptr_t>(needle.data());
      const auto copied = reinterpret_cast<std::uintptr_t>(copy.data());
      const bool ours = place == own || (place >= copied && place < copied + copy.capacity());
      count += ours ? 0 : 1;
    }
    std::ranges::fill(copy, std::uint8_t{0});
  }
  close(memory);
  return count;
}

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
    EXPECT_GE(CountInMemory(inverted), 1U) << "the search finds what is there";
    volatile std::uint8_t* const wiped = draw.data();
    std::fill(wiped, wiped + draw.size(), std::uint8_t{0});
  }
  EXPECT_EQ(CountInMemory(inverted), 0U);
}

}  // namespace
}  // namespace rowseal
