#include <rowseal/roots.h>

#include <algorithm>
#include <chrono>

#include "client/change.h"
#include "client/key_refusals.h"
#include "keys/key_state.h"
#include "lifecycle/floors.h"
#include "lifecycle/root_rows.h"
#include "lifecycle/rotate_kek.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

Result<std::int64_t> CountProjects(Connection& connection, const std::string& scope) {
  return scope == kDefaultScope
             ? OneNumber(connection, "SELECT count(DISTINCT project_id) FROM rowseal.dek")
             : 1;
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

// What other roots answered, and the rows as they will stand; no rotation where it was marked
// before.
struct Marking {
  CompromisedRoot report;
  RootRecord marked;
  Revision seen;
  std::optional<KekRotation> rotation;
};

Result<Marking> JudgeMarking(const Snapshot& set, RootId id) {
  const TrustRows& rows = set.trust->rows;
  ROWSEAL_ASSIGN(const RootRecord* root, FindRoot(rows, id));
  Marking marking{{}, *root, root->revision, {}};
  marking.report.root = SummaryOf(set.session, rows, *root);
  if (root->state != KeyState::kCompromised) {
    ROWSEAL_ASSIGN(marking.report.proven, ProveOthers(set.session, rows, *root));
  }
  return marking;
}

Result<Marking> PrepareMarking(const Snapshot& set, RootId id) {
  ROWSEAL_ASSIGN(Marking marking, JudgeMarking(set, id));
  if (marking.marked.state == KeyState::kCompromised) {
    return marking;
  }
  const KekRecord* active = set.trust->ActiveKek(marking.marked.scope);
  if (active == nullptr) {
    return NoActiveKek(*set.trust, marking.marked.scope);
  }
  TrustRows rows = set.trust->rows;
  ROWSEAL_ASSIGN(marking.marked, Mark(*set.trust->integrity, rows, id));
  ROWSEAL_ASSIGN(marking.rotation,
                 PrepareRotation(set, std::move(rows), *active, KeyState::kDeactivated));
  return marking;
}

// One transaction: a kill before its commit leaves everything as it was, one behind it a store that
// the root does not open, whose DEKs a second call rotates.
Result<CompromisedRoot> WriteMarking(Change& change, const Marking& marking) {
  CompromisedRoot compromised = marking.report;
  const RootRecord& root = marking.marked;
  ROWSEAL_ASSIGN(compromised.projects, CountProjects(change.connection(), root.scope));
  if (!marking.rotation) {
    change.NothingToDo();
    return compromised;
  }
  ROWSEAL_TRY(LockKeks(change.connection(), root.scope));
  ROWSEAL_TRY(UpdateRootState(change.connection(), root, marking.seen));
  ROWSEAL_TRY(DeleteWrappingsOf(change.connection(), root.id));
  ROWSEAL_ASSIGN(compromised.kek_rotation, WriteRotationAndRewrap(change, *marking.rotation));
  ROWSEAL_TRY(RaiseSealFloor(change, root.scope));
  const RotationReport& report = *compromised.kek_rotation;
  ROWSEAL_TRY(change.Audit("root.compromised", ToText(root.id) + " " + ToText(report.old_kek) +
                                                   " " + ToText(report.new_kek)));
  change.Log({LogLevel::kWarning,
              "root_compromised",
              "a root was marked compromised: it opens this store no more",
              {{"root", ToText(root.id)}, {"uri", root.uri}, {"scope", root.scope}}});
  return compromised;
}

Result<CompromisedRoot> JudgeOnly(Client& client, RootId id) {
  ROWSEAL_ASSIGN(const Snapshot set, TakeSnapshot(client));
  ROWSEAL_ASSIGN(Marking marking, JudgeMarking(set, id));
  ROWSEAL_ASSIGN(marking.report.projects, ReadStore(client, [&](StoreRead& store) {
                   return CountProjects(store.connection(), marking.marked.scope);
                 }));
  return std::move(marking.report);
}

Result<CompromisedRoot> MarkAndRotate(Client& client, RootId id, const Access& access) {
  const auto start = std::chrono::steady_clock::now();
  ROWSEAL_ASSIGN(CompromisedRoot compromised,
                 ChangeStoreAfter(
                     client, access, [&](const Snapshot& set) { return PrepareMarking(set, id); },
                     WriteMarking));
  if (compromised.kek_rotation) {
    compromised.kek_rotation->duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    ReportRotation(ObserverOf(client), *compromised.kek_rotation);
  }
  return compromised;
}

}  // namespace

Result<CompromisedRoot> MarkRootCompromised(Client& client, RootId root, RootChange change,
                                            const Access& access) {
  if (change == RootChange::kOnlyJudge) {
    return JudgeOnly(client, root);
  }
  ROWSEAL_ASSIGN(CompromisedRoot compromised, MarkAndRotate(client, root, access));
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
