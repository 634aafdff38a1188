#include "migration/canary.h"

#include <algorithm>

#include "migration/column_migrator.h"
#include "migration/online_migration.h"

namespace rowseal {
namespace {

constexpr std::int64_t kNewestEntries = 10'000;

// The audit log names secrets and columns by their ids.
Result<std::string> IdOfSecret(Client& client, const ProjectId& project, const std::string& name) {
  ROWSEAL_ASSIGN(const SecretName wanted, SecretName::Parse(name));
  std::string after;
  while (true) {
    ROWSEAL_ASSIGN(const Listing<SecretSummary> page, client.List(project, after, 10'000));
    const auto found = std::ranges::find(page, wanted, &SecretSummary::name);
    if (found != page.end()) {
      return ToText(found->id);
    }
    if (page.empty()) {
      return Fail(ErrorCode::kNotFound, "secret '" + name + "' was deleted meanwhile");
    }
    after = page.back().name.text();
  }
}

}  // namespace

Result<Canary> Canary::Migrate(Client& client, const MigrationManifest& manifest,
                               std::size_t number, const std::vector<std::string>& key,
                               const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  ROWSEAL_TRY(InstallGuards(client, manifest, access));
  ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                 OpenAppRows(manifest.database, ColumnOf(manifest, number)));
  ROWSEAL_ASSIGN(ColumnMigrator migrator,
                 ColumnMigrator::Make(client, manifest, number, std::move(rows), access));
  ROWSEAL_ASSIGN(const MigratingRow row, migrator.MigrateKey(key));
  if (!row.original) {
    return Fail(ErrorCode::kNotFound,
                "the canary row of " + TextOf(migrator.plan()) + " holds nothing that was migrated",
                "choose a row whose secret the app reads soon");
  }
  ROWSEAL_ASSIGN(ProjectId project, ProjectId::Parse(row.project));
  const std::string of_project = " of project " + project.text();
  const bool is_move = migrator.plan().mode == MigrationMode::kMove;
  const std::string name = is_move ? row.original->secrets.front() : migrator.plan().label;
  std::string id;
  if (is_move) {
    ROWSEAL_ASSIGN(id, IdOfSecret(client, project, name));
  } else {
    id = ToText(migrator.sealer()->column_id());
  }
  Canary canary(std::move(project), is_move ? "" : "open", std::move(id),
                (is_move ? "secret " : "a value of ") + name + of_project);
  ROWSEAL_ASSIGN(const Listing<AuditEntry> before,
                 client.AuditLog(canary.project_, kNewestEntries));
  for (const AuditEntry& entry : before) {
    canary.known_.insert(entry.id);
  }
  return canary;
}

Result<bool> Canary::WasRead(Client& client) {
  ROWSEAL_ASSIGN(const Listing<AuditEntry> entries, client.AuditLog(project_, kNewestEntries));
  return std::ranges::any_of(entries, [&](const AuditEntry& entry) {
    return entry.outcome == "granted" && (action_.empty() || entry.action == action_) &&
           entry.object.find(object_) != std::string::npos && !known_.contains(entry.id);
  });
}

}  // namespace rowseal
