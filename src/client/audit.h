#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>

#include "client/session.h"
#include "store/calls/audit_append.h"

namespace rowseal {

/// kSystemProject holds an app's own secrets and the entries about keys.
inline constexpr std::string_view kSystemProject = "system";

/// MakeLogEntry makes the part of a call that its entry of the log is written from. Errors:
/// kRandomFailure.
Result<LogEntry> MakeLogEntry(const Session& session, const Access& access,
                              std::string_view action);

/// AuditEntryStatement is an entry that is still to be written, with its id for its items.
struct AuditEntryStatement {
  EntryId id;
  Statement statement;
};

Result<AuditEntryStatement> MakeAuditEntry(Session& session, std::string_view project,
                                           const Access& access, std::string_view action,
                                           std::string_view object);

/// WriteAudit writes an entry in the open transaction, so that it stands or falls with what it
/// describes, and returns its id for its items.
Result<EntryId> WriteAudit(Connection& connection, Session& session, std::string_view project,
                           const Access& access, std::string_view action, std::string_view object);

/// ReadAuditLog gives a project's entries, newest first.
Result<Listing<AuditEntry>> ReadAuditLog(Connection& connection, const ProjectId& project,
                                         std::int64_t limit);

}  // namespace rowseal
