#pragma once

#include <sys/types.h>

#include <cstddef>

namespace rowseal::testing {

/// GetRandom has the form of getrandom(2).
using GetRandom = ssize_t (*)(void* out, std::size_t size, unsigned flags);

/// ReplacedKernelRandom puts `source` in place of getrandom(2) for this whole program, until it
/// goes. Threads: one at a time.
class ReplacedKernelRandom final {
 public:
  explicit ReplacedKernelRandom(GetRandom source);
  ReplacedKernelRandom(const ReplacedKernelRandom&) = delete;
  ReplacedKernelRandom& operator=(const ReplacedKernelRandom&) = delete;
  ~ReplacedKernelRandom();
};

/// KernelRandom is the real getrandom(2).
ssize_t KernelRandom(void* out, std::size_t size, unsigned flags);

/// DrawnFromKernel counts what this thread has asked of getrandom(2).
struct DrawnFromKernel {
  std::size_t calls = 0;
  std::size_t bytes = 0;
};
DrawnFromKernel DrawnSoFar();

}  // namespace rowseal::testing
