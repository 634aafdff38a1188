#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/secret_bytes.h>

namespace rowseal::testing {

// What an app that has not moved yet would write. Rowseal only opens such values, so that tests
// make them here.

struct GcmParts {
  Bytes ciphertext;
  Bytes tag;
};
GcmParts SealGcm(ByteView key, ByteView iv, std::string_view plaintext,
                 std::string_view associated = {});

Bytes SealCbc(ByteView key, ByteView iv, std::string_view plaintext);

/// CountedKey is the `number`-th of a row of keys that have nothing in common.
Bytes CountedKey(std::uint32_t number);

/// Counted are bytes 1, 2, 3, …: an IV.
Bytes Counted(std::size_t size);

SecretBytes Secret(ByteView bytes);

/// Joined puts bytes end to end.
Bytes Joined(std::initializer_list<ByteView> parts);

}  // namespace rowseal::testing
