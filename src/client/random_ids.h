#pragma once

#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// RandomUuid makes a version 4 uuid (RFC 9562 section 5.4). Errors: kRandomFailure.
Result<std::array<std::uint8_t, 16>> RandomUuid();

/// TimeOrderedUuid makes a version 7 uuid for `now` (RFC 9562 section 5.7): audit entries and jobs
/// sort by time. Errors: kRandomFailure.
Result<std::array<std::uint8_t, 16>> TimeOrderedUuid(Timestamp now);

template <class Id>
Result<Id> NewId() {
  ROWSEAL_ASSIGN(const auto bytes, RandomUuid());
  return Id{bytes};
}

}  // namespace rowseal
