// Compiled into the tests only: the library has no way to seal under a chosen nonce.
#include "crypto/xaes_state.h"

namespace rowseal {

Result<void> XaesKnownAnswer::SealWithNonce(const XaesKey& key, ByteView plaintext,
                                            ByteView context, const XaesNonce& nonce,
                                            std::span<std::uint8_t> out) {
  return key.state_->Seal(plaintext, context, nonce, out);
}

}  // namespace rowseal
