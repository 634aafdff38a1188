#include <fmt/format.h>

#include "base/encoding.h"
#include "job_output.h"
#include "manifest_file.h"
#include "migration/migration_plan.h"
#include "migration/online_migration.h"
#include "output.h"
#include "program.h"
#include "progress.h"
#include "stop_signal.h"

// migrate plan, run, verify, finalize, rollback and status.

namespace rowseal::cli {
namespace {

constexpr std::string_view kMigrated = "migrated";

struct MigrateArguments {
  std::string manifest;
  int share = 100;
  bool yes = false;
  bool readers_deployed = false;
  bool online = false;
  bool accept_unauthenticated = false;
};

Json CountsJson(const MigrationCounts& counts) {
  return {{"rows", counts.rows},           {"empty", counts.empty},
          {"plaintext", counts.plaintext}, {"originals", counts.originals},
          {"queued", counts.queued},       {"quarantined", counts.quarantined}};
}

std::string RowText(const std::vector<std::string>& key) {
  std::string text;
  for (const std::string& part : key) {
    text += (text.empty() ? "" : "/") + part;
  }
  return Printable(text);
}

// Names the rows that could not be migrated, on stderr, and gives the exit status.
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
      PrintNote(TextOf(manifest.columns[number - 1]) + " row " + RowText(row.key) + ": " +
                row.reason);
      status = 1;
    }
  }
  return status;
}

class MigrationProgress {
 public:
  explicit MigrationProgress(const MigrationPlan& plan) {
    for (const ColumnPlanReport& column : plan.columns) {
      totals_[column.column] = column.counts.plaintext + column.counts.originals;
    }
  }
  ~MigrationProgress() { Clear(); }

  bool Show(const ColumnReport& report) {
    if (report.column != column_) {
      Clear();
      column_ = report.column;
      progress_.emplace(column_ + ":", "rows", totals_[column_]);
    }
    progress_->Show(report.rows);
    return !stop_.asked();
  }
  void Clear() {
    if (progress_) {
      progress_->Clear();
    }
  }

 private:
  StopSignal stop_;
  std::map<std::string, std::int64_t> totals_;
  std::string column_;
  std::optional<Progress> progress_;
};

Result<int> Plan(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  if (program.json()) {
    Json columns = Json::array();
    for (const ColumnPlanReport& column : plan.columns) {
      Json obstacles = Json::array();
      for (const Obstacle& obstacle : column.obstacles) {
        obstacles.push_back({{"weight", ToText(obstacle.weight)}, {"text", obstacle.text}});
      }
      columns.push_back({{"column", column.column},
                         {"counts", CountsJson(column.counts)},
                         {"obstacles", std::move(obstacles)},
                         {"samples", column.samples},
                         {"authenticated", column.is_authenticated}});
    }
    ROWSEAL_TRY(PrintJson({{"columns", std::move(columns)}}));
    return 0;
  }
  std::string text;
  for (const ColumnPlanReport& column : plan.columns) {
    text += fmt::format("{}: {} of {} rows hold plaintext, {} are empty\n", column.column,
                        column.counts.plaintext, column.counts.rows, column.counts.empty);
    for (const Obstacle& obstacle : column.obstacles) {
      text += fmt::format("  {}: {}\n", ToText(obstacle.weight), obstacle.text);
    }
    for (const std::string& sample : column.samples) {
      text += fmt::format("  a value opens as: {}\n", sample);
    }
    if (!column.is_authenticated) {
      text +=
          "  its format proves nothing: look at the samples, then give"
          " --accept-unauthenticated\n";
    }
  }
  ROWSEAL_TRY(PrintText(text));
  return 0;
}

// What the operator must know before anything is changed.
Result<void> CheckReady(const MigrationManifest& manifest, const MigrationPlan& plan,
                        const MigrateArguments& arguments) {
  std::string to_accept;
  for (const ColumnPlanReport& column : plan.columns) {
    for (const Obstacle& obstacle : column.obstacles) {
      if (obstacle.weight == ObstacleWeight::kRefused) {
        return Fail(ErrorCode::kRefusedByState, column.column + ": " + obstacle.text,
                    "rowseal migrate plan MANIFEST says all");
      }
      if (obstacle.weight == ObstacleWeight::kToAccept) {
        to_accept += "\n  " + column.column + ": " + obstacle.text;
      }
    }
  }
  for (const ColumnPlanReport& column : plan.columns) {
    if (!column.is_authenticated && !arguments.accept_unauthenticated) {
      return Fail(ErrorCode::kInvalidArgument,
                  column.column + ": a wrong key may seem to open values of this format",
                  "look at the samples of rowseal migrate plan, then give"
                  " --accept-unauthenticated");
    }
  }
  if (!to_accept.empty() && !arguments.yes) {
    return Fail(ErrorCode::kInvalidArgument, "the plan names what you must accept:" + to_accept,
                "look at each, then give --yes");
  }
  const bool any_value = std::ranges::any_of(manifest.columns, [](const ColumnPlan& column) {
    return column.mode == MigrationMode::kValue;
  });
  if (any_value && !arguments.readers_deployed) {
    return Fail(ErrorCode::kInvalidArgument,
                "values are sealed in place: every reader must open them before that",
                "deploy readers that use openIfSealed first, then give --readers-deployed");
  }
  return {};
}

Json ReportJson(const RunMigrationReport& report) {
  Json columns = Json::array();
  for (const ColumnReport& column : report.columns) {
    columns.push_back({{"column", column.column},
                       {"rows", column.rows},
                       {"values", column.values},
                       {"write_backs", column.write_backs},
                       {"counts", CountsJson(column.counts)}});
  }
  return {{"columns", std::move(columns)}, {"stopped", report.stopped}};
}

Result<void> PrintReport(const Program& program, const RunMigrationReport& report,
                         std::string_view verb) {
  if (program.json()) {
    return PrintJson(ReportJson(report));
  }
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
  return PrintText(text);
}

Result<int> Run(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  ROWSEAL_TRY(CheckReady(manifest, plan, arguments));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  MigrationProgress progress(plan);
  RunMigrationOptions options;
  options.share_percent = arguments.share;
  options.on_progress = [&](const ColumnReport& report) { return progress.Show(report); };
  ROWSEAL_ASSIGN(const RunMigrationReport report,
                 RunMigration(client, manifest, options, program.access()));
  progress.Clear();
  ROWSEAL_TRY(PrintReport(program, report, kMigrated));
  ROWSEAL_ASSIGN(const int status, NameQuarantined(manifest));
  return report.stopped ? 1 : status;
}

Result<int> Verify(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  bool complete = true;
  ROWSEAL_ASSIGN(const std::vector<ColumnVerdict> verdicts,
                 VerifyMigration(
                     client, manifest,
                     [](const MigrationFailure& failure) {
                       PrintNote(Printable(failure.row) + ": " + failure.message);
                     },
                     program.access()));
  Json columns = Json::array();
  std::string text;
  for (const ColumnVerdict& verdict : verdicts) {
    complete = complete && verdict.failures == 0 && verdict.plaintext == 0;
    columns.push_back({{"column", verdict.column},
                       {"opened", verdict.opened},
                       {"changed", verdict.changed},
                       {"plaintext", verdict.plaintext},
                       {"quarantined", verdict.quarantined},
                       {"failures", verdict.failures}});
    text += fmt::format(
        "{}: {} values open and are what they were, {} were changed since; {} fail; {} rows hold"
        " plaintext, {} of them quarantined\n",
        verdict.column, verdict.opened, verdict.changed, verdict.failures, verdict.plaintext,
        verdict.quarantined);
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"columns", std::move(columns)}, {"complete", complete}})
                             : PrintText(text));
  ROWSEAL_ASSIGN(const int status, NameQuarantined(manifest));
  return complete ? status : 1;
}

Result<int> Rollback(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  MigrationProgress progress(plan);
  RunMigrationOptions options;
  options.share_percent = arguments.share;
  options.on_progress = [&](const ColumnReport& report) { return progress.Show(report); };
  const Result<RunMigrationReport> report =
      RollBackMigration(client, manifest, options, program.access());
  progress.Clear();
  if (!report) {
    ROWSEAL_TRY(NameQuarantined(manifest));
    return tl::unexpected(report.error());
  }
  ROWSEAL_TRY(PrintReport(program, *report, "given back"));
  return report->stopped ? 1 : 0;
}

// What nothing can clean from here, and what that means.
constexpr std::string_view kElsewhere =
    "Old values may still stand in: the server's WAL and its archive, replicas that lag, base"
    " backups and dumps, freed blocks of the disk. They are gone when those are: expire them, or"
    " re-issue the secrets.\n";

Result<int> Finalize(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  if (!arguments.yes) {
    return Fail(ErrorCode::kInvalidArgument,
                "finalizing deletes the originals: there is no rollback behind it",
                "make sure that every reader and writer is the new release, then give --yes");
  }
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  MigrationProgress progress(plan);
  RunMigrationOptions options;
  options.on_progress = [&](const ColumnReport& report) { return progress.Show(report); };
  const Result<FinalizeReport> report = FinalizeMigration(
      client, manifest, arguments.online ? ScrubLocks::kBrief : ScrubLocks::kHeavy, options,
      program.access());
  progress.Clear();
  if (!report) {
    ROWSEAL_TRY(NameQuarantined(manifest));
    return tl::unexpected(report.error());
  }
  if (program.json()) {
    Json columns = Json::array();
    for (const ColumnReport& column : report->columns) {
      columns.push_back({{"column", column.column}, {"counts", CountsJson(column.counts)}});
    }
    ROWSEAL_TRY(PrintJson({{"columns", std::move(columns)},
                           {"left", report->left},
                           {"searched_values", report->searched_values},
                           {"searched_bytes", report->residue.bytes},
                           {"in_files", report->residue.in_files},
                           {"found", report->residue.found}}));
    return 0;
  }
  std::string text;
  for (const ColumnReport& column : report->columns) {
    text += fmt::format("{}: plaintext is refused from now on; {} rows\n", column.column,
                        column.counts.rows);
  }
  text +=
      fmt::format("{} old values were looked for in {}: found {} times\n", report->searched_values,
                  report->residue.in_files
                      ? fmt::format("the database's files ({} KiB)", report->residue.bytes / 1024)
                      : std::string("the statistics (the files cannot be read from here)"),
                  report->residue.found);
  for (const std::string& left : report->left) {
    text += "not scrubbed: " + left + "\n";
  }
  ROWSEAL_TRY(PrintText(text + std::string(kElsewhere)));
  return report->residue.found == 0 ? 0 : 1;
}

std::string_view StateOf(const std::optional<Guard>& guard) {
  if (!guard) {
    return "not begun";
  }
  switch (*guard) {
    case Guard::kQueue:
      return "migrating";
    case Guard::kRefuse:
      return "finalized";
    case Guard::kReverse:
      return "being rolled back";
  }
  return "migrating";
}

Result<int> ShowStatus(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  Json columns = Json::array();
  std::vector<std::vector<std::string>> table;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    ROWSEAL_ASSIGN(const MigrationCounts counts, rows->Count());
    const std::string column = TextOf(manifest.columns[number - 1]);
    columns.push_back(
        {{"column", column}, {"state", StateOf(guard)}, {"counts", CountsJson(counts)}});
    table.push_back({Printable(column), std::string(StateOf(guard)), std::to_string(counts.rows),
                     std::to_string(counts.plaintext), std::to_string(counts.queued),
                     std::to_string(counts.quarantined), std::to_string(counts.originals)});
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"columns", std::move(columns)}})
                             : PrintText(Table({"COLUMN", "STATE", "ROWS", "PLAINTEXT", "QUEUED",
                                                "QUARANTINED", "ORIGINALS"},
                                               table)));
  return NameQuarantined(manifest);
}

CLI::App& AddStep(Verbs& verbs, const VerbTexts& texts,
                  const std::shared_ptr<MigrateArguments>& arguments,
                  Result<int> (*step)(Program&, const MigrateArguments&)) {
  CLI::App& verb =
      verbs.Add(texts, [arguments, step](Program& program) { return step(program, *arguments); });
  verb.add_option("MANIFEST", arguments->manifest, "The manifest, a TOML file")->required();
  return verb;
}

void AddMigrationShare(CLI::App& verb, int& share) {
  verb.add_option("--share", share, "Percent of the time in which batches run [100]")
      ->check(CLI::Range(1, 100));
}

}  // namespace

void AddMigrateVerbs(Verbs verbs) {
  Verbs migrate = verbs.Group("migrate", "Move or seal the secrets in a live app's tables");
  const auto arguments = std::make_shared<MigrateArguments>();
  AddStep(migrate,
          {"plan", "Say what a migration would do, and what stands in its way; changes nothing",
           "  rowseal migrate plan app.toml\n"},
          arguments, Plan);
  CLI::App& run = AddStep(
      migrate,
      {"run", "Migrate what is plaintext, and what the app writes meanwhile; again: goes on",
       "  rowseal migrate run app.toml --yes --readers-deployed\n"},
      arguments, Run);
  run.add_flag("--yes", arguments->yes, "Accept what the plan lists");
  run.add_flag("--readers-deployed", arguments->readers_deployed,
               "Every reader opens sealed values already");
  run.add_flag("--accept-unauthenticated", arguments->accept_unauthenticated,
               "The plan's samples of values without a tag are right");
  AddMigrationShare(run, arguments->share);
  AddStep(migrate,
          {"verify", "Open every migrated value and compare it with what it was",
           "  rowseal migrate verify app.toml\n"},
          arguments, Verify);
  CLI::App& finalize =
      AddStep(migrate,
              {"finalize", "Refuse plaintext from now on, delete the originals, scrub the tables",
               "  rowseal migrate finalize app.toml --yes\n"},
              arguments, Finalize);
  finalize.add_flag("--yes", arguments->yes, "There is no rollback behind it");
  finalize.add_flag("--online", arguments->online,
                    "Leave out what needs heavy locks, and say what stays");
  CLI::App& rollback =
      AddStep(migrate,
              {"rollback", "Give every row back what it held, until the migration is finalized",
               "  rowseal migrate rollback app.toml\n"},
              arguments, Rollback);
  AddMigrationShare(rollback, arguments->share);
  AddStep(migrate,
          {"status", "Show how a migration stands, and which rows are quarantined",
           "  rowseal migrate status app.toml\n"},
          arguments, ShowStatus);
}

}  // namespace rowseal::cli
