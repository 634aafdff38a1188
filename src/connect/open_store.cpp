#include <filesystem>

#include <rowseal/rowseal.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/session.h"
#include "connect/store_path.h"
#include "db/sqlite/sqlite_app_column.h"
#include "db/sqlite/sqlite_store.h"
#include "lifecycle/installation.h"
#include "roots/root_key_file.h"
#include "roots/root_registry.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::string_view kFileScheme = "file:";

Result<std::vector<std::shared_ptr<const RootProvider>>> OpenRoots(const StoreOptions& options) {
  if (options.roots.empty()) {
    return Fail(ErrorCode::kRootKeyMissing, "no root key was given",
                "give --root file:PATH or set ROWSEAL_ROOT");
  }
  std::vector<std::shared_ptr<const RootProvider>> roots;
  for (const std::string& uri : options.roots) {
    ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, OpenRoot(uri, options.ask_passphrase));
    roots.push_back(std::move(root));
  }
  return roots;
}

// A malformed root key says by itself what is wrong; which one the store expects helps further,
// unless it is a passphrase: nobody knows theirs by its fingerprint.
Error WithExpectedFingerprint(Error error, Connection& connection) {
  const Result<TrustRows> rows = LoadTrustRows(connection);
  if (!rows || rows->roots.empty() || !rows->roots.front().public_part.empty()) {
    return error;
  }
  error.message +=
      "; the store expects fingerprint " + ToHex(rows->roots.front().fingerprint).substr(0, 8);
  return error;
}

Result<std::unique_ptr<AppColumn>> OpenAppColumn(const ColumnSource& source) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(source.database));
  return OpenSqliteAppColumn(path, source);
}

Result<Client> ConnectWithRoots(std::unique_ptr<SqliteConnection> connection,
                                const StoreOptions& options) {
  Result<std::vector<std::shared_ptr<const RootProvider>>> roots = OpenRoots(options);
  if (!roots) {
    return tl::unexpected(WithExpectedFingerprint(std::move(roots).error(), *connection));
  }
  ROWSEAL_ASSIGN(Client client,
                 Client::Connect(std::move(connection), std::move(*roots), options.client));
  client.session().UseAppColumns(OpenAppColumn);
  return client;
}

// The root to make a store with: opened, or nothing when its file is still to be created.
Result<std::shared_ptr<const RootProvider>> OpenFirstRoot(const StoreOptions& options) {
  if (options.roots.empty()) {
    return Fail(ErrorCode::kRootKeyMissing, "no root key was given",
                "give --root file:PATH or set ROWSEAL_ROOT");
  }
  const std::string& uri = options.roots.front();
  Result<std::shared_ptr<const RootProvider>> root = NewRoot(uri, options.ask_passphrase);
  const bool may_be_created = !root && root.error().code == ErrorCode::kRootKeyMissing &&
                              uri.starts_with(kFileScheme) && uri.find('?') == std::string::npos;
  if (!may_be_created) {
    return root;
  }
  std::error_code ignored;
  if (std::filesystem::exists(uri.substr(kFileScheme.size()), ignored)) {
    return OpenRoot(uri);  // another process created it meanwhile, or it cannot be read
  }
  return std::shared_ptr<const RootProvider>();
}

// Runs inside the write transaction, so one process at most creates the root key of a new store.
Result<std::shared_ptr<const RootProvider>> CreateFirstRoot(const std::string& uri) {
  Result<void> created = CreateRootKeyFile(uri.substr(kFileScheme.size()));
  if (!created && created.error().code != ErrorCode::kConflict) {
    return tl::unexpected(std::move(created).error());
  }
  return NewRoot(uri);
}

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

Result<InitOutcome> CheckExisting(const StoreOptions& options) {
  ROWSEAL_TRY(OpenStore(options));
  return InitOutcome::kExisted;
}

}  // namespace

Result<InitOutcome> InitStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(const bool initialised, IsInitialised(path));
  if (initialised) {
    return CheckExisting(options);
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, OpenFirstRoot(options));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, CreateSqliteStore(path));
  {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection, TransactionKind::kWrite));
    ROWSEAL_ASSIGN(const bool another_was_first, HasInstallation(*connection));
    if (!another_was_first) {
      if (!root) {
        ROWSEAL_ASSIGN(root, CreateFirstRoot(options.roots.front()));
      }
      const Timestamp now = options.client.clock ? options.client.clock() : SystemClock();
      ROWSEAL_TRY(CreateInstallation(*connection, *root, now, options.client.actor));
      ROWSEAL_TRY(transaction.Commit());
      return InitOutcome::kCreated;
    }
  }
  return CheckExisting(options);
}

Result<Client> OpenStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, OpenSqliteStore(path));
  ROWSEAL_ASSIGN(const bool initialised, HasInstallation(*connection));
  if (!initialised) {
    return Fail(ErrorCode::kNotFound, "the store '" + Printable(path) + "' has no keys yet",
                "finish it: rowseal init");
  }
  return ConnectWithRoots(std::move(connection), options);
}

Result<int> UpgradeStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  return UpgradeSqliteStore(path);
}

Result<void> CreateRootKey(const std::string& path) { return CreateRootKeyFile(path); }

}  // namespace rowseal
