#include "client/audit.h"

#include "client/random_ids.h"

namespace rowseal {

Result<LogEntry> MakeLogEntry(const Session& session, const Access& access,
                              std::string_view action) {
  const Timestamp now = session.Now();
  ROWSEAL_ASSIGN(const auto id, TimeOrderedUuid(now));
  return LogEntry{EntryId{id}, now, access.actor, access.reason, std::string(action)};
}

Result<AuditEntryStatement> MakeAuditEntry(Session& session, std::string_view project,
                                           const Access& access, std::string_view action,
                                           std::string_view object) {
  ROWSEAL_ASSIGN(LogEntry entry, MakeLogEntry(session, access, action));
  const EntryId id = entry.id;
  return AuditEntryStatement{
      id, Encode(std::make_shared<const AuditAppend::Request>(AuditAppend::Request{
              std::string(project), std::move(entry), "done", std::string(object)}))};
}

Result<EntryId> WriteAudit(Connection& connection, Session& session, std::string_view project,
                           const Access& access, std::string_view action, std::string_view object) {
  ROWSEAL_ASSIGN(const AuditEntryStatement entry,
                 MakeAuditEntry(session, project, access, action, object));
  ROWSEAL_ASSIGN(const Rows answer, connection.Execute(entry.statement));
  ROWSEAL_TRY(DecodeNothing(AuditAppend::kName, answer));
  return entry.id;
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
