#include "migration/app_table_source.h"

#include <utility>

#include <rowseal/client.h>

namespace rowseal {
namespace {

class AppTableSource final : public ImportSource {
 public:
  AppTableSource(AppTableReader reader, std::optional<SecretKind> kind)
      : reader_(std::move(reader)), kind_(kind) {}

  Result<std::optional<ImportBatch>> Next() override;

 private:
  Result<void> Add(AppRow row, ImportBatch& batch) const;

  AppTableReader reader_;
  std::optional<SecretKind> kind_;
  std::optional<AppRow> ahead_;  // the first row of the next project
};

Result<std::optional<ImportBatch>> AppTableSource::Next() {
  if (!ahead_) {
    ROWSEAL_ASSIGN(ahead_, reader_.Next());
  }
  if (!ahead_) {
    return std::nullopt;
  }
  ImportBatch batch{ahead_->project, {}, {}};
  std::size_t bytes = 0;
  while (ahead_ && ahead_->project == batch.project) {
    AppRow row = *std::exchange(ahead_, std::nullopt);
    bytes += row.value.size();
    if (bytes <= kMaxImportBatchBytes) {
      ROWSEAL_TRY(Add(std::move(row), batch));
    } else {
      batch.items.clear();  // refused as a whole; its other rows are only passed over
    }
    ROWSEAL_ASSIGN(ahead_, reader_.Next());
  }
  if (bytes > kMaxImportBatchBytes) {
    batch.problems.push_back({batch.project, {}, "its secrets are larger than 64 MiB together"});
  }
  return batch;
}

Result<void> AppTableSource::Add(AppRow row, ImportBatch& batch) const {
  const auto refuse = [&](std::string why) {
    batch.problems.push_back({batch.project, row.name, std::move(why)});
    return Result<void>();
  };
  if (!row.defect.empty()) {
    return refuse(row.defect);
  }
  const Result<SecretName> name = SecretName::Parse(row.name);
  if (!name) {
    return refuse(name.error().message);
  }
  if (row.value.size() > kMaxSecretSize) {
    return refuse("its value is larger than 16 MiB");
  }
  std::optional<SecretKind> kind = kind_;
  if (row.kind) {
    const Result<SecretKind> parsed = ParseSecretKind(*row.kind);
    if (!parsed) {
      return refuse(parsed.error().message);
    }
    kind = *parsed;
  }
  batch.items.push_back({*name, kind, std::move(row.value)});
  return {};
}

}  // namespace

Result<std::unique_ptr<ImportSource>> OpenAppTableSource(const std::string& path,
                                                         const AppTable& table,
                                                         std::optional<SecretKind> kind) {
  ROWSEAL_ASSIGN(AppTableReader reader, AppTableReader::Open(path, table));
  return std::make_unique<AppTableSource>(std::move(reader), kind);
}

}  // namespace rowseal
