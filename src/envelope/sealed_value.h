#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "envelope/suite.h"

namespace rowseal {

/// SealedValue is a value sealed for a column of the app's own: `rs1.` and the base64url of
/// version 1 ‖ suite 1 ‖ context kind 1 ‖ DEK id 16 ‖ nonce 24 ‖ ciphertext ‖ tag 16.
/// One byte string for each value: no optional field, no length field. Format:
/// docs/spec/sealed-values.md.
struct SealedValue {
  Suite suite = Suite::kXaes256Gcm;
  ContextKind context_kind = ContextKind::kField;
  DekId dek;
  std::array<std::uint8_t, 24> nonce{};
  Bytes sealed;  ///< ciphertext ‖ tag
};

inline constexpr std::string_view kSealedValuePrefix = "rs1.";
inline constexpr std::size_t kSealedValueHeaderSize = 43;  ///< bytes

std::string EncodeSealedValue(const SealedValue& value);

/// DecodeSealedValue accepts exactly what EncodeSealedValue writes. Errors: kIntegrity, also for
/// text without the prefix: what is not sealed is never taken for plaintext here.
Result<SealedValue> DecodeSealedValue(std::string_view text);

}  // namespace rowseal
