#include "migration/file_source.h"

#include <utility>

#include <rowseal/client.h>

#include "base/encoding.h"
#include "migration/secret_writer.h"

namespace rowseal {
namespace {

class FileSource final : public ImportSource {
 public:
  explicit FileSource(ImportBatch batch) : batch_(std::move(batch)) {}

  Result<std::optional<ImportBatch>> Next() override { return std::exchange(batch_, std::nullopt); }

 private:
  std::optional<ImportBatch> batch_;
};

}  // namespace

Result<std::unique_ptr<ImportSource>> OpenFileSource(const std::string& path, FileFormat format,
                                                     const ProjectId& project,
                                                     std::optional<SecretKind> kind) {
  ROWSEAL_ASSIGN(const SecretBytes text, ReadSecretFile(path, kMaxImportBatchBytes));
  Result<std::vector<ImportItem>> items = ParseSecrets(format, text.Reveal());
  if (!items) {
    return Fail(items.error().code, "'" + Printable(path) + "': " + items.error().message,
                items.error().hint);
  }
  for (ImportItem& item : *items) {
    item.kind = item.kind ? item.kind : kind;
    if (item.value.size() > kMaxSecretSize) {
      return Fail(ErrorCode::kInvalidArgument, "'" + Printable(path) + "': the value of '" +
                                                   Printable(item.name.text()) +
                                                   "' is larger than 16 MiB");
    }
  }
  return std::make_unique<FileSource>(ImportBatch{project.text(), std::move(*items), {}});
}

}  // namespace rowseal
