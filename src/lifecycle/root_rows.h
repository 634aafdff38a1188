#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <rowseal/roots.h>

#include "client/change.h"

namespace rowseal {

/// What changes of roots have in common. Rows are the trusted set of an open exclusive transaction.

/// NamedRoot returns `root 2 (file:/etc/rowseal/root.key)`, for messages.
std::string NamedRoot(const RootRecord& root);

/// WrappingProvider gives what wraps for a root: the one configured here, or for a root that is a
/// public key what its verified row says. Errors: kRootKeyMissing, naming the root and how to give
/// it.
Result<std::shared_ptr<const RootProvider>> WrappingProvider(Session& session,
                                                             const RootRecord& root);

/// FindRoot errors: kNotFound.
Result<const RootRecord*> FindRoot(const TrustRows& rows, RootId id);

/// KeksOf gives the KEKs of a scope, the integrity key among those of `default`.
std::vector<const KekRecord*> KeksOf(const TrustRows& rows, std::string_view scope);

/// ProveOpens opens every KEK of a scope with that root alone. Errors: kRefusedByState (a KEK is
/// not wrapped for it, or it wraps only), the provider's.
Result<void> ProveOpens(const TrustRows& rows, std::string_view scope, RootId root,
                        const RootProvider& provider);

/// ProveOthers names the roots of the scope besides `leaving` that are active, held here and open
/// every KEK of the scope; `more` are roots that the session does not hold yet. Errors:
/// kRefusedByState when there is none: `leaving` is the last root proven to open.
Result<std::vector<RootId>> ProveOthers(Session& session, const TrustRows& rows,
                                        const RootRecord& leaving, const MatchedRoots& more = {});

/// ForgetRoot takes a root's wrappings out of the rows; the row itself is the caller's.
void ForgetWrappings(TrustRows& rows, RootId root);

/// SummaryOf describes a root as the rows stand.
RootSummary SummaryOf(Session& session, const TrustRows& rows, const RootRecord& root);

}  // namespace rowseal
