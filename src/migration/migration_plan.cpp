#include "migration/migration_plan.h"

#include "migration/online_migration.h"
#include "migration/plausibility.h"
#include "migration/row_content.h"

namespace rowseal {
namespace {

Treatment TreatmentOf(const ColumnPlan& plan) {
  if (plan.mode == MigrationMode::kValue) {
    return Treatment::kSealed;
  }
  switch (plan.leave) {
    case Leave::kNull:
      return Treatment::kEmptied;
    case Leave::kMarker:
      return Treatment::kMarked;
    case Leave::kReference:
      return Treatment::kReferred;
  }
  return Treatment::kMarked;
}

// Whether the key is the right one is seen before anything is changed.
Result<void> TakeSamples(AppRows& rows, const ColumnPlan& plan, const SettledRule& settled,
                         ColumnPlanReport& report) {
  constexpr std::size_t kSamples = 5;
  if (!plan.source) {
    return {};
  }
  ROWSEAL_ASSIGN(const ValueDecoder decoder, ValueDecoder::Open(*plan.source));
  report.is_authenticated = decoder.IsAuthenticated();
  ROWSEAL_ASSIGN(const std::vector<SecretBytes> contents, rows.Sample(kSamples));
  for (const SecretBytes& content : contents) {
    const Result<std::vector<FoundValue>> values = FindValues(plan, settled, &decoder, content);
    if (!values) {
      report.samples.push_back(values.error().message);
      continue;
    }
    for (const FoundValue& value : *values) {
      report.samples.push_back(value.defect.empty() ? MaskedSample(value.value.Reveal())
                                                    : value.defect);
    }
  }
  return {};
}

// Rows a second on two cores, by scripts/bench.sh, rounded down.
constexpr std::int64_t kSealedASecond = 20'000;
constexpr std::int64_t kMovedASecond = 5'000;

void Estimate(const ColumnPlan& column, ColumnPlanReport& report) {
  const MigrationCounts& counts = report.counts;
  const bool is_value = column.mode == MigrationMode::kValue;
  const std::int64_t rate = is_value ? kSealedASecond : kMovedASecond;
  report.estimated_seconds = (counts.plaintext + rate - 1) / rate;
  if (is_value && !column.path && !column.source) {
    // Header of 43 bytes, tag of 16, padding of 1 to 32, all as base64url behind `rs1.`.
    constexpr std::int64_t kAdded = 43 + 16 + 16;
    report.sealed_bytes =
        4 * counts.plaintext + (counts.plaintext_bytes + kAdded * counts.plaintext) * 4 / 3;
  }
}

}  // namespace

Result<MigrationPlan> PlanMigration(const MigrationManifest& manifest) {
  ROWSEAL_TRY(CheckManifest(manifest));
  MigrationPlan plan;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    const ColumnPlan& column = manifest.columns[number - 1];
    ROWSEAL_ASSIGN(const std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const MigrationCounts counts, rows->Count());
    ROWSEAL_ASSIGN(std::vector<Obstacle> obstacles, rows->Inspect(TreatmentOf(column)));
    ColumnPlanReport& report = plan.columns.emplace_back();
    report.column = TextOf(column);
    report.counts = counts;
    report.obstacles = std::move(obstacles);
    Estimate(column, report);
    ROWSEAL_TRY(TakeSamples(*rows, column, ColumnOf(manifest, number).settled, report));
  }
  return plan;
}

}  // namespace rowseal
