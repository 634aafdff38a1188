#include "keys/keyring.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/encoding.h"

namespace rowseal {
namespace {

std::string ShortFingerprint(ByteView fingerprint) {
  return ToHex(fingerprint.subspan(0, std::min<std::size_t>(4, fingerprint.size())));
}

// What the configured roots are to a store's rows.
struct Matches {
  MatchedRoots roots;
  std::vector<std::string> unmatched;  // URIs of roots that serve no row
  std::optional<Error> mismatch;       // of a root that is of the right kind and has another key
};

// The provider that serves a row, or nullptr. The row is a claim: nothing of it is trusted yet.
Result<std::shared_ptr<const RootProvider>> MatchRow(
    const std::shared_ptr<const RootProvider>& provider, const RootRecord& row,
    MatchBudget& budget) {
  if (!provider->fingerprint().empty()) {
    const bool equal = std::ranges::equal(provider->fingerprint(), row.fingerprint);
    return equal ? provider : nullptr;
  }
  Result<std::shared_ptr<const RootProvider>> found =
      provider->ForRow(row.fingerprint, row.public_part, budget);
  if (!found && found.error().code == ErrorCode::kIntegrity) {
    found.error().message = "row " + ToText(row.id) + " of root_key: " + found.error().message;
  }
  return found;
}

Result<Matches> MatchByFingerprint(
    const std::vector<std::shared_ptr<const RootProvider>>& providers, const TrustRows& rows) {
  Matches matches;
  for (const auto& provider : providers) {
    MatchBudget budget;
    bool serves_a_row = false;
    for (const RootRecord& row : rows.roots) {
      Result<std::shared_ptr<const RootProvider>> found = MatchRow(provider, row, budget);
      if (!found && found.error().code == ErrorCode::kRootKeyMismatch) {
        matches.mismatch = std::move(found).error();
      } else if (!found) {
        return tl::unexpected(std::move(found).error());
      } else if (*found) {
        matches.roots.emplace(row.id, std::move(*found));
        serves_a_row = true;
      }
    }
    if (!serves_a_row) {
      matches.unmatched.emplace_back(provider->uri());
    }
  }
  return matches;
}

Error NoMatchingRoot(const std::vector<std::shared_ptr<const RootProvider>>& providers,
                     const TrustRows& rows) {
  std::string expected;
  for (const RootRecord& root : rows.roots) {
    expected += (expected.empty() ? "" : ", ") + ShortFingerprint(root.fingerprint);
  }
  std::string found;
  for (const auto& provider : providers) {
    const bool has_key = !provider->fingerprint().empty();
    found += (found.empty() ? "" : ", ") +
             (has_key ? ShortFingerprint(provider->fingerprint()) : "a passphrase") + " (" +
             std::string(provider->uri()) + ")";
  }
  return Error{ErrorCode::kRootKeyMismatch,
               "the root key is not this store's: expected fingerprint " +
                   (expected.empty() ? "(none recorded)" : expected) + ", found " +
                   (found.empty() ? "(no root key)" : found),
               "give the root key that the store was made with (--root or ROWSEAL_ROOT)"};
}

bool SameRow(const DekRecord& a, const DekRecord& b) {
  return a.project == b.project && a.kek == b.kek && a.revision == b.revision &&
         a.state == b.state && a.purpose == b.purpose && a.suite == b.suite &&
         a.check_value == b.check_value && a.wrapped_key == b.wrapped_key && a.row_tag == b.row_tag;
}

}  // namespace

const KekRecord* TrustSet::FindKek(KekId id) const noexcept {
  const auto found = std::ranges::find(rows.keks, id, &KekRecord::id);
  return found == rows.keks.end() ? nullptr : &*found;
}

const KekRecord* TrustSet::ActiveKek(std::string_view scope) const noexcept {
  const auto found = std::ranges::find_if(rows.keks, [&](const KekRecord& kek) {
    return kek.scope == scope && kek.purpose == KekPurpose::kWrap && kek.state == KeyState::kActive;
  });
  return found == rows.keks.end() ? nullptr : &*found;
}

Keyring::Keyring(std::vector<std::shared_ptr<const RootProvider>> roots)
    : roots_(std::move(roots)) {}

Result<std::shared_ptr<const Kek>> Keyring::UnwrapWithAnyRoot(const TrustRows& rows,
                                                              const MatchedRoots& matched,
                                                              KekId id) {
  const auto record = std::ranges::find(rows.keks, id, &KekRecord::id);
  if (record == rows.keks.end()) {
    return Fail(ErrorCode::kIntegrity, "KEK " + ToText(id) + " is not in the store",
                "restore the table kek from a backup");
  }
  Error last{ErrorCode::kRootKeyMissing, "no root key given here opens KEK " + ToText(id),
             "give a root key that wraps it (rowseal root list)"};
  for (const WrappingRecord& wrapping : rows.wrappings) {
    const auto provider = matched.find(wrapping.root);
    if (wrapping.kek != id || provider == matched.end()) {
      continue;
    }
    Result<Kek> kek = UnwrapKek(*record, wrapping, rows.installation.id, *provider->second);
    if (kek) {
      return std::make_shared<const Kek>(std::move(*kek));
    }
    last = std::move(kek).error();
  }
  return tl::unexpected(std::move(last));
}

// Wrappings have no tag of their own, only the set's. Where every tagged row stands, a wrapping
// that does not open says what was changed better than the set does.
Error Keyring::NamingWrapping(Error error, const IntegrityKey& integrity, const TrustRows& rows,
                              const MatchedRoots& matched) {
  const auto stands = [&](const auto& row) { return integrity.Verify(row).has_value(); };
  if (std::ranges::all_of(rows.roots, stands) && std::ranges::all_of(rows.keks, stands)) {
    for (const KekRecord& kek : rows.keks) {
      const Result<std::shared_ptr<const Kek>> opened = UnwrapWithAnyRoot(rows, matched, kek.id);
      if (!opened && opened.error().code == ErrorCode::kIntegrity) {
        return opened.error();
      }
    }
  }
  return error;
}

Result<void> Keyring::Adopt(TrustRows rows, std::int64_t floor) {
  ROWSEAL_ASSIGN(Matches matches, MatchByFingerprint(roots_, rows));
  if (matches.roots.empty()) {
    const bool says_enough = roots_.size() == 1 && matches.mismatch;
    return tl::unexpected(says_enough ? *matches.mismatch : NoMatchingRoot(roots_, rows));
  }
  // A KEK that wraps makes no tags: who got hold of one would otherwise name it here and forge them
  // all. Its purpose needs no tag, for it is bound where the KEK is wrapped.
  const auto named = std::ranges::find(rows.keks, rows.installation.integrity_kek, &KekRecord::id);
  if (named != rows.keks.end() && named->purpose != KekPurpose::kIntegrity) {
    return Fail(ErrorCode::kIntegrity,
                "installation.integrity_kek_id names row " + ToText(named->id) +
                    " of kek, whose purpose is " + std::string(ToText(named->purpose)),
                "restore the table installation from a backup");
  }
  Result<std::shared_ptr<const Kek>> integrity_kek =
      UnwrapWithAnyRoot(rows, matches.roots, rows.installation.integrity_kek);
  if (!integrity_kek && integrity_kek.error().code == ErrorCode::kRootKeyMissing) {
    // The root is known, so somebody removed the wrapping.
    return Fail(ErrorCode::kIntegrity, "the integrity key has no wrapping by a root given here",
                "restore the table kek_wrapping from a backup");
  }
  if (!integrity_kek) {
    return tl::unexpected(std::move(integrity_kek).error());
  }
  auto set = std::make_shared<TrustSet>();
  set->integrity =
      std::make_shared<const IntegrityKey>(rows.installation.id, std::move(*integrity_kek));
  if (Result<void> verified = set->integrity->Verify(rows); !verified) {
    return tl::unexpected(
        NamingWrapping(std::move(verified).error(), *set->integrity, rows, matches.roots));
  }
  set->rows = std::move(rows);

  const std::int64_t epoch = set->rows.installation.epoch;
  if (epoch < floor) {
    return Fail(ErrorCode::kIntegrity,
                "the store's key rows went back from epoch " + std::to_string(floor) + " to " +
                    std::to_string(epoch),
                "an older copy of the store was put back; restart after checking why");
  }
  const std::lock_guard lock(mutex_);
  if (trust_ && epoch < trust_->rows.installation.epoch) {
    return {};  // another thread adopted a newer set meanwhile
  }
  std::erase_if(keks_, [&](const auto& held) { return set->FindKek(held.first) == nullptr; });
  matched_ = std::move(matches.roots);
  unmatched_ = std::move(matches.unmatched);
  trust_ = std::move(set);
  return {};
}

std::int64_t Keyring::epoch() const {
  const std::lock_guard lock(mutex_);
  return trust_ ? trust_->rows.installation.epoch : 0;
}

std::shared_ptr<const TrustSet> Keyring::trust() const {
  const std::lock_guard lock(mutex_);
  return trust_;
}

Result<std::shared_ptr<const Kek>> Keyring::OpenKek(KekId id) {
  std::shared_ptr<const TrustSet> trust;
  MatchedRoots matched;
  {
    const std::lock_guard lock(mutex_);
    if (const auto held = keks_.find(id); held != keks_.end()) {
      return held->second;
    }
    trust = trust_;
    matched = matched_;
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const Kek> kek, UnwrapWithAnyRoot(trust->rows, matched, id));
  const std::lock_guard lock(mutex_);
  if (trust_->FindKek(id) == nullptr) {
    return kek;  // it left the set meanwhile: it serves this call and is not held
  }
  return keks_.emplace(id, std::move(kek)).first->second;
}

// Removes the idle DEKs and hands them out, so that they are wiped when the lock is free again.
Keyring::HeldDeks Keyring::TakeIdle(std::chrono::steady_clock::time_point now) {
  HeldDeks idle;
  while (!deks_.empty() && now - deks_.back().used_at >= kDekIdleTime) {
    dek_index_.erase(deks_.back().record.id);
    idle.splice(idle.begin(), deks_, std::prev(deks_.end()));
  }
  return idle;
}

Result<std::shared_ptr<const Dek>> Keyring::OpenDek(const DekRecord& record) {
  HeldDeks idle;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_();
    const auto held = dek_index_.find(record.id);
    const bool is_held = held != dek_index_.end() && SameRow(held->second->record, record);
    if (is_held) {
      deks_.splice(deks_.begin(), deks_, held->second);
      deks_.front().used_at = now;
    }
    idle = TakeIdle(now);
    if (is_held) {
      return deks_.front().dek;
    }
  }
  const std::shared_ptr<const TrustSet> trust = this->trust();
  ROWSEAL_TRY(trust->integrity->Verify(record));
  if (const KekRecord* row = trust->FindKek(record.kek);
      row != nullptr && row->purpose != KekPurpose::kWrap) {
    return Fail(ErrorCode::kIntegrity,
                "DEK " + ToText(record.id) + " names KEK " + ToText(record.kek) +
                    ", whose purpose is " + std::string(ToText(row->purpose)),
                "restore the row of dek from a backup");
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> kek, OpenKek(record.kek));
  ROWSEAL_ASSIGN(Dek opened, UnwrapDek(record, *kek, trust->rows.installation.id));
  auto dek = std::make_shared<const Dek>(std::move(opened));

  const std::lock_guard lock(mutex_);
  if (const auto held = dek_index_.find(record.id); held != dek_index_.end()) {
    deks_.erase(held->second);
    dek_index_.erase(held);
  }
  deks_.push_front(HeldDek{record, dek, clock_()});
  dek_index_[record.id] = deks_.begin();
  if (deks_.size() > kMaxHeldDeks) {
    dek_index_.erase(deks_.back().record.id);
    deks_.pop_back();
  }
  return dek;
}

std::shared_ptr<const RootProvider> Keyring::Provider(RootId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = matched_.find(id);
  return found == matched_.end() ? nullptr : found->second;
}

std::vector<std::string> Keyring::UnmatchedRoots() const {
  const std::lock_guard lock(mutex_);
  return unmatched_;
}

void Keyring::DropIdleDeks() {
  HeldDeks idle;
  const std::lock_guard lock(mutex_);
  idle = TakeIdle(clock_());
}

void Keyring::DropKeys() {
  HeldDeks deks;
  std::map<KekId, std::shared_ptr<const Kek>> keks;
  const std::lock_guard lock(mutex_);
  dek_index_.clear();
  deks.swap(deks_);
  keks.swap(keks_);
}

void Keyring::UseClock(SteadyClock clock) {
  const std::lock_guard lock(mutex_);
  clock_ = std::move(clock);
}

}  // namespace rowseal
