#pragma once

#include <map>
#include <optional>
#include <string>

#include <rowseal/connection.h>
#include <rowseal/ids.h>

namespace rowseal {

/// KekNotes is what the store notes of a KEK beside the trusted row, and what stands under it. It
/// is untagged: nothing is opened or refused by it.
struct KekNotes {
  std::optional<Timestamp> compromised_at;
  std::optional<Timestamp> destroy_at;
  std::int64_t deks = 0;
  std::string defect;  ///< why a time cannot be read, and is nothing; else empty
};

/// ReadKekNotes reads those of every KEK.
Result<std::map<KekId, KekNotes>> ReadKekNotes(Connection& connection);

/// ReadKekTime reads one of a KEK's times alone; nothing where it has none.
enum class KekTime : std::uint8_t { kCompromisedAt, kDestroyAt };
Result<std::optional<Timestamp>> ReadKekTime(Connection& connection, KekId kek, KekTime time);

}  // namespace rowseal
