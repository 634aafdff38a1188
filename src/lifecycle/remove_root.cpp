#include <rowseal/roots.h>

#include "client/audit.h"
#include "client/session.h"
#include "lifecycle/add_root.h"
#include "lifecycle/root_rows.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

// Takes a root out of the rows, in memory.
Result<RemovedRoot> PrepareRemoval(Session& session, TrustRows& rows, RootId id,
                                   const MatchedRoots& more) {
  ROWSEAL_ASSIGN(const RootRecord* root, FindRoot(rows, id));
  RemovedRoot removed{SummaryOf(session, rows, *root), {}};
  // A root that opens nothing any more leaves nobody locked out.
  if (root->state == KeyState::kActive) {
    ROWSEAL_ASSIGN(removed.proven, ProveOthers(session, rows, *root, more));
  }
  ForgetWrappings(rows, id);
  std::erase_if(rows.roots, [&](const RootRecord& row) { return row.id == id; });
  return removed;
}

Result<void> WriteRemoval(Connection& connection, const RootRecord& root) {
  ROWSEAL_TRY(LockKeks(connection, root.scope));
  ROWSEAL_TRY(DeleteWrappingsOf(connection, root.id));
  return DeleteRoot(connection, root);
}

void LogRootRemoved(Observer& observer, const RemovedRoot& removed) {
  observer.Log({LogLevel::kInfo,
                "root_removed",
                "a root opens the keys of its scope no more",
                {{"root", ToText(removed.root.id)},
                 {"uri", removed.root.uri},
                 {"scope", removed.root.scope}}});
}

}  // namespace

Result<RemovedRoot> RemoveRoot(Client& client, RootId root, RootChange change,
                               const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  TrustRows rows = trust->rows;
  ROWSEAL_ASSIGN(RemovedRoot removed, PrepareRemoval(session, rows, root, {}));
  if (change == RootChange::kOnlyJudge) {
    return removed;
  }
  ROWSEAL_TRY(SealSet(*trust->integrity, rows));
  ROWSEAL_ASSIGN(const RootRecord* record, FindRoot(trust->rows, root));
  ROWSEAL_TRY(WriteRemoval(connection, *record));
  ROWSEAL_TRY(session.CheckNotRolledBack());
  ROWSEAL_TRY(UpdateInstallation(connection, rows.installation));
  ROWSEAL_TRY(
      WriteAudit(connection, session, kSystemProject, complete, "root.remove", ToText(root)));
  ROWSEAL_TRY(transaction.Commit());
  session.AdoptCommitted(rows);
  LogRootRemoved(session.observer(), removed);
  return removed;
}

Result<ReplacedRoot> ReplaceRoot(Client& client, RootId old_root, const NewRootOptions& root,
                                 const Access& access) {
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> provider, OpenNewRoot(root));
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_ASSIGN(const RootRecord* old_record, FindRoot(trust->rows, old_root));
  ROWSEAL_ASSIGN(RootAddition addition,
                 PrepareRootAddition(session, trust->rows, provider, old_record->scope, now));
  ROWSEAL_ASSIGN(RemovedRoot removed, PrepareRemoval(session, addition.rows, old_root,
                                                     {{addition.root, addition.provider}}));
  ROWSEAL_TRY(SealSet(*trust->integrity, addition.rows));
  ROWSEAL_TRY(WriteRootAddition(connection, session, addition));
  ROWSEAL_TRY(WriteRemoval(connection, *old_record));
  ROWSEAL_TRY(session.CheckNotRolledBack());
  ROWSEAL_TRY(UpdateInstallation(connection, addition.rows.installation));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "root.replace",
                         ToText(old_root) + " " + ToText(addition.root)));
  ROWSEAL_TRY(transaction.Commit());
  session.keyring().Hold(addition.provider);
  session.AdoptCommitted(addition.rows);
  LogRootAdded(session.observer(), addition.report);
  LogRootRemoved(session.observer(), removed);
  return ReplacedRoot{std::move(addition.report), std::move(removed)};
}

}  // namespace rowseal
