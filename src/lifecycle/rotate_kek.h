#pragma once

#include <memory>

#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/lifecycle.h>

#include "client/session.h"
#include "store/trust_rows.h"

namespace rowseal {

/// KekRotation is a new KEK that takes an old one's place, with the trusted rows as they will
/// stand.
struct KekRotation {
  TrustRows rows;
  KekRecord old_kek;  ///< as it was
  std::shared_ptr<const Kek> new_kek;
};

/// PrepareRotation makes in memory a new active KEK of the old one's scope, wrapped for every
/// active root of that scope; the old one gets the state `becomes`. `rows` are the trusted set of
/// the open exclusive transaction, with what that transaction changes besides. Errors:
/// kRootKeyMissing (a root that must wrap was not given here), kRandomFailure, the providers'.
Result<KekRotation> PrepareRotation(Session& session, TrustRows rows, const KekRecord& old_kek,
                                    KeyState becomes, Timestamp now);

/// WriteRotation writes it in the open exclusive transaction, and waits for whoever is just
/// wrapping a DEK under the old KEK: a rewrap after it misses none.
Result<void> WriteRotation(Connection& connection, const KekRotation& rotation);

/// kRewrappedAtOnce DEKs are rewrapped with the rotation, in one transaction of some tenths of a
/// second; more are a job's, so that nobody waits for the lock longer.
inline constexpr std::int64_t kRewrappedAtOnce = 10'000;

/// WriteRotationAndRewrap does that, and rewraps the scope's DEKs, or starts the job that does.
Result<RotationReport> WriteRotationAndRewrap(Connection& connection, Session& session,
                                              const KekRotation& rotation, Timestamp now);

/// ReportRotation counts and logs a rotation that was committed.
void ReportRotation(Observer& observer, const RotationReport& report);

/// CountDeks counts the DEKs of the store.
Result<std::int64_t> CountDeks(Connection& connection);

}  // namespace rowseal
