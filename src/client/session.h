#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <rowseal/client.h>
#include <rowseal/observe.h>

#include "base/clock.h"
#include "client/epoch_anchor.h"
#include "client/seen_rows.h"
#include "keys/keyring.h"
#include "store/app_column.h"
#include "store/calls/trust_load.h"
#include "store/trust_rows.h"

namespace rowseal {

/// OpenFor says what becomes of what a key opens: it is handed to the app, or it never leaves the
/// library, because it is sealed again or only looked at.
enum class OpenFor : std::uint8_t { kUse, kReseal };

/// TrustFloor is how far trusted rows had come before a statement asked for them: what is read then
/// and is older was put back by somebody.
struct TrustFloor {
  std::int64_t epoch = 0;                    ///< that this process had seen
  std::optional<EpochAnchor::State> anchor;  ///< that this machine had seen
};

/// Session is what the operations of one client share: opened keys, what was seen committed, the
/// clock, the default actor and the observer. Threads: any, several operations at once, each on a
/// connection of its own; the observer's sink and the clock are then called by several, too. What
/// is shared has its own lock, held by no crypto and no I/O. Only UseAppColumns comes before use.
class Session final {
 public:
  Session(std::vector<std::shared_ptr<const RootProvider>> roots, ClientOptions options);

  Keyring& keyring() noexcept { return keyring_; }
  SeenRows& seen() noexcept { return seen_; }
  Observer& observer() noexcept { return *observer_; }
  Timestamp Now() const { return clock_(); }
  InstallationId installation() const { return keyring_.trust()->rows.installation.id; }
  std::shared_ptr<const IntegrityKey> integrity() const { return keyring_.trust()->integrity; }

  /// Complete fills the default actor in and checks both texts. Errors: kInvalidArgument (actor or
  /// reason over 1,000 bytes or not UTF-8).
  Result<Access> Complete(const Access& access) const;

  /// KnowsKek tells whether the KEK row that came with a DEK is the one in the trusted set. False:
  /// the set is to be loaded again; then HadKek is to be asked.
  bool KnowsKek(const DekAndKek& row) const;

  /// HadKek asks a set that was loaded after the row was read: the KEK may have changed in between,
  /// so a later revision of it will do. What counts is then the set's word on it.
  bool HadKek(const DekAndKek& row) const;

  /// CheckOpens refuses keys whose state forbids opening. A compromised one opens, with a warning,
  /// for a reseal; for use only where the row was read before the KEK was declared so, because its
  /// DEK stands under another one by now. The set was loaded after the row was read.
  Result<void> CheckOpens(const DekAndKek& row, OpenFor purpose);

  /// CheckSeals refuses keys whose state forbids sealing, by the set that was loaded last, and
  /// those that IsBelowSealFloor says.
  Result<void> CheckSeals(const DekRecord& dek) const;

  /// IsBelowSealFloor tells whether a DEK was made before a compromise of its scope was declared:
  /// it seals nothing any more, and one that is active is replaced by whoever needs it.
  bool IsBelowSealFloor(const DekRecord& dek) const;

  /// OpenDek verifies, checks against what was seen before, and opens.
  /// `began` is the moment of the operation's beginning.
  Result<std::shared_ptr<const Dek>> OpenDek(const DekRecord& dek, SeenRows::Moment began);

  /// ReportRefusedOpen counts and logs a refused open; the event names ids only.
  void ReportRefusedOpen(const ProjectId& project, const std::string& object, const Error& error);

  /// OpenAppColumn opens a registered column's place in the app's database, by the opener that
  /// whoever put this session together gave. Errors: the opener's, kInvalidArgument (none).
  Result<std::unique_ptr<AppColumn>> OpenAppColumn(const ColumnSource& source) const;
  void UseAppColumns(AppColumnOpener opener) { app_columns_ = std::move(opener); }

  /// WarnOnceIfMemoryIsNotLocked logs once a process that secrets may reach swap.
  void WarnOnceIfMemoryIsNotLocked() const;

  /// LoadTrust reads and adopts the trusted rows.
  Result<void> LoadTrust(Connection& connection);

  /// Floor is to be asked before the statement that AdoptTrust's answer comes from.
  TrustFloor Floor();

  /// AdoptTrust adopts kTrustLoad's answer. Where it is older than this machine's anchor, an alarm
  /// is raised: values still open, and CheckNotRolledBack refuses the rest. Errors:
  /// Keyring::Adopt's.
  Result<void> AdoptTrust(Rows answer, const TrustFloor& floor);

  /// AdoptCommitted adopts rows that this process has just committed. What is committed is no
  /// failure any more: where the new set is not taken here, the next operation that meets it loads
  /// it.
  void AdoptCommitted(const TrustRows& rows);

  /// CheckNotRolledBack refuses what an older copy of the store must not take: new ciphertext, and
  /// changes of keys. Errors: kRefusedByState. CheckOpens refuses the rest of it where
  /// ClientOptions::on_rollback says so.
  Result<void> CheckNotRolledBack() const;
  bool rolled_back() const noexcept { return rolled_back_; }
  bool has_anchor() const noexcept { return anchor_.has_value(); }

 private:
  Result<void> CheckInstallation() const;
  /// The state in which this machine knew a KEK, where nothing was to be opened with it and the
  /// copy of the store is older.
  std::optional<KeyState> RefusedBefore(KekId kek) const;
  bool IsBehind(const TrustFloor& floor) const;
  void CompareWithAnchor(const TrustFloor& floor);
  void RaiseAnchor();

  Keyring keyring_;
  SeenRows seen_;
  std::shared_ptr<Observer> observer_;
  Clock clock_;
  std::string actor_;
  AppColumnOpener app_columns_;
  std::optional<EpochAnchor> anchor_;
  const std::string place_;
  const std::optional<InstallationId> expected_;
  const OnRollback on_rollback_;
  std::atomic<std::int64_t> anchored_epoch_{0};
  std::atomic<bool> rolled_back_{false};
  mutable std::mutex refused_mutex_;
  std::map<KekId, KeyState> refused_before_;  // by the anchor, while rolled_back_
};

}  // namespace rowseal
