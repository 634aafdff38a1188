// Compiled into the tests only: the library has no way to seal with a chosen ephemeral key.
#include "crypto/hpke.h"

namespace rowseal {

Result<Bytes> HpkeKnownAnswer::SealWithEphemeral(const SecretBytes& ephemeral_key,
                                                 const HpkePublicKey& public_key, ByteView info,
                                                 ByteView context, ByteView plaintext) {
  return internal::HpkeSealUnder(ephemeral_key, public_key, info, context, plaintext);
}

}  // namespace rowseal
