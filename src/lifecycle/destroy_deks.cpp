#include "lifecycle/destroy_deks.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "client/columns.h"
#include "jobs/position.h"
#include "lifecycle/destroy_kek.h"
#include "lifecycle/policies.h"
#include "store/key_order.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::int64_t kDestroyPage = 500;  // DEKs of one transaction

// A value DEK has no foreign key to hold it: every registered column must have been scanned whole,
// by a scan that began after the wait. What a scan finds under a drained DEK ends its being
// drained.
#define ROWSEAL_SCANNED_SINCE \
  "(SELECT CASE WHEN count(*) = count(" ROWSEAL_SANE_TIME("c.scanned_at") ")"   \
  "  THEN min(c.scanned_at) END FROM rowseal.sealed_column c)"

std::string NameOf(const Row& row) {
  return "DEK " + Printable(TextAt(row, 1)) + " of project '" + Printable(TextAt(row, 0)) + "'";
}

// What the row says counts only with its tag: a state that somebody wrote there destroys nothing.
Result<void> CheckDestroyable(const Change& change, const DekRecord& dek) {
  ROWSEAL_TRY(change.integrity().Verify(dek));
  if (dek.purpose == DekPurpose::kValue) {
    // Nothing looks into a column whose registration cannot be read.
    ROWSEAL_TRY(ReadEveryColumn(change));
  }
  if (!CanMove(dek.state, KeyState::kDestroyed)) {
    return Fail(ErrorCode::kRefusedByState,
                "DEK " + ToText(dek.id) + " is " + std::string(ToText(dek.state)) +
                    ", and only a deactivated or compromised one is destroyed",
                "rowseal dek rotate --project makes another one active");
  }
  return {};
}

std::string CensusOf(const DekRecord& dek) {
  return dek.purpose == DekPurpose::kValue
             ? "needed by no value that the scans of all registered columns found"
             : "needed by no secret version";
}

Result<std::chrono::microseconds> DekWait(Connection& connection) {
  ROWSEAL_ASSIGN(const PolicyDuration after, ReadPolicy(connection, Policy::kDekDestroyAfter));
  if (after) {
    return std::chrono::microseconds(*after);
  }
  ROWSEAL_ASSIGN(const PolicyDuration wait, ReadPolicy(connection, Policy::kDestroyWait));
  return std::chrono::microseconds(*wait);
}

// Why a DEK that is deactivated may not be destroyed yet.
Result<void> CheckWaited(Connection& connection, const DekRecord& dek, Timestamp now) {
  ROWSEAL_ASSIGN(
      Rows answer,
      connection.Execute(Statement::Sql(
          "SELECT d.drained_at, " ROWSEAL_SCANNED_SINCE
          ", (SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = d.project_id"
          "   AND v.dek_id = d.id) FROM rowseal.dek d WHERE d.project_id = $1 AND d.id = $2",
          {dek.project.text(), ToText(dek.id)})));
  RowReader reader(answer.rows.front());
  const bool is_drained = !reader.NextIsNull();
  const std::int64_t drained_at = is_drained ? reader.Integer() : (reader.Skip(), 0);
  const bool is_scanned = !reader.NextIsNull();
  const std::int64_t scanned_at = is_scanned ? reader.Integer() : (reader.Skip(), 0);
  const std::int64_t versions = reader.Integer();
  ROWSEAL_TRY(reader.status());
  const std::string name = "DEK " + ToText(dek.id);
  if (versions > 0) {
    return Fail(ErrorCode::kRefusedByState,
                name + " is needed by " + std::to_string(versions) + " secret versions",
                "rowseal jobs run and rowseal maintain seal them again under the active DEK");
  }
  if (!is_drained) {
    return Fail(ErrorCode::kRefusedByState, name + " is not drained: something may stand under it",
                "rowseal maintain looks, and marks it when nothing does");
  }
  ROWSEAL_ASSIGN(const std::chrono::microseconds wait, DekWait(connection));
  const Timestamp due = Timestamp(std::chrono::microseconds(drained_at)) + wait;
  if (due > now) {
    return Fail(ErrorCode::kRefusedByState,
                name + " may be destroyed from " + ToRfc3339(due) + " on",
                "policy dek.destroy_after says how long a drained DEK is kept");
  }
  if (dek.purpose == DekPurpose::kValue &&
      (!is_scanned || scanned_at < due.time_since_epoch().count())) {
    return Fail(
        ErrorCode::kRefusedByState,
        name + " seals values, and not every registered column was scanned since " + ToRfc3339(due),
        "rowseal maintain starts the scans; a column without a place cannot be scanned");
  }
  return {};
}

// A page behind `after`: the project and id of its last row.
struct PagePosition {
  std::string project;
  std::string id{kBeforeAnyId};
};

Result<bool> DestroyPage(Change& change, PagePosition& after, DestructionReport& report) {
  Connection& connection = change.connection();
  ROWSEAL_ASSIGN(const PolicyDuration wait, ReadPolicy(connection, Policy::kDekDestroyAfter));
  if (!wait) {
    change.NothingToDo();
    return false;
  }
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  static const std::string sql = DekQuery(
      "WHERE (d.project_id, d.id) > ($1, $2) AND d.state IN ('deactivated', 'compromised')"
      "  AND " ROWSEAL_SANE_TIME("d.drained_at") " + $3 <= $4"
      "  AND NOT EXISTS (SELECT 1 FROM rowseal.secret_version v"
      "   WHERE v.project_id = d.project_id AND v.dek_id = d.id)"
      "  AND (d.purpose <> 'value' OR " ROWSEAL_SANE_TIME("d.drained_at") " + $3 <= " ROWSEAL_SCANNED_SINCE
      ") ORDER BY d.project_id, d.id LIMIT $5");
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(
                     sql, {after.project, after.id, std::chrono::microseconds(*wait).count(),
                           ToMicros(now), kDestroyPage})));
  for (Row& row : page.rows) {
    ROWSEAL_ASSIGN(const std::vector<std::string> key, TextKey(row, 2, "dek"));
    after = {key[0], key[1]};
    const std::string name = NameOf(row);
    const Result<DekAndKek> read = ReadDekRow(row);
    const Result<void> checked =
        read ? CheckDestroyable(change, read->dek) : tl::unexpected(read.error());
    if (!checked) {
      report.failures.push_back(name + ": " + checked.error().message);
      continue;
    }
    ROWSEAL_TRY(DestroyDekRow(change, read->dek, {change.access(), CensusOf(read->dek), now}));
    ++report.deks;
  }
  return static_cast<std::int64_t>(page.rows.size()) == kDestroyPage;
}

// In pages, each a change of its own.
Result<DestructionReport> DestroyDueDeks(Client& client, const Access& access) {
  DestructionReport report;
  PagePosition after;
  for (bool more = true; more;) {
    DestructionReport so_far;
    PagePosition next;
    ROWSEAL_ASSIGN(more, ChangeStore(client, access,
                                     [&](Change& change) {
                                       so_far = report;
                                       next = after;
                                       return DestroyPage(change, next, so_far);
                                     },
                                     {.entry = ChangeKind::Entry::kNone}));
    report = std::move(so_far);
    after = std::move(next);
  }
  return report;
}

}  // namespace

Result<void> DestroyDekRow(Change& change, const DekRecord& dek, const Evidence& evidence) {
  Connection& connection = change.connection();
  ROWSEAL_TRY(connection.Execute(KeepEvidence(dek, evidence)));
  ROWSEAL_ASSIGN(const Rows deleted,
                 connection.Execute(Statement::Sql(
                     "DELETE FROM rowseal.dek WHERE project_id = $1 AND id = $2 AND revision = $3",
                     {dek.project.text(), ToText(dek.id), dek.revision.value})));
  if (deleted.changed != 1) {
    return Fail(ErrorCode::kConflict, "DEK " + ToText(dek.id) + " was changed meanwhile", "retry");
  }
  ROWSEAL_TRY(change.Audit("dek.destroy", ToText(dek.id), dek.project.text()));
  return {};
}

Result<void> DestroyDek(Client& client, const ProjectId& project, DekId dek, const Access& access) {
  static const std::string sql = DekQuery("WHERE d.project_id = $1 AND d.id = $2");
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(Rows answer,
                   change.connection().Execute(Statement::Sql(sql, {project.text(), ToText(dek)})));
    if (answer.rows.empty()) {
      return Fail(ErrorCode::kNotFound,
                  "there is no DEK " + ToText(dek) + " in project '" + project.text() + "'",
                  "rowseal dek list shows what is there, dek list --destroyed what was");
    }
    ROWSEAL_ASSIGN(const DekAndKek read, ReadDekRow(answer.rows.front()));
    const DekRecord& record = read.dek;
    ROWSEAL_TRY(CheckDestroyable(change, record));
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    ROWSEAL_TRY(CheckWaited(change.connection(), record, now));
    return DestroyDekRow(change, record, {change.access(), CensusOf(record), now});
  });
}

Result<DestructionReport> DestroyDueKeys(Client& client, const Access& access) {
  ROWSEAL_ASSIGN(DestructionReport report, DestroyDueDeks(client, access));
  ROWSEAL_ASSIGN(const std::vector<KekId> due, ReadStore(client, DueKeks));
  for (const KekId kek : due) {
    const Result<KekDestruction> destroyed = DestroyKek(client, kek, access);
    if (!destroyed && destroyed.error().code != ErrorCode::kRefusedByState &&
        destroyed.error().code != ErrorCode::kNotFound &&
        destroyed.error().code != ErrorCode::kIntegrity) {
      return tl::unexpected(destroyed.error());
    }
    if (!destroyed) {
      report.failures.push_back(destroyed.error().message);
    } else if (destroyed->destroyed) {
      report.keks.push_back(kek);
    }
  }
  for (const std::string& failure : report.failures) {
    ObserverOf(client).Log({LogLevel::kError,
                            "key_not_destroyed",
                            "a key was due to be destroyed and stays",
                            {{"why", failure}}});
  }
  return report;
}

#undef ROWSEAL_SCANNED_SINCE

}  // namespace rowseal
