#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/encoding.h"
#include "input.h"
#include "job_output.h"
#include "manifest_file.h"
#include "migrate_output.h"

// migrate verify, finalize, rollback and status.

namespace rowseal::cli {
namespace {

struct MigrateArguments {
  std::string manifest;
  int share = 100;
  bool yes = false;
  bool dry_run = false;
  bool online = false;
  std::string reissue;
};

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
  std::string text;
  for (const ColumnVerdict& verdict : verdicts) {
    complete = complete && verdict.failures == 0 && verdict.plaintext == 0;
    text += fmt::format(
        "{}: {} values open and are what they were, {} were changed since; {} fail; {} rows hold"
        " plaintext, {} of them quarantined\n",
        verdict.column, verdict.opened, verdict.changed, verdict.failures, verdict.plaintext,
        verdict.quarantined);
  }
  ROWSEAL_TRY(Show(program, {{"columns", JsonOf(verdicts)}, {"complete", complete}}, text));
  ROWSEAL_ASSIGN(const int status, NameQuarantined(manifest));
  return complete ? status : 1;
}

Json CountsOf(const auto& columns) {
  Json list = Json::array();
  for (const auto& column : columns) {
    list.push_back({{"column", column.column}, {"counts", JsonOf(column.counts)}});
  }
  return list;
}

// How a migration stands, and what a step that cannot be taken back would do.
Result<int> ShowDryRun(const Program& program, const MigrationPlan& plan, std::string_view what) {
  std::string text;
  for (const ColumnPlanReport& column : plan.columns) {
    text += fmt::format("{}: {} originals {}\n", column.column, column.counts.originals, what);
  }
  return Show(program, {{"dry_run", true}, {"columns", CountsOf(plan.columns)}}, text);
}

Result<int> Rollback(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  if (arguments.dry_run) {
    return ShowDryRun(program, plan, "would be given back");
  }
  ROWSEAL_TRY(Confirm(arguments.yes, "Write plaintext back into the app's tables?"));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  MigrationProgress progress(plan, program.json());
  const Result<RunMigrationReport> report =
      RollBackMigration(client, manifest, progress.Options(arguments.share), program.access());
  progress.Clear();
  if (!report) {
    ROWSEAL_TRY(NameQuarantined(manifest));
    return tl::unexpected(report.error());
  }
  ROWSEAL_TRY(PrintReport(program, *report, "given back"));
  return report->stopped ? 1 : 0;
}

// The list of what may have to be issued anew: a line of JSON for each row. It is on the disk
// before an original is deleted.
class ReissueList final {
 public:
  static Result<ReissueList> Create(const std::string& path) {
    ReissueList list;
    if (path.empty()) {
      return list;
    }
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      return Fail(errno == EEXIST ? ErrorCode::kConflict : ErrorCode::kUnavailable,
                  "'" + Printable(path) + "' cannot be made: " + SystemMessage(),
                  "name a file that is not there yet");
    }
    list.path_ = path;
    list.file_.reset(fdopen(descriptor, "w"));
    return list;
  }

  bool is_open() const noexcept { return file_ != nullptr; }

  Result<void> Add(const ReadableRow& secret) {
    const std::string text = JsonText(JsonOf(secret)) + "\n";
    return Written(std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size());
  }

  // DiscardUnfinished removes the file where the originals are still there.
  void DiscardUnfinished() const {
    if (file_ && !is_finished_) {
      unlink(path_.c_str());
    }
  }

  Result<void> Finish() {
    is_finished_ = true;
    return Written(std::fflush(file_.get()) == 0 && fsync(fileno(file_.get())) == 0);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Result<void> Written(bool written) const {
    if (written) {
      return {};
    }
    return Fail(ErrorCode::kUnavailable,
                "'" + Printable(path_) + "' cannot be written: " + SystemMessage(),
                "nothing was deleted; remove the file, then run it again");
  }

  std::string path_;
  bool is_finished_ = false;
  std::unique_ptr<std::FILE, Close> file_;
};

Json FinalizeJson(const FinalizeReport& report) {
  return {{"columns", CountsOf(report.columns)},
          {"left", report.left},
          {"elsewhere", report.elsewhere},
          {"to_reissue", report.exposed},
          {"searched_values", report.searched_values},
          {"searched_bytes", report.residue.bytes},
          {"in_files", report.residue.in_files},
          {"found", report.residue.found}};
}

std::string FinalizeText(const FinalizeReport& report, const std::string& reissue) {
  std::string text;
  for (const ColumnReport& column : report.columns) {
    text += fmt::format("{}: plaintext is refused from now on; {} rows\n", column.column,
                        column.counts.rows);
  }
  text +=
      fmt::format("{} old values were looked for in {}: found {} times\n", report.searched_values,
                  report.residue.in_files
                      ? fmt::format("the database's files ({} KiB)", report.residue.bytes / 1024)
                      : std::string("the statistics (the files cannot be read from here)"),
                  report.residue.found);
  for (const std::string& left : report.left) {
    text += "not scrubbed: " + left + "\n";
  }
  text += "Old values may still stand where nothing cleans them from here:\n";
  for (const std::string& place : report.elsewhere) {
    text += "  " + place + "\n";
  }
  return text + fmt::format(
                    "{} rows had held readable secrets: issue anew those whose loss would"
                    " matter{}\n",
                    report.exposed,
                    reissue.empty() ? std::string() : ", by the list in " + reissue);
}

Result<int> Finalize(Program& program, const MigrateArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  if (arguments.dry_run) {
    return ShowDryRun(program, plan, "would be deleted");
  }
  ROWSEAL_TRY(Confirm(arguments.yes,
                      "Refuse plaintext and delete the originals? Nothing gives them back."));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(ReissueList list, ReissueList::Create(arguments.reissue));
  MigrationProgress progress(plan, program.json());
  FinalizeOptions options;
  options.run = progress.Options(100);
  options.locks = arguments.online ? ScrubLocks::kBrief : ScrubLocks::kHeavy;
  if (list.is_open()) {
    options.on_exposed = [&](const ReadableRow& secret) { return list.Add(secret); };
    options.before_deletion = [&] { return list.Finish(); };
  }
  const Result<FinalizeReport> report =
      FinalizeMigration(client, manifest, options, program.access());
  progress.Clear();
  if (!report) {
    list.DiscardUnfinished();
    ROWSEAL_TRY(NameQuarantined(manifest));
    return tl::unexpected(report.error());
  }
  ROWSEAL_TRY(Show(program, FinalizeJson(*report), FinalizeText(*report, arguments.reissue)));
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
  std::vector<MigrationState> columns;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    ROWSEAL_ASSIGN(const MigrationCounts counts, rows->Count());
    ROWSEAL_ASSIGN(const bool paused, guard ? rows->IsPaused() : Result<bool>(false));
    columns.push_back({TextOf(manifest.columns[number - 1]),
                       std::string(StateOf(guard)) + (paused ? ", paused" : ""), counts});
  }
  using State = MigrationState;
  ROWSEAL_TRY(ShowList(
      program, "columns", columns,
      {{"COLUMN", "column"},
       {"STATE", "state"},
       {"ROWS", [](const State& column) { return CellOf(column.counts.rows); }},
       {"PLAINTEXT", [](const State& column) { return CellOf(column.counts.plaintext); }},
       {"QUEUED", [](const State& column) { return CellOf(column.counts.queued); }},
       {"QUARANTINED", [](const State& column) { return CellOf(column.counts.quarantined); }},
       {"ORIGINALS", [](const State& column) { return CellOf(column.counts.originals); }}}));
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

}  // namespace

void AddMigrateVerbs(Verbs verbs) {
  Verbs migrate = verbs.Group("migrate", "Move or seal the secrets in a live app's tables");
  AddMigrateRunVerbs(migrate);
  const auto arguments = std::make_shared<MigrateArguments>();
  AddStep(migrate,
          {"verify", "Open every migrated value and compare it with what it was",
           "  rowseal migrate verify app.toml\n"},
          arguments, Verify);
  CLI::App& finalize =
      AddStep(migrate,
              {"finalize", "Refuse plaintext from now on, delete the originals, scrub the tables",
               "  rowseal migrate finalize app.toml --yes --reissue to-reissue.jsonl\n"},
              arguments, Finalize);
  finalize.add_flag("--online", arguments->online,
                    "Leave out what needs heavy locks, and say what stays");
  finalize.add_option("--reissue", arguments->reissue,
                      "Write a new file that names every row and secret that stood readable");
  CLI::App& rollback =
      AddStep(migrate,
              {"rollback", "Give every row back what it held, until the migration is finalized",
               "  rowseal migrate rollback app.toml --yes\n"},
              arguments, Rollback);
  AddMigrationShare(rollback, arguments->share);
  for (CLI::App* const verb : {&finalize, &rollback}) {
    verb->add_flag("--yes", arguments->yes, "Do not ask; needed where nobody can be asked");
    verb->add_flag("--dry-run", arguments->dry_run, "Show how many rows it is about");
  }
  AddStep(migrate,
          {"status", "Show how a migration stands, and which rows are quarantined",
           "  rowseal migrate status app.toml\n"},
          arguments, ShowStatus);
}

}  // namespace rowseal::cli
