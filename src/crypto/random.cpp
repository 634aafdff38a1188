#include "crypto/random.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

namespace rowseal {
namespace {

constexpr std::size_t kPooledRequest = 64;  // bytes: a nonce, an id, a salt
constexpr std::size_t kPoolSize = 4096;
constexpr std::size_t kSampleSize = 32;
constexpr std::size_t kMappingSize = 2 * 4096;

// Pool stands alone on pages that the kernel gives to a forked child as zeros: `left` is then zero,
// and the child draws its own bytes.
struct Pool {
  std::array<std::uint8_t, kSampleSize + kPoolSize> drawn;  // the sample is never handed out
  std::size_t left;          // bytes at the end of `drawn` not yet handed out
  std::uint32_t generation;  // of the process that drew them
  bool has_sample;
};
static_assert(sizeof(Pool) <= kMappingSize);

// The second guard, for kernels without MADV_WIPEONFORK: counts forks in the child.
std::atomic<std::uint32_t> process_generation{0};

void CountFork() noexcept { process_generation.fetch_add(1, std::memory_order_relaxed); }

Pool* MapPool() noexcept {
  static const bool counting_forks = pthread_atfork(nullptr, nullptr, CountFork) == 0;
  void* pages =
      mmap(nullptr, kMappingSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    return nullptr;
  }
  const bool wiped_on_fork = madvise(pages, kMappingSize, MADV_WIPEONFORK) == 0;
  if (!wiped_on_fork && !counting_forks) {
    munmap(pages, kMappingSize);
    return nullptr;
  }
  madvise(pages, kMappingSize, MADV_DONTDUMP);
  return static_cast<Pool*>(pages);  // the kernel's zeros are an empty pool
}

// The thread's pool, or null before the first use and after the thread's end began: then bytes come
// straight from the DRBG. A plain pointer, so that it may be read at any time of a thread's life.
enum class PoolState : std::uint8_t { kUnused, kOpen, kClosed };
thread_local Pool* pool = nullptr;
thread_local PoolState pool_state = PoolState::kUnused;

struct PoolCloser {
  ~PoolCloser() {
    if (pool != nullptr) {
      OPENSSL_cleanse(pool, sizeof(Pool));
      munmap(pool, kMappingSize);
    }
    pool = nullptr;
    pool_state = PoolState::kClosed;
  }
};

[[gnu::noinline]] Pool* OpenPool() noexcept {
  if (pool_state == PoolState::kUnused) {
    thread_local PoolCloser closer;
    static_cast<void>(closer);
    pool_state = PoolState::kOpen;
    pool = MapPool();
  }
  return pool;
}

// A buffer of one repeated byte equals itself shifted by one.
bool IsConstant(ByteView bytes) noexcept {
  return std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

enum class Source { kPublic, kPrivate };

// A request shorter than this may be constant by chance.
constexpr std::size_t kShortestJudged = 16;

// Draws from OpenSSL's DRBG, which reseeds itself in a forked child.
bool Draw(Source source, std::span<std::uint8_t> out) noexcept {
  const int drawn = source == Source::kPublic
                        ? RAND_bytes_ex(nullptr, out.data(), out.size(), 0)
                        : RAND_priv_bytes_ex(nullptr, out.data(), out.size(), 0);
  return drawn == 1 && (out.size() < kShortestJudged || !IsConstant(out));
}

// Draws a new sample and new data. A generator that repeats its last sample or gives one byte for
// ever is refused (the continuous test of FIPS 140-2 section 4.9.2), and the pool stays empty.
[[gnu::noinline]] bool Refill(Pool& target) noexcept {
  std::array<std::uint8_t, kSampleSize> last;
  std::memcpy(last.data(), target.drawn.data(), kSampleSize);
  const bool good =
      Draw(Source::kPublic, target.drawn) &&
      !IsConstant(ByteView(target.drawn).subspan(kSampleSize)) &&
      !(target.has_sample && std::memcmp(target.drawn.data(), last.data(), kSampleSize) == 0);
  if (!good) {
    OPENSSL_cleanse(target.drawn.data(), target.drawn.size());
    std::memcpy(target.drawn.data(), last.data(), kSampleSize);
    return false;
  }
  target.has_sample = true;
  target.generation = process_generation.load(std::memory_order_relaxed);
  target.left = kPoolSize;
  return true;
}

// Hands out pooled bytes, each once: they are wiped as they leave.
bool TakePooled(Pool& from, std::span<std::uint8_t> out) noexcept {
  if (from.generation != process_generation.load(std::memory_order_relaxed)) {
    OPENSSL_cleanse(&from, sizeof(Pool));
  }
  if (from.left < out.size()) {
    from.left = 0;
    if (!Refill(from)) {
      return false;
    }
  }
  std::uint8_t* const start = from.drawn.data() + (from.drawn.size() - from.left);
  from.left -= out.size();
  std::memcpy(out.data(), start, out.size());
  std::memset(start, 0, out.size());  // not removed by the compiler: the pool lives on
  return true;
}

tl::unexpected<Error> RandomFailed() {
  ERR_clear_error();
  return Fail(ErrorCode::kRandomFailure, "the random generator failed or repeated itself",
              "nothing was sealed; check this machine's kernel and OpenSSL before going on");
}

}  // namespace

Result<void> FillRandom(std::span<std::uint8_t> out) {
  if (out.empty()) {
    return {};
  }
  Pool* const own = out.size() > kPooledRequest ? nullptr : pool != nullptr ? pool : OpenPool();
  const bool filled = own != nullptr ? TakePooled(*own, out) : Draw(Source::kPublic, out);
  if (!filled) {
    OPENSSL_cleanse(out.data(), out.size());
    return RandomFailed();
  }
  return {};
}

Result<SecretBytes> RandomSecret(std::size_t size) {
  ROWSEAL_ASSIGN(SecretBuffer buffer, SecretBuffer::Create(size));
  if (size != 0 && !Draw(Source::kPrivate, buffer.Writable())) {
    return RandomFailed();
  }
  buffer.SetSize(size);
  return std::move(buffer).Take();
}

}  // namespace rowseal
