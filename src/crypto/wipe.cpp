#include "crypto/wipe.h"

#include <cstring>

namespace rowseal {

// Like OPENSSL_cleanse never removed by the compiler.
void Wipe(std::span<std::uint8_t> bytes) noexcept { explicit_bzero(bytes.data(), bytes.size()); }

}  // namespace rowseal
