#include <rowseal/postgres_text.h>

namespace rowseal {
namespace {

// A transaction begins with one round trip. What makes or changes keys must not be lost in a
// failover after it was used, so commits wait for the log at least as long as `on` means.
//
// Of exclusive transactions one runs at a time: each locks a table that only Rowseal's roles may
// lock (any login could take an advisory lock), in the weakest mode that excludes itself. Writers
// and readers of its rows go on. Until there is a store there is no such table: of those that make
// one, the first that commits makes the others fail on its names.
//
// No name, type or operator in the transaction is looked for in a schema where others may create:
// the path of the session, of its role or its database counts for nothing. pg_temp is named because
// it would come first otherwise.
// Names are compared and kept as they are shown: with no more quotes than they need.
#define ROWSEAL_SAFE_PATH                        \
  "SET LOCAL search_path = pg_catalog, pg_temp;" \
  "SET LOCAL quote_all_identifiers = off"
#define ROWSEAL_BEGIN_WRITE                                            \
  "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;" ROWSEAL_SAFE_PATH \
  ";"                                                                  \
  "SET LOCAL lock_timeout = '8s';"                                     \
  "SELECT pg_catalog.set_config('synchronous_commit', 'on', true)"     \
  " WHERE pg_catalog.current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');"
#define ROWSEAL_MARK                              \
  "SELECT pg_catalog.pg_current_xact_id()::text," \
  " substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)"

constexpr std::string_view kBeginRead =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" ROWSEAL_SAFE_PATH;
constexpr std::string_view kBeginWrite = ROWSEAL_BEGIN_WRITE ROWSEAL_MARK;
constexpr std::string_view kBeginExclusive = ROWSEAL_BEGIN_WRITE
    "DO $lock$ BEGIN"
    "  IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    "    WHERE n.nspname = 'rowseal' AND c.relname = 'installation' AND c.relkind = 'r'"
    "    AND pg_get_userbyid(n.nspowner) = 'rowseal_owner') THEN"
    "   LOCK TABLE rowseal.installation IN SHARE UPDATE EXCLUSIVE MODE;"
    "  END IF;"
    " END $lock$;" ROWSEAL_MARK;

#undef ROWSEAL_MARK
#undef ROWSEAL_BEGIN_WRITE
#undef ROWSEAL_SAFE_PATH

}  // namespace

std::string_view BeginSql(TransactionKind kind) noexcept {
  switch (kind) {
    case TransactionKind::kRead:
      return kBeginRead;
    case TransactionKind::kWrite:
      return kBeginWrite;
    case TransactionKind::kExclusive:
      break;
  }
  return kBeginExclusive;
}

}  // namespace rowseal
