#include "jobs/job_table.h"

#include "base/closed_set.h"
#include "jobs/lease_owner.h"
#include "store/list_reader.h"

namespace rowseal {

template <>
struct Codec<JobState> : TextCodec<JobState, ParseJobState> {};

namespace {

constexpr ClosedSet<JobState, 5> kJobStates{{"ready", "paused", "done", "failed", "cancelled"}};

#define ROWSEAL_JOB_COLUMNS \
  "id, substr(kind, 1, 65537), " ROWSEAL_BOUNDED("object") ", " ROWSEAL_BOUNDED("argument")      \
  ", substr(state, 1, 256), run, " ROWSEAL_BOUNDED("position") ", total, done, failed,"          \
  " substr(owner, 1, 65537), lease_until, created_at, started_at, changed_at"

Result<JobRecord> ReadRecord(Row& row) {
  ListedRow reader(row);
  JobRecord job;
  job.id = reader.Take<JobId>("id");
  job.kind = reader.Take<std::string>("kind");
  job.object = reader.TakeText("object");
  job.argument = reader.TakeText("argument");
  job.state = reader.Take<JobState>("state");
  job.run = reader.Take<std::int64_t>("run", {1, kMostNumber});
  job.position = reader.TakeText("position");
  job.total = reader.Take<std::int64_t>("total");
  job.done = reader.Take<std::int64_t>("done");
  job.failed = reader.Take<std::int64_t>("failed");
  job.owner = reader.TakeOptional<std::string>("owner").value_or("");
  job.lease_until = reader.TakeOptional<Timestamp>("lease_until");
  job.created_at = reader.Take<Timestamp>("created_at");
  job.started_at = reader.TakeOptional<Timestamp>("started_at");
  job.changed_at = reader.Take<Timestamp>("changed_at");
  ROWSEAL_TRY(reader.status());
  return job;
}

std::string NameOfJob(const Row& row) { return "job " + ShownCell(row, 0); }

// A number that somebody wrote there may have none after it.
#define ROWSEAL_NEXT_RUN "CASE WHEN run BETWEEN 1 AND 9007199254740990 THEN run + 1 ELSE 1 END"

Result<void> ForgetFailures(Connection& connection, JobId id) {
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("DELETE FROM rowseal.job_failure WHERE job_id = $1", {ToText(id)})));
  return {};
}

// Reads a job whose state is to be changed, and keeps it from others until the transaction ends.
Result<JobRecord> LockJob(Connection& connection, JobId id) {
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("SELECT id FROM rowseal.job WHERE id = $1 FOR UPDATE", {ToText(id)})));
  return ReadJob(connection, id);
}

// A job that ended with failures is run again from the beginning, so it is not paused.
bool CanMoveJob(JobState from, JobState to) {
  switch (to) {
    case JobState::kPaused:
      return from == JobState::kReady;
    case JobState::kReady:
      return from == JobState::kPaused;
    case JobState::kCancelled:
      return from == JobState::kReady || from == JobState::kPaused || from == JobState::kFailed;
    default:
      return false;
  }
}

// The job of that kind and object that has not ended, if there is one.
Result<std::optional<JobId>> FindUnfinished(Connection& connection, const NewJob& job) {
  ROWSEAL_ASSIGN(Rows found, connection.Execute(Statement::Sql(
                                 "SELECT id FROM rowseal.job WHERE kind = $1 AND object = $2"
                                 " AND state IN ('ready', 'paused', 'failed')",
                                 {job.kind, job.object})));
  if (found.rows.empty()) {
    return std::nullopt;
  }
  ROWSEAL_ASSIGN(const JobId id, ParseUuid<JobId>(TextAt(found.rows.front(), 0)));
  return id;
}

}  // namespace

std::string_view ToText(JobState state) noexcept { return kJobStates.TextOf(state); }

Result<JobState> ParseJobState(std::string_view text) {
  return kJobStates.Parse(text, "state of a job",
                          "restore the table job from a backup, or delete the row");
}

Result<JobId> StartJob(Connection& connection, const NewJob& job, Timestamp now) {
  ROWSEAL_ASSIGN(const std::optional<JobId> unfinished, FindUnfinished(connection, job));
  if (!unfinished) {
    ROWSEAL_TRY(connection.Execute(Statement::Sql(
        "INSERT INTO rowseal.job (id, kind, object, argument, state, run, position, total, done,"
        " failed, created_at, changed_at) VALUES ($1, $2, $3, $4, 'ready', 1, '', 0, 0, 0, $5, $5)",
        {ToText(job.id), job.kind, job.object, job.argument, ToMicros(now)})));
    return job.id;
  }
  ROWSEAL_TRY(ForgetFailures(connection, *unfinished));
  ROWSEAL_TRY(connection.Execute(Statement::Sql(
      "UPDATE rowseal.job SET argument = $2, state = 'ready', run = " ROWSEAL_NEXT_RUN
      ", position = '',"
      " total = 0, done = 0, failed = 0, started_at = NULL, changed_at = $3 WHERE id = $1",
      {ToText(*unfinished), job.argument, ToMicros(now)})));
  return *unfinished;
}

Result<Listing<JobRecord>> ReadJobs(Connection& connection, JobFilter filter) {
  const std::string_view sql =
      filter == JobFilter::kAll
          ? "SELECT " ROWSEAL_JOB_COLUMNS " FROM rowseal.job ORDER BY id"
          : "SELECT " ROWSEAL_JOB_COLUMNS
            " FROM rowseal.job WHERE state IN ('ready', 'paused', 'failed') ORDER BY id";
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql)));
  return ReadListing<JobRecord>(std::move(answer), NameOfJob, ReadRecord);
}

Result<JobRecord> ReadJob(Connection& connection, JobId id) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql("SELECT " ROWSEAL_JOB_COLUMNS
                                                                " FROM rowseal.job WHERE id = $1",
                                                                {ToText(id)})));
  if (answer.rows.empty()) {
    return Fail(ErrorCode::kNotFound, "there is no job " + ToText(id),
                "rowseal jobs list shows what is there");
  }
  Result<JobRecord> job = ReadRecord(answer.rows.front());
  if (!job) {
    return Fail(job.error().code, NameOfJob(answer.rows.front()) + ": " + job.error().message,
                "it was changed outside Rowseal; restore its row from a backup, or delete it");
  }
  return job;
}

#undef ROWSEAL_JOB_COLUMNS

Result<std::vector<JobFailure>> ReadJobFailures(Connection& connection, JobId id,
                                                std::int64_t limit) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT " ROWSEAL_BOUNDED("item") ", " ROWSEAL_BOUNDED(
                                      "message") " FROM rowseal.job_failure WHERE job_id = $1"
                                                 " ORDER BY item LIMIT $2",
                                  {ToText(id), limit})));
  std::vector<JobFailure> failures;
  for (const Row& row : answer.rows) {
    failures.push_back({TextAt(row, 0), TextAt(row, 1)});
  }
  return failures;
}

bool LeaseIsHeld(const JobRecord& job, Timestamp now) {
  return !job.owner.empty() && job.lease_until > now && !LeaseOwnerIsDead(job.owner);
}

Result<Claim> ClaimJob(Connection& connection, JobId id, const std::string& owner, Timestamp now) {
  ROWSEAL_ASSIGN(const JobRecord job, LockJob(connection, id));
  if (job.state != JobState::kReady && job.state != JobState::kFailed) {
    return Claim::kNotRunnable;
  }
  if (job.owner != owner && LeaseIsHeld(job, now)) {
    return Claim::kHeldByOther;
  }
  const bool begins_again = job.state == JobState::kFailed;
  if (begins_again) {
    ROWSEAL_TRY(ForgetFailures(connection, id));
  }
  const std::string_view sql =
      begins_again ? "UPDATE rowseal.job SET owner = $2, lease_until = $3, changed_at = $4,"
                     " state = 'ready', run = " ROWSEAL_NEXT_RUN
                     ", position = '', total = 0, done = 0,"
                     " failed = 0, started_at = NULL WHERE id = $1"
                   : "UPDATE rowseal.job SET owner = $2, lease_until = $3, changed_at = $4"
                     " WHERE id = $1";
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql(sql, {ToText(id), owner, ToMicros(now + kLease), ToMicros(now)})));
  return Claim::kTaken;
}

Result<bool> HoldsJob(Connection& connection, const JobRecord& job, const std::string& owner,
                      Timestamp now) {
  ROWSEAL_ASSIGN(const Rows renewed,
                 connection.Execute(Statement::Sql(
                     "UPDATE rowseal.job SET lease_until = $3 WHERE id = $1 AND owner = $2"
                     " AND state = 'ready' AND run = $4 AND position = $5",
                     {ToText(job.id), owner, ToMicros(now + kLease), job.run, job.position})));
  return renewed.changed == 1;
}

Result<void> AdvanceJob(Connection& connection, const JobRecord& job, Timestamp now) {
  const Param owner = job.owner.empty() ? Param(Null{}) : Param(job.owner);
  const Param lease = job.owner.empty() ? Param(Null{}) : Param(ToMicros(now + kLease));
  ROWSEAL_TRY(connection.Execute(Statement::Sql(
      "UPDATE rowseal.job SET state = $2, position = $3, total = $4, done = $5, failed = $6,"
      " owner = $7, lease_until = $8, started_at = $9, changed_at = $10 WHERE id = $1",
      {ToText(job.id), std::string(ToText(job.state)), job.position, job.total, job.done,
       job.failed, owner, lease, ToMicros(job.started_at.value_or(now)), ToMicros(now)})));
  return {};
}

Result<std::int64_t> RecordJobFailures(Connection& connection, JobId id,
                                       const std::vector<JobFailure>& failures) {
  for (const JobFailure& failure : failures) {
    ROWSEAL_TRY(connection.Execute(
        Statement::Sql("INSERT INTO rowseal.job_failure (job_id, item, message) VALUES ($1, $2, $3)"
                       " ON CONFLICT (job_id, item) DO UPDATE SET message = excluded.message",
                       {ToText(id), failure.item, failure.message})));
  }
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT count(*) FROM rowseal.job_failure WHERE job_id = $1", {ToText(id)})));
  RowReader reader(answer.rows.front());
  const std::int64_t count = reader.Integer();
  ROWSEAL_TRY(reader.status());
  return count;
}

Result<void> ReleaseJob(Connection& connection, JobId id, const std::string& owner) {
  ROWSEAL_TRY(
      connection.Execute(Statement::Sql("UPDATE rowseal.job SET owner = NULL, lease_until = NULL"
                                        " WHERE id = $1 AND owner = $2",
                                        {ToText(id), owner})));
  return {};
}

Result<void> MoveJob(Connection& connection, JobId id, JobState to, Timestamp now) {
  ROWSEAL_ASSIGN(const JobRecord job, LockJob(connection, id));
  if (job.state == to) {
    return {};
  }
  if (!CanMoveJob(job.state, to)) {
    return Fail(ErrorCode::kRefusedByState,
                "job " + ToText(id) + " is " + std::string(ToText(job.state)) +
                    " and cannot become " + std::string(ToText(to)),
                "rowseal jobs list shows how jobs stand");
  }
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("UPDATE rowseal.job SET state = $2, owner = NULL, lease_until = NULL,"
                     " changed_at = $3 WHERE id = $1",
                     {ToText(id), std::string(ToText(to)), ToMicros(now)})));
  return {};
}

#undef ROWSEAL_NEXT_RUN

}  // namespace rowseal
