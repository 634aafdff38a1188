#include <algorithm>

#include <rowseal/lifecycle.h>

#include "client/audit.h"
#include "client/session.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

// Machines whose anchors are a little ahead of this one's must take the new epoch for newer, too.
constexpr std::int64_t kEpochsOfOneStore = 1'000'000;

}  // namespace

Result<std::int64_t> AcceptRollback(Client& client, const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  const TrustFloor floor = session.Floor();
  ROWSEAL_TRY(session.LoadTrust(connection));
  TrustRows rows = session.keyring().trust()->rows;
  const std::int64_t found = rows.installation.epoch;
  const std::int64_t seen = std::max(found, floor.anchor ? floor.anchor->epoch : 0);
  rows.installation.epoch = (seen / kEpochsOfOneStore + 1) * kEpochsOfOneStore;
  ROWSEAL_ASSIGN(rows.installation.trust_tag, session.integrity()->TrustTag(rows));
  ROWSEAL_TRY(UpdateInstallation(connection, rows.installation));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "store.accept_rollback",
                         std::to_string(found) + " " + std::to_string(seen)));
  ROWSEAL_TRY(transaction.Commit());
  session.AdoptCommitted(rows);
  ROWSEAL_TRY(session.LoadTrust(connection));
  session.observer().Log({LogLevel::kWarning,
                          "rollback_accepted",
                          "an older copy of the store is gone on with",
                          {{"epoch", std::to_string(rows.installation.epoch)},
                           {"epoch_found", std::to_string(found)},
                           {"epoch_seen_before", std::to_string(seen)}}});
  return rows.installation.epoch;
}

}  // namespace rowseal
