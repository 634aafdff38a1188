#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>

#include <sodium.h>

#include <rowseal/secret_bytes.h>

namespace rowseal::internal {
namespace {

// sodium_malloc spends at least four pages and several system calls on each allocation, and a
// process may hold 65,530 mappings. So small blocks are cut from shared guarded chunks: keys stay
// between guard pages, and ten thousand open secrets need a few hundred mappings.
constexpr std::size_t kChunkSize = 32 * 1024;
constexpr std::size_t kSmallestBlock = 32;
constexpr std::size_t kLargestSharedBlock = 16 * 1024;
constexpr std::size_t kClassCount = 10;  // 32, 64, … 16,384
static_assert(kSmallestBlock << (kClassCount - 1) == kLargestSharedBlock);

std::atomic<bool> all_pages_locked{true};

std::size_t ClassOf(std::size_t size) noexcept {
  const std::size_t rounded = std::bit_ceil(std::max(size, kSmallestBlock));
  return static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(kSmallestBlock));
}

std::uint8_t* AllocatePages(std::size_t size) noexcept {
  if (sodium_init() < 0) {
    return nullptr;
  }
  auto* pages = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (pages == nullptr) {
    return nullptr;
  }
  // sodium_malloc ignores a refused lock, so it is asked again: locking twice is harmless.
  if (sodium_mlock(pages, size) != 0) {
    all_pages_locked.store(false, std::memory_order_relaxed);
  }
  sodium_memzero(pages, size);
  return pages;
}

// Free blocks of each size class, linked through their own first bytes.
class Arena final {
 public:
  std::uint8_t* Take(std::size_t size) noexcept {
    const std::size_t size_class = ClassOf(size);
    const std::lock_guard lock(mutex_);
    if (free_[size_class] == nullptr && !Grow(size_class)) {
      return nullptr;
    }
    FreeBlock* block = free_[size_class];
    free_[size_class] = block->next;
    block->next = nullptr;
    return reinterpret_cast<std::uint8_t*>(block);
  }

  void Give(std::uint8_t* data, std::size_t size) noexcept {
    sodium_memzero(data, size);
    const std::size_t size_class = ClassOf(size);
    const std::lock_guard lock(mutex_);
    free_[size_class] = new (data) FreeBlock{free_[size_class]};
  }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };

  bool Grow(std::size_t size_class) noexcept {
    std::uint8_t* chunk = AllocatePages(kChunkSize);
    if (chunk == nullptr) {
      return false;
    }
    const std::size_t block_size = kSmallestBlock << size_class;
    for (std::size_t at = 0; at < kChunkSize; at += block_size) {
      free_[size_class] = new (chunk + at) FreeBlock{free_[size_class]};
    }
    return true;
  }

  std::mutex mutex_;
  std::array<FreeBlock*, kClassCount> free_{};
};

// Never destroyed: secrets in static objects may be freed after any destructor of ours would run.
Arena& TheArena() noexcept {
  alignas(Arena) static std::array<std::byte, sizeof(Arena)> storage;
  static Arena* const arena = new (storage.data()) Arena;
  return *arena;
}

}  // namespace

Result<GuardedBlock> GuardedBlock::Allocate(std::size_t size) {
  if (size == 0) {
    return GuardedBlock();
  }
  std::uint8_t* data = size <= kLargestSharedBlock ? TheArena().Take(size) : AllocatePages(size);
  if (data == nullptr) {
    return Fail(ErrorCode::kResourceExhausted,
                "no guarded memory for " + std::to_string(size) + " bytes",
                "free memory or raise the limits on memory and mappings");
  }
  return GuardedBlock(data, size);
}

GuardedBlock::GuardedBlock(GuardedBlock&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

GuardedBlock& GuardedBlock::operator=(GuardedBlock&& other) noexcept {
  GuardedBlock taken(std::move(other));  // what stood here before is wiped when `taken` goes
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

GuardedBlock::~GuardedBlock() {
  if (data_ == nullptr) {
    return;
  }
  if (size_ <= kLargestSharedBlock) {
    TheArena().Give(data_, size_);
  } else {
    sodium_free(data_);  // wipes
  }
}

}  // namespace rowseal::internal

namespace rowseal {

bool SecretMemoryIsLocked() noexcept {
  return internal::all_pages_locked.load(std::memory_order_relaxed);
}

}  // namespace rowseal
