#include "migration/scan/column_sample.h"
#include "migration/json_path.h"

#include <algorithm>

namespace rowseal {
namespace {

constexpr std::size_t kMostPaths = 1000;  // a column

}  // namespace

Shape ValueStatistics::Add(ByteView value) {
  const auto shape = static_cast<std::size_t>(ClassifyValue(value));
  ++total_;
  ++counts_.at(shape);
  if (examples_.at(shape).empty()) {
    examples_.at(shape) = MaskedValue(value);
  }
  return static_cast<Shape>(shape);
}

std::int64_t ValueStatistics::CountOf(ShapeGroup group) const noexcept {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < kShapeCount; ++i) {
    count += GroupOf(static_cast<Shape>(i)) == group ? counts_.at(i) : 0;
  }
  return count;
}

Result<void> ColumnSample::Add(const SampledValue& value, const RowFacts& row) {
  ++rows_;
  if (value.state == SampledValue::State::kTooLarge) {
    ++too_large_;
  }
  if (value.state != SampledValue::State::kGiven || value.bytes.empty()) {
    return {};
  }
  without_project_ += row.has_project ? 0 : 1;
  if (LooksLikeJsonDocument(AsText(value.bytes))) {
    ROWSEAL_ASSIGN(const bool is_document, AddDocument(value.bytes));
    if (is_document) {
      return {};
    }
  }
  longest_ = std::max(longest_, value.size);
  const ShapeGroup group = GroupOf(values_.Add(value.bytes));
  const bool may_be_secret =
      group == ShapeGroup::kSecret || group == ShapeGroup::kRandom || group == ShapeGroup::kOpaque;
  named_ += row.name_tells && may_be_secret ? 1 : 0;
  return {};
}

// Strings before a defect were counted; that does no harm to what is a guess.
Result<bool> ColumnSample::AddDocument(ByteView text) {
  const Result<void> visited =
      VisitJsonStrings(text, [this](const JsonPath& path, ByteView string) {
        std::string name = ToText(path);
        auto found = leaves_.find(name);
        if (found == leaves_.end()) {
          if (leaves_.size() == kMostPaths) {
            has_more_paths_ = true;
            return;
          }
          found = leaves_.emplace(std::move(name), LeafSample{path, {}}).first;
        }
        found->second.strings.Add(string);
      });
  if (!visited && visited.error().code != ErrorCode::kInvalidArgument) {
    return tl::unexpected(visited.error());
  }
  documents_ += visited ? 1 : 0;
  return visited.has_value();
}

}  // namespace rowseal
