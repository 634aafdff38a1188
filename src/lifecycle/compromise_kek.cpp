#include "lifecycle/compromise_kek.h"

#include <algorithm>

#include "client/audit.h"
#include "client/columns.h"
#include "client/key_refusals.h"
#include "jobs/job_table.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/kek_change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/rotate_dek.h"
#include "lifecycle/rotate_kek.h"
#include "store/key_order.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

Result<std::int64_t> Count(Connection& connection, std::string_view sql,
                           std::vector<Param> params) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql, std::move(params))));
  RowReader reader(answer.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
}

Result<std::int64_t> CountUnder(Connection& connection, KekId kek) {
  return Count(connection, "SELECT count(*) FROM rowseal.dek WHERE kek_id = $1", {kek.value});
}

// The projects whose secrets a KEK of this scope protects or protected: those with a DEK under a
// KEK of the scope, whichever.
constexpr std::string_view kExposedSecrets =
    " FROM rowseal.secret s JOIN rowseal.secret_version v ON v.project_id = s.project_id"
    "  AND v.secret_id = s.id AND v.version = s.next_version - 1"
    " WHERE v.created_at < $1 AND EXISTS (SELECT 1 FROM rowseal.dek d JOIN rowseal.kek k"
    "  ON k.id = d.kek_id WHERE d.project_id = s.project_id AND k.scope = $2)";

// Where somebody emptied or moved the note, the KEK counts as compromised from now: that names too
// many secrets, not too few.
Result<void> NoteCompromised(Connection& connection, KekId kek) {
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  ROWSEAL_TRY(
      connection.Execute(Statement::Sql("UPDATE rowseal.kek SET compromised_at = $2 WHERE id = $1"
                                        " AND (compromised_at IS NULL OR compromised_at > $2)",
                                        {kek.value, now.time_since_epoch().count()})));
  return {};
}

// Fresh DEKs for whatever the KEK may have wrapped. Which DEKs those were no tag says, so it is
// every one of the scope; of scope default, every project's.
Result<std::vector<JobId>> StartFreshDeks(Connection& connection, Session& session,
                                          const KekRecord& kek, Timestamp before,
                                          const Access& access, const Kek* under = nullptr) {
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  if (kek.scope == kDefaultScope) {
    ROWSEAL_ASSIGN(const JobId job, StartDekRotation(connection, session, before, now));
    return std::vector<JobId>{job};
  }
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(kek.scope));
  ROWSEAL_TRY(RotateProjectDeks(connection, session, project,
                                before == kWithoutLimit ? std::nullopt : std::optional(before),
                                access, under));
  ROWSEAL_ASSIGN(const JobId reseal,
                 StartJobOfKind(connection, session, kResealJob, project.text(), {}, now));
  ROWSEAL_ASSIGN(std::vector<JobId> jobs, StartColumnJobs(connection, session, now));
  jobs.insert(jobs.begin(), reseal);
  return jobs;
}

bool BelongsToCompromise(const JobRecord& job, KekId kek) {
  return job.kind == kRotateDeksJob || job.kind == kResealJob || job.kind == kResealColumnJob ||
         job.kind == kRewrapJob || (job.kind == kCompromisedJob && job.object == ToText(kek));
}

Result<std::vector<JobRecord>> UnfinishedJobs(Connection& connection, KekId kek) {
  ROWSEAL_ASSIGN(std::vector<JobRecord> jobs, ReadJobs(connection, JobFilter::kUnfinished));
  std::erase_if(jobs, [&](const JobRecord& job) { return !BelongsToCompromise(job, kek); });
  return jobs;
}

bool HasKind(const std::vector<JobRecord>& jobs, std::string_view kind) {
  return std::ranges::any_of(jobs, [&](const JobRecord& job) { return job.kind == kind; });
}

// What a call before this one left: unfinished jobs go on where they are, and what a job that
// somebody cancelled or deleted left undone is begun again.
Result<std::vector<JobId>> StartWhatIsLeft(Connection& connection, Session& session,
                                           const KekRecord& kek, const Access& access) {
  ROWSEAL_ASSIGN(const std::vector<JobRecord> unfinished, UnfinishedJobs(connection, kek.id));
  std::vector<JobId> jobs;
  for (const JobRecord& job : unfinished) {
    jobs.push_back(job.id);
  }
  ROWSEAL_ASSIGN(const std::optional<Timestamp> at,
                 ReadKekTime(connection, kek.id, KekTime::kCompromisedAt));
  const Timestamp before = at.value_or(kWithoutLimit);
  constexpr std::string_view kOfScope =
      "SELECT count(*) FROM rowseal.dek d JOIN rowseal.kek k ON k.id = d.kek_id"
      " WHERE k.scope = $1 AND d.created_at < $2 AND d.purpose IN ('secret', 'value')";
  const std::vector<Param> params = {kek.scope, before.time_since_epoch().count()};
  ROWSEAL_ASSIGN(const std::int64_t active,
                 Count(connection, std::string(kOfScope) + " AND d.state = 'active'", params));
  ROWSEAL_ASSIGN(
      const std::int64_t undrained,
      Count(connection, std::string(kOfScope) + " AND d.state <> 'active' AND d.drained_at IS NULL",
            params));
  if (HasKind(unfinished, kRotateDeksJob)) {
    return jobs;  // in its end it starts the rest
  }
  if (active > 0) {
    ROWSEAL_ASSIGN(const std::vector<JobId> fresh,
                   StartFreshDeks(connection, session, kek, before, access));
    jobs.insert(jobs.end(), fresh.begin(), fresh.end());
    return jobs;
  }
  ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection));
  if (undrained > 0 && !HasKind(unfinished, kResealJob)) {
    ROWSEAL_ASSIGN(const JobId job, StartJobOfKind(connection, session, kResealJob, {}, {}, now));
    jobs.push_back(job);
  }
  if (undrained > 0 && !HasKind(unfinished, kResealColumnJob)) {
    ROWSEAL_ASSIGN(const std::vector<JobId> columns, StartColumnJobs(connection, session, now));
    jobs.insert(jobs.end(), columns.begin(), columns.end());
  }
  return jobs;
}

Result<void> SortColumns(Connection& connection, Session& session,
                         std::vector<std::string>* with_source,
                         std::vector<std::string>& without_source) {
  ROWSEAL_ASSIGN(const std::vector<ColumnRecord> columns, ReadColumns(connection, session));
  for (const ColumnRecord& column : columns) {
    if (!column.source) {
      without_source.push_back(column.label.text());
    } else if (with_source != nullptr) {
      with_source->push_back(column.label.text());
    }
  }
  return {};
}

bool IsInActiveUse(const KekRecord& kek) {
  return kek.state == KeyState::kActive ||
         (kek.state == KeyState::kSuspended && kek.resumes_to == KeyState::kActive);
}

// One call, in its open transaction.
class Declaration final {
 public:
  Declaration(Client& client, KekId kek, std::int64_t rewrapped_at_once, Access access)
      : session_(client.session()),
        connection_(client.connection()),
        access_(std::move(access)),
        rewrapped_at_once_(rewrapped_at_once),
        report_{kek, {}, 0, {}, {}, {}} {}

  Result<KekCompromise> Run() {
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(connection_, TransactionKind::kExclusive));
    ROWSEAL_TRY(session_.LoadTrust(connection_));
    trust_ = session_.keyring().trust();
    ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(trust_->rows, report_.kek));
    kek_ = *kek;
    ROWSEAL_ASSIGN(const std::int64_t deks, CountDeks(connection_));
    ROWSEAL_TRY(deks <= rewrapped_at_once_ ? AtOnce() : ByJob());
    ROWSEAL_TRY(SortColumns(connection_, session_, nullptr, report_.columns_without_source));
    ROWSEAL_TRY(WriteAudit(
        connection_, session_, kSystemProject, access_, "kek.compromised",
        ToText(kek_.id) + (report_.new_kek ? " " + ToText(*report_.new_kek) : std::string())));
    ROWSEAL_TRY(transaction.Commit());
    Adopt();
    return std::move(report_);
  }

 private:
  Result<void> AtOnce() {
    ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> target, MakeTarget(KeyState::kCompromised));
    DekRewrapper rewrapper(session_, target, kek_.scope, kek_.id);
    ROWSEAL_ASSIGN(const BatchOutcome outcome, RewrapAll(connection_, rewrapper));
    report_.rewrapped = outcome.done;
    for (const JobFailure& failure : outcome.failures) {
      report_.failures.push_back(failure.item + ": " + failure.message);
    }
    if (kek_.state == KeyState::kCompromised) {
      ROWSEAL_TRY(NoteCompromised(connection_, kek_.id));
      ROWSEAL_ASSIGN(report_.jobs, StartWhatIsLeft(connection_, session_, kek_, access_));
      return {};
    }
    if (!rotation_) {
      change_.emplace(session_);
      ROWSEAL_TRY(change_->Move(kek_.id, KeyState::kCompromised));
      ROWSEAL_TRY(change_->Write(connection_));
    }
    ROWSEAL_TRY(NoteCompromised(connection_, kek_.id));
    ROWSEAL_ASSIGN(report_.jobs, StartFreshDeks(connection_, session_, kek_, kWithoutLimit, access_,
                                                target.get()));
    return {};
  }

  Result<void> ByJob() {
    if (kek_.state == KeyState::kCompromised) {
      ROWSEAL_ASSIGN(report_.jobs, StartWhatIsLeft(connection_, session_, kek_, access_));
      ROWSEAL_ASSIGN(const std::int64_t under, CountUnder(connection_, kek_.id));
      ROWSEAL_ASSIGN(const std::vector<JobRecord> unfinished, UnfinishedJobs(connection_, kek_.id));
      if (under == 0 || HasKind(unfinished, kCompromisedJob)) {
        return {};
      }
    } else {
      ROWSEAL_TRY(MakeTarget(KeyState::kDeactivated));
    }
    ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection_));
    ROWSEAL_ASSIGN(const JobId job, StartJobOfKind(connection_, session_, kCompromisedJob,
                                                   ToText(kek_.id), {}, now));
    report_.jobs.insert(report_.jobs.begin(), job);
    return {};
  }

  // The KEK under which the DEKs are to stand: the active one, which is made where the compromised
  // one was it.
  Result<std::shared_ptr<const Kek>> MakeTarget(KeyState becomes) {
    if (!IsInActiveUse(kek_)) {
      const KekRecord* active = trust_->ActiveKek(kek_.scope);
      if (active == nullptr) {
        return NoActiveKek(*trust_, kek_.scope);
      }
      return session_.keyring().OpenKek(active->id);
    }
    ROWSEAL_ASSIGN(const Timestamp now, StoreClock(connection_));
    ROWSEAL_ASSIGN(rotation_, PrepareRotation(session_, trust_->rows, kek_, becomes, now));
    ROWSEAL_TRY(WriteRotation(connection_, *rotation_));
    report_.new_kek = rotation_->new_kek->id;
    return rotation_->new_kek;
  }

  void Adopt() {
    if (rotation_) {
      session_.AdoptCommitted(rotation_->rows);
    }
    if (change_) {
      change_->Adopt();
    }
  }

  Session& session_;
  Connection& connection_;
  const Access access_;
  const std::int64_t rewrapped_at_once_;
  KekCompromise report_;
  std::shared_ptr<const TrustSet> trust_;
  KekRecord kek_;  // as it was
  std::optional<KekRotation> rotation_;
  std::optional<KekChange> change_;
};

}  // namespace

Result<const KekRecord*> CompromisedKekBody::Target() const {
  const std::shared_ptr<const TrustSet> trust = session_.keyring().trust();
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(trust->rows, kek_));
  const KekRecord* active = trust->ActiveKek(kek->scope);
  if (active == nullptr) {
    return NoActiveKek(*trust, kek->scope);
  }
  if (active->id == kek_) {
    return Fail(
        ErrorCode::kRefusedByState,
        "KEK " + ToText(kek_) +
            " is active: nobody declared it"
            " compromised, although a job says so",
        "cancel the job (rowseal jobs cancel), or: rowseal kek compromised " + ToText(kek_));
  }
  return active;
}

Result<std::int64_t> CompromisedKekBody::Count(Connection& connection) {
  return CountUnder(connection, kek_);
}

Result<void> CompromisedKekBody::Read(Connection& connection, const std::string& position,
                                      const BatchLimit& limit) {
  ROWSEAL_TRY(session_.LoadTrust(connection));
  ROWSEAL_ASSIGN(const KekRecord* target, Target());
  if (!rewrapper_ || rewrapper_->kek() != target->id) {
    ROWSEAL_ASSIGN(std::shared_ptr<const Kek> kek, session_.keyring().OpenKek(target->id));
    rewrapper_.emplace(session_, std::move(kek), target->scope, kek_);
  }
  return rewrapper_->Read(connection, position, limit.items);
}

Result<BatchOutcome> CompromisedKekBody::Write(Connection& connection) {
  ROWSEAL_ASSIGN(BatchOutcome outcome, rewrapper_->Write(connection));
  session_.observer().Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(outcome.done));
  session_.observer().Count(Counter::kItemsQuarantined, outcome.failures.size());
  if (!outcome.last) {
    return outcome;
  }
  ROWSEAL_TRY(session_.LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = session_.keyring().trust();
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(trust->rows, kek_));
  if (kek->state == KeyState::kCompromised) {
    return outcome;  // another run of the job, for DEKs that had failed: fresh ones are made once
  }
  KekChange change(session_);
  ROWSEAL_TRY(change.Move(kek_, KeyState::kCompromised));
  ROWSEAL_TRY(change.Write(connection));
  ROWSEAL_TRY(NoteCompromised(connection, kek_));
  ROWSEAL_ASSIGN(started_, StartFreshDeks(connection, session_, *kek, kWithoutLimit, access_));
  return outcome;
}

Result<KekCompromise> CompromiseKek(Client& client, KekId kek, std::int64_t rewrapped_at_once,
                                    const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  ROWSEAL_ASSIGN(Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(KekCompromise report,
                 Declaration(client, kek, rewrapped_at_once, std::move(complete)).Run());
  session.observer().Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(report.rewrapped));
  session.observer().Count(Counter::kKekRotations, report.new_kek ? 1 : 0);
  session.observer().Log({LogLevel::kWarning,
                          "kek_compromised",
                          "a KEK was declared compromised",
                          {{"kek", ToText(kek)},
                           {"rewrapped", std::to_string(report.rewrapped)},
                           {"failed", std::to_string(report.failures.size())}}});
  return report;
}

Result<KekCompromise> DeclareCompromised(Client& client, KekId kek, const Access& access) {
  return CompromiseKek(client, kek, kRewrappedAtOnce, access);
}

Result<CompromisePlan> PlanCompromise(Client& client, KekId kek) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(session.LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(trust->rows, kek));
  CompromisePlan plan;
  plan.kek = kek;
  plan.state = record->state;
  plan.rotates = IsInActiveUse(*record);
  if (!plan.rotates && trust->ActiveKek(record->scope) == nullptr) {
    return NoActiveKek(*trust, record->scope);
  }
  ROWSEAL_ASSIGN(const std::optional<Timestamp> at,
                 ReadKekTime(connection, kek, KekTime::kCompromisedAt));
  const Timestamp before = at.value_or(kWithoutLimit);
  ROWSEAL_ASSIGN(plan.deks, CountUnder(connection, kek));
  ROWSEAL_ASSIGN(plan.secrets, Count(connection, "SELECT count(*)" + std::string(kExposedSecrets),
                                     {before.time_since_epoch().count(), record->scope}));
  ROWSEAL_TRY(SortColumns(connection, session, &plan.columns, plan.columns_without_source));
  return plan;
}

Result<ExposedPage> ListExposedSecrets(Client& client, KekId kek, std::string_view after_project,
                                       std::string_view after_name, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(session.LoadTrust(connection));
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(trust->rows, kek));
  ROWSEAL_ASSIGN(const std::optional<Timestamp> at,
                 ReadKekTime(connection, kek, KekTime::kCompromisedAt));
  if (record->state != KeyState::kCompromised || !at) {
    return Fail(ErrorCode::kRefusedByState,
                "KEK " + ToText(kek) + " is " + std::string(ToText(record->state)),
                "only a compromised one exposes secrets: rowseal kek compromised " + ToText(kek));
  }
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT s.project_id, s.name" + std::string(kExposedSecrets) +
                                      " AND (s.project_id, s.name) > ($3, $4)"
                                      " ORDER BY s.project_id, s.name LIMIT $5",
                                  {at->time_since_epoch().count(), record->scope,
                                   std::string(after_project), std::string(after_name), limit})));
  ExposedPage page{*at, {}};
  for (const Row& row : answer.rows) {
    page.secrets.push_back({TextAt(row, 0), TextAt(row, 1)});
  }
  return page;
}

}  // namespace rowseal
