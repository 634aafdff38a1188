#include "base/encoding.h"
#include "client/columns.h"
#include "lifecycle/doctor_checks.h"

namespace rowseal {
namespace {

Result<std::int64_t> DeactivatedValueDeks(Connection& connection) {
  ROWSEAL_ASSIGN(const DekGroup deks,
                 ReadDekGroup(connection,
                              "SELECT count(*), min(project_id), min(created_at) FROM rowseal.dek"
                              " WHERE purpose = 'value' AND drained_at IS NULL"
                              "  AND state IN ('deactivated', 'compromised')",
                              {}));
  return deks.count;
}

void CheckPlace(const Inspection& inspection, const ColumnRecord& column, Findings& findings) {
  const Result<std::unique_ptr<AppColumn>> place = inspection.session.OpenAppColumn(*column.source);
  if (!place) {
    findings.push_back(
        {Severity::kWarning, "columns",
         "the place of column '" + column.label.text() +
             "' does not open: " + place.error().message,
         "bring it back, or give the column its place of today: rowseal column add " +
             ShellWord(column.label.text()) + " --database …; until then the jobs over it stop"});
  }
}

}  // namespace

Result<void> CheckColumns(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(inspection.read));
  for (const UnreadRow& column : columns.unreadable) {
    findings.push_back({Severity::kError, "columns",
                        "the registration of " + column.row + " cannot be read: " + column.message +
                            "; no DEK for values is drained or destroyed until it can",
                        "restore its row in the table sealed_column from a backup"});
  }
  ROWSEAL_ASSIGN(const std::int64_t waiting, DeactivatedValueDeks(inspection.connection));
  for (const ColumnRecord& column : columns) {
    if (column.source) {
      CheckPlace(inspection, column, findings);
    } else if (waiting > 0) {
      findings.push_back(
          {Severity::kWarning, "columns",
           "column '" + column.label.text() + "' has no place: " +
               Counted(waiting, "deactivated DEK") + " for values can never be proven drained",
           "say where it stands: rowseal column add " + ShellWord(column.label.text()) +
               " --database URL --table … --column … --key … --project-column …"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk,
                        "columns",
                        Counted(static_cast<std::int64_t>(columns.size()), "column") +
                            " registered, and no DEK for values waits in vain",
                        {}});
  }
  return {};
}

}  // namespace rowseal
