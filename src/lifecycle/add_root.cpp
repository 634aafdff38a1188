#include "lifecycle/add_root.h"

#include <algorithm>

#include "base/encoding.h"
#include "client/active_dek.h"
#include "keys/wrapping.h"
#include "lifecycle/rewrap_deks.h"
#include "lifecycle/root_rows.h"
#include "lifecycle/rotate_dek.h"
#include "roots/root_registry.h"

namespace rowseal {
namespace {

Result<void> CheckNew(const TrustRows& rows, const RootProvider& provider) {
  const auto same = std::ranges::find_if(rows.roots, [&](const RootRecord& root) {
    return std::ranges::equal(root.fingerprint, provider.fingerprint());
  });
  if (same == rows.roots.end()) {
    return {};
  }
  return Fail(ErrorCode::kConflict,
              "root " + ToText(same->id) + " (" + Printable(same->uri) + ", scope '" +
                  Printable(same->scope) + "') has that key already",
              "a spare is a root with another key: rowseal root keygen");
}

Result<KekRecord> MakeScopesKek(const IntegrityKey& integrity, RootAddition& addition,
                                const std::string& scope, Timestamp now) {
  KekRecord record;
  record.id = KekId{addition.rows.installation.next_kek_id++};
  record.scope = scope;
  record.created_at = now;
  ROWSEAL_ASSIGN(Kek made, NewKek(record));
  addition.made_kek = std::make_shared<const Kek>(std::move(made));
  ROWSEAL_ASSIGN(record.row_tag, integrity.Tag(record));
  addition.report.made_kek = record.id;
  return record;
}

// Who has no active DEK gets one, so that no process that still holds the older set of trusted rows
// makes it under another scope's KEK: it meets this one, whose KEK it does not know, and reloads.
Result<void> InsertMissingDeks(Change& change, const ProjectId& project, const Kek& kek) {
  for (const DekPurpose purpose : {DekPurpose::kSecret, DekPurpose::kValue}) {
    ROWSEAL_ASSIGN(DekRecord dek, MakeDek(change.session(), project, purpose, kek, change.epoch()));
    ROWSEAL_TRY(InsertDek(change, dek));
  }
  return {};
}

Result<void> BringDeksUnder(Change& change, const std::shared_ptr<const Kek>& kek,
                            AddedRoot& report) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(report.scope));
  ROWSEAL_TRY(InsertMissingDeks(change, project, *kek));
  DekRewrapper rewrapper(change.session(), kek, report.scope);
  ROWSEAL_ASSIGN(const BatchOutcome rewrapped, RewrapAll(change.connection(), rewrapper));
  report.rewrapped = rewrapped.done;
  for (const JobFailure& failure : rewrapped.failures) {
    report.failures.push_back(failure.item + ": " + failure.message);
  }
  return {};
}

}  // namespace

Result<RootAddition> PrepareRootAddition(const Snapshot& set,
                                         std::shared_ptr<const RootProvider> provider,
                                         const std::string& scope) {
  const IntegrityKey& integrity = *set.trust->integrity;
  ROWSEAL_TRY(CheckNew(set.trust->rows, *provider));
  if (scope != kDefaultScope) {
    ROWSEAL_TRY(ProjectId::Parse(scope));
  }
  RootAddition addition{set.trust->rows, std::move(provider), {}, nullptr, {}};
  RootRecord record;
  record.id = RootId{addition.rows.installation.next_root_id++};
  record.uri = addition.provider->uri();
  record.scope = scope;
  record.fingerprint.assign(addition.provider->fingerprint().begin(),
                            addition.provider->fingerprint().end());
  record.public_part.assign(addition.provider->public_part().begin(),
                            addition.provider->public_part().end());
  record.created_at = set.now;
  ROWSEAL_ASSIGN(record.row_tag, integrity.Tag(record));
  addition.root = record.id;
  addition.report.id = record.id;
  addition.report.uri = record.uri;
  addition.report.fingerprint = ToHex(record.fingerprint).substr(0, 8);
  addition.report.scope = scope;
  addition.rows.roots.push_back(std::move(record));

  if (KeksOf(addition.rows, scope).empty()) {
    ROWSEAL_ASSIGN(KekRecord made, MakeScopesKek(integrity, addition, scope, set.now));
    addition.rows.keks.push_back(std::move(made));
    // What a compromise of the default scope ended stays so for DEKs that come from there.
    FloorRecord floors = set.trust->FloorsOf(kDefaultScope);
    floors.scope = scope;
    addition.rows.floors.push_back(std::move(floors));
  }
  const InstallationId installation = addition.rows.installation.id;
  for (const KekRecord* kek : KeksOf(addition.rows, scope)) {
    std::shared_ptr<const Kek> opened = addition.made_kek;
    if (!opened) {
      ROWSEAL_ASSIGN(opened, set.session.keyring().OpenKek(kek->id));
    }
    ROWSEAL_ASSIGN(WrappingRecord wrapping,
                   WrapKek(*opened, *kek, installation, addition.root, *addition.provider));
    addition.rows.wrappings.push_back(std::move(wrapping));
    addition.report.keks.push_back(kek->id);
  }
  addition.report.proven = addition.provider->can_unwrap();
  if (addition.report.proven) {
    ROWSEAL_TRY(ProveOpens(addition.rows, scope, addition.root, *addition.provider));
  }
  return addition;
}

Result<AddedRoot> WriteRootAddition(Change& change, const RootAddition& addition) {
  Connection& connection = change.connection();
  change.rows() = addition.rows;  // first: DEKs that are made here are born in the epoch after it
  ROWSEAL_TRY(LockKeks(connection, addition.report.scope));
  ROWSEAL_ASSIGN(const RootRecord* record, FindRoot(addition.rows, addition.root));
  ROWSEAL_TRY(InsertRoot(connection, *record));
  if (addition.made_kek) {
    ROWSEAL_TRY(InsertKek(connection, addition.rows.keks.back()));
    ROWSEAL_TRY(WriteFloor(connection, addition.rows.floors.back()));
  }
  for (const WrappingRecord& wrapping : addition.rows.wrappings) {
    if (wrapping.root == addition.root) {
      ROWSEAL_TRY(InsertWrapping(connection, wrapping));
    }
  }
  AddedRoot report = addition.report;
  if (addition.made_kek) {
    ROWSEAL_TRY(BringDeksUnder(change, addition.made_kek, report));
  }
  change.AfterCommit([&change, &addition] { change.session().keyring().Hold(addition.provider); });
  change.Log(RootAddedEvent(report));
  return report;
}

LogEvent RootAddedEvent(const AddedRoot& added) {
  return {LogLevel::kInfo,
          "root_added",
          "another root opens the keys of its scope",
          {{"root", ToText(added.id)},
           {"uri", added.uri},
           {"scope", added.scope},
           {"keks", std::to_string(added.keks.size())}}};
}

Result<std::shared_ptr<const RootProvider>> OpenNewRoot(const NewRootOptions& root) {
  Result<std::shared_ptr<const RootProvider>> provider = NewRoot(root.uri, root.ask_passphrase);
  if (!provider && provider.error().code == ErrorCode::kRootKeyMissing &&
      root.uri.starts_with("file:")) {
    provider.error().hint = "make it first: rowseal root keygen --output PATH";
  }
  return provider;
}

Result<AddedRoot> AddRoot(Client& client, const NewRootOptions& root, const Access& access) {
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> provider, OpenNewRoot(root));
  return ChangeStoreAfter(
      client, access,
      [&](const Snapshot& set) { return PrepareRootAddition(set, provider, root.scope); },
      [](Change& change, const RootAddition& addition) -> Result<AddedRoot> {
        ROWSEAL_ASSIGN(AddedRoot added, WriteRootAddition(change, addition));
        ROWSEAL_TRY(change.Audit("root.add", ToText(addition.root)));
        return added;
      });
}

}  // namespace rowseal
