#pragma once

#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "client/session.h"

namespace rowseal {

/// FindWrapKek returns a KEK of the set that wraps DEKs. Errors: kNotFound; kRefusedByState for the
/// integrity key, whose states never change.
Result<const KekRecord*> FindWrapKek(const TrustRows& rows, KekId id);

/// KekChange is how KEKs change state: made from the set that was loaded in the open exclusive
/// transaction, changed in memory, then written as one with the epoch and the tag over the set.
/// What was written is adopted after the commit; before, nothing of it counts in this process.
class KekChange final {
 public:
  explicit KekChange(Session& session);

  /// Move gives a KEK another state. A suspended one remembers the state it had. Errors:
  /// FindWrapKek's, kRefusedByState (no such transition).
  Result<void> Move(KekId id, KeyState to);

  /// Remove takes a KEK and its wrappings out of the set, for good. Errors: FindWrapKek's,
  /// kRefusedByState (its state forbids that).
  Result<void> Remove(KekId id);

  /// Write writes what was changed. Errors: kConflict (something needs a KEK that was removed, or
  /// another writer was first), the store's.
  Result<void> Write(Connection& connection);

  void Adopt() const;

 private:
  Session& session_;
  TrustRows rows_;
  std::vector<std::pair<KekId, Revision>> moved_;  // with the revisions seen
  std::vector<KekId> removed_;
};

}  // namespace rowseal
