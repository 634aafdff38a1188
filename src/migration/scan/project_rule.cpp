#include "migration/scan/project_rule.h"

#include <algorithm>
#include <optional>

#include "migration/scan/name_class.h"

namespace rowseal {
namespace {

const CatalogueTable* TableCalled(const std::string& name,
                                  const std::vector<CatalogueTable>& tables) {
  const auto found = std::ranges::find(tables, name, &CatalogueTable::name);
  return found == tables.end() ? nullptr : &*found;
}

const CatalogueColumn* ColumnCalled(const std::string& name, const CatalogueTable& table) {
  const auto found = std::ranges::find(table.columns, name, &CatalogueColumn::name);
  return found == table.columns.end() ? nullptr : &*found;
}

bool MayBeNull(const std::string& column, const CatalogueTable& table) {
  const CatalogueColumn* const found = ColumnCalled(column, table);
  return found == nullptr || found->nullable;
}

// The column of the table's own that holds its rows' project.
std::optional<std::string> ProjectColumn(const CatalogueTable& table,
                                         const std::vector<CatalogueTable>& tables) {
  if (IsProjectTableName(table.base_name) && table.primary_key.size() == 1) {
    return table.primary_key.front();
  }
  for (const CatalogueReference& reference : table.references) {
    const CatalogueTable* const target = TableCalled(reference.table, tables);
    if (target != nullptr && IsProjectTableName(target->base_name)) {
      return reference.column;
    }
  }
  for (const CatalogueColumn& column : table.columns) {
    if (IsProjectName(column.name)) {
      return column.name;
    }
  }
  return std::nullopt;
}

}  // namespace

ProjectRule FindProjectRule(const CatalogueTable& table,
                            const std::vector<CatalogueTable>& tables) {
  ProjectRule rule;
  if (const std::optional<std::string> own = ProjectColumn(table, tables)) {
    rule.column = *own;
    rule.may_be_null = MayBeNull(*own, table);
    return rule;
  }
  // A reference that is always there comes before one that may be NULL.
  std::vector<CatalogueReference> references = table.references;
  std::stable_partition(references.begin(), references.end(),
                        [&](const auto& reference) { return !MayBeNull(reference.column, table); });
  for (const CatalogueReference& reference : references) {
    const CatalogueTable* const target = TableCalled(reference.table, tables);
    if (target == nullptr || target == &table || target->name == table.name) {
      continue;
    }
    if (const std::optional<std::string> column = ProjectColumn(*target, tables)) {
      rule.column = *column;
      rule.join_table = reference.table;
      rule.join_on = reference.column;
      rule.join_key = reference.key;
      rule.may_be_null = MayBeNull(reference.column, table) || MayBeNull(*column, *target);
      return rule;
    }
  }
  rule.fixed = "system";
  return rule;
}

}  // namespace rowseal
