#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rowseal/roots.h>

#include "client/session.h"

namespace rowseal {

/// OpenNewRoot is NewRoot, with a hint for whoever has no key file yet.
Result<std::shared_ptr<const RootProvider>> OpenNewRoot(const NewRootOptions& root);

/// RootAddition is a root that is to be added, with the trusted rows as they will stand; in memory.
struct RootAddition {
  TrustRows rows;
  std::shared_ptr<const RootProvider> provider;
  RootId root;
  std::optional<Kek> made_kek;  ///< of a project that had no root of its own
  AddedRoot report;
};

/// PrepareRootAddition wraps the KEKs of the scope for the root and proves that it opens them. The
/// set is not sealed yet (SealSet).
Result<RootAddition> PrepareRootAddition(Session& session, TrustRows rows,
                                         std::shared_ptr<const RootProvider> provider,
                                         const std::string& scope, Timestamp now);

/// WriteRootAddition writes root, KEK and wrappings, and brings a project's DEKs under its KEK.
Result<void> WriteRootAddition(Connection& connection, Session& session, RootAddition& addition);

/// LogRootAdded tells of it once it is committed.
void LogRootAdded(Observer& observer, const AddedRoot& added);

}  // namespace rowseal
