#include "lifecycle/reseal_column.h"

#include <algorithm>

#include "base/text.h"
#include "client/columns.h"
#include "client/key_refusals.h"
#include "client/value_sealing.h"
#include "envelope/sealed_text.h"
#include "lifecycle/policies.h"
#include "store/list_reader.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

bool IsOfThisItem(const Error& error) {
  return error.code == ErrorCode::kIntegrity || error.code == ErrorCode::kRefusedByState ||
         error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kRootKeyMissing;
}

}  // namespace

void ResealColumn::Refuse(const AppValue& row, std::string_view why) {
  session_.observer().Count(Counter::kItemsQuarantined);
  failures_.push_back({"row " + Join(row.key, "/") + " of column '" + column_->label.text() + "'",
                       std::string(why)});
}

// The registration is read for each batch: its tag says whether the place still is the one that
// somebody with the keys registered.
Result<void> ResealColumn::OpenColumn(const TrustedRead& read) {
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
  const auto found = std::ranges::find(columns, column_id_, &ColumnRecord::id);
  if (found == columns.end()) {
    ROWSEAL_TRY(CheckAllRead(columns.unreadable));  // one of them may be the job's
  }
  if (found == columns.end() || !found->source) {
    return Fail(ErrorCode::kNotFound,
                "column " + ToText(column_id_) + " is not registered with a place",
                "cancel the job, or register the column's place: rowseal column add");
  }
  if (!place_ || column_->source != found->source) {
    ROWSEAL_ASSIGN(place_, session_.OpenAppColumn(*found->source));
  }
  column_ = *found;
  return {};
}

Result<std::int64_t> ResealColumn::Count(TrustedRead& read) {
  ROWSEAL_TRY(OpenColumn(read));
  return place_->Count();
}

// Rows of one batch mostly share their keys: each key is asked for once a batch.
Result<std::optional<DekAndKek>> ResealColumn::FindDek(Connection& connection,
                                                       const ProjectId& project, DekId id) {
  const std::pair<ProjectId, std::string> key(project, ToText(id));
  const auto known = deks_.find(key);
  if (known != deks_.end()) {
    return known->second;
  }
  ROWSEAL_ASSIGN(std::optional<DekAndKek> dek, ReadDekRow(connection, project, key.second));
  return deks_.emplace(key, std::move(dek)).first->second;
}

Result<std::optional<DekAndKek>> ResealColumn::ReadDekRow(Connection& connection,
                                                          const ProjectId& project,
                                                          const std::string& id) {
  static const std::string sql = DekQuery("WHERE d.project_id = $1 AND d.id = $2");
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql, {project.text(), id})));
  if (answer.rows.empty()) {
    return std::nullopt;
  }
  ROWSEAL_ASSIGN(DekAndKek dek, rowseal::ReadDekRow(answer.rows.front()));
  if (dek.dek.project != project || ToText(dek.dek.id) != id) {
    return Fail(ErrorCode::kIntegrity, "the store gave another DEK than " + id,
                "rowseal doctor compares the store's tables with those of this release");
  }
  return dek;
}

Result<std::vector<ResealColumn::Stale>> ResealColumn::FindStale(Connection& connection,
                                                                 const ProjectId& project,
                                                                 const AppValue& row) {
  std::vector<Stale> stale;
  for (const SealedSpan& span : FindSealedValues(row.text)) {
    ROWSEAL_ASSIGN(SealedValue value,
                   DecodeSealedValue(std::string_view(row.text).substr(span.offset, span.size)));
    ROWSEAL_ASSIGN(std::optional<DekAndKek> dek, FindDek(connection, project, value.dek));
    if (!dek) {
      return Fail(ErrorCode::kIntegrity, "its DEK is not in project '" + project.text() +
                                             "': the value was moved here, or its key is gone");
    }
    if (dek->dek.state != KeyState::kActive) {
      found_stale_.insert({project, value.dek});
      stale.push_back({span.offset, span.size, std::move(value), std::move(*dek)});
    }
  }
  return stale;
}

// A retired project's values cannot be opened any more once its keys are destroyed, and nobody
// waits for them.
Result<bool> ResealColumn::IsGone(Connection& connection, const ProjectId& project) {
  ROWSEAL_ASSIGN(const Rows gone, connection.Execute(Statement::Sql(
                                      "SELECT 1 FROM rowseal.retired_project WHERE project_id = $1"
                                      " AND destroyed_at IS NOT NULL",
                                      {project.text()})));
  return !gone.rows.empty();
}

Result<void> ResealColumn::ReadRow(Connection& connection, AppValue row) {
  const Result<ProjectId> project =
      row.defect.empty() ? ProjectId::Parse(row.project) : Fail(ErrorCode::kIntegrity, row.defect);
  Result<std::vector<Stale>> stale =
      project ? FindStale(connection, *project, row) : tl::unexpected(project.error());
  if (!stale && IsOfThisItem(stale.error())) {
    bool is_gone = false;
    if (project) {
      ROWSEAL_ASSIGN(is_gone, IsGone(connection, *project));
    }
    if (!is_gone) {
      Refuse(row, stale.error().message);
    }
    return {};
  }
  if (!stale) {
    return tl::unexpected(std::move(stale).error());
  }
  if (stale->empty()) {
    return {};
  }
  const auto known = active_.find(*project);
  const auto active = known != active_.end()
                          ? known
                          : active_
                                .emplace(*project, FindActiveDek(connection, session_, *project,
                                                                 DekPurpose::kValue))
                                .first;
  if (!active->second && !IsOfThisItem(active->second.error())) {
    return tl::unexpected(active->second.error());
  }
  if (!active->second || !*active->second) {
    Refuse(row, active->second ? "its project has no active DEK for values"
                               : active->second.error().message);
    return {};
  }
  items_.push_back({std::move(row), *project, std::move(*stale), **active->second});
  return {};
}

Result<void> ResealColumn::Read(TrustedRead& read, const std::string& position,
                                const BatchLimit& limit) {
  items_.clear();
  resealed_.clear();
  failures_.clear();
  positions_.clear();
  deks_.clear();
  active_.clear();
  found_stale_.clear();
  missed_.reset();
  start_ = position;
  ROWSEAL_TRY(OpenColumn(read));
  ROWSEAL_TRY(CheckMaySeal(session_));
  if (position.empty()) {
    ROWSEAL_ASSIGN(began_, read.Now());
  }
  ROWSEAL_ASSIGN(std::vector<AppValue> rows, place_->Read(position, limit.items, limit.bytes));
  for (AppValue& row : rows) {
    positions_.push_back(row.position);
    ROWSEAL_TRY(ReadRow(read.connection(), std::move(row)));
  }
  return {};
}

// From the last to the first, so that offsets hold.
Result<std::string> ResealColumn::Reseal(const Item& item) const {
  std::string text = item.row.text;
  const bool is_cell = column_->context == ContextKind::kCell;
  const ValuePlace place{item.project, column_->label,
                         is_cell ? item.row.key : std::vector<std::string>()};
  for (auto stale = item.stale.rbegin(); stale != item.stale.rend(); ++stale) {
    ROWSEAL_ASSIGN(const std::string sealed,
                   ResealValueAt(session_, place, *column_, stale->value, stale->dek, item.active));
    text.replace(stale->offset, stale->size, sealed);
  }
  return text;
}

Result<void> ResealColumn::Work() {
  std::vector<AppChange> changes;
  std::vector<const Item*> changed;
  for (const Item& item : items_) {
    Result<std::string> text = Reseal(item);
    if (text) {
      changes.push_back({item.row.position, item.row.text, std::move(*text)});
      changed.push_back(&item);
    } else if (IsOfThisItem(text.error())) {
      Refuse(item.row, text.error().message);
    } else {
      return tl::unexpected(std::move(text).error());
    }
  }
  ROWSEAL_ASSIGN(const std::vector<bool> replaced, place_->Replace(changes));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (replaced[i]) {
      resealed_[changed[i]->project] += static_cast<std::int64_t>(changed[i]->stale.size());
    } else if (!missed_) {
      missed_ = changes[i].position;
    }
  }
  return {};
}

// A scan counts if every row was read, none failed, and it began when no process could still hold a
// value under the old key that it had not stored yet. The job's row says when it began, except in
// the first batch of a run, which may be the last: a column that holds no sealed value.
Result<void> ResealColumn::NoteScan(Change& change) {
  Connection& connection = change.connection();
  ROWSEAL_TRY(connection.Execute(
      Statement::Sql("UPDATE rowseal.sealed_column SET scanned_at ="
                     " (SELECT coalesce(started_at, $3) FROM rowseal.job WHERE id = $2)"
                     " WHERE id = $1"
                     " AND EXISTS (SELECT 1 FROM rowseal.job WHERE id = $2 AND failed = 0)",
                     {ToText(column_id_), ToText(job_), ToMicros(began_)})));
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(change));
  if (!columns.unreadable.empty()) {
    return {};  // what is in such a column is not known, so nothing is proven drained
  }
  ROWSEAL_ASSIGN(const PolicyDuration settle,
                 ReadPolicyOrNever(connection, Policy::kValueSettleTime));
  if (!settle) {
    return {};  // how long an app may take is not known, so nothing is proven drained
  }
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  const std::int64_t settle_micros = std::chrono::microseconds(*settle).count();
  ROWSEAL_ASSIGN(
      const Rows drained,
      connection.Execute(Statement::Sql(
          "UPDATE rowseal.dek SET drained_at = $1 WHERE purpose = 'value' AND drained_at IS NULL"
          " AND state IN ('deactivated', 'compromised')"
          " AND " ROWSEAL_SANE_TIME(
              "deactivated_at") " + $2 <="
                                " (SELECT CASE WHEN count(*) = count(" ROWSEAL_SANE_TIME(
                                    "scanned_at") ")"
                                                  "   THEN min(scanned_at) END FROM "
                                                  "rowseal.sealed_column)",
          {ToMicros(now), settle_micros})));
  session_.observer().Count(Counter::kDeksDrained, static_cast<std::uint64_t>(drained.changed));
  return {};
}

// A value under a drained DEK came from an older copy of the app's rows: the DEK is not drained,
// and its wait begins anew.
Result<void> ResealColumn::EndDrained(Connection& connection) {
  std::vector<Statement> notes;
  for (const auto& [project, dek] : found_stale_) {
    notes.push_back(
        Statement::Sql("UPDATE rowseal.dek SET drained_at = NULL WHERE project_id = $1"
                       " AND id = $2 AND drained_at IS NOT NULL",
                       {project.text(), ToText(dek)}));
  }
  ROWSEAL_TRY(connection.ExecuteAll(notes));
  return {};
}

Result<BatchOutcome> ResealColumn::Write(Change& change) {
  for (const auto& [project, values] : resealed_) {
    ROWSEAL_TRY(change.Audit("reseal", "job " + ToText(job_) + " column " + ToText(column_id_),
                             project.text()));
    session_.observer().Count(Counter::kValuesResealed, static_cast<std::uint64_t>(values));
  }
  ROWSEAL_TRY(EndDrained(change.connection()));
  BatchOutcome outcome;
  outcome.failures = failures_;
  outcome.last = positions_.empty();
  // Where the app was first, its row may hold an old value that it had read before: the next batch
  // begins with that row.
  const auto end = missed_ ? std::ranges::find(positions_, *missed_) : positions_.end();
  outcome.position = end == positions_.begin() ? start_ : *std::prev(end);
  outcome.done = end - positions_.begin();
  if (outcome.last) {
    ROWSEAL_TRY(NoteScan(change));
  }
  return outcome;
}

}  // namespace rowseal
