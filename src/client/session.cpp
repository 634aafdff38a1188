#include "client/session.h"

#include <atomic>

#include "base/encoding.h"
#include "client/key_refusals.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxAccessText = 1000;  // bytes

Result<void> CheckAccessText(std::string_view what, std::string_view text) {
  if (text.size() > kMaxAccessText || !IsUtf8(text) || text.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                "the " + std::string(what) + " is longer than 1,000 bytes or not UTF-8");
  }
  return {};
}

EpochAnchor::State StateOf(const TrustRows& rows) {
  EpochAnchor::State state{rows.installation.epoch, rows.installation.trust_tag, {}};
  for (std::int64_t id = 1; id < rows.installation.next_kek_id; ++id) {
    state.refused.emplace_hint(state.refused.end(), KekId{id}, KeyState::kDestroyed);
  }
  for (const KekRecord& kek : rows.keks) {
    if (kek.state == KeyState::kSuspended || kek.state == KeyState::kCompromised) {
      state.refused[kek.id] = kek.state;
    } else {
      state.refused.erase(kek.id);
    }
  }
  return state;
}

}  // namespace

Session::Session(std::vector<std::shared_ptr<const RootProvider>> roots, ClientOptions options)
    : keyring_(std::move(roots)),
      observer_(options.observer ? std::move(options.observer) : std::make_shared<Observer>()),
      clock_(options.clock ? std::move(options.clock) : Clock(SystemClock)),
      actor_(std::move(options.actor)),
      place_(std::move(options.store_place)),
      expected_(options.installation),
      on_rollback_(options.on_rollback) {
  if (!options.state_folder.empty()) {
    anchor_.emplace(std::move(options.state_folder));
  }
  keyring_.WatchRoots([observer = observer_](const RootProvider& root, const Error& error) {
    observer->Log({LogLevel::kError,
                   "root_failed",
                   "a root did not open a key, and another one did; restore or replace it",
                   {{"root", std::string(root.uri())},
                    {"code", std::string(ErrorName(error.code))},
                    {"why", error.message}}});
  });
}

Result<Access> Session::Complete(const Access& access) const {
  Access complete{access.actor.empty() ? actor_ : access.actor, access.reason};
  if (complete.actor.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no actor was named for the audit log",
                "set ClientOptions::actor or Access::actor");
  }
  ROWSEAL_TRY(CheckAccessText("actor", complete.actor));
  ROWSEAL_TRY(CheckAccessText("reason", complete.reason));
  return complete;
}

bool Session::KnowsKek(const DekAndKek& row) const {
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const KekRecord* kek = trust->FindKek(row.dek.kek);
  return kek != nullptr && kek->revision == row.kek_revision && kek->row_tag == row.kek_tag;
}

bool Session::HadKek(const DekAndKek& row) const {
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const KekRecord* kek = trust->FindKek(row.dek.kek);
  return KnowsKek(row) || (kek != nullptr && kek->revision > row.kek_revision);
}

Result<void> Session::CheckOpens(const DekAndKek& row, OpenFor purpose) {
  if (on_rollback_ == OnRollback::kRefuse && purpose == OpenFor::kUse) {
    ROWSEAL_TRY(CheckNotRolledBack());
  }
  const DekRecord& dek = row.dek;
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const KekRecord* kek = trust->FindKek(dek.kek);
  if (kek == nullptr || kek->purpose != KekPurpose::kWrap) {
    return Fail(ErrorCode::kIntegrity, "DEK " + ToText(dek.id) + " names no KEK that wraps",
                "restore the row of dek from a backup");
  }
  // Putting an older set back must not make a key good again that was taken out of use.
  if (const std::optional<KeyState> before = RefusedBefore(kek->id)) {
    KekRecord as_it_was = *kek;
    as_it_was.state = *before;
    return KekRefused(as_it_was);
  }
  const bool was_read_before = row.kek_revision < kek->revision;
  const bool is_compromised = kek->state == KeyState::kCompromised;
  const bool refuses_use = is_compromised && purpose == OpenFor::kUse && !was_read_before;
  if (!CanOpen(kek->state) || refuses_use) {
    return KekRefused(*kek);
  }
  if (trust->IsBelowFloor(dek)) {
    ROWSEAL_TRY(
        trust->integrity->Verify(dek));  // an epoch that somebody wrote there refuses nothing
    return DekBelowFloor(dek);
  }
  if (!CanOpen(dek.state)) {
    ROWSEAL_TRY(
        trust->integrity->Verify(dek));  // a state that somebody wrote there refuses nothing
    return DekRefused(dek);
  }
  if (is_compromised || dek.state == KeyState::kCompromised) {
    observer_->Log({LogLevel::kWarning,
                    "compromised_key_used",
                    "a compromised key opened a value that waits to be resealed",
                    {{"kek", ToText(kek->id)}, {"dek", ToText(dek.id)}}});
  }
  return {};
}

Result<void> Session::CheckSeals(const DekRecord& dek) const {
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const KekRecord* kek = trust->FindKek(dek.kek);
  if (kek == nullptr || kek->purpose != KekPurpose::kWrap) {
    return Fail(ErrorCode::kIntegrity, "DEK " + ToText(dek.id) + " names no KEK that wraps",
                "restore the row of dek from a backup");
  }
  if (kek->state != KeyState::kActive && kek->state != KeyState::kDeactivated) {
    return KekRefused(*kek);
  }
  if (!CanSeal(dek.state)) {
    return DekRefused(dek);
  }
  if (IsBelowSealFloor(dek)) {
    return DekBelowFloor(dek);
  }
  return {};
}

bool Session::IsBelowSealFloor(const DekRecord& dek) const {
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const KekRecord* kek = trust->FindKek(dek.kek);
  return kek != nullptr && dek.born_epoch < trust->FloorsOf(kek->scope).seal;
}

Result<std::shared_ptr<const Dek>> Session::OpenDek(const DekRecord& dek, SeenRows::Moment began) {
  ROWSEAL_ASSIGN(std::shared_ptr<const Dek> opened, keyring_.OpenDek(dek));
  ROWSEAL_TRY(seen_.CheckDek(dek.id, dek.revision, began));
  return opened;
}

void Session::ReportRefusedOpen(const ProjectId& project, const std::string& object,
                                const Error& error) {
  observer_->Count(Counter::kOpensRefused);
  observer_->Log({LogLevel::kError,
                  "open_refused",
                  "a stored value was refused",
                  {{"project", project.text()},
                   {"object", object},
                   {"code", std::string(ErrorName(error.code))}}});
}

Result<std::unique_ptr<AppColumn>> Session::OpenAppColumn(const ColumnSource& source) const {
  if (!app_columns_) {
    return Fail(ErrorCode::kInvalidArgument, "this client was not made to open an app's database",
                "open the store with OpenStore");
  }
  return app_columns_(source);
}

void Session::WarnOnceIfMemoryIsNotLocked() const {
  static std::atomic<bool> warned{false};
  if (!SecretMemoryIsLocked() && !warned.exchange(true)) {
    observer_->Log(
        {LogLevel::kWarning,
         "memory_not_locked",
         "the system refused to lock secret memory: secrets may reach swap; raise the limit"
         " (ulimit -l)",
         {}});
  }
}

Result<void> Session::LoadTrust(Connection& connection) {
  const bool is_first = keyring_.trust() == nullptr;
  const TrustFloor floor = Floor();
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(AskTrust()));
  ROWSEAL_TRY(AdoptTrust(std::move(answer), floor));
  if (!is_first) {
    return {};
  }
  ROWSEAL_TRY(CheckInstallation());
  if (!anchor_) {
    return {};
  }
  // Whose anchor it is was not known before. One that is ahead may have been raised since the rows
  // were read: then they are read again.
  const TrustFloor now = Floor();
  if (IsBehind(now)) {
    return LoadTrust(connection);
  }
  RaiseAnchor();
  return {};
}

// The same root key opens another store too: whose it is, only this machine or the caller knows.
Result<void> Session::CheckInstallation() const {
  const InstallationId found = installation();
  if (expected_ && *expected_ != found) {
    return Fail(ErrorCode::kIntegrity,
                "the store is another one: expected installation " + ToText(*expected_) +
                    ", found " + ToText(found),
                "check which store is named, and who put this one there");
  }
  if (!anchor_ || place_.empty()) {
    return {};
  }
  Result<void> same = anchor_->CheckPlace(place_, found);
  if (!same && same.error().code == ErrorCode::kUnavailable) {
    observer_->Log({LogLevel::kWarning, "anchor_unusable", same.error().message, {}});
    return {};
  }
  return same;
}

TrustFloor Session::Floor() {
  TrustFloor floor{keyring_.epoch(), {}};
  if (!anchor_ || floor.epoch == 0) {
    return floor;
  }
  Result<std::optional<EpochAnchor::State>> kept = anchor_->Read(installation());
  if (kept) {
    floor.anchor = std::move(*kept);
  } else {
    observer_->Log({LogLevel::kWarning, "anchor_unusable", kept.error().message, {}});
  }
  return floor;
}

Result<void> Session::AdoptTrust(Rows answer, const TrustFloor& floor) {
  observer_->Count(Counter::kTrustReloads);
  ROWSEAL_ASSIGN(TrustRows rows, Decode(TrustLoad::Request{}, std::move(answer)));
  ROWSEAL_TRY(keyring_.Adopt(std::move(rows), floor.epoch));
  if (floor.epoch > 0) {
    CompareWithAnchor(floor);
    return {};
  }
  for (const std::string& uri : keyring_.UnmatchedRoots()) {
    observer_->Log({LogLevel::kWarning,
                    "root_unmatched",
                    "a root was given that is none of this store's",
                    {{"root", uri}}});
  }
  return {};
}

void Session::AdoptCommitted(const TrustRows& rows) {
  if (keyring_.Adopt(rows, keyring_.epoch())) {
    RaiseAnchor();
  }
}

std::optional<KeyState> Session::RefusedBefore(KekId kek) const {
  if (!rolled_back_) {
    return std::nullopt;
  }
  const std::lock_guard lock(refused_mutex_);
  const auto found = refused_before_.find(kek);
  return found == refused_before_.end() ? std::nullopt : std::optional(found->second);
}

bool Session::IsBehind(const TrustFloor& floor) const {
  if (!floor.anchor) {
    return false;
  }
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const InstallationRecord& found = trust->rows.installation;
  return found.epoch < floor.anchor->epoch ||
         (found.epoch == floor.anchor->epoch && found.trust_tag != floor.anchor->trust_tag);
}

void Session::CompareWithAnchor(const TrustFloor& floor) {
  if (!IsBehind(floor)) {
    // An anchor that cannot be read any more proves nothing: an alarm stays.
    rolled_back_ = rolled_back_ && !floor.anchor;
    if (!rolled_back_) {
      RaiseAnchor();
    }
    return;
  }
  {
    const std::lock_guard lock(refused_mutex_);
    refused_before_ = floor.anchor->refused;
  }
  if (rolled_back_.exchange(true)) {
    return;  // said already
  }
  const std::int64_t found = keyring_.epoch();
  observer_->Count(Counter::kRollbacksNoticed);
  observer_->Log({LogLevel::kError,
                  "store_rolled_back",
                  "an older copy of the store stands in its place: values still open, nothing is"
                  " sealed and no key changes; find out why, then rowseal verify"
                  " --accept-rollback",
                  {{"epoch", std::to_string(found)},
                   {"epoch_seen_before", std::to_string(floor.anchor->epoch)}}});
}

void Session::RaiseAnchor() {
  const std::shared_ptr<const TrustSet> trust = keyring_.trust();
  const InstallationRecord& current = trust->rows.installation;
  if (!anchor_ || current.epoch <= anchored_epoch_) {
    return;
  }
  if (const Result<void> raised = anchor_->Raise(current.id, StateOf(trust->rows)); !raised) {
    observer_->Log({LogLevel::kWarning, "anchor_unusable", raised.error().message, {}});
    return;
  }
  anchored_epoch_ = current.epoch;
}

Result<void> Session::CheckNotRolledBack() const {
  if (!rolled_back_) {
    return {};
  }
  return Fail(
      ErrorCode::kRefusedByState,
      "an older copy of the store stands in its place: nothing is sealed and no key changes",
      "find out why; then rowseal verify --accept-rollback goes on with it");
}

}  // namespace rowseal
