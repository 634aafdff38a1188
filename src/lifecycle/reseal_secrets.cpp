#include "lifecycle/reseal_secrets.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "client/audit.h"
#include "client/key_refusals.h"
#include "jobs/position.h"
#include "lifecycle/floors.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

// Versions looked at in one statement; those under an active DEK cost an index entry each.
constexpr std::int64_t kLookedAt = 4096;
constexpr std::int64_t kDeksAtOnce = 500;

std::string RowName(std::string_view project, std::string_view secret, std::int64_t version) {
  return "secret_version " + std::string(project) + "/" + std::string(secret) + "/" +
         std::to_string(version);
}

}  // namespace

std::string_view ResealSecrets::PhaseName(Phase phase) noexcept {
  switch (phase) {
    case Phase::kBarrier:
      return "barrier";
    case Phase::kVersions:
      return "versions";
    case Phase::kDrained:
      return "drained";
  }
  return "";
}

std::string ResealSecrets::Encode(const Position& position) {
  return JoinPosition(
      {PhaseName(position.phase), position.project, position.id, std::to_string(position.version)});
}

Result<ResealSecrets::Position> ResealSecrets::Decode(const std::string& text) {
  Position position;
  ROWSEAL_ASSIGN(const std::vector<std::string> parts, SplitPosition(text, 4));
  if (parts.empty()) {
    return position;
  }
  const bool read =
      std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), position.version).ec ==
      std::errc();
  bool is_known = false;
  for (const Phase phase : {Phase::kBarrier, Phase::kVersions, Phase::kDrained}) {
    if (parts[0] == PhaseName(phase)) {
      position.phase = phase;
      is_known = true;
    }
  }
  if (!read || !is_known) {
    return Fail(ErrorCode::kIntegrity, "the position of the job was changed",
                "cancel the job (rowseal jobs cancel) and rotate again");
  }
  position.project = parts[1];
  position.id = parts[2];
  return position;
}

void ResealSecrets::Refuse(std::string item, const Error& error) {
  session_.observer().Count(Counter::kItemsQuarantined);
  failures_.push_back({std::move(item), error.message});
}

Result<std::int64_t> ResealSecrets::Count(TrustedRead& read) {
  return OneNumber(read.connection(),
                   "SELECT count(*) FROM rowseal.secret_version v JOIN rowseal.dek d"
                   "  ON d.project_id = v.project_id AND d.id = v.dek_id"
                   " WHERE d.state <> 'active' AND (v.project_id = $1 OR $1 IS NULL)",
                   {project_ ? Param(project_->text()) : Param(Null{})});
}

// Finds how far this batch reaches, without reading ciphertext.
Result<std::optional<ResealSecrets::Position>> ResealSecrets::FindBound(Connection& connection,
                                                                        const Position& from,
                                                                        const BatchLimit& limit,
                                                                        bool& any_due) {
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(
                     "SELECT v.project_id, v.secret_id, v.version, length(v.encrypted_data),"
                     " CASE WHEN d.state = 'active' THEN 0 ELSE 1 END"
                     " FROM rowseal.secret_version v LEFT JOIN rowseal.dek d"
                     "  ON d.project_id = v.project_id AND d.id = v.dek_id"
                     " WHERE (v.project_id, v.secret_id, v.version) > ($1, $2, $3)"
                     "  AND (v.project_id = $4 OR $4 IS NULL)"
                     " ORDER BY v.project_id, v.secret_id, v.version LIMIT $5",
                     {from.project, from.id, from.version,
                      project_ ? Param(project_->text()) : Param(Null{}), kLookedAt})));
  std::optional<Position> bound;
  std::size_t due = 0;
  std::int64_t bytes = 0;
  for (Row& row : page.rows) {
    RowReader reader(row);
    Position at{Phase::kVersions, reader.Text(), reader.Text(), reader.Integer()};
    const std::int64_t size = reader.Integer();
    const bool is_due = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    if (is_due && due > 0 && (due >= limit.items || bytes + size > limit.bytes)) {
      break;
    }
    due += is_due ? 1 : 0;
    bytes += is_due ? size : 0;
    bound = std::move(at);
  }
  any_due = due > 0;
  return bound;
}

Result<void> ResealSecrets::ReadDue(Connection& connection, const Position& from,
                                    const Position& to) {
  static const std::string sql =
      "SELECT v.project_id, v.secret_id, v.version, " + StoredVersionColumns() +
      " FROM rowseal.secret_version v"
      " LEFT JOIN rowseal.secret s ON s.project_id = v.project_id AND s.id = v.secret_id"
      " LEFT JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
      " LEFT JOIN rowseal.kek k ON k.id = d.kek_id" +
      std::string(kJoinVersionMac) +
      " WHERE (v.project_id, v.secret_id, v.version) > ($1, $2, $3)"
      "  AND (v.project_id, v.secret_id, v.version) <= ($4, $5, $6)"
      "  AND (v.project_id = $7 OR $7 IS NULL)"
      "  AND (d.state IS NULL OR d.state <> 'active')"
      " ORDER BY v.project_id, v.secret_id, v.version";
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(
                     sql, {from.project, from.id, from.version, to.project, to.id, to.version,
                           project_ ? Param(project_->text()) : Param(Null{})})));
  for (Row& row : page.rows) {
    RowReader reader(row);
    const std::string project_text = reader.Text();
    const std::string secret = reader.Text();
    std::string name = RowName(project_text, secret, reader.Integer());
    const Result<ProjectId> project = ProjectId::Parse(project_text);
    Result<StoredVersion> version =
        project ? ReadStoredVersion(*project, reader) : tl::unexpected(project.error());
    if (version) {
      items_.push_back({std::move(name), *project, std::move(*version), std::nullopt});
    } else {
      Refuse(std::move(name), version.error());
    }
  }
  return {};
}

// One active DEK for each project of the batch; items come in the order of their projects. None is
// made here: a rotation leaves one, so a project without is somebody's to look at.
Result<void> ResealSecrets::FindActiveDeks(Connection& connection) {
  std::vector<ProjectId> projects;
  std::vector<Statement> questions;
  for (const Item& item : items_) {
    if (projects.empty() || projects.back() != item.project) {
      projects.push_back(item.project);
      questions.push_back(AskActiveDek(item.project, DekPurpose::kSecret));
    }
  }
  ROWSEAL_ASSIGN(std::vector<Rows> answers, connection.ExecuteAll(questions));
  std::map<ProjectId, Error> without;
  for (std::size_t i = 0; i < projects.size(); ++i) {
    Result<std::optional<ActiveDekOperation::Active>> active = OpenActiveDek(
        connection, session_, projects[i], DekPurpose::kSecret, std::move(answers[i]));
    if (!active && active.error().code != ErrorCode::kRefusedByState &&
        active.error().code != ErrorCode::kRootKeyMissing) {
      return tl::unexpected(std::move(active).error());
    }
    if (!active) {
      without.emplace(projects[i], std::move(active).error());
    } else if (*active) {
      active_.push_back(std::move(**active));
    } else {
      without.emplace(projects[i], Error{ErrorCode::kRefusedByState,
                                         "project '" + projects[i].text() + "' has no active DEK",
                                         "rowseal dek rotate --project makes one"});
    }
  }
  std::vector<Item> found;
  for (Item& item : items_) {
    if (const auto why = without.find(item.project); why != without.end()) {
      Refuse(item.name, why->second);
    } else {
      found.push_back(std::move(item));
    }
  }
  items_ = std::move(found);
  return {};
}

Result<void> ResealSecrets::Read(TrustedRead& read, const std::string& position,
                                 const BatchLimit& limit) {
  Connection& connection = read.connection();
  items_.clear();
  active_.clear();
  failures_.clear();
  ROWSEAL_TRY(CheckMaySeal(session_));
  ROWSEAL_ASSIGN(const Position from, Decode(position));
  next_ = from;
  if (from.phase != Phase::kVersions) {
    return {};
  }
  bool any_due = false;
  ROWSEAL_ASSIGN(const std::optional<Position> bound, FindBound(connection, from, limit, any_due));
  if (!bound) {
    next_ = Position::At(Phase::kDrained);
    return {};
  }
  next_ = *bound;
  if (any_due) {
    ROWSEAL_TRY(ReadDue(connection, from, *bound));
  }
  return FindActiveDeks(connection);
}

Result<void> ResealSecrets::Work() {
  auto active = active_.begin();
  for (Item& item : items_) {
    while (active->record.project != item.project) {
      ++active;
    }
    Result<SecretReseal::Item> resealed =
        SealAgain(session_, item.project, item.version, item.version, *active);
    if (resealed) {
      item.resealed = std::move(*resealed);
    } else if (resealed.error().code == ErrorCode::kIntegrity ||
               resealed.error().code == ErrorCode::kRefusedByState ||
               resealed.error().code == ErrorCode::kRootKeyMissing) {
      Refuse(item.name, resealed.error());
    } else {
      return tl::unexpected(std::move(resealed).error());
    }
  }
  return {};
}

// One audit entry a project and batch; each version's MAC is written with it. What another
// process changed meanwhile is under an active DEK, and nothing is left to do there.
Result<void> ResealSecrets::WriteItems(Change& change, BatchOutcome& outcome) {
  std::vector<Statement> statements;  // in turn the entry of a project and its versions
  std::vector<std::shared_ptr<const SecretReseal::Request>> reseals;  // by project
  for (auto first = items_.begin(); first != items_.end();) {
    const auto last = std::find_if(
        first, items_.end(), [&](const Item& item) { return item.project != first->project; });
    SecretReseal::Request reseal{first->project, {}, {}};
    for (auto item = first; item != last; ++item) {
      if (item->resealed) {
        reseal.items.push_back(std::move(*item->resealed));
      }
    }
    if (!reseal.items.empty()) {
      ROWSEAL_ASSIGN(AuditEntryStatement entry,
                     MakeAuditEntry(session_, first->project.text(), change.access(), "reseal",
                                    "job " + ToText(job_)));
      statements.push_back(std::move(entry.statement));
      reseal.entry = entry.id;
      reseals.push_back(std::make_shared<const SecretReseal::Request>(std::move(reseal)));
      statements.push_back(rowseal::Encode(reseals.back()));
    }
    first = last;
  }
  ROWSEAL_ASSIGN(std::vector<Rows> answers, change.connection().ExecuteAll(statements));
  for (std::size_t i = 0; i < reseals.size(); ++i) {
    ROWSEAL_ASSIGN(const SecretReseal::Answer stored,
                   rowseal::Decode(*reseals[i], std::move(answers[2 * i + 1])));
    const auto count = static_cast<std::uint64_t>(std::ranges::count(stored, true));
    session_.observer().Count(Counter::kSecretsSealed, count);
    session_.observer().Count(Counter::kSecretsResealed, count);
    outcome.done += static_cast<std::int64_t>(stored.size());
  }
  return {};
}

// A writer holds its DEK's row until its commit, in share with others: whoever gets the row for
// itself knows that no version is still on its way under that DEK, and none comes any more. Only
// then may versions be walked, or one that is committed late would be left behind.
Result<BatchOutcome> ResealSecrets::WriteBarrier(Connection& connection) {
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(
                     "SELECT d.project_id, d.id FROM rowseal.dek d"
                     " WHERE (d.project_id, d.id) > ($1, $2)"
                     "  AND (d.project_id = $3 OR $3 IS NULL) AND d.purpose = 'secret'"
                     "  AND d.state IN ('deactivated', 'compromised') AND d.drained_at IS NULL"
                     " ORDER BY d.project_id, d.id LIMIT $4 FOR UPDATE",
                     {next_.project, next_.id, project_ ? Param(project_->text()) : Param(Null{}),
                      kDeksAtOnce})));
  if (static_cast<std::int64_t>(page.rows.size()) < kDeksAtOnce) {
    next_ = Position::At(Phase::kVersions);
  } else {
    ROWSEAL_ASSIGN(const std::vector<std::string> key, TextKey(page.rows.back(), 2, "dek"));
    next_.project = key[0];
    next_.id = key[1];
  }
  BatchOutcome outcome;
  outcome.position = Encode(next_);
  return outcome;
}

// Only a key that seals no more can be drained, and what is counted here is counted under the write
// lock; nothing can come under it afterwards, so it is never counted again.
Result<BatchOutcome> ResealSecrets::WriteDrained(Change& change) {
  Connection& connection = change.connection();
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_ASSIGN(Rows page,
                 connection.Execute(Statement::Sql(
                     "SELECT d.project_id, d.id, EXISTS (SELECT 1 FROM rowseal.secret_version v"
                     "   WHERE v.project_id = d.project_id AND v.dek_id = d.id)"
                     " FROM rowseal.dek d WHERE (d.project_id, d.id) > ($1, $2)"
                     "  AND (d.project_id = $3 OR $3 IS NULL) AND d.purpose = 'secret'"
                     "  AND d.state IN ('deactivated', 'compromised') AND d.drained_at IS NULL"
                     " ORDER BY d.project_id, d.id LIMIT $4",
                     {next_.project, next_.id, project_ ? Param(project_->text()) : Param(Null{}),
                      kDeksAtOnce})));
  BatchOutcome outcome;
  outcome.last = static_cast<std::int64_t>(page.rows.size()) < kDeksAtOnce;
  std::vector<Statement> notes;
  for (Row& row : page.rows) {
    RowReader reader(row);
    next_.project = reader.Text();
    next_.id = reader.Text();
    const bool is_needed = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    if (!is_needed) {
      notes.push_back(
          Statement::Sql("UPDATE rowseal.dek SET drained_at = $3 WHERE project_id = $1 AND id = $2",
                         {next_.project, next_.id, ToMicros(now)}));
    }
  }
  ROWSEAL_TRY(connection.ExecuteAll(notes));
  session_.observer().Count(Counter::kDeksDrained, notes.size());
  if (outcome.last) {
    ROWSEAL_TRY(RaiseSecretsFloors(change));
  }
  outcome.position = Encode(next_);
  return outcome;
}

Result<BatchOutcome> ResealSecrets::Write(Change& change) {
  if (next_.phase == Phase::kBarrier) {
    return WriteBarrier(change.connection());
  }
  if (next_.phase == Phase::kDrained && items_.empty()) {
    return WriteDrained(change);
  }
  BatchOutcome outcome;
  ROWSEAL_TRY(WriteItems(change, outcome));
  outcome.failures = failures_;
  outcome.position = Encode(next_);
  return outcome;
}

}  // namespace rowseal
