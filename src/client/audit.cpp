#include "client/audit.h"

#include "client/random_ids.h"

namespace rowseal {

Result<AuditEntryStatement> MakeAuditEntry(Session& session, std::string_view project,
                                           const Access& access, std::string_view action,
                                           std::string_view object) {
  const Timestamp now = session.Now();
  ROWSEAL_ASSIGN(const auto id, TimeOrderedUuid(now));
  return AuditEntryStatement{
      UuidText(id),
      Statement::Call(
          Procedure::kAuditAppend,
          {std::string(project), UuidText(id), now.time_since_epoch().count(), access.actor,
           access.reason, std::string(action), std::string("done"), std::string(object)})};
}

Result<std::string> WriteAudit(Connection& connection, Session& session, std::string_view project,
                               const Access& access, std::string_view action,
                               std::string_view object) {
  ROWSEAL_ASSIGN(AuditEntryStatement entry,
                 MakeAuditEntry(session, project, access, action, object));
  ROWSEAL_TRY(connection.Execute(entry.statement));
  return std::move(entry.id);
}

Result<std::vector<AuditEntry>> ReadAuditLog(Connection& connection, const ProjectId& project,
                                             std::int64_t limit) {
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT id, at, actor, reason, action, outcome, object FROM rowseal.audit_log"
                     " WHERE project_id = $1 ORDER BY id DESC LIMIT $2",
                     {project.text(), limit})));
  std::vector<AuditEntry> entries;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    AuditEntry entry;
    entry.project = project.text();
    entry.id = reader.Text();
    entry.at = reader.Time();
    entry.actor = reader.Text();
    entry.reason = reader.Text();
    entry.action = reader.Text();
    entry.outcome = reader.Text();
    entry.object = reader.Text();
    ROWSEAL_TRY(reader.status());
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace rowseal
