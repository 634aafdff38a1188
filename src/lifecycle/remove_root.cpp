#include <rowseal/roots.h>

#include "lifecycle/add_root.h"
#include "lifecycle/root_rows.h"

namespace rowseal {
namespace {

// A root that is to go: the rows without it, and who opened the scope's KEKs just now instead.
struct RootRemoval {
  TrustRows rows;
  RootRecord root;
  RemovedRoot report;
};

Result<RootRemoval> PrepareRemoval(Session& session, TrustRows rows, RootId id,
                                   const MatchedRoots& more) {
  ROWSEAL_ASSIGN(const RootRecord* root, FindRoot(rows, id));
  RootRemoval removal{{}, *root, {SummaryOf(session, rows, *root), {}}};
  // A root that opens nothing any more leaves nobody locked out.
  if (root->state == KeyState::kActive) {
    ROWSEAL_ASSIGN(removal.report.proven, ProveOthers(session, rows, *root, more));
  }
  ForgetWrappings(rows, id);
  std::erase_if(rows.roots, [&](const RootRecord& row) { return row.id == id; });
  removal.rows = std::move(rows);
  return removal;
}

Result<void> WriteRemoval(Change& change, const RootRemoval& removal) {
  const RootRecord& root = removal.root;
  ROWSEAL_TRY(LockKeks(change.connection(), root.scope));
  ROWSEAL_TRY(DeleteWrappingsOf(change.connection(), root.id));
  ROWSEAL_TRY(DeleteRoot(change.connection(), root));
  change.rows() = removal.rows;
  change.Log({LogLevel::kInfo,
              "root_removed",
              "a root opens the keys of its scope no more",
              {{"root", ToText(root.id)}, {"uri", root.uri}, {"scope", root.scope}}});
  return {};
}

struct RootReplacement {
  RootAddition addition;
  RootRemoval removal;
};

}  // namespace

Result<RemovedRoot> RemoveRoot(Client& client, RootId root, RootChange change,
                               const Access& access) {
  const auto prepare = [&](const Snapshot& set) {
    return PrepareRemoval(set.session, set.trust->rows, root, {});
  };
  if (change == RootChange::kOnlyJudge) {
    ROWSEAL_ASSIGN(const Snapshot set, TakeSnapshot(client));
    ROWSEAL_ASSIGN(RootRemoval removal, prepare(set));
    return std::move(removal.report);
  }
  const auto write = [](Change& removing, const RootRemoval& removal) -> Result<RemovedRoot> {
    ROWSEAL_TRY(WriteRemoval(removing, removal));
    ROWSEAL_TRY(removing.Audit("root.remove", ToText(removal.root.id)));
    return removal.report;
  };
  return ChangeStoreAfter(client, access, prepare, write);
}

Result<ReplacedRoot> ReplaceRoot(Client& client, RootId old_root, const NewRootOptions& root,
                                 const Access& access) {
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> provider, OpenNewRoot(root));
  const auto prepare = [&](const Snapshot& set) -> Result<RootReplacement> {
    ROWSEAL_ASSIGN(const RootRecord* old_record, FindRoot(set.trust->rows, old_root));
    ROWSEAL_ASSIGN(RootAddition addition, PrepareRootAddition(set, provider, old_record->scope));
    ROWSEAL_ASSIGN(RootRemoval removal, PrepareRemoval(set.session, addition.rows, old_root,
                                                       {{addition.root, addition.provider}}));
    return RootReplacement{std::move(addition), std::move(removal)};
  };
  const auto write = [](Change& change,
                        const RootReplacement& replacement) -> Result<ReplacedRoot> {
    const auto& [addition, removal] = replacement;
    ROWSEAL_ASSIGN(AddedRoot added, WriteRootAddition(change, addition));
    ROWSEAL_TRY(WriteRemoval(change, removal));
    ROWSEAL_TRY(
        change.Audit("root.replace", ToText(removal.root.id) + " " + ToText(addition.root)));
    return ReplacedRoot{std::move(added), removal.report};
  };
  return ChangeStoreAfter(client, access, prepare, write);
}

}  // namespace rowseal
