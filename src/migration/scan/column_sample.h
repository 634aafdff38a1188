#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "migration/scan/json_leaves.h"
#include "migration/scan/value_class.h"
#include "store/app_catalogue.h"

namespace rowseal {

/// ValueStatistics is what is kept of sampled values: how many are of which shape, and of each
/// shape one value, masked.
class ValueStatistics final {
 public:
  /// Add counts a value and gives its shape.
  Shape Add(ByteView value);

  std::int64_t total() const noexcept { return total_; }
  std::int64_t CountOf(Shape shape) const noexcept {
    return counts_.at(static_cast<std::size_t>(shape));
  }
  std::int64_t CountOf(ShapeGroup group) const noexcept;
  /// Example gives the first value of that shape, masked; empty: there was none.
  const std::string& Example(Shape shape) const noexcept {
    return examples_.at(static_cast<std::size_t>(shape));
  }

 private:
  std::int64_t total_ = 0;
  std::array<std::int64_t, kShapeCount> counts_{};
  std::array<std::string, kShapeCount> examples_;
};

/// LeafSample is what stands at one path of a column's JSON documents.
struct LeafSample {
  JsonPath path;
  ValueStatistics strings;
};

/// RowFacts is what the rest of a row says of a value in it.
struct RowFacts {
  bool has_project = true;  ///< false: it is known to be NULL
  bool name_tells = false;  ///< another column names the value, and says that it is a secret
};

/// ColumnSample is what was seen in one column. JSON documents, in json columns or as texts, are
/// looked into; other values are counted as a whole.
class ColumnSample final {
 public:
  /// Add counts what stands in one sampled row. Errors: kResourceExhausted.
  Result<void> Add(const SampledValue& value, const RowFacts& row = {});

  std::int64_t rows() const noexcept { return rows_; }
  std::int64_t too_large() const noexcept { return too_large_; }
  /// without_project counts the values in rows whose project is NULL.
  std::int64_t without_project() const noexcept { return without_project_; }
  /// named counts the values that may be secrets in rows that are called after one.
  std::int64_t named() const noexcept { return named_; }
  /// longest is the size of the largest value that is no JSON document, in bytes.
  std::int64_t longest() const noexcept { return longest_; }
  const ValueStatistics& values() const noexcept { return values_; }
  std::int64_t documents() const noexcept { return documents_; }
  /// leaves are by their path's text.
  const std::map<std::string, LeafSample>& leaves() const noexcept { return leaves_; }
  /// has_more_paths: documents have so many different paths that not all are known.
  bool has_more_paths() const noexcept { return has_more_paths_; }

 private:
  Result<bool> AddDocument(ByteView text);

  std::int64_t rows_ = 0;
  std::int64_t too_large_ = 0;
  std::int64_t without_project_ = 0;
  std::int64_t named_ = 0;
  std::int64_t longest_ = 0;
  std::int64_t documents_ = 0;
  bool has_more_paths_ = false;
  ValueStatistics values_;
  std::map<std::string, LeafSample> leaves_;
};

}  // namespace rowseal
