#pragma once

#include <string>
#include <string_view>

#include <rowseal/client.h>

#include "keys/records.h"
#include "store/trust_rows.h"

namespace rowseal {

/// kDiscarded begins the census of a DEK that nothing could open: its row need not have had a form
/// that Rowseal writes.
inline constexpr std::string_view kDiscarded = "discarded: ";

/// Evidence is what is kept of a destruction beside the key's own metadata.
struct Evidence {
  Access asked_by;
  std::string census;  ///< what was found to need the key
  Timestamp at;
};

/// KeepEvidence is the statement that writes the row of `destroyed_key`. A key that was put back
/// and destroyed again keeps its first one.
Statement KeepEvidence(const KekRecord& kek, const Evidence& evidence);
Statement KeepEvidence(const DekRecord& dek, const Evidence& evidence);

}  // namespace rowseal
