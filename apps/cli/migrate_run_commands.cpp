#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "input.h"
#include "manifest_file.h"
#include "migrate_output.h"
#include "migration/canary.h"

// migrate plan, run, pause and resume.

namespace rowseal::cli {
namespace {

struct MigrateRunArguments {
  std::string manifest;
  int share = 100;
  bool yes = false;
  bool dry_run = false;
  bool readers_deployed = false;
  bool accept_unauthenticated = false;
  std::string canary;
  std::size_t canary_column = 1;
  int canary_wait = 600;
};

std::string BytesText(std::int64_t bytes) {
  return bytes < 10'000       ? fmt::format("{} bytes", bytes)
         : bytes < 10'000'000 ? fmt::format("{} KB", bytes / 1000)
                              : fmt::format("{} MB", bytes / 1'000'000);
}

std::string PlanText(const MigrationPlan& plan) {
  std::string text;
  for (const ColumnPlanReport& column : plan.columns) {
    text += fmt::format("{}: {} of {} rows hold plaintext, {} are empty\n", column.column,
                        column.counts.plaintext, column.counts.rows, column.counts.empty);
    text += fmt::format(
        "  {}{}; about {} s\n", BytesText(column.counts.plaintext_bytes),
        column.sealed_bytes ? ", sealed about " + BytesText(*column.sealed_bytes) : std::string(),
        column.estimated_seconds);
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
  return text;
}

Result<int> ShowPlan(const Program& program, const MigrationPlan& plan) {
  return Show(program, {{"columns", JsonOf(plan.columns)}}, PlanText(plan));
}

Result<int> Plan(Program& program, const MigrateRunArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  return ShowPlan(program, plan);
}

// What the operator must know before anything is changed.
Result<void> CheckReady(const MigrationManifest& manifest, const MigrationPlan& plan,
                        const MigrateRunArguments& arguments) {
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

std::vector<std::string> KeyParts(const std::string& text, std::size_t parts) {
  std::vector<std::string> key;
  std::size_t from = 0;
  while (key.size() + 1 < parts) {
    const std::size_t slash = text.find('/', from);
    if (slash == std::string::npos) {
      break;
    }
    key.push_back(text.substr(from, slash - from));
    from = slash + 1;
  }
  key.push_back(text.substr(from));
  return key;
}

// One row goes first, and the others follow once the app has read it.
Result<void> TryCanary(Client& client, const MigrationManifest& manifest,
                       const MigrateRunArguments& arguments, const Access& access) {
  using std::chrono::steady_clock;
  if (arguments.canary_column > manifest.columns.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the manifest has no column " + std::to_string(arguments.canary_column));
  }
  const ColumnPlan& column = manifest.columns[arguments.canary_column - 1];
  ROWSEAL_ASSIGN(Canary canary,
                 Canary::Migrate(client, manifest, arguments.canary_column,
                                 KeyParts(arguments.canary, column.keys.size()), access));
  PrintNote("the canary is migrated; let the app read " + canary.what());
  const StopSignal stop;
  const auto deadline = steady_clock::now() + std::chrono::seconds(arguments.canary_wait);
  while (!stop.asked()) {
    ROWSEAL_ASSIGN(const bool was_read, canary.WasRead(client));
    if (was_read) {
      PrintNote("it was read");
      return {};
    }
    if (steady_clock::now() >= deadline) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("nobody read {} within {} s", canary.what(), arguments.canary_wait),
                  "see whether the app's readers are deployed; then run it again, or give the row"
                  " back: rowseal migrate rollback MANIFEST");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  return Fail(ErrorCode::kUnavailable, "stopped while the canary was waited for",
              "run it again, or give the row back: rowseal migrate rollback MANIFEST");
}

Result<int> RunMigrationStep(Program& program, const MigrateRunArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_ASSIGN(const MigrationPlan plan, PlanMigration(manifest));
  if (arguments.dry_run) {
    ROWSEAL_TRY(ShowPlan(program, plan));
  }
  ROWSEAL_TRY(CheckReady(manifest, plan, arguments));
  if (arguments.dry_run) {
    return 0;
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  if (!arguments.canary.empty()) {
    ROWSEAL_TRY(TryCanary(client, manifest, arguments, program.access()));
  }
  MigrationProgress progress(plan, program.json());
  ROWSEAL_ASSIGN(
      const RunMigrationReport report,
      RunMigration(client, manifest, progress.Options(arguments.share), program.access()));
  progress.Clear();
  ROWSEAL_TRY(PrintReport(program, report, kMigrated));
  ROWSEAL_ASSIGN(const int status, NameQuarantined(manifest));
  return report.stopped ? 1 : status;
}

template <bool kPaused>
Result<int> Pause(Program& program, const MigrateRunArguments& arguments) {
  ROWSEAL_ASSIGN(const MigrationManifest manifest, ReadManifest(arguments.manifest));
  ROWSEAL_TRY(PauseMigration(manifest, kPaused));
  return Show(program, {{"migration", manifest.name}, {"paused", kPaused}});
}

CLI::App& AddStep(Verbs& verbs, const VerbTexts& texts,
                  const std::shared_ptr<MigrateRunArguments>& arguments,
                  Result<int> (*step)(Program&, const MigrateRunArguments&)) {
  CLI::App& verb =
      verbs.Add(texts, [arguments, step](Program& program) { return step(program, *arguments); });
  verb.add_option("MANIFEST", arguments->manifest, "The manifest, a TOML file")->required();
  return verb;
}

}  // namespace

void AddMigrateRunVerbs(Verbs& migrate) {
  const auto arguments = std::make_shared<MigrateRunArguments>();
  AddStep(migrate,
          {"plan", "Say what a migration would do, and what stands in its way; changes nothing",
           "  rowseal migrate plan app.toml\n"},
          arguments, Plan);
  CLI::App& run = AddStep(
      migrate,
      {"run", "Migrate what is plaintext, and what the app writes meanwhile; again: goes on",
       "  rowseal migrate run app.toml --dry-run\n"
       "  rowseal migrate run app.toml --yes --readers-deployed --canary 42\n"},
      arguments, RunMigrationStep);
  run.add_flag("--yes", arguments->yes, "Accept what the plan lists");
  run.add_flag("--dry-run", arguments->dry_run, "Show the plan, and whether the run would begin");
  run.add_flag("--readers-deployed", arguments->readers_deployed,
               "Every reader opens sealed values already");
  run.add_flag("--accept-unauthenticated", arguments->accept_unauthenticated,
               "The plan's samples of values without a tag are right");
  run.add_option("--canary", arguments->canary,
                 "Migrate the row of this key first, and go on once the app has read it; the parts"
                 " of a key are separated by /");
  run.add_option("--canary-column", arguments->canary_column,
                 "The column of the canary, as the manifest counts them [1]")
      ->check(CLI::Range(1, 1000));
  run.add_option("--canary-wait", arguments->canary_wait,
                 "Seconds for which the canary is waited for [600]")
      ->check(CLI::Range(1, 86'400));
  AddMigrationShare(run, arguments->share);
  AddStep(migrate,
          {"pause", "Let every process at work on a migration wait behind its batch",
           "  rowseal migrate pause app.toml\n"},
          arguments, Pause<true>);
  AddStep(migrate, {"resume", "Let them go on", "  rowseal migrate resume app.toml\n"}, arguments,
          Pause<false>);
}

}  // namespace rowseal::cli
