#include "migrate_output.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"

namespace rowseal::cli {

Result<int> NameQuarantined(const MigrationManifest& manifest) {
  constexpr std::size_t kShown = 100;
  int status = 0;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (!guard) {
      continue;
    }
    ROWSEAL_ASSIGN(const std::vector<QuarantinedRow> quarantined, rows->Quarantined(kShown));
    for (const QuarantinedRow& row : quarantined) {
      PrintNote(TextOf(manifest.columns[number - 1]) + " row " + Printable(Join(row.key, "/")) +
                ": " + row.reason);
      status = 1;
    }
  }
  return status;
}

MigrationProgress::MigrationProgress(const MigrationPlan& plan, bool json) : json_(json) {
  for (const ColumnPlanReport& column : plan.columns) {
    totals_[column.column] = column.counts.plaintext + column.counts.originals;
  }
}

bool MigrationProgress::Show(const ColumnReport& report) {
  if (report.column != column_) {
    Clear();
    column_ = report.column;
    progress_.emplace(column_ + ":", "rows", totals_[column_]);
    progress_->AsJson(json_);
  }
  if (report.is_paused != was_paused_) {
    Clear();
    PrintNote(report.is_paused ? "paused; rowseal migrate resume MANIFEST lets it go on"
                               : "it goes on");
    was_paused_ = report.is_paused;
  }
  if (!report.is_paused) {
    progress_->Show(report.rows);
  }
  return !stop_.asked();
}

void MigrationProgress::Clear() {
  if (progress_) {
    progress_->Clear();
  }
}

RunMigrationOptions MigrationProgress::Options(int share_percent) {
  RunMigrationOptions options;
  options.share_percent = share_percent;
  options.on_progress = [this](const ColumnReport& report) { return Show(report); };
  return options;
}

void AddMigrationShare(CLI::App& verb, int& share) {
  verb.add_option("--share", share, "Percent of the time in which batches run [100]")
      ->check(CLI::Range(1, 100));
}

Result<void> PrintReport(const Program& program, const RunMigrationReport& report,
                         std::string_view verb) {
  std::string text;
  for (const ColumnReport& column : report.columns) {
    text += fmt::format("{}: {} rows {}", column.column, column.rows, verb);
    if (column.write_backs > 0) {
      text += fmt::format(", {} times old text that the app had saved again", column.write_backs);
    }
    if (verb == kMigrated && column.counts.plaintext > 0) {
      text += fmt::format(", {} cannot be", column.counts.plaintext);
    }
    text += "\n";
  }
  if (report.stopped) {
    text += "stopped; the next run goes on\n";
  }
  ROWSEAL_TRY(Show(program, JsonOf(report), text));
  return {};
}

}  // namespace rowseal::cli
