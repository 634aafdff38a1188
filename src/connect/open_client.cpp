#include "connect/open_client.h"

#include <filesystem>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/client_inside.h"
#include "client/epoch_anchor.h"
#include "connect/store_path.h"
#include "db/sqlite/sqlite_app_column.h"
#include "lifecycle/installation.h"
#include "roots/root_key_file.h"
#include "roots/root_registry.h"
#include "store/calls/store_format.h"
#include "store/calls/trust_load.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::string_view kFileScheme = "file:";

// What a spare root is for: a key that is gone, damaged or does not answer. One that others can
// read is neither, and a mistake in the URI is the user's to correct.
bool IsLost(const Error& error) {
  return error.code == ErrorCode::kRootKeyMissing || error.code == ErrorCode::kRootKeyMalformed ||
         error.code == ErrorCode::kUnavailable;
}

}  // namespace

Result<std::vector<std::shared_ptr<const RootProvider>>> OpenRoots(const StoreOptions& options) {
  if (options.roots.empty()) {
    return Fail(ErrorCode::kRootKeyMissing, "no root key was given",
                "give --root file:PATH or set ROWSEAL_ROOT");
  }
  std::vector<std::shared_ptr<const RootProvider>> roots;
  std::vector<std::pair<std::string, Error>> unusable;
  for (const std::string& uri : options.roots) {
    Result<std::shared_ptr<const RootProvider>> root = OpenRoot(uri, options.ask_passphrase);
    if (root) {
      roots.push_back(std::move(*root));
    } else if (IsLost(root.error())) {
      unusable.emplace_back(uri, std::move(root).error());
    } else {
      return root.map([](auto&&) { return std::vector<std::shared_ptr<const RootProvider>>(); });
    }
  }
  if (roots.empty()) {
    return tl::unexpected(std::move(unusable.front().second));
  }
  // Another root stands in, and whoever watches must hear of it: the last one may be next.
  for (const auto& [uri, error] : unusable) {
    if (options.client.observer) {
      options.client.observer->Log(
          {LogLevel::kError,
           "root_unusable",
           "a root cannot be used and another one stands in; restore or"
           " replace it",
           {{"root", uri}, {"code", std::string(ErrorName(error.code))}, {"why", error.message}}});
    }
  }
  return roots;
}

namespace {

// A malformed root key says by itself what is wrong; which one the store expects helps further,
// unless it is a passphrase: nobody knows theirs by its fingerprint.
Error WithExpectedFingerprint(Error error, Connection& connection) {
  const Result<TrustRows> rows = Ask(connection, TrustLoad::Request{});
  if (!rows || rows->roots.empty() || !rows->roots.front().public_part.empty()) {
    return error;
  }
  error.message +=
      "; the store expects fingerprint " + ToHex(rows->roots.front().fingerprint).substr(0, 8);
  return error;
}

Result<std::unique_ptr<AppColumn>> OpenSqliteColumn(const ColumnSource& source) {
  if (!source.database.starts_with("sqlite:")) {
    return Fail(ErrorCode::kInvalidArgument,
                "this program has no driver for the database of a registered column",
                "run the job with the program: rowseal jobs run");
  }
  ROWSEAL_ASSIGN(const std::string path, SqlitePath(source.database));
  return OpenSqliteAppColumn(path, source);
}

Result<bool> HasKeys(Connection& connection) {
  ROWSEAL_ASSIGN(const StoreFormat::Row format, Ask(connection, StoreFormat::Request{}));
  return format.has_keys;
}

// Runs inside the write transaction, so one process at most creates the root key of a new store.
Result<std::shared_ptr<const RootProvider>> CreateFirstRoot(const std::string& uri) {
  Result<void> created = CreateRootKeyFile(uri.substr(kFileScheme.size()));
  if (!created && created.error().code != ErrorCode::kConflict) {
    return tl::unexpected(std::move(created).error());
  }
  return NewRoot(uri);
}

}  // namespace

Result<std::vector<std::shared_ptr<const RootProvider>>> OpenRootsOf(Connection& connection,
                                                                     const StoreOptions& options) {
  ROWSEAL_ASSIGN(const bool initialised, HasKeys(connection));
  if (!initialised) {
    return Fail(ErrorCode::kNotFound, "the store has no keys yet", "finish it: rowseal init");
  }
  Result<std::vector<std::shared_ptr<const RootProvider>>> roots = OpenRoots(options);
  if (!roots) {
    return tl::unexpected(WithExpectedFingerprint(std::move(roots).error(), connection));
  }
  return roots;
}

Result<Client> OpenClient(std::unique_ptr<Connection> connection, const StoreOptions& options) {
  ROWSEAL_ASSIGN(std::vector<std::shared_ptr<const RootProvider>> roots,
                 OpenRootsOf(*connection, options));
  ROWSEAL_ASSIGN(Client client,
                 Client::Connect(std::move(connection), std::move(roots), options.client));
  ClientInside::SessionOf(client).UseAppColumns(OpenSqliteColumn);
  return client;
}

Result<std::shared_ptr<const RootProvider>> OpenFirstRoot(const StoreOptions& options) {
  if (options.roots.empty()) {
    return Fail(ErrorCode::kRootKeyMissing, "no root key was given",
                "give --root file:PATH or set ROWSEAL_ROOT");
  }
  const std::string& uri = options.roots.front();
  Result<std::shared_ptr<const RootProvider>> root = NewRoot(uri, options.ask_passphrase);
  if (root && !(*root)->can_unwrap()) {
    return Fail(ErrorCode::kInvalidArgument, "a recovery: root only wraps, so it makes no store",
                "make the store with another root, then: rowseal root add recovery:PUBLIC-KEY");
  }
  const bool may_be_created = !root && root.error().code == ErrorCode::kRootKeyMissing &&
                              uri.starts_with(kFileScheme) && uri.find('?') == std::string::npos;
  if (!may_be_created) {
    return root;
  }
  const std::string path = uri.substr(kFileScheme.size());
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return OpenRoot(uri);  // another process created it meanwhile, or it cannot be read
  }
  ROWSEAL_TRY(CheckMayCreateFile(path));  // a store without its keys is not to be left behind
  return std::shared_ptr<const RootProvider>();
}

Result<InitOutcome> CheckExisting(Client client, const std::optional<NamedProjects>& projects) {
  const auto trust = ClientInside::SessionOf(client).keyring().trust();
  const InstallationRecord& installation = trust->rows.installation;
  if (projects && (installation.projects_table != projects->text ||
                   installation.project_key_type != projects->key_type)) {
    return Fail(ErrorCode::kConflict,
                "the store was made for projects in '" + Printable(installation.projects_table) +
                    "', not in '" + Printable(projects->text) + "'",
                "give init the same --projects and --project-key as the first time");
  }
  return InitOutcome::kExisted;
}

Result<std::optional<TrustRows>> PrepareKeys(const std::shared_ptr<const RootProvider>& root,
                                             const StoreOptions& options,
                                             const NamedProjects& projects) {
  if (!root) {
    return std::nullopt;
  }
  const Timestamp now = options.client.clock ? options.client.clock() : SystemClock();
  ROWSEAL_ASSIGN(TrustRows rows, MakeInstallation({*root, now, projects.text, projects.key_type}));
  return rows;
}

Result<bool> MakeKeys(Connection& connection, std::optional<TrustRows> prepared,
                      const StoreOptions& options, const NamedProjects& projects) {
  ROWSEAL_ASSIGN(const bool another_was_first, HasInstallation(connection));
  if (another_was_first) {
    return false;
  }
  if (!prepared) {
    ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> root,
                   CreateFirstRoot(options.roots.front()));
    ROWSEAL_ASSIGN(prepared, PrepareKeys(root, options, projects));
  }
  ROWSEAL_TRY(WriteInstallation(connection, *prepared, options.client.actor));
  if (!options.client.state_folder.empty()) {
    EpochAnchor(options.client.state_folder).ForgetPlace(options.client.store_place);
  }
  return true;
}

}  // namespace rowseal
