#include "store/fields.h"

#include "base/encoding.h"

namespace rowseal {

// PostgreSQL keeps texts well-formed; a SQLite file holds what was put there.
bool Codec<std::string>::Read(std::string& cell, std::string& value) {
  if (!IsUtf8(cell)) {
    return false;
  }
  value = std::move(cell);
  return true;
}

Error DefectError(const std::string& object, const Defect& defect) {
  return {ErrorCode::kIntegrity,
          object + ": " + std::string(defect.field) + " " + std::string(defect.why),
          "it was changed outside Rowseal; run `rowseal verify`, then restore it from a backup"};
}

}  // namespace rowseal
