#pragma once

#include <cstdint>
#include <span>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// FillRandom fills `out` from the kernel's generator, getrandom(2), for this call alone: no random
/// byte is drawn ahead or kept, so a forked child and a virtual machine that is resumed twice from
/// one snapshot share none. It waits until the kernel's generator is seeded. It fails closed: after
/// an error, and where 16 bytes or more are all equal, `out` is zero. Cost: about 0.5 µs a call.
/// Errors: kRandomFailure. Threads: any.
Result<void> FillRandom(std::span<std::uint8_t> out);

/// RandomSecret makes `size` random bytes in guarded memory.
Result<SecretBytes> RandomSecret(std::size_t size);

}  // namespace rowseal
