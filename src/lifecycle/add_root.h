#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rowseal/roots.h>

#include "client/change.h"

namespace rowseal {

/// OpenNewRoot is NewRoot, with a hint for whoever has no key file yet.
Result<std::shared_ptr<const RootProvider>> OpenNewRoot(const NewRootOptions& root);

/// RootAddition is a root that is to be added, with the trusted rows as they will stand; in memory.
struct RootAddition {
  TrustRows rows;
  std::shared_ptr<const RootProvider> provider;
  RootId root;
  std::shared_ptr<const Kek> made_kek;  ///< of a project that had no root of its own
  AddedRoot report;
};

/// PrepareRootAddition wraps the KEKs of the scope for the root and proves that it opens them. It
/// asks roots, so no lock is held.
Result<RootAddition> PrepareRootAddition(const Snapshot& set,
                                         std::shared_ptr<const RootProvider> provider,
                                         const std::string& scope);

/// WriteRootAddition writes root, KEK and wrappings, and brings a project's DEKs under its KEK. The
/// set is the caller's to take over.
Result<AddedRoot> WriteRootAddition(Change& change, const RootAddition& addition);

/// RootAddedEvent tells of it once it is committed.
LogEvent RootAddedEvent(const AddedRoot& added);

}  // namespace rowseal
