#pragma once

#include <string>
#include <string_view>

#include <rowseal/error.h>

#include "client/session.h"
#include "keys/keyring.h"
#include "keys/records.h"

namespace rowseal {

/// Why a key is not used: kRefusedByState, naming the key, with what an operator may do about it.

/// KekRefused is for a KEK that may not be used in its state.
tl::unexpected<Error> KekRefused(const KekRecord& kek);

/// WayOut says which command changes a KEK's state.
std::string WayOut(const KekRecord& kek);

/// DekRefused is the same for a DEK.
tl::unexpected<Error> DekRefused(const DekRecord& dek);
/// DekBelowFloor refuses one that was made before a compromise was declared.
tl::unexpected<Error> DekBelowFloor(const DekRecord& dek);

/// NoActiveKek is for a scope in which nothing may be wrapped, and names the KEK that is suspended.
tl::unexpected<Error> NoActiveKek(const TrustSet& trust, std::string_view scope);

/// SuspendedActiveKek returns the KEK of a scope that is active again once it is resumed, or
/// nullptr.
const KekRecord* SuspendedActiveKek(const TrustSet& trust, std::string_view scope) noexcept;

/// CheckMaySeal fails while the KEK of scope `default` is suspended: a reseal then has nothing to
/// seal under, and would name every row as failed.
Result<void> CheckMaySeal(Session& session);

}  // namespace rowseal
