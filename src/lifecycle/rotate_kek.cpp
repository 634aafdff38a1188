#include "lifecycle/rotate_kek.h"

#include <algorithm>
#include <chrono>

#include "base/encoding.h"
#include "client/audit.h"
#include "client/key_refusals.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/policies.h"
#include "lifecycle/rewrap_deks.h"
#include "lifecycle/root_rows.h"
#include "store/store_clock.h"

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
Result<bool> IsDue(Connection& connection, Session& session) {
  ROWSEAL_ASSIGN(const PolicyDuration max_age, ReadPolicy(connection, Policy::kKekMaxAge));
  ROWSEAL_ASSIGN(const PolicyDuration interval,
                 ReadPolicy(connection, Policy::kRotationMinInterval));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  const KekRecord* active = trust->ActiveKek(kDefaultScope);
  if (active == nullptr || !max_age) {
    return false;
  }
  Timestamp newest = active->created_at;
  for (const KekRecord& kek : trust->rows.keks) {
    const bool of_scope = kek.purpose == KekPurpose::kWrap && kek.scope == kDefaultScope;
    newest = of_scope ? std::max(newest, kek.created_at) : newest;
  }
  if (newest > now) {
    session.observer().Log({LogLevel::kWarning,
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
  Session& session = client.session();
  Connection& connection = client.connection();
  const auto lock = client.Lock();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  if (rotate == Rotate::kIfDue) {
    ROWSEAL_ASSIGN(const bool is_due, IsDue(connection, session));
    if (!is_due) {
      return std::nullopt;
    }
  }
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_TRY(CheckScope(*trust, scope));
  const KekRecord* active = trust->ActiveKek(scope);
  if (active == nullptr) {
    return NoActiveKek(*trust, scope);
  }
  ROWSEAL_ASSIGN(const KekRotation rotation,
                 PrepareRotation(session, trust->rows, *active, KeyState::kDeactivated, now));
  ROWSEAL_ASSIGN(RotationReport report, WriteRotationAndRewrap(connection, session, rotation, now));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "kek.rotate",
                         ToText(report.old_kek) + " " + ToText(report.new_kek)));
  ROWSEAL_TRY(transaction.Commit());
  // Only what is committed is switched to in memory, and what is committed is not a failure any
  // more: where the new set is not taken here, the next operation that meets it loads it.
  session.AdoptCommitted(rotation.rows);
  report.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  ReportRotation(session.observer(), report);
  return report;
}

}  // namespace

Result<KekRotation> PrepareRotation(Session& session, TrustRows rows, const KekRecord& old_kek,
                                    KeyState becomes, Timestamp now) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  KekRotation rotation{std::move(rows), old_kek, nullptr};
  InstallationRecord& installation = rotation.rows.installation;
  KekRecord record;
  record.id = KekId{installation.next_kek_id};
  record.scope = old_kek.scope;
  record.created_at = now;
  ROWSEAL_ASSIGN(Kek kek, NewKek(record));
  rotation.new_kek = std::make_shared<const Kek>(std::move(kek));
  ROWSEAL_TRY(WrapForRoots(session, rotation, record));
  ROWSEAL_ASSIGN(record.row_tag, trust->integrity->Tag(record));
  for (KekRecord& kek_record : rotation.rows.keks) {
    if (kek_record.id == old_kek.id) {
      kek_record.state = becomes;
      kek_record.resumes_to.reset();
      ++kek_record.revision.value;
      ROWSEAL_ASSIGN(kek_record.row_tag, trust->integrity->Tag(kek_record));
    }
  }
  rotation.rows.keks.push_back(record);
  ++installation.epoch;
  ++installation.next_kek_id;
  ROWSEAL_ASSIGN(installation.trust_tag, trust->integrity->TrustTag(rotation.rows));
  return rotation;
}

Result<void> WriteRotation(Connection& connection, const KekRotation& rotation) {
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
  return UpdateInstallation(connection, rotation.rows.installation);
}

Result<RotationReport> WriteRotationAndRewrap(Connection& connection, Session& session,
                                              const KekRotation& rotation, Timestamp now) {
  RotationReport report{rotation.old_kek.id, rotation.new_kek->id, 0, {}, {}, {}};
  session.observer().Log(
      {LogLevel::kInfo,
       "kek_rotation_started",
       "a new KEK is made and DEKs are rewrapped",
       {{"old_kek", ToText(report.old_kek)}, {"new_kek", ToText(report.new_kek)}}});
  ROWSEAL_TRY(WriteRotation(connection, rotation));
  ROWSEAL_ASSIGN(const std::int64_t deks, CountDeks(connection));
  if (deks > kRewrappedAtOnce) {
    ROWSEAL_ASSIGN(report.job, StartJobOfKind(connection, session, kRewrapJob,
                                              rotation.old_kek.scope, {}, now));
    return report;
  }
  DekRewrapper rewrapper(session, rotation.new_kek, rotation.old_kek.scope);
  ROWSEAL_ASSIGN(const BatchOutcome outcome, RewrapAll(connection, rewrapper));
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
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql("SELECT count(*) FROM rowseal.dek")));
  RowReader reader(answer.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
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
  return RunRotation(client, Rotate::kIfDue, kDefaultScope, access);
}

Result<JobId> StartRewrap(Client& client, const Access& access, std::string_view scope) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_TRY(CheckScope(*session.keyring().trust(), scope));
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  ROWSEAL_ASSIGN(const JobId job,
                 StartJobOfKind(connection, session, kRewrapJob, std::string(scope), {}, now));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "kek.rewrap", ToText(job)));
  ROWSEAL_TRY(transaction.Commit());
  return job;
}

}  // namespace rowseal
