#include <fmt/format.h>

#include "arguments.h"
#include "base/closed_set.h"
#include "base/encoding.h"
#include "database.h"
#include "db/postgres/postgres_app_catalogue.h"
#include "db/sqlite/sqlite_app_catalogue.h"
#include "migration/scan/manifest_writer.h"
#include "migration/scan/scan.h"
#include "program.h"
#include "progress.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

using Verdict = Proposal::Verdict;

constexpr ClosedSet<Verdict, 3> kVerdicts{{"active", "doubtful", "left out"}};

struct ScanArguments {
  std::string database;
  std::string output;
  bool force = false;
};

Result<std::unique_ptr<AppCatalogue>> OpenCatalogue(const std::string& database) {
  const std::string file = SqliteFile(database);
  return file.empty() ? OpenPostgresAppCatalogue(database) : OpenSqliteAppCatalogue(file);
}

Result<ScanReport> ScanWithProgress(AppCatalogue& catalogue) {
  std::optional<Progress> progress;
  Result<ScanReport> report = ScanDatabase(catalogue, [&](std::int64_t done, std::int64_t total) {
    if (!progress) {
      progress.emplace("scanned", "tables", total);
    }
    progress->Show(done);
  });
  if (progress) {
    progress->Clear();
  }
  return report;
}

Json ReportJson(const ScanReport& report, const std::string& output) {
  Json columns = Json::array();
  for (const Proposal& proposal : report.proposals) {
    columns.push_back({{"table", proposal.table},
                       {"column", proposal.column},
                       {"path", proposal.path.empty() ? Json(nullptr) : Json(proposal.path)},
                       {"verdict", kVerdicts.TextOf(proposal.verdict)},
                       {"sampled", proposal.rows},
                       {"values", proposal.values},
                       {"matched", proposal.matched},
                       {"reasons", proposal.reasons}});
  }
  Json gaps = Json::array();
  for (const ScanGap& gap : report.gaps) {
    gaps.push_back({{"place", gap.place}, {"message", gap.why}});
  }
  return {{"manifest", output},
          {"tables", report.tables},
          {"columns", std::move(columns)},
          {"not_seen", std::move(gaps)}};
}

// Nothing was found may only be said where everything was seen.
Result<int> StatusOf(const ScanReport& report) {
  if (!report.gaps.empty()) {
    return Fail(ErrorCode::kPartial,
                std::to_string(report.gaps.size()) +
                    " tables or columns were not seen, and may hold secrets too",
                "scan again with a login that owns the tables or has BYPASSRLS");
  }
  if (report.CountOf(Verdict::kActive) + report.CountOf(Verdict::kDoubtful) == 0) {
    return Fail(ErrorCode::kNotFound, "nothing that looks like a secret was found",
                "the manifest says what was looked at; name columns in it yourself");
  }
  return 0;
}

Result<int> Scan(Program& program, const ScanArguments& arguments) {
  const Existing existing = arguments.force ? Existing::kReplace : Existing::kKeep;
  ROWSEAL_ASSIGN(const std::string database, ReadDatabase(arguments.database));
  ROWSEAL_TRY(CheckNewFile(arguments.output, existing));
  ROWSEAL_ASSIGN(const std::unique_ptr<AppCatalogue> catalogue, OpenCatalogue(database));
  ROWSEAL_ASSIGN(const ScanReport report, ScanWithProgress(*catalogue));
  ROWSEAL_TRY(WriteNewFile(arguments.output, WriteManifest(report, database), existing));
  for (const ScanGap& gap : report.gaps) {
    PrintError({ErrorCode::kPartial, Printable(gap.place) + ": " + Printable(gap.why), {}});
  }
  ROWSEAL_TRY(
      Show(program, ReportJson(report, arguments.output),
           fmt::format("tables: {}, likely: {}, doubtful: {}, left out: {}\n", report.tables,
                       report.CountOf(Verdict::kActive), report.CountOf(Verdict::kDoubtful),
                       report.CountOf(Verdict::kSkipped))));
  return StatusOf(report);
}

}  // namespace

void AddScanVerb(Verbs verbs) {
  const auto [verb, arguments] = verbs.Add<ScanArguments>(
      {"scan", "Look for secrets in an app's database and write a first migration manifest",
       "  rowseal scan --database postgres:///app --output app.toml\n"
       "  rowseal scan --database sqlite:app.db --output app.toml --force\n"},
      Scan);
  verb.add_option("--database", arguments.database,
                  "The app's database, sqlite:PATH or postgres://…; it is only read")
      ->required();
  verb.add_option("--output", arguments.output, "The manifest to write, readable by you alone")
      ->required();
  verb.add_flag("--force", arguments.force, "Replace the manifest if it is there");
}

}  // namespace rowseal::cli
