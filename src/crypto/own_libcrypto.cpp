#include <dlfcn.h>
#include <openssl/crypto.h>

#include <rowseal/own_libcrypto.h>

namespace rowseal {

bool LibcryptoIsOwn() noexcept {
  Dl_info ours{};
  Dl_info theirs{};
  return dladdr(reinterpret_cast<const void*>(&LibcryptoIsOwn), &ours) != 0 &&
         dladdr(reinterpret_cast<const void*>(&OpenSSL_version), &theirs) != 0 &&
         ours.dli_fbase == theirs.dli_fbase;
}

}  // namespace rowseal
