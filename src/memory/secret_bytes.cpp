#include <rowseal/secret_bytes.h>

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cassert>
#include <cstring>

#include <sodium.h>

#include "memory/wipe.h"

namespace rowseal {

Result<SecretBytes> SecretBytes::CopyOf(ByteView bytes) {
  ROWSEAL_ASSIGN(SecretBuffer buffer, SecretBuffer::Create(bytes.size()));
  ROWSEAL_TRY(buffer.Append(bytes));
  return std::move(buffer).Take();
}

bool SecretBytes::EqualsInConstantTime(const SecretBytes& other) const noexcept {
  return size_ == other.size_ &&
         (size_ == 0 || sodium_memcmp(block_.data(), other.block_.data(), size_) == 0);
}

Result<SecretBuffer> SecretBuffer::Create(std::size_t capacity) {
  ROWSEAL_ASSIGN(internal::GuardedBlock block, internal::GuardedBlock::Allocate(capacity));
  return SecretBuffer(std::move(block));
}

void SecretBuffer::SetSize(std::size_t size) noexcept {
  assert(size <= capacity());
  size_ = size;
  if (size < capacity()) {
    Wipe({block_.data() + size, capacity() - size});
  }
}

Result<void> SecretBuffer::Append(ByteView bytes) {
  if (bytes.size() > capacity() - size_) {
    return Fail(ErrorCode::kInvalidArgument, "the bytes do not fit into the secret buffer");
  }
  if (!bytes.empty()) {
    std::memcpy(block_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  return {};
}

SecretBytes SecretBuffer::Take() && noexcept {
  return SecretBytes(std::move(block_), std::exchange(size_, 0));
}

void HardenProcess() noexcept {
  prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

}  // namespace rowseal
