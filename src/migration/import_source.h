#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// kMaxImportBatchBytes is how much plaintext one project may bring: a batch is all or nothing, so
/// it stands in memory as a whole.
inline constexpr std::size_t kMaxImportBatchBytes = 64U * 1024 * 1024;

/// ImportItem is one existing secret.
struct ImportItem {
  SecretName name;
  std::optional<SecretKind> kind;
  SecretBytes value;
};

/// ImportProblem says why a project was not imported, or which of its secrets stands in the way.
/// Never holds a value.
struct ImportProblem {
  std::string project;
  std::string name;  ///< empty: the whole project
  std::string message;
};

/// ImportBatch is one project's existing secrets. A batch with problems is not imported.
struct ImportBatch {
  std::string project;  ///< as the source has it, not checked
  std::vector<ImportItem> items;
  std::vector<ImportProblem> problems;
};

/// ImportSource gives existing secrets, project by project.
class ImportSource {
 public:
  virtual ~ImportSource() = default;

  /// Next gives the next project, or nothing behind the last. Errors: the source cannot be read.
  virtual Result<std::optional<ImportBatch>> Next() = 0;
};

}  // namespace rowseal
