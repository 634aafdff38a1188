#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include <sodium.h>

#include <rowseal/secret_bytes.h>

#include "memory/wipe.h"

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

// A free block is zero but for the link in its first bytes.
struct FreeBlock {
  FreeBlock* next;
};

// The free blocks of each size class, for all threads.
class Arena final {
 public:
  FreeBlock* Take(std::size_t size_class) noexcept {
    const std::lock_guard lock(mutex_);
    if (free_[size_class] == nullptr && !Grow(size_class)) {
      return nullptr;
    }
    return std::exchange(free_[size_class], free_[size_class]->next);
  }

  void Give(FreeBlock* block, std::size_t size_class) noexcept {
    const std::lock_guard lock(mutex_);
    block->next = std::exchange(free_[size_class], block);
  }

 private:
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

// Each thread keeps a few small blocks by itself, so that threads that open secrets do not wait for
// each other: at most 16 KiB a thread, given back when it ends. Plain data, so that it may be used
// at any time of a thread's life.
constexpr std::size_t kKeptClasses = 6;  // 32, 64, … 1,024
constexpr std::size_t kKeptBlocks = 8;   // of each class

struct Kept {
  std::array<FreeBlock*, kKeptClasses> free;
  std::array<std::size_t, kKeptClasses>
      room;  // zero before the first use and after the thread's end
  bool closes_with_thread;
};
constinit thread_local Kept kept{};

struct KeptCloser {
  ~KeptCloser() {
    kept.room.fill(0);
    for (std::size_t size_class = 0; size_class < kKeptClasses; ++size_class) {
      while (kept.free[size_class] != nullptr) {
        FreeBlock* const block = std::exchange(kept.free[size_class], kept.free[size_class]->next);
        TheArena().Give(block, size_class);
      }
    }
  }
};

[[gnu::noinline]] void OpenKept() noexcept {
  thread_local KeptCloser closer;
  static_cast<void>(closer);
  kept.closes_with_thread = true;
  kept.room.fill(kKeptBlocks);
}

std::uint8_t* TakeBlock(std::size_t size) noexcept {
  const std::size_t size_class = ClassOf(size);
  FreeBlock* block = nullptr;
  if (size_class < kKeptClasses && kept.free[size_class] != nullptr) {
    block = std::exchange(kept.free[size_class], kept.free[size_class]->next);
    ++kept.room[size_class];
  } else {
    block = TheArena().Take(size_class);
  }
  if (block != nullptr) {
    block->next = nullptr;
  }
  return reinterpret_cast<std::uint8_t*>(block);
}

void GiveBlock(std::uint8_t* data, std::size_t size) noexcept {
  Wipe({data, size});
  const std::size_t size_class = ClassOf(size);
  if (!kept.closes_with_thread) {
    OpenKept();
  }
  auto* const block = new (data) FreeBlock{nullptr};
  if (size_class < kKeptClasses && kept.room[size_class] > 0) {
    --kept.room[size_class];
    block->next = std::exchange(kept.free[size_class], block);
  } else {
    TheArena().Give(block, size_class);
  }
}

}  // namespace

Result<GuardedBlock> GuardedBlock::Allocate(std::size_t size) {
  if (size == 0) {
    return GuardedBlock();
  }
  std::uint8_t* data = size <= kLargestSharedBlock ? TakeBlock(size) : AllocatePages(size);
  if (data == nullptr) {
    return Fail(ErrorCode::kResourceExhausted,
                "no guarded memory for " + std::to_string(size) + " bytes",
                "free memory or raise the limits on memory and mappings");
  }
  return GuardedBlock(data, size);
}

void GuardedBlock::Release() noexcept {
  if (size_ <= kLargestSharedBlock) {
    GiveBlock(data_, size_);
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
