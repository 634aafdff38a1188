#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <rowseal/error.h>

#include "keys/integrity_key.h"
#include "keys/records.h"
#include "keys/root_provider.h"

namespace rowseal {

/// MatchedRoots are the roots configured here by the row of `root_key` that each serves.
using MatchedRoots = std::map<RootId, std::shared_ptr<const RootProvider>>;

/// HeldRoots are those, and the order in which they were given: the first is asked first.
struct HeldRoots {
  MatchedRoots by_row;
  std::vector<RootId> order;
};

/// TrustSet is the verified set of roots, KEKs and wrappings as of one moment. Immutable.
struct TrustSet {
  TrustRows rows;
  std::shared_ptr<const IntegrityKey> integrity;

  /// FindKek returns nullptr for an id that is not in the set.
  const KekRecord* FindKek(KekId id) const noexcept;
  /// ActiveKek is the one active `wrap` KEK of a scope, or nullptr.
  const KekRecord* ActiveKek(std::string_view scope) const noexcept;
  /// ScopeOf gives the scope whose KEKs wrap a project's DEKs: the project's own where it has KEKs
  /// that wrap, else `default`.
  std::string ScopeOf(const ProjectId& project) const;
  /// FloorsOf gives a scope's floors; all are 0 where none was ever raised.
  FloorRecord FloorsOf(std::string_view scope) const;
  /// IsBelowFloor tells whether nothing is opened any more with a DEK, because it was made before a
  /// compromise and what was sealed with it has been sealed again.
  bool IsBelowFloor(const DekRecord& dek) const;
};

/// Keyring opens keys from verified rows and holds the opened ones: every KEK asked for, and the
/// DEKs used last. Nothing in it comes from the store alone. Threads: any.
class Keyring final {
 public:
  explicit Keyring(std::vector<std::shared_ptr<const RootProvider>> roots);

  /// Adopt verifies rows just read and makes them the trusted set: the roots configured here are
  /// matched by fingerprint, the integrity key is opened through one of them, every tag is
  /// compared. A passphrase becomes a key for at most MatchBudget::kDerivations rows that were not
  /// seen before. `floor` is what `epoch` gave before the rows were read: several threads read and
  /// adopt at once, so a set that is older than the one held by now is put aside, and only one that
  /// is older than the floor was put back by somebody. Errors: kRootKeyMismatch (naming expected
  /// and found), kIntegrity (naming the row, or an epoch lower than the floor), the provider's.
  Result<void> Adopt(TrustRows rows, std::int64_t floor);

  /// OpenIntegrityKey opens the integrity key that rows just read name, and compares no tag: for an
  /// upgrade, whose rows have the tags of an older format. Errors: as Adopt.
  Result<std::shared_ptr<const IntegrityKey>> OpenIntegrityKey(const TrustRows& rows);

  /// epoch is that of the set adopted last; 0 before the first.
  std::int64_t epoch() const;

  /// trust is the set adopted last; nullptr before the first.
  std::shared_ptr<const TrustSet> trust() const;

  /// OpenKek opens a KEK of the trusted set, whatever its state. Where one root fails and another
  /// opens it, the failure is told to whoever watches. Errors: kIntegrity, kRootKeyMissing (no root
  /// configured here wraps it; for a project's own root, naming project and root), the provider's.
  Result<std::shared_ptr<const Kek>> OpenKek(KekId id);

  /// OpenDek verifies the record's tag and opens the DEK under its KEK; states are the caller's
  /// question. A record equal to the one opened before costs a comparison. A DEK under a KEK of
  /// another scope than its project's is refused: an old row that was put back would otherwise open
  /// a project's secrets without the root that it brought.
  Result<std::shared_ptr<const Dek>> OpenDek(const DekRecord& record);

  /// Hold adds a root to those configured here. It serves from the next Adopt on.
  void Hold(std::shared_ptr<const RootProvider> root);

  /// RootFailure is told of each root that failed where another one opened the key.
  using RootFailure = std::function<void(const RootProvider& root, const Error& error)>;
  /// WatchRoots comes before use.
  void WatchRoots(RootFailure watcher) { watcher_ = std::move(watcher); }

  /// Provider returns the configured root of that row, or nullptr.
  std::shared_ptr<const RootProvider> Provider(RootId id) const;

  /// UnmatchedRoots gives the URIs of the roots configured here that serve no row of the set.
  std::vector<std::string> UnmatchedRoots() const;

  /// DropIdleDeks forgets the DEKs that nobody asked for since kDekIdleTime. OpenDek does that too,
  /// so it serves a process that opens nothing any more.
  void DropIdleDeks();

  /// DropKeys forgets every opened DEK and KEK, and with the last user their memory. The integrity
  /// key stays, with the trusted set that it verifies.
  void DropKeys();

  /// SteadyClock gives a time that never goes back.
  using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;
  /// UseClock gives idleness another clock.
  void UseClock(SteadyClock clock);

  static constexpr std::size_t kMaxHeldDeks = 256;

  /// An opened DEK has its expanded form in plain heap, so it is not kept for a project that is not
  /// in use. Opening it again costs some microseconds and no round trip, so any time serves that is
  /// far longer than that and short against the life of a process: ten minutes also span the pauses
  /// of jobs that come every five.
  static constexpr std::chrono::minutes kDekIdleTime{10};

 private:
  struct HeldDek {
    DekRecord record;
    std::shared_ptr<const Dek> dek;
    std::chrono::steady_clock::time_point used_at;
  };
  using HeldDeks = std::list<HeldDek>;  // most recently used first

  Result<std::shared_ptr<const IntegrityKey>> OpenIntegrityKeyOf(const TrustRows& rows,
                                                                 const HeldRoots& held);
  Result<std::shared_ptr<const Kek>> OpenIntegrityKek(const TrustRows& rows, const HeldRoots& held);
  Result<std::shared_ptr<const Kek>> UnwrapWithAnyRoot(const TrustRows& rows, const HeldRoots& held,
                                                       KekId id) const;
  // What opened the integrity key: while it stands there unchanged, no root is asked again.
  struct OpenedIntegrityKek {
    InstallationId installation;
    Bytes check_value;
    std::vector<WrappingRecord> wrappings;
    std::shared_ptr<const Kek> kek;
  };
  Error NamingWrapping(Error error, const IntegrityKey& integrity, const TrustRows& rows,
                       const HeldRoots& held) const;
  HeldDeks TakeIdle(std::chrono::steady_clock::time_point now);

  RootFailure watcher_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const RootProvider>> roots_;
  std::shared_ptr<const TrustSet> trust_;
  HeldRoots held_;
  std::vector<std::string> unmatched_;
  std::map<KekId, std::shared_ptr<const Kek>> keks_;
  OpenedIntegrityKek integrity_;
  HeldDeks deks_;
  std::unordered_map<DekId, HeldDeks::iterator> dek_index_;
  SteadyClock clock_ = std::chrono::steady_clock::now;
};

}  // namespace rowseal
