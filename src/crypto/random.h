#pragma once

#include <cstdint>
#include <span>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// FillRandom fills `out` from OpenSSL's DRBG (SP 800-90A). Requests of at most 64 bytes come from
/// a buffer of each thread: refilled in bulk, wiped as it is used, emptied by the kernel in a
/// forked child, so that parent and child never share a byte. It fails closed: on an error `out` is
/// zero, and so it is when a refill repeats the previous one or is constant (SP 800-90B 4.4's
/// idea). Errors: kRandomFailure. Threads: any.
Result<void> FillRandom(std::span<std::uint8_t> out);

/// RandomSecret makes `size` random bytes in guarded memory, straight from the DRBG.
Result<SecretBytes> RandomSecret(std::size_t size);

}  // namespace rowseal
