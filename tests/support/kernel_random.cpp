#include "support/kernel_random.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace rowseal::testing {
namespace {

std::atomic<GetRandom> source_in_use{nullptr};
thread_local DrawnFromKernel drawn;

}  // namespace

ReplacedKernelRandom::ReplacedKernelRandom(GetRandom source) { source_in_use = source; }
ReplacedKernelRandom::~ReplacedKernelRandom() { source_in_use = nullptr; }

ssize_t KernelRandom(void* out, std::size_t size, unsigned flags) {
  return syscall(SYS_getrandom, out, size, flags);
}

DrawnFromKernel DrawnSoFar() { return drawn; }

}  // namespace rowseal::testing

// The program's own definition comes before libc's, so the library under test calls it without a
// line of its own that only tests would use.
extern "C" ssize_t getrandom(void* out, std::size_t size, unsigned flags) {
  using namespace rowseal::testing;
  drawn.calls += 1;
  drawn.bytes += size;
  const GetRandom source = source_in_use;
  return source != nullptr ? source(out, size, flags) : KernelRandom(out, size, flags);
}
