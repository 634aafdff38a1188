#include "lifecycle/add_root.h"

#include <algorithm>

#include "base/encoding.h"
#include "client/active_dek.h"
#include "client/audit.h"
#include "keys/wrapping.h"
#include "lifecycle/rewrap_deks.h"
#include "lifecycle/root_rows.h"
#include "roots/root_registry.h"
#include "store/store_clock.h"

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
  ROWSEAL_ASSIGN(addition.made_kek, NewKek(record));
  ROWSEAL_ASSIGN(record.row_tag, integrity.Tag(record));
  addition.report.made_kek = record.id;
  return record;
}

// Who has no active DEK gets one, so that no process that still holds the older set of trusted rows
// makes it under another scope's KEK: it meets this one, whose KEK it does not know, and reloads.
Result<void> InsertMissingDeks(Connection& connection, Session& session, const ProjectId& project,
                               const Kek& kek) {
  for (const DekPurpose purpose : {DekPurpose::kSecret, DekPurpose::kValue}) {
    ROWSEAL_ASSIGN(DekInsert::Request insert, MakeDekInsertUnder(session, project, purpose, kek));
    ROWSEAL_TRY(Ask(connection, std::move(insert)));
  }
  return {};
}

Result<void> BringDeksUnder(Connection& connection, Session& session, RootAddition& addition) {
  const std::string& scope = addition.report.scope;
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(scope));
  const auto kek = std::make_shared<const Kek>(std::move(*addition.made_kek));
  ROWSEAL_TRY(InsertMissingDeks(connection, session, project, *kek));
  DekRewrapper rewrapper(session, kek, scope);
  ROWSEAL_ASSIGN(const BatchOutcome rewrapped, RewrapAll(connection, rewrapper));
  addition.report.rewrapped = rewrapped.done;
  for (const JobFailure& failure : rewrapped.failures) {
    addition.report.failures.push_back(failure.item + ": " + failure.message);
  }
  return {};
}

}  // namespace

Result<RootAddition> PrepareRootAddition(Session& session, TrustRows rows,
                                         std::shared_ptr<const RootProvider> provider,
                                         const std::string& scope, Timestamp now) {
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_TRY(CheckNew(rows, *provider));
  if (scope != kDefaultScope) {
    ROWSEAL_TRY(ProjectId::Parse(scope));
  }
  RootAddition addition{std::move(rows), std::move(provider), {}, {}, {}};
  RootRecord record;
  record.id = RootId{addition.rows.installation.next_root_id++};
  record.uri = addition.provider->uri();
  record.scope = scope;
  record.fingerprint.assign(addition.provider->fingerprint().begin(),
                            addition.provider->fingerprint().end());
  record.public_part.assign(addition.provider->public_part().begin(),
                            addition.provider->public_part().end());
  record.created_at = now;
  ROWSEAL_ASSIGN(record.row_tag, trust->integrity->Tag(record));
  addition.root = record.id;
  addition.report.id = record.id;
  addition.report.uri = record.uri;
  addition.report.fingerprint = ToHex(record.fingerprint).substr(0, 8);
  addition.report.scope = scope;
  addition.rows.roots.push_back(std::move(record));

  if (KeksOf(addition.rows, scope).empty()) {
    ROWSEAL_ASSIGN(KekRecord made, MakeScopesKek(*trust->integrity, addition, scope, now));
    addition.rows.keks.push_back(std::move(made));
  }
  const InstallationId installation = addition.rows.installation.id;
  for (const KekRecord* kek : KeksOf(addition.rows, scope)) {
    std::shared_ptr<const Kek> opened;
    if (!addition.made_kek) {
      ROWSEAL_ASSIGN(opened, session.keyring().OpenKek(kek->id));
    }
    ROWSEAL_ASSIGN(WrappingRecord wrapping,
                   WrapKek(opened ? *opened : *addition.made_kek, *kek, installation, addition.root,
                           *addition.provider));
    addition.rows.wrappings.push_back(std::move(wrapping));
    addition.report.keks.push_back(kek->id);
  }
  addition.report.proven = addition.provider->can_unwrap();
  if (addition.report.proven) {
    ROWSEAL_TRY(ProveOpens(addition.rows, scope, addition.root, *addition.provider));
  }
  return addition;
}

Result<void> WriteRootAddition(Connection& connection, Session& session, RootAddition& addition) {
  ROWSEAL_TRY(LockKeks(connection, addition.report.scope));
  ROWSEAL_ASSIGN(const RootRecord* record, FindRoot(addition.rows, addition.root));
  ROWSEAL_TRY(InsertRoot(connection, *record));
  if (addition.made_kek) {
    ROWSEAL_TRY(InsertKek(connection, addition.rows.keks.back()));
  }
  for (const WrappingRecord& wrapping : addition.rows.wrappings) {
    if (wrapping.root == addition.root) {
      ROWSEAL_TRY(InsertWrapping(connection, wrapping));
    }
  }
  return addition.made_kek ? BringDeksUnder(connection, session, addition) : Result<void>();
}

void LogRootAdded(Observer& observer, const AddedRoot& added) {
  observer.Log({LogLevel::kInfo,
                "root_added",
                "another root opens the keys of its scope",
                {{"root", ToText(added.id)},
                 {"uri", added.uri},
                 {"scope", added.scope},
                 {"keks", std::to_string(added.keks.size())}}});
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
  ROWSEAL_ASSIGN(RootAddition addition,
                 PrepareRootAddition(session, trust->rows, std::move(provider), root.scope, now));
  ROWSEAL_TRY(SealSet(*trust->integrity, addition.rows));
  ROWSEAL_TRY(WriteRootAddition(connection, session, addition));
  ROWSEAL_TRY(session.CheckNotRolledBack());
  ROWSEAL_TRY(UpdateInstallation(connection, addition.rows.installation));
  ROWSEAL_TRY(
      WriteAudit(connection, session, kSystemProject, complete, "root.add", ToText(addition.root)));
  ROWSEAL_TRY(transaction.Commit());
  session.keyring().Hold(addition.provider);
  session.AdoptCommitted(addition.rows);
  LogRootAdded(session.observer(), addition.report);
  return std::move(addition.report);
}

}  // namespace rowseal
