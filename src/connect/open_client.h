#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/rowseal.h>

#include "keys/root_provider.h"

namespace rowseal {

/// What opening and making a store needs of neither SQLite nor PostgreSQL.

/// OpenRoots opens those roots of `options` that can be used, and logs the others as errors.
/// Errors: kRootKeyMissing (none was given), the roots'.
Result<std::vector<std::shared_ptr<const RootProvider>>> OpenRoots(const StoreOptions& options);

/// OpenRootsOf opens the roots of `options` for a store that has its keys. Errors: kNotFound (the
/// store has no keys yet), the roots'.
Result<std::vector<std::shared_ptr<const RootProvider>>> OpenRootsOf(Connection& connection,
                                                                     const StoreOptions& options);

/// OpenClient makes a client of a connection to a store and the roots of `options`. It works on
/// registered columns in SQLite databases. Errors: OpenRootsOf's, Client::Connect's.
Result<Client> OpenClient(std::unique_ptr<Connection> connection, const StoreOptions& options);

/// OpenFirstRoot gives the root to make a store with: opened, or nothing when its file is still to
/// be created.
Result<std::shared_ptr<const RootProvider>> OpenFirstRoot(const StoreOptions& options);

/// NamedProjects is the app's table of projects as an installation keeps it.
struct NamedProjects {
  std::string text;  ///< table and key; empty: none
  std::string key_type = "text";
};

/// PrepareKeys makes the keys of a new store in memory, because that asks the root; nothing where
/// the root's file is still to be created.
Result<std::optional<TrustRows>> PrepareKeys(const std::shared_ptr<const RootProvider>& root,
                                             const StoreOptions& options,
                                             const NamedProjects& projects);

/// MakeKeys writes them in the open transaction, after it made the root's key file and them where
/// that is missing; false when another process was first.
Result<bool> MakeKeys(Connection& connection, std::optional<TrustRows> prepared,
                      const StoreOptions& options, const NamedProjects& projects);

/// CheckExisting: the same root left nothing to do; other projects than the store's are somebody's
/// mistake. Errors: kConflict.
Result<InitOutcome> CheckExisting(Client client, const std::optional<NamedProjects>& projects);

}  // namespace rowseal
