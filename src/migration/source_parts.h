#pragma once

#include <rowseal/bytes.h>
#include <rowseal/error.h>

#include "migration/source_format.h"

namespace rowseal {

/// SourceParts are the parts of one encrypted value, decoded. None of them is secret.
struct SourceParts {
  Bytes iv;
  Bytes tag;  ///< GCM only
  Bytes ciphertext;
};

/// SplitParts takes a value of a GCM or CBC format, without its prefix, to pieces; `format` has
/// passed CheckFormat. No cryptography is done here. Errors: kIntegrity, naming the part, with
/// lengths and without a byte of the value; kResourceExhausted.
Result<SourceParts> SplitParts(const SourceFormat& format, ByteView value);

/// SourcePartName gives a part's name in a manifest.
const char* SourcePartName(SourcePart part) noexcept;

/// SourceIvSize is how many bytes the IV of this format has.
std::size_t SourceIvSize(const SourceFormat& format) noexcept;

}  // namespace rowseal
