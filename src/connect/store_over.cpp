#include <rowseal/rowseal.h>

#include "connect/open_client.h"
#include "db/postgres/postgres_format.h"

namespace rowseal {

Result<Client> OpenStoreOver(std::unique_ptr<Connection> connection, const StoreOptions& options) {
  ROWSEAL_TRY(CheckPostgresStore(*connection, options.store));
  return OpenClient(std::move(connection), options);
}

}  // namespace rowseal
