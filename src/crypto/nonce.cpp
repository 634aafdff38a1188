#include <rowseal/nonce.h>

#include "crypto/random.h"

namespace rowseal {

Result<std::array<std::uint8_t, 12>> Nonce96() {
  std::array<std::uint8_t, 12> nonce{};
  ROWSEAL_TRY(FillRandom(nonce));
  return nonce;
}

Result<std::array<std::uint8_t, 24>> Nonce192() {
  std::array<std::uint8_t, 24> nonce{};
  ROWSEAL_TRY(FillRandom(nonce));
  return nonce;
}

}  // namespace rowseal
