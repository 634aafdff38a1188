#include "lifecycle/rotate_kek.h"

#include <algorithm>
#include <chrono>

#include "base/encoding.h"
#include "client/key_refusals.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"
#include "lifecycle/rewrap_deks.h"
#include "lifecycle/root_rows.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

// Wraps the new KEK for every root of its scope: one that is left out could not open it later.
Result<void> WrapForRoots(Session& session, KekRotation& rotation, const KekRecord& record) {
  for (const RootRecord& root : rotation.rows.roots) {
    if (root.scope != record.scope || root.state != KeyState::kActive) {
      continue;
    }
    ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> provider,
                   WrappingProvider(session, root));
    ROWSEAL_ASSIGN(
        WrappingRecord wrapping,
        WrapKek(*rotation.new_kek, record, rotation.rows.installation.id, root.id, *provider));
    rotation.rows.wrappings.push_back(std::move(wrapping));
  }
  return {};
}

// By the store's clock, so that no machine's own clock makes a rotation due or puts it off. A key
// from the future says that a clock was wrong once; nothing is due until somebody looks.
Result<bool> IsDue(TrustedRead& read) {
  Connection& connection = read.connection();
  ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicy(connection, Policy::kKekMaxAge));
  ROWSEAL_ASSIGN(const PolicyDuration interval,
                 ReadPolicy(connection, Policy::kRotationMinInterval));
  ROWSEAL_ASSIGN(const Timestamp now, read.Now());
  const KekRecord* active = read.trust().ActiveKek(kDefaultScope);
  if (active == nullptr || !max_age) {
    return false;
  }
  Timestamp newest = active->created_at;
  for (const KekRecord& kek : read.trust().rows.keks) {
    const bool of_scope = kek.purpose == KekPurpose::kWrap && kek.scope == kDefaultScope;
    newest = of_scope ? std::max(newest, kek.created_at) : newest;
  }
  if (newest > now) {
    read.observer().Log({LogLevel::kWarning,
                         "clock_behind_keys",
                         "a KEK was created in the future by the store's clock, so none is due;"
                         " set the clock right, or rotate by hand",
                         {{"kek", ToText(active->id)}}});
    return false;
  }
  return now - active->created_at >= *max_age && now - newest >= *interval;
}

Result<void> CheckScope(const TrustSet& trust, std::string_view scope) {
  const bool is_there = std::ranges::any_of(trust.rows.keks, [&](const KekRecord& kek) {
    return kek.scope == scope && kek.purpose == KekPurpose::kWrap;
  });
  if (!is_there) {
    return Fail(ErrorCode::kNotFound, "there is no KEK of scope '" + Printable(scope) + "'",
                "a project gets one with a root of its own: rowseal root add URI --scope PROJECT");
  }
  return {};
}

enum class Rotate : std::uint8_t { kAlways, kIfDue };

Result<std::optional<RotationReport>> RunRotation(Client& client, Rotate rotate,
                                                  std::string_view scope, const Access& access) {
  const auto start = std::chrono::steady_clock::now();
  const auto prepare = [&](const Snapshot& set) -> Result<KekRotation> {
    ROWSEAL_TRY(CheckScope(*set.trust, scope));
    const KekRecord* active = set.trust->ActiveKek(scope);
    if (active == nullptr) {
      return NoActiveKek(*set.trust, scope);
    }
    return PrepareRotation(set, set.trust->rows, *active, KeyState::kDeactivated);
  };
  const auto write = [&](Change& change,
                         const KekRotation& rotation) -> Result<std::optional<RotationReport>> {
    if (rotate == Rotate::kIfDue) {
      ROWSEAL_ASSIGN(const bool is_due, IsDue(change));  // another process may have been first
      if (!is_due) {
        change.NothingToDo();
        return std::nullopt;
      }
    }
    ROWSEAL_ASSIGN(RotationReport report, WriteRotationAndRewrap(change, rotation));
    ROWSEAL_TRY(change.Audit("kek.rotate", ToText(report.old_kek) + " " + ToText(report.new_kek)));
    return report;
  };
  ROWSEAL_ASSIGN(std::optional<RotationReport> report,
                 ChangeStoreAfter(client, access, prepare, write));
  if (report) {
    report->duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    ReportRotation(ObserverOf(client), *report);
  }
  return report;
}

}  // namespace

Result<KekRotation> PrepareRotation(const Snapshot& set, TrustRows rows, const KekRecord& old_kek,
                                    KeyState becomes) {
  const IntegrityKey& integrity = *set.trust->integrity;
  KekRotation rotation{std::move(rows), old_kek, nullptr};
  KekRecord record;
  record.id = KekId{rotation.rows.installation.next_kek_id++};
  record.scope = old_kek.scope;
  record.created_at = set.now;
  ROWSEAL_ASSIGN(Kek kek, NewKek(record));
  rotation.new_kek = std::make_shared<const Kek>(std::move(kek));
  ROWSEAL_TRY(WrapForRoots(set.session, rotation, record));
  ROWSEAL_ASSIGN(record.row_tag, integrity.Tag(record));
  for (KekRecord& kek_record : rotation.rows.keks) {
    if (kek_record.id == old_kek.id) {
      kek_record.state = becomes;
      kek_record.resumes_to.reset();
      ++kek_record.revision.value;
      ROWSEAL_ASSIGN(kek_record.row_tag, integrity.Tag(kek_record));
    }
  }
  rotation.rows.keks.push_back(record);
  // For what is rewrapped. Where it does not open, its DEKs are named.
  static_cast<void>(set.session.keyring().OpenKek(old_kek.id));
  return rotation;
}

Result<void> WriteRotation(Change& change, const KekRotation& rotation) {
  Connection& connection = change.connection();
  for (const KekRecord& kek : rotation.rows.keks) {
    if (kek.id == rotation.old_kek.id) {
      ROWSEAL_TRY(UpdateKekState(connection, kek, rotation.old_kek.revision));
      // Whoever was just wrapping a DEK with it is done when the row is ours: the rewrap misses
      // none.
      ROWSEAL_TRY(connection.Execute(
          Statement::Sql("SELECT id FROM rowseal.kek WHERE id = $1 FOR UPDATE", {kek.id.value})));
    }
  }
  ROWSEAL_TRY(InsertKek(connection, rotation.rows.keks.back()));
  for (const WrappingRecord& wrapping : rotation.rows.wrappings) {
    if (wrapping.kek == rotation.new_kek->id) {
      ROWSEAL_TRY(InsertWrapping(connection, wrapping));
    }
  }
  change.rows() = rotation.rows;
  return {};
}

Result<RotationReport> WriteRotationAndRewrap(Change& change, const KekRotation& rotation) {
  RotationReport report{rotation.old_kek.id, rotation.new_kek->id, 0, {}, {}, {}};
  change.observer().Log(
      {LogLevel::kInfo,
       "kek_rotation_started",
       "a new KEK is made and DEKs are rewrapped",
       {{"old_kek", ToText(report.old_kek)}, {"new_kek", ToText(report.new_kek)}}});
  ROWSEAL_TRY(WriteRotation(change, rotation));
  ROWSEAL_ASSIGN(const std::int64_t deks, CountDeks(change.connection()));
  if (deks > kRewrappedAtOnce) {
    ROWSEAL_ASSIGN(report.job, StartJobOfKind(change, kRewrapJob, rotation.old_kek.scope));
    return report;
  }
  DekRewrapper rewrapper(change.session(), rotation.new_kek, rotation.old_kek.scope);
  ROWSEAL_ASSIGN(const BatchOutcome outcome, RewrapAll(change.connection(), rewrapper));
  report.rewrapped = outcome.done;
  for (const JobFailure& failure : outcome.failures) {
    report.failures.push_back(failure.item + ": " + failure.message);
  }
  return report;
}

void ReportRotation(Observer& observer, const RotationReport& report) {
  observer.Count(Counter::kKekRotations);
  observer.Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(report.rewrapped));
  observer.Record(Timer::kKekRotation, report.duration);
  observer.Log({report.failures.empty() ? LogLevel::kInfo : LogLevel::kError,
                "kek_rotated",
                "the new KEK is active",
                {{"old_kek", ToText(report.old_kek)},
                 {"new_kek", ToText(report.new_kek)},
                 {"rewrapped", std::to_string(report.rewrapped)},
                 {"failed", std::to_string(report.failures.size())}}});
}

Result<std::int64_t> CountDeks(Connection& connection) {
  return OneNumber(connection, "SELECT count(*) FROM rowseal.dek");
}

Result<RotationReport> RotateKek(Client& client, const Access& access, std::string_view scope) {
  Result<std::optional<RotationReport>> report =
      RunRotation(client, Rotate::kAlways, scope, access);
  if (!report) {
    return tl::unexpected(std::move(report).error());
  }
  return report->value();
}

Result<std::optional<RotationReport>> RotateKekIfDue(Client& client, const Access& access) {
  // Most calls find that none is due, and ask no root for it.
  ROWSEAL_ASSIGN(const bool is_due, ReadTrusted(client, [](TrustedRead& read) -> Result<bool> {
                   ROWSEAL_TRY(read.session().CheckNotRolledBack());
                   return IsDue(read);
                 }));
  return is_due ? RunRotation(client, Rotate::kIfDue, kDefaultScope, access)
                : std::optional<RotationReport>();
}

Result<JobId> StartRewrap(Client& client, const Access& access, std::string_view scope) {
  return ChangeStore(client, access, [&](Change& change) -> Result<JobId> {
    ROWSEAL_TRY(CheckScope(change.trust(), scope));
    ROWSEAL_ASSIGN(const JobId job, StartJobOfKind(change, kRewrapJob, std::string(scope)));
    ROWSEAL_TRY(change.Audit("kek.rewrap", ToText(job)));
    return job;
  });
}

}  // namespace rowseal
