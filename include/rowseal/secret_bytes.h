#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string_view>
#include <utility>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

namespace internal {
/// GuardedBlock owns memory between guard pages, locked, kept out of core files, wiped when freed.
/// Small blocks share pages with other secrets; a block over 16 KiB has pages of its own.
class GuardedBlock final {
 public:
  GuardedBlock() = default;
  static Result<GuardedBlock> Allocate(std::size_t size);
  GuardedBlock(GuardedBlock&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  GuardedBlock& operator=(GuardedBlock&& other) noexcept {
    GuardedBlock taken(std::move(other));  // what stood here before is wiped when `taken` goes
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;
  }
  GuardedBlock(const GuardedBlock&) = delete;
  GuardedBlock& operator=(const GuardedBlock&) = delete;
  ~GuardedBlock() {
    if (data_ != nullptr) {
      Release();
    }
  }

  std::uint8_t* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  GuardedBlock(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  void Release() noexcept;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};
}  // namespace internal

/// SecretBytes holds an immutable secret: a key or a secret's plaintext.
///
/// It lives in guarded, locked memory, moves but does not copy (`Clone` is explicit), is wiped when
/// destroyed, and cannot be printed, hashed, converted or compared with `==`; those uses do not
/// compile. `Reveal` is the one door to its bytes: search for it to see who looks.
///
/// Threads: distinct objects are independent; one object may be read by several threads.
class SecretBytes final {
 public:
  /// SecretBytes makes an empty secret, which needs no memory.
  SecretBytes() = default;
  SecretBytes(SecretBytes&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    block_ = std::move(other.block_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  /// CopyOf copies `bytes` into guarded memory; wiping the original is the caller's affair.
  /// Errors: kResourceExhausted when the machine gives no memory.
  static Result<SecretBytes> CopyOf(ByteView bytes);

  /// Clone makes a second, independent secret. Errors: kResourceExhausted.
  Result<SecretBytes> Clone() const { return CopyOf(Reveal()); }

  /// Reveal views the bytes; the view dies with this object.
  ByteView Reveal() const noexcept { return {block_.data(), size_}; }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// EqualsInConstantTime compares; the time depends on the sizes only.
  bool EqualsInConstantTime(const SecretBytes& other) const noexcept;

  friend bool operator==(const SecretBytes&, const SecretBytes&) = delete;
  friend std::ostream& operator<<(std::ostream&, const SecretBytes&) = delete;

 private:
  friend class SecretBuffer;
  SecretBytes(internal::GuardedBlock block, std::size_t size)
      : block_(std::move(block)), size_(size) {}
  internal::GuardedBlock block_;
  std::size_t size_ = 0;
};

/// SecretBuffer is guarded memory of a fixed capacity that a secret is written into; it then moves
/// into SecretBytes, or is used again (`Clear` wipes it). Same rules as SecretBytes.
class SecretBuffer final {
 public:
  /// Create reserves `capacity` bytes. Errors: kResourceExhausted.
  static Result<SecretBuffer> Create(std::size_t capacity);
  SecretBuffer(SecretBuffer&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  SecretBuffer& operator=(SecretBuffer&& other) noexcept {
    block_ = std::move(other.block_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;

  std::size_t capacity() const noexcept { return block_.size(); }
  std::size_t size() const noexcept { return size_; }

  /// Writable gives all `capacity` bytes; say with `SetSize` how many count.
  std::span<std::uint8_t> Writable() noexcept { return {block_.data(), block_.size()}; }

  /// SetSize declares the first `size` bytes the secret; `size` is at most `capacity()`, and what
  /// stands behind it is wiped.
  void SetSize(std::size_t size) noexcept;

  /// Append copies `bytes` behind what is there. Errors: kInvalidArgument when they do not fit.
  Result<void> Append(ByteView bytes);

  ByteView Reveal() const noexcept { return {block_.data(), size_}; }
  void Clear() noexcept { SetSize(0); }

  /// Take moves the memory into an immutable secret; the buffer is empty afterwards.
  SecretBytes Take() && noexcept;

  friend bool operator==(const SecretBuffer&, const SecretBuffer&) = delete;
  friend std::ostream& operator<<(std::ostream&, const SecretBuffer&) = delete;

 private:
  explicit SecretBuffer(internal::GuardedBlock block) : block_(std::move(block)) {}
  internal::GuardedBlock block_;
  std::size_t size_ = 0;
};

/// SecretMemoryIsLocked tells whether every guarded page so far could be locked into RAM. False
/// means the limit (`ulimit -l`) is too low: secrets may reach swap.
bool SecretMemoryIsLocked() noexcept;

/// HardenProcess makes the process undumpable and its core files empty. For programs that are
/// Rowseal's own or that choose it; the library never calls it for its host.
void HardenProcess() noexcept;

}  // namespace rowseal

template <>
struct std::hash<rowseal::SecretBytes> {
  hash() = delete;
};
