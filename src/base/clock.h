#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// Clock gives the time in UTC; tests supply their own.
using Clock = std::function<Timestamp()>;

/// SystemClock returns the machine's time.
Timestamp SystemClock();

/// ToRfc3339 writes `2026-01-02T03:04:05.000006Z`; whole seconds have no fraction.
std::string ToRfc3339(Timestamp time);

/// ParseRfc3339 reads RFC 3339 with `Z` and up to six digits of fraction, years 1970 to 9999.
Result<Timestamp> ParseRfc3339(std::string_view text);

/// CheckStorable rejects times outside the years 1970 to 9999, which no RFC 3339 text can say and
/// no reader of a store accepts. Errors: kInvalidArgument.
Result<void> CheckStorable(Timestamp time);

}  // namespace rowseal
