#pragma once

#include <string>
#include <string_view>

#include <rowseal/error.h>

namespace rowseal {

/// NewLeaseOwner names who runs a job: this process (boot, pid namespace, pid, start time) and a
/// random part, so that two runners of one process differ. Errors: kRandomFailure.
Result<std::string> NewLeaseOwner();

/// LeaseOwnerIsDead tells whether `owner` is a process of this machine that has certainly ended.
/// Everything else, such as a process of another machine or container, may live: its lease runs
/// out.
bool LeaseOwnerIsDead(std::string_view owner);

}  // namespace rowseal
