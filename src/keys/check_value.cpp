#include "keys/check_value.h"

#include "envelope/field_writer.h"

namespace rowseal {

Result<Mac> CheckValue(const XaesKey& key, std::string_view id) {
  return HmacSha256(key.bytes().Reveal(), FieldWriter("rowseal/v1/check").Add(id).bytes());
}

Result<Mac> RootFingerprint(const XaesKey& root_key) {
  return HmacSha256(root_key.bytes().Reveal(), FieldWriter("rowseal/v1/fingerprint").bytes());
}

}  // namespace rowseal
