#include <algorithm>
#include <map>

#include "client/change.h"
#include "migration/column_migrator.h"
#include "migration/migration_batches.h"
#include "migration/online_migration.h"

namespace rowseal {
namespace {

constexpr std::int64_t kRollbackBatchBytes = 4'000'000;

// Gives rows of one column back what they held.
class ColumnRestorer final {
 public:
  ColumnRestorer(Client& client, ColumnMigrator& migrator, Access access)
      : client_(client), migrator_(migrator), access_(std::move(access)) {}

  Result<MigratedBatch> RestoreNext(const std::string& position, std::size_t limit) {
    return InTransaction([&]() -> Result<MigratedBatch> {
      ROWSEAL_ASSIGN(
          std::vector<MigratingRow> rows,
          migrator_.rows().Lock(RowsToLock::kMigrated, position, limit, kRollbackBatchBytes));
      return Restore(std::move(rows));
    });
  }

  Result<MigratedBatch> RestoreQueued(std::size_t limit) {
    return InTransaction([&]() -> Result<MigratedBatch> {
      ROWSEAL_ASSIGN(AppRows::Queued queued,
                     migrator_.rows().LockQueued(RowsToLock::kMigrated, limit));
      ROWSEAL_ASSIGN(MigratedBatch batch, Restore(std::move(queued.rows)));
      batch.seen = queued.taken;
      return batch;
    });
  }

 private:
  template <class Work>
  Result<MigratedBatch> InTransaction(Work work) {
    AppRows& rows = migrator_.rows();
    ROWSEAL_TRY(rows.Begin());
    Result<MigratedBatch> batch = work();
    if (!batch) {
      rows.Rollback();
      return batch;
    }
    ROWSEAL_TRY(rows.Commit());
    return batch;
  }

  Result<MigratedBatch> Restore(std::vector<MigratingRow> rows) {
    MigratedBatch batch;
    batch.seen = rows.size();
    std::vector<RowWrite> writes;
    std::vector<QuarantinedRow> failed;
    ROWSEAL_ASSIGN(originals_, migrator_.OpenOriginals(rows));
    ROWSEAL_TRY(ReadSecrets(rows));
    for (const MigratingRow& row : rows) {
      batch.position = row.position;
      Result<SecretBytes> content = ContentOf(row);
      if (content) {
        writes.push_back({row.position, row.project, std::move(*content), {}});
        ++batch.rows;
      } else if (content.error().code == ErrorCode::kUnavailable ||
                 content.error().code == ErrorCode::kResourceExhausted) {
        return tl::unexpected(std::move(content).error());
      } else {
        failed.push_back({row.position, row.key, content.error().message});
      }
    }
    batch.quarantined = static_cast<std::int64_t>(failed.size());
    ROWSEAL_TRY(migrator_.rows().Write(writes));
    ROWSEAL_TRY(migrator_.rows().Quarantine(failed));
    return batch;
  }

  Result<SecretBytes> ContentOf(const MigratingRow& row) {
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(row.project));
    if (!row.original || !IsAsWritten(row)) {
      return WithNewestValues(project, row, row.content);
    }
    Result<SecretBytes>& before = originals_.at(row.position);
    if (!before || migrator_.plan().mode == MigrationMode::kValue) {
      return std::move(before);
    }
    return WithNewSecrets(project, row, std::move(*before));
  }

  static bool IsAsWritten(const MigratingRow& row) {
    const std::optional<std::string>& written = row.original->written;
    if (!written || row.is_null) {
      return !written && row.is_null;
    }
    return AsText(row.content.Reveal()) == (written->empty() ? row.original->sealed : *written);
  }

  // The app changed the row since: what is sealed or refers to a secret is exchanged where it
  // stands.
  Result<SecretBytes> WithNewestValues(const ProjectId& project, const MigratingRow& row,
                                       const SecretBytes& content) {
    const ColumnPlan& plan = migrator_.plan();
    ROWSEAL_ASSIGN(const std::vector<FoundSettled> settled,
                   FindSettled(plan, migrator_.column().settled, content));
    if (settled.empty() && row.original && row.is_null) {
      // The app emptied it: nothing is to be given back.
      return Fail(ErrorCode::kConflict, "the app emptied the row after it was migrated");
    }
    if (!settled.empty() && migrator_.decoder() != nullptr) {
      return CannotWriteOldFormat();
    }
    std::vector<Replacement> replacements;
    for (const FoundSettled& found : settled) {
      ROWSEAL_ASSIGN(SecretBytes value, ValueOf(project, row, found));
      replacements.push_back({found.offset, found.size, std::move(value)});
    }
    return ReplaceValues(plan, content, replacements);
  }

  Result<SecretBytes> ValueOf(const ProjectId& project, const MigratingRow& row,
                              const FoundSettled& found) {
    if (ValueSealer* const sealer = migrator_.sealer()) {
      ROWSEAL_ASSIGN(Client::OpenedValues opened,
                     sealer->Open(project, {{found.text, row.key}}, access_));
      return std::move(opened.front());
    }
    const std::optional<std::string> name = NameInReference(migrator_.plan(), found.text);
    if (!name) {
      return Fail(ErrorCode::kIntegrity, "its reference to a secret was changed");
    }
    ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(*name));
    ROWSEAL_ASSIGN(const Secret kept, client_.Get(project, secret, {}, access_));
    return AroundSecret(kept.value);
  }

  // Reads the newest values of what was moved from these rows.
  Result<void> ReadSecrets(const std::vector<MigratingRow>& rows) {
    secrets_.clear();
    std::map<ProjectId, std::vector<SecretRef>> wanted;
    for (const MigratingRow& row : rows) {
      Result<ProjectId> project = ProjectId::Parse(row.project);
      if (!row.original || !project) {
        continue;
      }
      for (const std::string& text : row.original->secrets) {
        ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(text));
        wanted[*project].push_back({std::move(name), {}});
      }
    }
    for (const auto& [project, refs] : wanted) {
      ROWSEAL_ASSIGN(Client::Secrets kept, client_.GetBatch(project, refs, access_));
      for (std::size_t i = 0; i < refs.size(); ++i) {
        secrets_.emplace(std::pair(project, refs[i].name.text()), std::move(kept[i]));
      }
    }
    return {};
  }

  static tl::unexpected<Error> CannotWriteOldFormat() {
    return Fail(ErrorCode::kRefusedByState,
                "its value was changed after it was migrated, and Rowseal does not write the app's"
                " old format");
  }

  // A secret may have got a new version since.
  Result<SecretBytes> WithNewSecrets(const ProjectId& project, const MigratingRow& row,
                                     SecretBytes before) {
    const ColumnPlan& plan = migrator_.plan();
    ROWSEAL_ASSIGN(const std::vector<FoundValue> values,
                   FindValues(plan, migrator_.column().settled, migrator_.decoder(), before));
    const std::vector<std::string>& names = row.original->secrets;
    if (names.size() != values.size()) {
      return Fail(ErrorCode::kIntegrity, "its original does not fit its secrets");
    }
    std::vector<Replacement> replacements;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Result<Secret>& kept = secrets_.at({project, names[i]});
      if (!kept) {
        return tl::unexpected(kept.error());
      }
      if (!kept->value.EqualsInConstantTime(values[i].value)) {
        ROWSEAL_ASSIGN(SecretBytes text, AroundSecret(kept->value));
        replacements.push_back({values[i].offset, values[i].size, std::move(text)});
      }
    }
    if (replacements.empty()) {
      return before;
    }
    if (migrator_.decoder() != nullptr) {
      return CannotWriteOldFormat();
    }
    return ReplaceValues(plan, before, replacements);
  }

  Result<SecretBytes> AroundSecret(const SecretBytes& secret) const {
    const ColumnPlan& plan = migrator_.plan();
    ColumnPlan whole;  // of a plain text: nothing is quoted
    ROWSEAL_ASSIGN(SecretBytes around, SecretBytes::CopyOf(AsBytes(plan.before + plan.behind)));
    ROWSEAL_ASSIGN(SecretBytes copy, secret.Clone());
    std::vector<Replacement> replacements;
    replacements.push_back({plan.before.size(), 0, std::move(copy)});
    return ReplaceValues(whole, around, replacements);
  }

  Client& client_;
  ColumnMigrator& migrator_;
  const Access access_;
  std::map<std::string, Result<SecretBytes>> originals_;  // of the batch, by position
  std::map<std::pair<ProjectId, std::string>, Result<Secret>> secrets_;  // of the batch
};

Result<ColumnReport> RestoreColumn(Client& client, ColumnMigrator& migrator,
                                   const RunMigrationOptions& options, const Access& access) {
  ColumnRestorer restorer(client, migrator, access);
  BatchPace pace(options.share_percent);
  ColumnReport report;
  report.column = TextOf(migrator.plan());
  const auto show = [&](bool paused) {
    report.is_paused = paused;
    return !options.on_progress || options.on_progress(report);
  };
  StallWatch watch;
  ROWSEAL_TRY(AwaitResume(migrator.rows(), watch, show));
  while (true) {
    std::string position;
    std::int64_t of_pass = 0;
    std::int64_t failed = 0;
    while (true) {
      ROWSEAL_ASSIGN(const MigratedBatch queued,
                     pace.Run([&](std::size_t limit) { return restorer.RestoreQueued(limit); }));
      ROWSEAL_ASSIGN(const MigratedBatch batch, pace.Run([&](std::size_t limit) {
        return restorer.RestoreNext(position, limit);
      }));
      of_pass += queued.rows + batch.rows;
      failed += queued.quarantined + batch.quarantined;
      report.rows += queued.rows + batch.rows;
      watch.Note(queued.rows + batch.rows);
      ROWSEAL_TRY(AwaitResume(migrator.rows(), watch, show));
      if (batch.seen == 0 && queued.seen == 0) {
        break;
      }
      position = batch.seen == 0 ? position : batch.position;
    }
    ROWSEAL_ASSIGN(report.counts, migrator.rows().Count());
    if (of_pass == 0 && failed > 0) {
      return Fail(ErrorCode::kIntegrity,
                  std::to_string(failed) + " rows of " + report.column + " cannot be given back",
                  "rowseal migrate status MANIFEST names them and why");
    }
    if (of_pass == 0 && report.counts.originals == 0 && report.counts.queued == 0) {
      return report;
    }
    ROWSEAL_TRY(watch.Check(report.column, report.counts.originals));
  }
}

}  // namespace

Result<RunMigrationReport> RollBackMigration(Client& client, const MigrationManifest& manifest,
                                             const RunMigrationOptions& options,
                                             const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  ROWSEAL_TRY(CheckMayChange(client, access));
  std::vector<ColumnMigrator> migrators;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (guard && *guard == Guard::kRefuse) {
      return Fail(ErrorCode::kRefusedByState,
                  "migration '" + manifest.name + "' was finalized: its originals are gone",
                  "write the values back with rowseal export and your own statements");
    }
    if (!guard) {
      continue;  // never begun, or rolled back already
    }
    ROWSEAL_TRY(rows->SetGuard(Guard::kReverse));
    ROWSEAL_ASSIGN(ColumnMigrator migrator,
                   ColumnMigrator::Make(client, manifest, number, std::move(rows), access));
    migrators.push_back(std::move(migrator));
  }
  RunMigrationReport report;
  for (ColumnMigrator& migrator : migrators) {
    Result<ColumnReport> column = RestoreColumn(client, migrator, options, access);
    if (!column && column.error().code == ErrorCode::kCancelled) {
      report.stopped = true;
      return report;
    }
    ROWSEAL_TRY(column);
    report.columns.push_back(std::move(*column));
  }
  for (ColumnMigrator& migrator : migrators) {
    ROWSEAL_TRY(migrator.rows().Uninstall());
  }
  ROWSEAL_TRY(ColumnMigrator::ForgetLabel(client, manifest, access));
  return report;
}

}  // namespace rowseal
