#include "migration/import.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_set>

#include "base/encoding.h"
#include "client/change.h"

namespace rowseal {
namespace {

// Stored values are compared in portions, so that memory holds few of them beside the new ones.
constexpr std::size_t kComparedItems = 256;
constexpr std::size_t kComparedBytes = 4U * 1024 * 1024;

using Problems = std::vector<ImportProblem>;

void NameDuplicates(const ImportBatch& batch, Problems& problems) {
  std::unordered_set<std::string_view> seen;
  for (const ImportItem& item : batch.items) {
    if (!seen.insert(item.name.text()).second) {
      problems.push_back({batch.project, item.name.text(), "comes twice in the source"});
    }
  }
}

std::span<const ImportItem> NextPortion(std::span<const ImportItem> items) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < std::min(items.size(), kComparedItems) && (count == 0 || bytes < kComparedBytes)) {
    bytes += items[count].value.size();
    ++count;
  }
  return items.first(count);
}

enum class Comparison : std::uint8_t { kNew, kSame, kDifferent };

// Compares an item with what is stored under its name. A stored secret that may not be opened (its
// newest version has expired) is another's, too: it is never overwritten.
Result<Comparison> Compare(const ImportItem& item, const Result<Secret>& stored) {
  if (stored) {
    const bool same_kind = !item.kind || *item.kind == stored->kind;
    return same_kind && item.value.EqualsInConstantTime(stored->value) ? Comparison::kSame
                                                                       : Comparison::kDifferent;
  }
  if (stored.error().code == ErrorCode::kNotFound) {
    return Comparison::kNew;
  }
  if (stored.error().code == ErrorCode::kRefusedByState) {
    return Comparison::kDifferent;
  }
  return tl::unexpected(stored.error());
}

struct Compared {
  std::vector<PutItem> missing;
  std::int64_t unchanged = 0;
};

Result<Compared> CompareAll(Client& client, const ProjectId& project, const ImportBatch& batch,
                            const Access& access, Problems& problems) {
  Compared compared;
  std::span<const ImportItem> rest(batch.items);
  while (!rest.empty()) {
    const std::span<const ImportItem> portion = NextPortion(rest);
    rest = rest.subspan(portion.size());
    std::vector<SecretRef> names;
    for (const ImportItem& item : portion) {
      names.push_back({item.name, {}});
    }
    ROWSEAL_ASSIGN(const auto stored, client.GetBatch(project, names, access));
    for (std::size_t i = 0; i < portion.size(); ++i) {
      const ImportItem& item = portion[i];
      ROWSEAL_ASSIGN(const Comparison comparison, Compare(item, stored.at(i)));
      if (comparison == Comparison::kNew) {
        compared.missing.push_back(
            {item.name, item.value.Reveal(), item.kind, {}, PutRule::kCreateOnly});
      } else if (comparison == Comparison::kSame) {
        ++compared.unchanged;
      } else {
        problems.push_back(
            {batch.project, item.name.text(), "is stored with another value or kind"});
      }
    }
  }
  return compared;
}

// Somebody may have created a name since it was looked up; then nothing of the batch was stored.
Result<void> NamePutFailures(const std::vector<Result<StoredSecret>>& stored,
                             const std::vector<PutItem>& items, const ImportBatch& batch,
                             Problems& problems) {
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i]) {
      continue;
    }
    if (stored[i].error().code != ErrorCode::kConflict) {
      return tl::unexpected(stored[i].error());
    }
    problems.push_back({batch.project, items.at(i).name.text(), stored[i].error().message});
  }
  return {};
}

Result<void> ImportProject(Client& client, const ImportBatch& batch, const Access& access,
                           Problems& problems, ImportReport& report) {
  const Result<ProjectId> project = ProjectId::Parse(batch.project);
  if (!project && problems.empty()) {
    problems.push_back({batch.project, {}, project.error().message});
  }
  NameDuplicates(batch, problems);
  if (!problems.empty()) {
    return {};
  }
  ROWSEAL_ASSIGN(const Compared compared, CompareAll(client, *project, batch, access, problems));
  if (!problems.empty()) {
    return {};
  }
  if (!compared.missing.empty()) {
    ROWSEAL_ASSIGN(const auto stored,
                   client.PutBatch(*project, compared.missing, Batch::kAllOrNone, access));
    ROWSEAL_TRY(NamePutFailures(stored, compared.missing, batch, problems));
    if (!problems.empty()) {
      return {};
    }
  }
  report.created += static_cast<std::int64_t>(compared.missing.size());
  report.unchanged += compared.unchanged;
  return {};
}

}  // namespace

Result<ImportReport> Import(Client& client, ImportSource& source, const Access& access,
                            const std::function<void(const ImportProblem&)>& on_problem,
                            const std::function<void(const ImportReport&)>& on_progress) {
  ROWSEAL_TRY(CheckMayChange(client, access));
  ImportReport report;
  for (;;) {
    ROWSEAL_ASSIGN(const std::optional<ImportBatch> batch, source.Next());
    if (!batch) {
      return report;
    }
    Problems problems = batch->problems;
    ROWSEAL_TRY(ImportProject(client, *batch, access, problems, report));
    ++report.projects;
    report.conflicts += static_cast<std::int64_t>(problems.size());
    std::for_each(problems.begin(), problems.end(), on_problem);
    if (on_progress) {
      on_progress(report);
    }
  }
}

}  // namespace rowseal
