#pragma once

/// Rowseal: encrypts the secrets that live in an application's database. This header is the whole
/// installed interface; docs/api.md shows it in use.

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/async_client.h>
#include <rowseal/client.h>
#include <rowseal/column_source.h>
#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/fields.h>
#include <rowseal/ids.h>
#include <rowseal/install.h>
#include <rowseal/jobs.h>
#include <rowseal/key_bundle.h>
#include <rowseal/key_destruction.h>
#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>
#include <rowseal/listing.h>
#include <rowseal/nonce.h>
#include <rowseal/observe.h>
#include <rowseal/operation.h>
#include <rowseal/own_libcrypto.h>
#include <rowseal/passphrase.h>
#include <rowseal/policy.h>
#include <rowseal/postgres_text.h>
#include <rowseal/retire.h>
#include <rowseal/roots.h>
#include <rowseal/secret_bytes.h>
#include <rowseal/started_call.h>
#include <rowseal/statement.h>
#include <rowseal/states.h>
#include <rowseal/webhook.h>

namespace rowseal {

struct StoreOptions {
  std::string store;               ///< `sqlite:PATH`, `postgres://USER@HOST/DATABASE` or
                                   ///< `service=NAME`; never holds a password
  std::vector<std::string> roots;  ///< root URIs: `file:PATH`, `env:NAME`, `passphrase:`,
                                   ///< `passphrase:@PATH`, …; the first makes a new store. Any one
                                   ///< opens it: those that cannot be used are logged as errors
  ClientOptions client;
  AskPassphrase ask_passphrase{};  ///< for `passphrase:`; without it that root is refused
};

enum class InitOutcome : std::uint8_t {
  kCreated,
  kExisted,  ///< the same store with the same root: nothing was changed
};

/// InitStore makes the store with its installation, root 1, the integrity key and the default KEK
/// in one transaction. A missing root key file is created, but only when the store holds no key
/// yet. A passphrase gets a random salt and costs Argon2id over 64 MiB, here and at each connect.
/// Of several at once, one wins and the others find its store. Errors: kRootKeyMissing,
/// kRootKeyMismatch, kRootKeyMalformed, kRootKeyExposed, kInvalidArgument (a passphrase under
/// kMinPassphraseSize), kNewerSchema, kOlderSchema, kRefusedByState (the file holds other tables),
/// kConflict (the store was made for another projects table).
///
/// On PostgreSQL the schema `rowseal` is made in that transaction too, by a login that may create
/// schemas and roles, or before it from PrintInstallSql.
Result<InitOutcome> InitStore(const StoreOptions& options, const InstallOptions& install = {});

/// PrintInstallSql gives the SQL that makes roles, schema, tables and functions on PostgreSQL, for
/// migrations kept as files. It holds no key; InitStore then makes the keys.
Result<std::string> PrintInstallSql(const StoreOptions& options,
                                    const InstallOptions& install = {});

/// PrintUpgradeSql gives the SQL of the upgrades: on PostgreSQL from the store's format to this
/// release's (empty: none), on SQLite of all formats.
Result<std::string> PrintUpgradeSql(const StoreOptions& options);

/// OpenStore connects to a store that `InitStore` made. Errors: kNotFound (no store there), and
/// those of InitStore and Client::Connect.
Result<Client> OpenStore(const StoreOptions& options);

/// OpenStoreForRecovery connects with the private key in a recovery key file, for when every other
/// root is lost, and for drills. `options.roots` may be empty; those given are held too. What to do
/// next is AddRoot. Errors: kRootKeyMissing, kRootKeyMalformed, kRootKeyExposed, kRootKeyMismatch
/// (the passphrase is another, or the key is no root of this store), OpenStore's.
Result<Client> OpenStoreForRecovery(const StoreOptions& options, const std::string& key_file,
                                    const SecretBytes& passphrase);

/// OpenAsyncStore connects to such a store for calls that do not wait: each worker of the client
/// gets a connection of its own. Errors: OpenStore's and AsyncClient::Connect's.
Result<AsyncClient> OpenAsyncStore(const StoreOptions& options, const AsyncOptions& bounds = {});

/// OpenStoreFile is OpenStore, and InitStoreFile is InitStore, for `sqlite:PATH` alone. They and
/// OpenStoreOver refer to no libpq, so a program that calls no other of these links without it.
Result<Client> OpenStoreFile(const StoreOptions& options);
Result<InitOutcome> InitStoreFile(const StoreOptions& options);

/// OpenStoreOver connects over a connection of the caller's own to a PostgreSQL database that holds
/// a store (postgres_text.h helps to make one). `options.store` is a name for messages. Errors:
/// OpenStore's.
Result<Client> OpenStoreOver(std::unique_ptr<Connection> connection, const StoreOptions& options);

/// UpgradeStore brings a store of an older format to this release's, in one transaction, and
/// returns how many steps it took. Errors: kNewerSchema.
Result<int> UpgradeStore(const StoreOptions& options);

/// DiagnoseEnvironment looks at what a store stands on, without a root key: this process, where
/// root keys are kept, the store's file, folder, disk and format. It changes nothing and asks for
/// no passphrase. What cannot be looked at is a finding.
std::vector<Finding> DiagnoseEnvironment(const StoreOptions& options);

/// Diagnose looks at everything: DiagnoseEnvironment, then whether the store opens with these
/// roots, then Diagnose of lifecycle.h. A store that does not open is a finding, and the others
/// stand.
std::vector<Finding> Diagnose(const StoreOptions& options);

/// CreateRootKey writes a new random root key to a file (mode 0600, never overwritten).
/// Errors: kConflict when the file exists.
Result<void> CreateRootKey(const std::string& path);

}  // namespace rowseal
