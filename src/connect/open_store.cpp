#include <rowseal/rowseal.h>

#include "base/encoding.h"
#include "client/client_inside.h"
#include "connect/open_client.h"
#include "connect/store_path.h"
#include "db/postgres/conninfo.h"
#include "db/postgres/postgres_app_column.h"
#include "db/postgres/postgres_store.h"
#include "db/sqlite/sqlite_app_column.h"
#include "db/sqlite/sqlite_store.h"
#include "keys/keyring.h"
#include "lifecycle/installation.h"
#include "lifecycle/renew_tags.h"
#include "roots/recovery_key_file.h"
#include "roots/root_key_file.h"
#include "store/calls/store_format.h"
#include "store/calls/trust_load.h"

namespace rowseal {
namespace {

Result<std::unique_ptr<AppColumn>> OpenAnyColumn(const ColumnSource& source) {
  if (IsPostgresUrl(source.database)) {
    return OpenPostgresAppColumn(source.database, source);
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(source.database));
  return OpenSqliteAppColumn(path, source);
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

std::string ProjectsText(const AppProjects& projects) {
  return projects.table.empty() ? std::string() : projects.table + "." + projects.key;
}

// The options with the store's place filled in: its real path, or host, port and database.
Result<StoreOptions> AtPlace(StoreOptions options) {
  if (!IsPostgresUrl(options.store)) {
    ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
    return AtSqlitePlace(std::move(options), path);
  }
  if (options.client.store_place.empty()) {
    ROWSEAL_ASSIGN(const Conninfo conninfo, ParseConninfo(options.store));
    options.client.store_place = "postgres:" + conninfo.name;
  }
  return options;
}

// Another process that makes the same store, or Rowseal's roles for another database of the server,
// was first; what it made is found by the next try.
constexpr int kMostInstalls = 5;

// Schema and keys come in one transaction, unless the schema was made before from printed SQL.
Result<InitOutcome> InitPostgres(const StoreOptions& options, const InstallOptions& install,
                                 int tries = 1) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                 PostgresConnection::Open(options.store));
  ROWSEAL_ASSIGN(const AppProjects projects, FindProjects(*connection, install));
  const NamedProjects kept{ProjectsText(projects), projects.key_type};
  const std::optional<NamedProjects> named = install.projects ? std::optional(kept) : std::nullopt;
  ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(*connection));
  if (format != 0) {
    ROWSEAL_TRY(CheckPostgresFormat(format, connection->name()));
    ROWSEAL_ASSIGN(const bool initialised, HasInstallation(*connection));
    if (initialised) {
      ROWSEAL_ASSIGN(Client client, OpenStore(options));
      return CheckExisting(std::move(client), named);
    }
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> root, OpenFirstRoot(options));
  ROWSEAL_ASSIGN(std::optional<TrustRows> keys, PrepareKeys(root, options, kept));
  {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection, TransactionKind::kExclusive));
    const Result<void> installed = CreatePostgresSchema(*connection, projects, install);
    if (!installed && installed.error().code == ErrorCode::kConflict && tries < kMostInstalls) {
      connection->Rollback();
      return InitPostgres(options, install, tries + 1);
    }
    ROWSEAL_TRY(installed);
    ROWSEAL_ASSIGN(const bool has_system, HasProjectOfItsName(*connection, projects));
    if (has_system) {
      return Fail(ErrorCode::kConflict,
                  "table " + Printable(projects.table) +
                      " has a project 'system', the name under which Rowseal keeps the app's own"
                      " secrets",
                  "give that project another key, then run `rowseal init` again");
    }
    ROWSEAL_ASSIGN(const StoreOptions placed, AtPlace(options));
    ROWSEAL_ASSIGN(const bool made, MakeKeys(*connection, std::move(keys), placed, kept));
    if (made) {
      ROWSEAL_TRY(transaction.Commit());
      return InitOutcome::kCreated;
    }
  }
  ROWSEAL_ASSIGN(Client client, OpenStore(options));
  return CheckExisting(std::move(client), named);
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
  return InitStoreFile(options);
}

Result<Client> OpenStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const StoreOptions placed, AtPlace(options));
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenConnection(placed));
  ROWSEAL_ASSIGN(Client client, OpenClient(std::move(connection), placed));
  ClientInside::SessionOf(client).UseAppColumns(OpenAnyColumn);
  return client;
}

Result<Client> OpenStoreForRecovery(const StoreOptions& options, const std::string& key_file,
                                    const SecretBytes& passphrase) {
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> key,
                 OpenRecoveryKeyFile(key_file, passphrase));
  ROWSEAL_ASSIGN(std::unique_ptr<Connection> connection, OpenConnection(options));
  std::vector<std::shared_ptr<const RootProvider>> roots;
  if (!options.roots.empty()) {
    ROWSEAL_ASSIGN(roots, OpenRootsOf(*connection, options));
  }
  roots.push_back(std::move(key));
  ROWSEAL_ASSIGN(const StoreOptions placed, AtPlace(options));
  ROWSEAL_ASSIGN(Client client,
                 Client::Connect(std::move(connection), std::move(roots), placed.client));
  ClientInside::SessionOf(client).UseAppColumns(OpenAnyColumn);
  return client;
}

Result<AsyncClient> OpenAsyncStore(const StoreOptions& options, const AsyncOptions& bounds) {
  ROWSEAL_ASSIGN(const std::unique_ptr<Connection> first, OpenConnection(options));
  ROWSEAL_ASSIGN(std::vector<std::shared_ptr<const RootProvider>> roots,
                 OpenRootsOf(*first, options));
  ROWSEAL_ASSIGN(const StoreOptions placed, AtPlace(options));
  return AsyncClient::Connect([placed] { return OpenConnection(placed); }, std::move(roots),
                              placed.client, bounds);
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
    if (format == 0 || format >= PostgresFormat()) {
      return std::string();
    }
    ROWSEAL_ASSIGN(const bool only_tags, OnlyTagsAreOld(*connection));
    if (only_tags) {
      return std::string();
    }
    ROWSEAL_ASSIGN(const AppProjects projects, ReadProjects(*connection));
    const std::string sql = UpgradeSql(format, projects);
    return sql.empty() ? sql : "BEGIN;\n" + sql + "COMMIT;\n";
  }
  return SqliteUpgradeSql();
}

namespace {

// The connection by which an upgrade reads what keys the store has, and the statement that does.
struct OldStore {
  std::unique_ptr<Connection> connection;
  Statement ask_trust;
};

Result<OldStore> OpenOldStore(const StoreOptions& options) {
  if (IsPostgresUrl(options.store)) {
    ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection,
                   PostgresConnection::Open(options.store));
    ROWSEAL_ASSIGN(const int format, ReadPostgresFormat(*connection));
    if (format == 0) {
      return Fail(ErrorCode::kNotFound, "there is no store in '" + connection->name() + "'",
                  "make one: rowseal init");
    }
    return OldStore{std::move(connection), AskTrust()};
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  ROWSEAL_ASSIGN(std::unique_ptr<SqliteConnection> connection, OpenOldSqliteStore(path));
  static const std::string sql = OldTrustLoadSql("rowseal.");
  return OldStore{std::move(connection), Statement::Sql(sql)};
}

// Roots are asked before the store is locked.
Result<TagRenewal> PrepareRenewal(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const OldStore old, OpenOldStore(options));
  ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(*old.connection, StoreFormat::Request{}));
  const int newest = IsPostgresUrl(options.store) ? PostgresFormat() : SqliteFormat();
  if (!format.has_keys || format.format >= newest) {
    return [](Connection&) { return Result<void>(); };
  }
  ROWSEAL_ASSIGN(Rows answer, old.connection->Execute(old.ask_trust));
  ROWSEAL_ASSIGN(TrustRows rows, Decode(TrustLoad::Request{}, std::move(answer)));
  ROWSEAL_ASSIGN(std::vector<std::shared_ptr<const RootProvider>> roots, OpenRoots(options));
  Keyring keyring(std::move(roots));
  ROWSEAL_ASSIGN(std::shared_ptr<const IntegrityKey> integrity, keyring.OpenIntegrityKey(rows));
  return [integrity = std::move(integrity), rows = std::move(rows)](Connection& connection) {
    return RenewTags(connection, *integrity, rows);
  };
}

}  // namespace

Result<int> UpgradeStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(const TagRenewal renew, PrepareRenewal(options));
  if (IsPostgresUrl(options.store)) {
    return UpgradePostgresStore(options.store, renew);
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(options.store));
  return UpgradeSqliteStore(path, renew);
}

Result<void> CreateRootKey(const std::string& path) { return CreateRootKeyFile(path); }

}  // namespace rowseal
