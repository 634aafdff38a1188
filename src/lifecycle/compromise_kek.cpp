#include "lifecycle/compromise_kek.h"

#include <algorithm>

#include "client/columns.h"
#include "client/key_refusals.h"
#include "jobs/job_table.h"
#include "lifecycle/floors.h"
#include "lifecycle/job_kinds.h"
#include "lifecycle/kek_change.h"
#include "lifecycle/kek_notes.h"
#include "lifecycle/rotate_dek.h"
#include "lifecycle/rotate_kek.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

Result<std::int64_t> CountUnder(Connection& connection, KekId kek) {
  return OneNumber(connection, "SELECT count(*) FROM rowseal.dek WHERE kek_id = $1", {kek.value});
}

// The projects whose secrets a KEK of this scope protects or protected: those with a DEK under a
// KEK of the scope, whichever.
constexpr const char* kFromExposed =
    " FROM rowseal.secret s JOIN rowseal.secret_version v ON v.project_id = s.project_id"
    "  AND v.secret_id = s.id AND v.version = CASE WHEN s.next_version > 1"
    "  THEN s.next_version - 1 END";
#define ROWSEAL_IS_EXPOSED(before, scope)                       \
  "v.created_at < " before                                      \
  " AND EXISTS (SELECT 1 FROM rowseal.dek d JOIN rowseal.kek k" \
  " ON k.id = d.kek_id WHERE d.project_id = s.project_id AND k.scope = " scope ")"

std::string NameOfSecret(const Row& row) {
  return "secret '" + ShownCell(row, 1) + "' of project '" + ShownCell(row, 0) + "'";
}

Result<ExposedSecret> ReadExposed(Row& row) {
  ListedRow reader(row);
  ExposedSecret secret{reader.Take<ProjectId>("project_id").text(),
                       reader.Take<SecretName>("name").text()};
  ROWSEAL_TRY(reader.status());
  return secret;
}

// Where somebody emptied or moved the note, the KEK counts as compromised from now: that names too
// many secrets, not too few.
Result<void> NoteCompromised(Change& change, KekId kek) {
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_TRY(change.connection().Execute(
      Statement::Sql("UPDATE rowseal.kek SET compromised_at = $2 WHERE id = $1"
                     " AND (compromised_at IS NULL OR compromised_at > $2)",
                     {kek.value, ToMicros(now)})));
  return {};
}

// Fresh DEKs for whatever the KEK may have wrapped. Which DEKs those were no tag says, so it is
// every one of the scope; of scope default, every project's.
Result<std::vector<JobId>> StartFreshDeks(Change& change, const KekRecord& kek, Timestamp before,
                                          const Kek* under = nullptr) {
  if (kek.scope == kDefaultScope) {
    ROWSEAL_ASSIGN(const JobId job, StartDekRotation(change, before));
    return std::vector<JobId>{job};
  }
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(kek.scope));
  ROWSEAL_TRY(RotateProjectDeks(
      change, project, before == kWithoutLimit ? std::nullopt : std::optional(before), under));
  ROWSEAL_ASSIGN(const JobId reseal, StartJobOfKind(change, kResealJob, project.text()));
  ROWSEAL_ASSIGN(std::vector<JobId> jobs, StartColumnJobs(change));
  jobs.insert(jobs.begin(), reseal);
  return jobs;
}

bool BelongsToCompromise(const JobRecord& job, KekId kek) {
  return job.kind == kRotateDeksJob || job.kind == kResealJob || job.kind == kResealColumnJob ||
         job.kind == kRewrapJob || (job.kind == kCompromisedJob && job.object == ToText(kek));
}

Result<std::vector<JobRecord>> UnfinishedJobs(Connection& connection, KekId kek) {
  // Nothing can run those that cannot be read: what they would have done is begun again.
  ROWSEAL_ASSIGN(Listing<JobRecord> read, ReadJobs(connection, JobFilter::kUnfinished));
  std::vector<JobRecord> jobs = std::move(read).TakeReadable();
  std::erase_if(jobs, [&](const JobRecord& job) { return !BelongsToCompromise(job, kek); });
  return jobs;
}

bool HasKind(const std::vector<JobRecord>& jobs, std::string_view kind) {
  return std::ranges::any_of(jobs, [&](const JobRecord& job) { return job.kind == kind; });
}

// What a call before this one left: unfinished jobs go on where they are, and what a job that
// somebody cancelled or deleted left undone is begun again.
Result<std::vector<JobId>> StartWhatIsLeft(Change& change, const KekRecord& kek) {
  Connection& connection = change.connection();
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
  const std::vector<Param> params = {kek.scope, ToMicros(before)};
  ROWSEAL_ASSIGN(const std::int64_t active,
                 OneNumber(connection, std::string(kOfScope) + " AND d.state = 'active'", params));
  ROWSEAL_ASSIGN(
      const std::int64_t undrained,
      OneNumber(connection,
                std::string(kOfScope) + " AND d.state <> 'active' AND d.drained_at IS NULL",
                params));
  if (HasKind(unfinished, kRotateDeksJob)) {
    return jobs;  // in its end it starts the rest
  }
  if (active > 0) {
    ROWSEAL_ASSIGN(const std::vector<JobId> fresh, StartFreshDeks(change, kek, before));
    jobs.insert(jobs.end(), fresh.begin(), fresh.end());
    return jobs;
  }
  if (undrained > 0 && !HasKind(unfinished, kResealJob)) {
    ROWSEAL_ASSIGN(jobs.emplace_back(), StartJobOfKind(change, kResealJob, {}));
  }
  if (undrained > 0 && !HasKind(unfinished, kResealColumnJob)) {
    ROWSEAL_ASSIGN(const std::vector<JobId> columns, StartColumnJobs(change));
    jobs.insert(jobs.end(), columns.begin(), columns.end());
  }
  return jobs;
}

Result<void> SortColumns(const TrustedRead& read, std::vector<std::string>* with_source,
                         std::vector<std::string>& without_source) {
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
  AppendUnread(columns.unreadable, without_source);
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

// What a declaration needs of roots. There is no rotation where the KEK is not in active use: then
// its DEKs go under the one that is.
struct Declaration {
  KekRecord kek;  // as it was
  std::optional<KekRotation> rotation;
  std::shared_ptr<const Kek> target;  // under which the DEKs are to stand
};

enum class Declare : std::uint8_t { kAtOnce, kByJob };

Result<Declaration> PrepareDeclaration(const Snapshot& set, KekId id, Declare how) {
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(set.trust->rows, id));
  Declaration declaration{*kek, {}, nullptr};
  if (how == Declare::kByJob && kek->state == KeyState::kCompromised) {
    return declaration;  // the job finds its target itself
  }
  if (IsInActiveUse(*kek)) {
    const KeyState becomes =
        how == Declare::kAtOnce ? KeyState::kCompromised : KeyState::kDeactivated;
    ROWSEAL_ASSIGN(declaration.rotation, PrepareRotation(set, set.trust->rows, *kek, becomes));
    declaration.target = declaration.rotation->new_kek;
    return declaration;
  }
  const KekRecord* active = set.trust->ActiveKek(kek->scope);
  if (active == nullptr) {
    return NoActiveKek(*set.trust, kek->scope);
  }
  ROWSEAL_ASSIGN(declaration.target, set.session.keyring().OpenKek(active->id));
  static_cast<void>(set.session.keyring().OpenKek(id));  // what fails is named where its DEKs are
  return declaration;
}

Result<void> DeclareAtOnce(Change& change, const Declaration& declaration, KekCompromise& report) {
  const KekRecord& kek = declaration.kek;
  if (declaration.rotation) {
    ROWSEAL_TRY(WriteRotation(change, *declaration.rotation));
    report.new_kek = declaration.target->id;
  }
  DekRewrapper rewrapper(change.session(), declaration.target, kek.scope, kek.id);
  ROWSEAL_ASSIGN(const BatchOutcome outcome, RewrapAll(change.connection(), rewrapper));
  report.rewrapped = outcome.done;
  for (const JobFailure& failure : outcome.failures) {
    report.failures.push_back(failure.item + ": " + failure.message);
  }
  if (kek.state == KeyState::kCompromised) {
    ROWSEAL_TRY(NoteCompromised(change, kek.id));
    ROWSEAL_ASSIGN(report.jobs, StartWhatIsLeft(change, kek));
    return {};
  }
  if (!declaration.rotation) {
    ROWSEAL_TRY(MoveKek(change, kek.id, KeyState::kCompromised));
  }
  ROWSEAL_TRY(RaiseSealFloor(change, kek.scope));
  ROWSEAL_TRY(NoteCompromised(change, kek.id));
  ROWSEAL_ASSIGN(report.jobs, StartFreshDeks(change, kek, kWithoutLimit, declaration.target.get()));
  return {};
}

Result<void> DeclareByJob(Change& change, const Declaration& declaration, KekCompromise& report) {
  const KekRecord& kek = declaration.kek;
  if (kek.state == KeyState::kCompromised) {
    ROWSEAL_ASSIGN(report.jobs, StartWhatIsLeft(change, kek));
    ROWSEAL_ASSIGN(const std::int64_t under, CountUnder(change.connection(), kek.id));
    ROWSEAL_ASSIGN(const std::vector<JobRecord> unfinished,
                   UnfinishedJobs(change.connection(), kek.id));
    if (under == 0 || HasKind(unfinished, kCompromisedJob)) {
      return {};
    }
  } else if (declaration.rotation) {
    ROWSEAL_TRY(WriteRotation(change, *declaration.rotation));
    report.new_kek = declaration.target->id;
  }
  // From the declaration on, although the KEK itself is marked when its DEKs stand under another.
  if (kek.state != KeyState::kCompromised) {
    ROWSEAL_TRY(RaiseSealFloor(change, kek.scope));
  }
  ROWSEAL_ASSIGN(const JobId job, StartJobOfKind(change, kCompromisedJob, ToText(kek.id)));
  report.jobs.insert(report.jobs.begin(), job);
  return {};
}

}  // namespace

Result<const KekRecord*> CompromisedKekBody::Target(const TrustSet& trust) const {
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(trust.rows, kek_));
  const KekRecord* active = trust.ActiveKek(kek->scope);
  if (active == nullptr) {
    return NoActiveKek(trust, kek->scope);
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

Result<std::int64_t> CompromisedKekBody::Count(TrustedRead& read) {
  return CountUnder(read.connection(), kek_);
}

Result<void> CompromisedKekBody::Read(TrustedRead& read, const std::string& position,
                                      const BatchLimit& limit) {
  ROWSEAL_TRY(session_.CheckNotRolledBack());
  ROWSEAL_ASSIGN(const KekRecord* target, Target(read.trust()));
  if (!rewrapper_ || rewrapper_->kek() != target->id) {
    ROWSEAL_ASSIGN(std::shared_ptr<const Kek> kek, session_.keyring().OpenKek(target->id));
    rewrapper_.emplace(session_, std::move(kek), target->scope, kek_);
  }
  return rewrapper_->Read(read.connection(), position, limit.items);
}

Result<BatchOutcome> CompromisedKekBody::Write(Change& change) {
  ROWSEAL_ASSIGN(BatchOutcome outcome, rewrapper_->Write(change.connection()));
  session_.observer().Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(outcome.done));
  session_.observer().Count(Counter::kItemsQuarantined, outcome.failures.size());
  if (!outcome.last) {
    return outcome;
  }
  ROWSEAL_ASSIGN(const KekRecord* kek, FindWrapKek(change.trust().rows, kek_));
  if (kek->state == KeyState::kCompromised) {
    return outcome;  // another run of the job, for DEKs that had failed: fresh ones are made once
  }
  ROWSEAL_TRY(MoveKek(change, kek_, KeyState::kCompromised));
  ROWSEAL_TRY(NoteCompromised(change, kek_));
  ROWSEAL_ASSIGN(started_, StartFreshDeks(change, *kek, kWithoutLimit));
  return outcome;
}

Result<KekCompromise> CompromiseKek(Client& client, KekId kek, std::int64_t rewrapped_at_once,
                                    const Access& access) {
  ROWSEAL_ASSIGN(const std::int64_t deks,
                 ReadStore(client, [](StoreRead& store) { return CountDeks(store.connection()); }));
  // How many there are decides how it is done; a few more or less meanwhile do not matter.
  const Declare how = deks <= rewrapped_at_once ? Declare::kAtOnce : Declare::kByJob;
  const auto prepare = [&](const Snapshot& set) { return PrepareDeclaration(set, kek, how); };
  const auto write = [&](Change& change, const Declaration& declaration) -> Result<KekCompromise> {
    KekCompromise report{kek, {}, 0, {}, {}, {}};
    ROWSEAL_TRY(how == Declare::kAtOnce ? DeclareAtOnce(change, declaration, report)
                                        : DeclareByJob(change, declaration, report));
    ROWSEAL_TRY(SortColumns(change, nullptr, report.columns_without_source));
    ROWSEAL_TRY(change.Audit(
        "kek.compromised",
        ToText(kek) + (report.new_kek ? " " + ToText(*report.new_kek) : std::string())));
    return report;
  };
  ROWSEAL_ASSIGN(KekCompromise report, ChangeStoreAfter(client, access, prepare, write));
  Observer& observer = ObserverOf(client);
  observer.Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(report.rewrapped));
  observer.Count(Counter::kKekRotations, report.new_kek ? 1 : 0);
  observer.Log({LogLevel::kWarning,
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
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<CompromisePlan> {
    Connection& connection = read.connection();
    ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(read.trust().rows, kek));
    CompromisePlan plan;
    plan.kek = kek;
    plan.state = record->state;
    plan.rotates = IsInActiveUse(*record);
    if (!plan.rotates && read.trust().ActiveKek(record->scope) == nullptr) {
      return NoActiveKek(read.trust(), record->scope);
    }
    ROWSEAL_ASSIGN(const std::optional<Timestamp> at,
                   ReadKekTime(connection, kek, KekTime::kCompromisedAt));
    const Timestamp before = at.value_or(kWithoutLimit);
    ROWSEAL_ASSIGN(plan.deks, CountUnder(connection, kek));
    ROWSEAL_ASSIGN(plan.secrets, OneNumber(connection,
                                           "SELECT count(*)" + std::string(kFromExposed) +
                                               " WHERE " ROWSEAL_IS_EXPOSED("$1", "$2"),
                                           {ToMicros(before), record->scope}));
    ROWSEAL_TRY(SortColumns(read, &plan.columns, plan.columns_without_source));
    return plan;
  });
}

Result<ExposedPage> ListExposedSecrets(Client& client, KekId kek, std::string_view after_project,
                                       std::string_view after_name, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<ExposedPage> {
    ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(read.trust().rows, kek));
    ROWSEAL_ASSIGN(const std::optional<Timestamp> at,
                   ReadKekTime(read.connection(), kek, KekTime::kCompromisedAt));
    if (record->state != KeyState::kCompromised || !at) {
      return Fail(ErrorCode::kRefusedByState,
                  "KEK " + ToText(kek) + " is " + std::string(ToText(record->state)),
                  "only a compromised one exposes secrets: rowseal kek compromised " + ToText(kek));
    }
    static const PageSql sql(std::string("SELECT s.project_id, s.name") + kFromExposed,
                             ROWSEAL_IS_EXPOSED("$2", "$3"), "(s.project_id, s.name)", "($4, $5)");
    const Row after =
        after_project.empty() ? Row{} : Row{std::string(after_project), std::string(after_name)};
    ExposedPage page{*at, {}};
    ROWSEAL_ASSIGN(page.secrets,
                   ReadPage<ExposedSecret>(read.connection(), sql, {ToMicros(*at), record->scope},
                                           after, 2, limit, NameOfSecret, ReadExposed));
    return page;
  });
}

}  // namespace rowseal
