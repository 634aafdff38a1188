#include "crypto/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include <rowseal/bytes.h>

#include "memory/wipe.h"

namespace rowseal {
namespace {

// A request shorter than this may be constant by chance.
constexpr std::size_t kShortestJudged = 16;

// A buffer of one repeated byte equals itself shifted by one.
bool IsConstant(ByteView bytes) noexcept {
  return std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// The kernel is asked, not a generator in this process: it alone is told when a virtual machine is
// resumed from a snapshot (the VM generation id) and mixes that in. A generator in user space, such
// as OpenSSL's, would give both copies the same bytes until it reseeds.
bool DrawFromKernel(std::span<std::uint8_t> out) noexcept {
  std::span<std::uint8_t> rest = out;
  while (!rest.empty()) {
    const ssize_t drawn = getrandom(rest.data(), rest.size(), 0);
    if (drawn < 0 && errno == EINTR) {
      continue;
    }
    if (drawn <= 0 || static_cast<std::size_t>(drawn) > rest.size()) {
      return false;
    }
    rest = rest.subspan(static_cast<std::size_t>(drawn));
  }
  return out.size() < kShortestJudged || !IsConstant(out);
}

}  // namespace

Result<void> FillRandom(std::span<std::uint8_t> out) {
  if (DrawFromKernel(out)) {
    return {};
  }
  Wipe(out);
  return Fail(ErrorCode::kRandomFailure, "the kernel's random generator failed or repeats one byte",
              "nothing was sealed; check this machine's kernel before going on");
}

Result<SecretBytes> RandomSecret(std::size_t size) {
  ROWSEAL_ASSIGN(SecretBuffer buffer, SecretBuffer::Create(size));
  ROWSEAL_TRY(FillRandom(buffer.Writable().first(size)));
  buffer.SetSize(size);
  return std::move(buffer).Take();
}

}  // namespace rowseal
