#pragma once

#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// JsonString gives the string that is the value of `member` in the JSON object `object` (RFC
/// 8259). Strings of members further inside do not count. None of the object's strings leaves
/// guarded memory. Errors: kInvalidArgument (no JSON object, no such member, two of them, another
/// type, an escape other than `\/` in the string), kResourceExhausted.
Result<SecretBytes> JsonString(ByteView object, std::string_view member);

}  // namespace rowseal
