#include <rowseal/key_bundle.h>
#include <rowseal/rowseal.h>

#include "client/change.h"
#include "connect/open_client.h"
#include "lifecycle/key_check.h"
#include "lifecycle/postgres_dump.h"

namespace rowseal {

Result<KeySet> CheckKeysOfStore(const StoreOptions& options) {
  ROWSEAL_ASSIGN(Client client, OpenStore(options));
  ROWSEAL_ASSIGN(KeyRows rows, ReadTrusted(client, [](TrustedRead& read) {
                   return ReadKeyRows(read.connection());
                 }));
  ROWSEAL_ASSIGN(auto roots, OpenRoots(options));
  return CheckKeyRows(std::move(rows), std::move(roots));
}

Result<KeySet> CheckKeysOfBundle(const StoreOptions& options, std::string_view bundle) {
  ROWSEAL_ASSIGN(auto roots, OpenRoots(options));
  return CheckBundle(bundle, std::move(roots));
}

Result<KeySet> CheckKeysOfDump(const StoreOptions& options, std::string_view dump) {
  ROWSEAL_ASSIGN(KeyRows rows, ReadKeyRowsOfDump(dump));
  ROWSEAL_ASSIGN(auto roots, OpenRoots(options));
  return CheckKeyRows(std::move(rows), std::move(roots));
}

}  // namespace rowseal
