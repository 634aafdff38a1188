#include "migration/manifest.h"

#include <algorithm>

#include "base/encoding.h"
#include "envelope/sealed_value.h"
#include "migration/json_path.h"

namespace rowseal {
namespace {

constexpr std::string_view kReference = "{{secrets.";

bool IsName(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 40 && is_letter(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

Result<void> CheckColumn(const ColumnPlan& plan) {
  const auto refuse = [&](std::string_view why, std::string hint) {
    return Fail(ErrorCode::kInvalidArgument, "column " + TextOf(plan) + " " + std::string(why),
                std::move(hint));
  };
  if (plan.table.empty() || plan.column.empty() || plan.keys.empty()) {
    return refuse("misses its table, column or keys", "give all three");
  }
  if (plan.project.fixed.empty() && plan.project.column.empty()) {
    return refuse("says no project", "give `project`: a column, a join, or a fixed one");
  }
  if (plan.mode == MigrationMode::kValue) {
    ROWSEAL_TRY(ColumnLabel::Parse(plan.label));
    if (plan.path && plan.context == ContextKind::kCell) {
      return refuse("is JSON and has the context cell",
                    "use context = \"field\": documents are copied and reordered");
    }
    if (!plan.before.empty() || !plan.behind.empty()) {
      return refuse("is sealed in place and has a pattern",
                    "use mode = \"move\" with leave = \"reference\" for parts of a string");
    }
    return {};
  }
  if (plan.names.empty()) {
    return refuse("is moved and has no naming rule", "give name_rule, such as \"{key}\"");
  }
  if (plan.path && plan.leave == Leave::kNull) {
    return refuse("is JSON and leaves NULL", "use leave = \"reference\" or \"marker\"");
  }
  if (plan.path && !plan.names.names_path()) {
    const bool is_one = std::ranges::none_of(
        *plan.path, [](const JsonStep& step) { return step.kind == JsonStep::Kind::kEach; });
    if (!is_one) {
      return refuse("has many values in a row and one name", "put {path} into name_rule");
    }
  }
  return {};
}

}  // namespace

Result<void> CheckManifest(const MigrationManifest& manifest) {
  if (!IsName(manifest.name)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + Printable(manifest.name) + "' is no name for a migration",
                "a letter, then letters, digits and _; at most 40");
  }
  if (manifest.columns.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the manifest names no column",
                "add a [[column]], or let rowseal scan find them");
  }
  for (const ColumnPlan& plan : manifest.columns) {
    ROWSEAL_TRY(CheckColumn(plan));
  }
  return {};
}

MigratedColumn ColumnOf(const MigrationManifest& manifest, std::size_t number) {
  const ColumnPlan& plan = manifest.columns[number - 1];
  MigratedColumn column;
  column.migration = manifest.name;
  column.number = static_cast<std::int64_t>(number);
  column.table = plan.table;
  column.keys = plan.keys;
  column.project = plan.project;
  column.column = plan.column;
  column.path = plan.path;
  column.name_columns = plan.names.columns();
  if (plan.mode == MigrationMode::kValue) {
    column.settled.prefix = kSealedValuePrefix;
  } else if (plan.leave == Leave::kMarker) {
    column.settled.marker = kMovedMarker;
  } else if (plan.leave == Leave::kReference) {
    column.settled.reference = kReference;
  }
  return column;
}

std::string TextOf(const ColumnPlan& plan) {
  return Printable(plan.table) + "." + Printable(plan.column) +
         (plan.path ? " at " + Printable(ToText(*plan.path)) : "");
}

}  // namespace rowseal
