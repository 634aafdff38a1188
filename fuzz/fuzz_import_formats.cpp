// A file of secrets in .env, JSON or CSV is refused with its line, or read; what was read and is
// written again is read as the same secrets, and written as the same bytes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "migration/export_formats.h"
#include "migration/import_formats.h"
#include "require.h"

namespace {

using namespace rowseal;

std::vector<ExportItem> ViewOf(const std::vector<ImportItem>& items) {
  std::vector<ExportItem> views;
  for (const ImportItem& item : items) {
    views.push_back({item.name, item.kind.value_or(SecretKind::kWorkflow), item.value.Reveal()});
  }
  return views;
}

void RequireSame(const std::vector<ImportItem>& one, const std::vector<ImportItem>& other) {
  Require(std::ranges::equal(one, other, [](const ImportItem& a, const ImportItem& b) {
    return a.name == b.name && std::ranges::equal(a.value.Reveal(), b.value.Reveal());
  }));
}

void Check(FileFormat format, ByteView text) {
  const auto items = ParseSecrets(format, text);
  if (!items) {
    Require(items.error().code == ErrorCode::kInvalidArgument);
    Require(IsUtf8(items.error().message));
    return;
  }
  for (const FileFormat other : {FileFormat::kEnv, FileFormat::kJson, FileFormat::kCsv}) {
    SecretWriter written(1U << 20);
    if (!WriteSecrets(other, ViewOf(*items), written)) {
      continue;  // not every format carries every name and value
    }
    const auto again = ParseSecrets(other, written.Reveal());
    Require(again.has_value());
    RequireSame(*items, *again);
    SecretWriter rewritten(1U << 20);
    Require(WriteSecrets(other, ViewOf(*again), rewritten).has_value());
    Require(std::ranges::equal(written.Reveal(), rewritten.Reveal()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // The first byte chooses the format, so that what was found in one does not wander to another.
  const FileFormat formats[] = {FileFormat::kEnv, FileFormat::kJson, FileFormat::kCsv};
  Check(formats[data[0] % std::size(formats)], {data + 1, size - 1});
  return 0;
}
