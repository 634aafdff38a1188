#include "client/audit.h"

#include "client/random_ids.h"
#include "store/list_reader.h"

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

Result<Listing<AuditEntry>> ReadAuditLog(Connection& connection, const ProjectId& project,
                                         std::int64_t limit) {
  ROWSEAL_ASSIGN(
      Rows answer,
      connection.Execute(Statement::Sql(
          "SELECT id, at, substr(actor, 1, 65537), substr(reason, 1, 65537),"
          " substr(action, 1, 65537), substr(outcome, 1, 65537), " ROWSEAL_BOUNDED(
              "object") " FROM rowseal.audit_log WHERE project_id = $1 ORDER BY id DESC LIMIT $2",
          {project.text(), limit})));
  const auto read = [&](Row& row) -> Result<AuditEntry> {
    ListedRow reader(row);
    AuditEntry entry;
    entry.project = project.text();
    entry.id = ToText(reader.Take<EntryId>("id"));
    entry.at = reader.Take<Timestamp>("at");
    entry.actor = reader.Take<std::string>("actor");
    entry.reason = reader.Take<std::string>("reason");
    entry.action = reader.Take<std::string>("action");
    entry.outcome = reader.Take<std::string>("outcome");
    entry.object = reader.TakeText("object");
    ROWSEAL_TRY(reader.status());
    return entry;
  };
  return ReadListing<AuditEntry>(
      std::move(answer), [](const Row& row) { return "entry " + ShownCell(row, 0); }, read);
}

}  // namespace rowseal
