#include <filesystem>

#include <rowseal/rowseal.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/session.h"
#include "connect/store_path.h"
#include "db/postgres/conninfo.h"
#include "db/postgres/postgres_app_column.h"
#include "db/postgres/postgres_store.h"
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
  if (IsPostgresUrl(source.database)) {
    return OpenPostgresAppColumn(source.database, source);
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(source.database));
  return OpenSqliteAppColumn(path, source);
}

Result<Client> ConnectWithRoots(std::unique_ptr<Connection> connection,
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

std::string ProjectsText(const AppProjects& projects) {
  return projects.table.empty() ? std::string() : projects.table + "." + projects.key;
}

// The same root gives nothing to do. Other projects than the store's are somebody's mistake.
Result<InitOutcome> CheckExisting(const StoreOptions& options,
                                  const std::optional<AppProjects>& projects) {
  ROWSEAL_ASSIGN(Client client, OpenStore(options));
  const auto trust = client.session().keyring().trust();
  const InstallationRecord& installation = trust->rows.installation;
  if (projects && (installation.projects_table != ProjectsText(*projects) ||
                   installation.project_key_type != projects->key_type)) {
    return Fail(ErrorCode::kConflict,
                "the store was made for projects in '" + Printable(installation.projects_table) +
                    "', not in '" + Printable(ProjectsText(*projects)) + "'",
                "give init the same --projects and --project-key as the first time");
  }
  return InitOutcome::kExisted;
}

// Makes the keys in the open transaction, and the root's key file where it is missing; false when
// another process was first.
Result<bool> MakeKeys(Connection& connection, std::shared_ptr<const RootProvider> root,
                      const StoreOptions& options, const AppProjects& projects) {
  ROWSEAL_ASSIGN(const bool another_was_first, HasInstallation(connection));
  if (another_was_first) {
    return false;
  }
  if (!root) {
    ROWSEAL_ASSIGN(root, CreateFirstRoot(options.roots.front()));
  }
  const Timestamp now = options.client.clock ? options.client.clock() : SystemClock();
  ROWSEAL_TRY(CreateInstallation(
      connection, {*root, now, options.client.actor, ProjectsText(projects), projects.key_type}));
  return true;
}

Result<InitOutcome> InitSqlite(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(const bool initialised, IsInitialised(path));
  if (initialised) {
    return CheckExisting(options, {});
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, OpenFirstRoot(options));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, CreateSqliteStore(path));
  {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection, TransactionKind::kExclusive));
    ROWSEAL_ASSIGN(const bool made,
                   MakeKeys(*connection, std::move(root), options, {{}, {}, "text"}));
    if (made) {
      ROWSEAL_TRY(transaction.Commit());
      return InitOutcome::kCreated;
    }
  }
  return CheckExisting(options, {});
}

// Schema and keys come in one transaction, unless the schema was made before from printed SQL.
Result<InitOutcome> InitPostgres(const StoreOptions& options, const InstallOptions& install) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                 PostgresConnection::Open(options.store));
  ROWSEAL_ASSIGN(const AppProjects projects, FindProjects(*connection, install));
  const std::optional<AppProjects> named =
      install.projects ? std::optional(projects) : std::nullopt;
  ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(*connection));
  if (format != 0) {
    ROWSEAL_TRY(CheckPostgresFormat(format, connection->name()));
    ROWSEAL_ASSIGN(const bool initialised, HasInstallation(*connection));
    if (initialised) {
      return CheckExisting(options, named);
    }
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, OpenFirstRoot(options));
  {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection, TransactionKind::kExclusive));
    ROWSEAL_TRY(CreatePostgresSchema(*connection, projects, install));
    ROWSEAL_ASSIGN(const bool made, MakeKeys(*connection, std::move(root), options, projects));
    if (made) {
      ROWSEAL_TRY(transaction.Commit());
      return InitOutcome::kCreated;
    }
  }
  return CheckExisting(options, named);
}

Result<std::unique_ptr<Connection>> OpenConnection(const StoreOptions& options) {
  if (IsPostgresUrl(options.store)) {
    ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenPostgresStore(options.store));
    return connection;
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenSqliteStore(path));
  return connection;
}

Result<bool> HasKeys(Connection& connection) {
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Call(Procedure::kStoreFormat)));
  return !rows.rows.empty() && rows.rows.front().size() == 2 &&
         rows.rows.front()[1] != Value(std::int64_t{0});
}

}  // namespace

Result<InitOutcome> InitStore(const StoreOptions& options, const InstallOptions& install) {
  if (IsPostgresUrl(options.store)) {
    return InitPostgres(options, install);
  }
  if (install.projects || install.metadata_view) {
    return Fail(ErrorCode::kInvalidArgument, "a SQLite store stands apart from the app's tables",
                "leave --projects and the metadata view out");
  }
  return InitSqlite(options);
}

Result<Client> OpenStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenConnection(options));
  ROWSEAL_ASSIGN(const bool initialised, HasKeys(*connection));
  if (!initialised) {
    return Fail(ErrorCode::kNotFound, "the store has no keys yet", "finish it: rowseal init");
  }
  return ConnectWithRoots(std::move(connection), options);
}

Result<AsyncClient> OpenAsyncStore(const StoreOptions& options, const AsyncOptions& bounds) {
  ROWSEAL_ASSIGN(const std::unique_ptr<Connection> first, OpenConnection(options));
  ROWSEAL_ASSIGN(const bool initialised, HasKeys(*first));
  if (!initialised) {
    return Fail(ErrorCode::kNotFound, "the store has no keys yet", "finish it: rowseal init");
  }
  Result<std::vector<std::shared_ptr<const RootProvider>>> roots = OpenRoots(options);
  if (!roots) {
    return tl::unexpected(WithExpectedFingerprint(std::move(roots).error(), *first));
  }
  return AsyncClient::Connect([options] { return OpenConnection(options); }, std::move(*roots),
                              options.client, bounds);
}

Result<std::string> PrintInstallSql(const StoreOptions& options, const InstallOptions& install) {
  if (!IsPostgresUrl(options.store)) {
    return Fail(ErrorCode::kInvalidArgument, "the SQL of an installation is PostgreSQL's",
                "give --store postgres://… of the app's database");
  }
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                 PostgresConnection::Open(options.store));
  ROWSEAL_ASSIGN(const AppProjects projects, FindProjects(*connection, install));
  return "BEGIN;\n" + InstallSql(projects, install) + "COMMIT;\n";
}

Result<std::string> PrintUpgradeSql(const StoreOptions& options) {
  if (IsPostgresUrl(options.store)) {
    ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                   PostgresConnection::Open(options.store));
    ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(*connection));
    const std::string sql = UpgradeSql(format);
    return sql.empty() ? sql : "BEGIN;\n" + sql + "COMMIT;\n";
  }
  return SqliteUpgradeSql();
}

Result<int> UpgradeStore(const StoreOptions& options) {
  if (IsPostgresUrl(options.store)) {
    return UpgradePostgresStore(options.store);
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  return UpgradeSqliteStore(path);
}

Result<void> CreateRootKey(const std::string& path) { return CreateRootKeyFile(path); }

}  // namespace rowseal
