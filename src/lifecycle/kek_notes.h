#pragma once

#include <map>
#include <optional>

#include <rowseal/connection.h>
#include <rowseal/ids.h>

namespace rowseal {

/// KekNotes is what the store notes of a KEK beside the trusted row, and what stands under it. It
/// is untagged: nothing is opened or refused by it.
struct KekNotes {
  std::optional<Timestamp> compromised_at;
  std::optional<Timestamp> destroy_at;
  std::int64_t deks = 0;
};

/// ReadKekNotes reads those of every KEK.
Result<std::map<KekId, KekNotes>> ReadKekNotes(Connection& connection);

}  // namespace rowseal
