#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

struct StoreOptions;

/// A bundle holds every wrapped key of a store, and no secret: to be kept apart from the database's
/// backups, so that a value in them opens although the tables of keys were lost. It opens nothing
/// without a root key. Format: docs/spec/keys.md.
struct KeyBundle {
  std::string text;
  InstallationId installation;
  std::int64_t epoch = 0;
  std::int64_t keks = 0;
  std::int64_t deks = 0;
};

/// ExportKeys makes a bundle as of one moment, and leaves an entry in the audit log. It is bound to
/// the installation and epoch by a MAC of the integrity key. Errors: the client's.
Result<KeyBundle> ExportKeys(Client& client, const Access& access = {});

struct RestoredKeys {
  std::int64_t restored = 0;         ///< DEKs
  std::int64_t there = 0;            ///< stood in the store already
  std::vector<std::string> refused;  ///< `project/id`, and why
};

/// RestoreKeys puts DEKs of a bundle that the store lacks back into it, in one transaction. One
/// that was active comes back deactivated where the project has another by now; one that was
/// destroyed, or whose KEK is gone, is refused. Errors: kIntegrity (the bundle is not this store's,
/// or was changed), the client's.
Result<RestoredKeys> RestoreKeys(Client& client, std::string_view bundle,
                                 const Access& access = {});

/// KeySet is what a check found of the keys of a store, a dump or a bundle.
struct KeySet {
  InstallationId installation;
  std::int64_t epoch = 0;
  std::int64_t keks = 0;
  std::int64_t keks_opened = 0;
  std::int64_t deks = 0;
  std::int64_t deks_opened = 0;
  std::vector<std::string> failures;   ///< at most 100: the key, and why it does not open
  std::vector<std::string> deks_held;  ///< `project/id`, in order
};

/// CheckKeys opens every key that is asked for with the roots of `options`, and changes nothing.
/// Errors: kRootKeyMissing and kRootKeyMismatch; kIntegrity (what was read is no such thing, was
/// changed, or its trusted rows do not stand), the store's.
Result<KeySet> CheckKeysOfStore(const StoreOptions& options);
Result<KeySet> CheckKeysOfBundle(const StoreOptions& options, std::string_view bundle);
/// A dump is what `pg_dump` writes as plain text; others become that by `pg_restore --file -`.
Result<KeySet> CheckKeysOfDump(const StoreOptions& options, std::string_view dump);

/// KeysNotIn gives what of `needed` is not in `kept`: `project/id`, in order. Errors: kIntegrity
/// (they are of two installations).
Result<std::vector<std::string>> KeysNotIn(const KeySet& needed, const KeySet& kept);

}  // namespace rowseal
