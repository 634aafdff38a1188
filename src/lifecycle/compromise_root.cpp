#include <rowseal/roots.h>

#include <algorithm>
#include <chrono>

#include "client/audit.h"
#include "client/key_refusals.h"
#include "client/session.h"
#include "keys/key_state.h"
#include "lifecycle/root_rows.h"
#include "lifecycle/rotate_kek.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

Result<std::int64_t> CountProjects(Connection& connection, const std::string& scope) {
  if (scope != kDefaultScope) {
    return 1;
  }
  ROWSEAL_ASSIGN(
      Rows answer,
      connection.Execute(Statement::Sql("SELECT count(DISTINCT project_id) FROM rowseal.dek")));
  RowReader reader(answer.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
}

// The root's row as it will stand, without wrappings: a fresh KEK is not wrapped for it.
Result<RootRecord> Mark(const IntegrityKey& integrity, TrustRows& rows, RootId id) {
  const auto root = std::ranges::find(rows.roots, id, &RootRecord::id);
  root->state = KeyState::kCompromised;
  ++root->revision.value;
  ROWSEAL_ASSIGN(root->row_tag, integrity.Tag(*root));
  ForgetWrappings(rows, id);
  return *root;
}

// One transaction: a kill before its commit leaves everything as it was, one behind it a store that
// the root does not open, whose DEKs a second call rotates.
Result<CompromisedRoot> MarkAndRotate(Client& client, RootId id, RootChange change,
                                      const Access& access) {
  const auto start = std::chrono::steady_clock::now();
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_ASSIGN(const RootRecord* root, FindRoot(trust->rows, id));
  CompromisedRoot compromised;
  compromised.root = SummaryOf(session, trust->rows, *root);
  ROWSEAL_ASSIGN(compromised.projects, CountProjects(connection, root->scope));
  if (root->state == KeyState::kCompromised) {
    return compromised;
  }
  ROWSEAL_ASSIGN(compromised.proven, ProveOthers(session, trust->rows, *root));
  if (change == RootChange::kOnlyJudge) {
    return compromised;
  }
  TrustRows rows = trust->rows;
  ROWSEAL_ASSIGN(const RootRecord marked, Mark(*trust->integrity, rows, id));
  const KekRecord* active = trust->ActiveKek(root->scope);
  if (active == nullptr) {
    return NoActiveKek(*trust, root->scope);
  }
  ROWSEAL_ASSIGN(const KekRotation rotation,
                 PrepareRotation(session, std::move(rows), *active, KeyState::kDeactivated, now));
  ROWSEAL_TRY(LockKeks(connection, root->scope));
  ROWSEAL_TRY(UpdateRootState(connection, marked, root->revision));
  ROWSEAL_TRY(DeleteWrappingsOf(connection, id));
  ROWSEAL_ASSIGN(RotationReport report, WriteRotationAndRewrap(connection, session, rotation, now));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "root.compromised",
                         ToText(id) + " " + ToText(report.old_kek) + " " + ToText(report.new_kek)));
  ROWSEAL_TRY(transaction.Commit());
  session.AdoptCommitted(rotation.rows);
  report.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  session.observer().Log({LogLevel::kWarning,
                          "root_compromised",
                          "a root was marked compromised: it opens this store no more",
                          {{"root", ToText(id)}, {"uri", root->uri}, {"scope", root->scope}}});
  ReportRotation(session.observer(), report);
  compromised.kek_rotation = std::move(report);
  return compromised;
}

}  // namespace

Result<CompromisedRoot> MarkRootCompromised(Client& client, RootId root, RootChange change,
                                            const Access& access) {
  ROWSEAL_ASSIGN(CompromisedRoot compromised, MarkAndRotate(client, root, change, access));
  if (change == RootChange::kOnlyJudge) {
    return compromised;
  }
  std::optional<ProjectId> project;
  if (compromised.root.scope != kDefaultScope) {
    ROWSEAL_ASSIGN(project, ProjectId::Parse(compromised.root.scope));
  }
  Result<DekRotation> deks = RotateDeks(client, project, access);
  if (!deks && deks.error().code != ErrorCode::kNotFound) {  // a project without a DEK needs none
    return tl::unexpected(std::move(deks).error());
  }
  if (deks) {
    compromised.dek_rotation = std::move(*deks);
  }
  if (compromised.kek_rotation && compromised.kek_rotation->job) {
    compromised.dek_rotation.jobs.insert(compromised.dek_rotation.jobs.begin(),
                                         *compromised.kek_rotation->job);
  }
  return compromised;
}

}  // namespace rowseal
