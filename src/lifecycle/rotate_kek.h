#pragma once

#include <memory>

#include <rowseal/error.h>
#include <rowseal/lifecycle.h>

#include "client/change.h"

namespace rowseal {

/// KekRotation is a new KEK that takes an old one's place, with the trusted rows as they will
/// stand.
struct KekRotation {
  TrustRows rows;
  KekRecord old_kek;  ///< as it was
  std::shared_ptr<const Kek> new_kek;
};

/// PrepareRotation makes in memory a new active KEK of the old one's scope, wrapped for every
/// active root of that scope; the old one gets the state `becomes`. It asks roots, so no lock is
/// held. `rows` are the set's, with what is changed besides. Errors: kRootKeyMissing (a root that
/// must wrap was not given here), kRandomFailure, the providers'.
Result<KekRotation> PrepareRotation(const Snapshot& set, TrustRows rows, const KekRecord& old_kek,
                                    KeyState becomes);

/// WriteRotation writes it, and waits for whoever is just wrapping a DEK under the old KEK: a
/// rewrap after it misses none.
Result<void> WriteRotation(Change& change, const KekRotation& rotation);

/// kRewrappedAtOnce DEKs are rewrapped with the rotation, in one transaction of some tenths of a
/// second; more are a job's, so that nobody waits for the lock longer.
inline constexpr std::int64_t kRewrappedAtOnce = 10'000;

/// WriteRotationAndRewrap does that, and rewraps the scope's DEKs, or starts the job that does.
Result<RotationReport> WriteRotationAndRewrap(Change& change, const KekRotation& rotation);

/// ReportRotation counts and logs a rotation that was committed.
void ReportRotation(Observer& observer, const RotationReport& report);

/// CountDeks counts the DEKs of the store.
Result<std::int64_t> CountDeks(Connection& connection);

}  // namespace rowseal
