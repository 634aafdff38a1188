#include <rowseal/rowseal.h>

#include "connect/open_client.h"
#include "connect/store_path.h"
#include "db/sqlite/sqlite_store.h"
#include "lifecycle/installation.h"

namespace rowseal {
namespace {

// True when the store stands and has its keys.
Result<bool> IsInitialised(const std::string& path) {
  Result<std::unique_ptr<SqliteConnection>> opened = OpenSqliteStore(path);
  if (opened) {
    return HasInstallation(**opened);
  }
  if (opened.error().code == ErrorCode::kNotFound) {
    return false;
  }
  return tl::unexpected(std::move(opened).error());
}

}  // namespace

Result<Client> OpenStoreFile(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenSqliteStore(path));
  return OpenClient(std::move(connection), AtSqlitePlace(options, path));
}

Result<InitOutcome> InitStoreFile(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(const bool initialised, IsInitialised(path));
  if (initialised) {
    ROWSEAL_ASSIGN(Client client, OpenStoreFile(options));
    return CheckExisting(std::move(client), {});
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> root, OpenFirstRoot(options));
  ROWSEAL_ASSIGN(std::optional<TrustRows> keys, PrepareKeys(root, options, {}));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, CreateSqliteStore(path));
  {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection, TransactionKind::kExclusive));
    ROWSEAL_ASSIGN(const bool made,
                   MakeKeys(*connection, std::move(keys), AtSqlitePlace(options, path), {}));
    if (made) {
      ROWSEAL_TRY(transaction.Commit());
      return InitOutcome::kCreated;
    }
  }
  ROWSEAL_ASSIGN(Client client, OpenStoreFile(options));
  return CheckExisting(std::move(client), {});
}

}  // namespace rowseal
