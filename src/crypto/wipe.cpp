#include "crypto/wipe.h"

#include <openssl/crypto.h>

namespace rowseal {

void Wipe(std::span<std::uint8_t> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace rowseal
