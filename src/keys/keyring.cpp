#include "keys/keyring.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "keys/ask_no_root.h"

namespace rowseal {
namespace {

std::string ShortFingerprint(ByteView fingerprint) {
  return ToHex(fingerprint.subspan(0, std::min<std::size_t>(4, fingerprint.size())));
}

// What the configured roots are to a store's rows.
struct Matches {
  HeldRoots roots;
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
        if (matches.roots.by_row.emplace(row.id, std::move(*found)).second) {
          matches.roots.order.push_back(row.id);
        }
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
  const std::string expected = Join(
      rows.roots, ", ", [](const RootRecord& root) { return ShortFingerprint(root.fingerprint); });
  const std::string found = Join(providers, ", ", [](const auto& provider) {
    const bool has_key = !provider->fingerprint().empty();
    return (has_key ? ShortFingerprint(provider->fingerprint()) : "a passphrase") + " (" +
           std::string(provider->uri()) + ")";
  });
  return Error{ErrorCode::kRootKeyMismatch,
               "the root key is not this store's: expected fingerprint " +
                   (expected.empty() ? "(none recorded)" : expected) + ", found " +
                   (found.empty() ? "(no root key)" : found),
               "give the root key that the store was made with (--root or ROWSEAL_ROOT)"};
}

// Says which roots would open a KEK. The rows may be claims still, so nothing is done with them.
Error NoRootFor(const KekRecord& kek, const TrustRows& rows) {
  std::string wrapped_for;
  for (const WrappingRecord& wrapping : rows.wrappings) {
    const auto root = std::ranges::find(rows.roots, wrapping.root, &RootRecord::id);
    if (wrapping.kek == kek.id && root != rows.roots.end()) {
      wrapped_for +=
          (wrapped_for.empty() ? "" : ", ") + ToText(root->id) + " (" + Printable(root->uri) + ")";
    }
  }
  if (kek.scope == kDefaultScope) {
    return {ErrorCode::kRootKeyMissing,
            "no root key given here opens KEK " + ToText(kek.id) +
                (wrapped_for.empty() ? "" : "; it is wrapped for root " + wrapped_for),
            "give a root key that wraps it (rowseal root list)"};
  }
  return {ErrorCode::kRootKeyMissing,
          "project '" + Printable(kek.scope) +
              "' has a root of its own, which was not given here: " +
              (wrapped_for.empty() ? "none is left" : "root " + wrapped_for),
          "add it (--root, several times); the other projects' secrets open without it"};
}

// Why the roots given cannot open the integrity key where nothing was tampered with: none of them
// is of scope default, active, and able to open. Nothing otherwise.
std::optional<Error> NoneMayOpenAll(const MatchedRoots& matched, const TrustRows& rows) {
  std::string why;
  for (const auto& [id, provider] : matched) {
    const auto root = std::ranges::find(rows.roots, id, &RootRecord::id);
    std::string is;
    if (!provider->can_unwrap()) {
      is = "can only wrap: its private key opens the store (rowseal recovery open)";
    } else if (root->state != KeyState::kActive) {
      is = "is marked " + std::string(ToText(root->state)) + " and opens nothing any more";
    } else if (root->scope != kDefaultScope) {
      is = "opens project '" + Printable(root->scope) + "' only";
    } else {
      return std::nullopt;
    }
    why += (why.empty() ? "" : "; ") + ("root " + ToText(id)) + " (" + Printable(provider->uri()) +
           ") " + is;
  }
  return Error{ErrorCode::kRootKeyMissing, why,
               "give an active root of scope default too (--root, several times)"};
}

// Whether a root given here opens the store though no row of root_key says so: then the rows were
// changed, and another root would not help. A root that has to be asked for its key's name is not
// tried.
std::optional<Error> ChangedRootRow(
    const std::vector<std::shared_ptr<const RootProvider>>& providers, const TrustRows& rows) {
  const KekId id = rows.installation.integrity_kek;
  const auto record = std::ranges::find(rows.keks, id, &KekRecord::id);
  for (const WrappingRecord& wrapping : rows.wrappings) {
    if (wrapping.kek != id || record == rows.keks.end()) {
      continue;
    }
    for (const auto& provider : providers) {
      if (provider->fingerprint().empty() || !provider->can_unwrap()) {
        continue;
      }
      Result<Kek> kek = UnwrapKek(*record, wrapping, rows.installation.id, *provider);
      if (!kek) {
        continue;
      }
      const IntegrityKey integrity(rows.installation.id,
                                   std::make_shared<const Kek>(std::move(*kek)));
      for (const RootRecord& root : rows.roots) {
        if (const Result<void> verified = integrity.Verify(root); !verified) {
          return verified.error();
        }
      }
      if (std::ranges::find(rows.roots, wrapping.root, &RootRecord::id) == rows.roots.end()) {
        return Error{ErrorCode::kIntegrity,
                     "row " + ToText(wrapping.root) + " of root_key is missing: the root of " +
                         std::string(provider->uri()) + " opens the store",
                     "restore the table root_key from a backup"};
      }
    }
  }
  return std::nullopt;
}

// Whether a DEK is under a KEK that may wrap it. A KEK that is not there is another error's.
bool IsOfItsScope(const TrustSet& trust, const DekRecord& dek) {
  const KekRecord* kek = trust.FindKek(dek.kek);
  return kek == nullptr || kek->scope == trust.ScopeOf(dek.project);
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

FloorRecord TrustSet::FloorsOf(std::string_view scope) const {
  const auto found = std::ranges::find(rows.floors, scope, &FloorRecord::scope);
  return found == rows.floors.end() ? FloorRecord{std::string(scope)} : *found;
}

bool TrustSet::IsBelowFloor(const DekRecord& dek) const {
  const KekRecord* kek = FindKek(dek.kek);
  const FloorRecord floors = kek == nullptr ? FloorRecord{} : FloorsOf(kek->scope);
  return dek.born_epoch < (dek.purpose == DekPurpose::kValue ? floors.values : floors.secrets);
}

std::string TrustSet::ScopeOf(const ProjectId& project) const {
  const bool has_its_own = std::ranges::any_of(rows.keks, [&](const KekRecord& kek) {
    return kek.purpose == KekPurpose::kWrap && kek.scope == project.text();
  });
  return has_its_own ? project.text() : std::string(kDefaultScope);
}

Keyring::Keyring(std::vector<std::shared_ptr<const RootProvider>> roots)
    : roots_(std::move(roots)) {}

void Keyring::Hold(std::shared_ptr<const RootProvider> root) {
  const std::lock_guard lock(mutex_);
  roots_.push_back(std::move(root));
}

Result<std::shared_ptr<const Kek>> Keyring::UnwrapWithAnyRoot(const TrustRows& rows,
                                                              const HeldRoots& held,
                                                              KekId id) const {
  const auto record = std::ranges::find(rows.keks, id, &KekRecord::id);
  if (record == rows.keks.end()) {
    return Fail(ErrorCode::kIntegrity, "KEK " + ToText(id) + " is not in the store",
                "restore the table kek from a backup");
  }
  std::vector<std::pair<const RootProvider*, Error>> failures;
  for (const RootId root : held.order) {
    const RootProvider& provider = *held.by_row.at(root);
    const auto wrapping = std::ranges::find_if(rows.wrappings, [&](const WrappingRecord& row) {
      return row.kek == id && row.root == root;
    });
    if (wrapping == rows.wrappings.end() || !provider.can_unwrap()) {
      continue;
    }
    Result<Kek> kek = UnwrapKek(*record, *wrapping, rows.installation.id, provider);
    if (kek) {
      for (const auto& [failed, error] : failures) {
        if (watcher_ && AskNoRoot::Current() == nullptr) {
          watcher_(*failed, error);
        }
      }
      return std::make_shared<const Kek>(std::move(*kek));
    }
    failures.emplace_back(&provider, std::move(kek).error());
  }
  if (failures.empty()) {
    return tl::unexpected(NoRootFor(*record, rows));
  }
  // Of several failures, a changed byte is the one to act on; to wait for a service would hide it.
  const auto changed = std::ranges::find_if(
      failures, [](const auto& failure) { return failure.second.code == ErrorCode::kIntegrity; });
  return tl::unexpected(changed == failures.end() ? failures.back().second : changed->second);
}

// Every load of the set needs the integrity key, so a root that has to be asked for it would be
// asked by each. A root that lost its wrapping lets nobody go on with the key that it opened
// before.
Result<std::shared_ptr<const Kek>> Keyring::OpenIntegrityKek(const TrustRows& rows,
                                                             const HeldRoots& held) {
  const KekId id = rows.installation.integrity_kek;
  const auto record = std::ranges::find(rows.keks, id, &KekRecord::id);
  if (record == rows.keks.end()) {
    return UnwrapWithAnyRoot(rows, held, id);
  }
  OpenedIntegrityKek now{rows.installation.id, record->check_value, {}, nullptr};
  for (const WrappingRecord& wrapping : rows.wrappings) {
    const auto root = held.by_row.find(wrapping.root);
    if (wrapping.kek == id && root != held.by_row.end() && root->second->can_unwrap()) {
      now.wrappings.push_back(wrapping);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    const bool stands =
        integrity_.kek && integrity_.kek->id == id && integrity_.installation == now.installation &&
        integrity_.check_value == now.check_value && integrity_.wrappings == now.wrappings;
    if (stands) {
      return integrity_.kek;
    }
  }
  ROWSEAL_ASSIGN(now.kek, UnwrapWithAnyRoot(rows, held, id));
  const std::lock_guard lock(mutex_);
  integrity_ = now;
  return now.kek;
}

// Wrappings have no tag of their own, only the set's. Where every tagged row stands, a wrapping
// that does not open says what was changed better than the set does.
Error Keyring::NamingWrapping(Error error, const IntegrityKey& integrity, const TrustRows& rows,
                              const HeldRoots& held) const {
  const auto stands = [&](const auto& row) { return integrity.Verify(row).has_value(); };
  if (std::ranges::all_of(rows.roots, stands) && std::ranges::all_of(rows.keks, stands)) {
    for (const KekRecord& kek : rows.keks) {
      const Result<std::shared_ptr<const Kek>> opened = UnwrapWithAnyRoot(rows, held, kek.id);
      if (!opened && opened.error().code == ErrorCode::kIntegrity) {
        return opened.error();
      }
    }
  }
  return error;
}

namespace {

// Whose roots were given, or why none of them is one of the store's.
Result<HeldRoots> MatchAny(const std::vector<std::shared_ptr<const RootProvider>>& roots,
                           const TrustRows& rows, std::vector<std::string>& unmatched) {
  ROWSEAL_ASSIGN(Matches matches, MatchByFingerprint(roots, rows));
  if (matches.roots.by_row.empty()) {
    if (std::optional<Error> changed = ChangedRootRow(roots, rows)) {
      return tl::unexpected(std::move(*changed));
    }
    const bool says_enough = roots.size() == 1 && matches.mismatch;
    return tl::unexpected(says_enough ? *matches.mismatch : NoMatchingRoot(roots, rows));
  }
  unmatched = std::move(matches.unmatched);
  return std::move(matches.roots);
}

}  // namespace

// A KEK that wraps makes no tags: who got hold of one would otherwise name it here and forge them
// all. Its purpose needs no tag, for it is bound where the KEK is wrapped.
Result<std::shared_ptr<const IntegrityKey>> Keyring::OpenIntegrityKeyOf(const TrustRows& rows,
                                                                        const HeldRoots& held) {
  const auto named = std::ranges::find(rows.keks, rows.installation.integrity_kek, &KekRecord::id);
  if (named != rows.keks.end() && named->purpose != KekPurpose::kIntegrity) {
    return Fail(ErrorCode::kIntegrity,
                "installation.integrity_kek_id names row " + ToText(named->id) +
                    " of kek, whose purpose is " + std::string(ToText(named->purpose)),
                "restore the table installation from a backup");
  }
  Result<std::shared_ptr<const Kek>> kek = OpenIntegrityKek(rows, held);
  if (!kek && kek.error().code == ErrorCode::kRootKeyMissing) {
    if (std::optional<Error> other = NoneMayOpenAll(held.by_row, rows)) {
      return tl::unexpected(std::move(*other));
    }
    // Such a root is known, so somebody removed the wrapping.
    return Fail(ErrorCode::kIntegrity, "the integrity key has no wrapping by a root given here",
                "restore the table kek_wrapping from a backup");
  }
  if (!kek) {
    return tl::unexpected(std::move(kek).error());
  }
  return std::make_shared<const IntegrityKey>(rows.installation.id, std::move(*kek));
}

Result<std::shared_ptr<const IntegrityKey>> Keyring::OpenIntegrityKey(const TrustRows& rows) {
  std::vector<std::string> unmatched;
  ROWSEAL_ASSIGN(const HeldRoots held, MatchAny(roots_, rows, unmatched));
  return OpenIntegrityKeyOf(rows, held);
}

Result<void> Keyring::Adopt(TrustRows rows, std::int64_t floor) {
  std::vector<std::shared_ptr<const RootProvider>> roots;
  {
    const std::lock_guard lock(mutex_);
    roots = roots_;
  }
  std::vector<std::string> unmatched;
  ROWSEAL_ASSIGN(HeldRoots matched, MatchAny(roots, rows, unmatched));
  auto set = std::make_shared<TrustSet>();
  ROWSEAL_ASSIGN(set->integrity, OpenIntegrityKeyOf(rows, matched));
  if (Result<void> verified = set->integrity->Verify(rows); !verified) {
    return tl::unexpected(
        NamingWrapping(std::move(verified).error(), *set->integrity, rows, matched));
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
  if (trust_ && trust_->rows.installation.id != set->rows.installation.id) {
    return Fail(
        ErrorCode::kIntegrity,
        "another store took the place of installation " + ToText(trust_->rows.installation.id),
        "restart after checking who put it there");
  }
  if (trust_ && epoch < trust_->rows.installation.epoch) {
    return {};  // another thread adopted a newer set meanwhile
  }
  std::erase_if(keks_, [&](const auto& held) { return set->FindKek(held.first) == nullptr; });
  // A DEK opened before its project had a root of its own is looked at again.
  for (auto held = deks_.begin(); held != deks_.end();) {
    const auto next = std::next(held);
    if (!IsOfItsScope(*set, held->record)) {
      dek_index_.erase(held->record.id);
      deks_.erase(held);
    }
    held = next;
  }
  held_ = std::move(matched);
  unmatched_ = std::move(unmatched);
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
  HeldRoots roots;
  {
    const std::lock_guard lock(mutex_);
    if (const auto held = keks_.find(id); held != keks_.end()) {
      return held->second;
    }
    trust = trust_;
    roots = held_;
  }
  AskNoRoot* const locked = AskNoRoot::Current();
  if (const Error* known = locked == nullptr ? nullptr : locked->AnswerOf(id)) {
    return tl::unexpected(*known);
  }
  Result<std::shared_ptr<const Kek>> kek = UnwrapWithAnyRoot(trust->rows, roots, id);
  if (!kek && locked != nullptr && locked->refused()) {
    locked->Need(id);
  }
  ROWSEAL_TRY(kek);
  const std::lock_guard lock(mutex_);
  if (trust_->FindKek(id) == nullptr) {
    return kek;  // it left the set meanwhile: it serves this call and is not held
  }
  return keks_.emplace(id, std::move(*kek)).first->second;
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
  if (!IsOfItsScope(*trust, record)) {
    return Fail(ErrorCode::kIntegrity,
                "DEK " + ToText(record.id) + " of project '" + Printable(record.project.text()) +
                    "' is under KEK " + ToText(record.kek) + " of scope '" +
                    Printable(trust->FindKek(record.kek)->scope) + "', which is not its project's",
                "an older row was put back, or one could not be rewrapped: rowseal kek rewrap");
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> kek, OpenKek(record.kek));
  ROWSEAL_ASSIGN(Dek opened, UnwrapDek(record, *kek, trust->rows.installation.id));
  auto dek = std::make_shared<const Dek>(std::move(opened));

  const std::lock_guard lock(mutex_);
  if (!IsOfItsScope(*trust_, record)) {
    return dek;  // the set has changed meanwhile: it serves this call and is not held
  }
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
  const auto found = held_.by_row.find(id);
  return found == held_.by_row.end() ? nullptr : found->second;
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
