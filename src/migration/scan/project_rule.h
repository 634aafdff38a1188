#pragma once

#include <string>
#include <vector>

#include "store/app_catalogue.h"

namespace rowseal {

/// ProjectRule says which project a row belongs to: a fixed one, the one in a column of the row, or
/// the one in a column of the row of another table that it refers to.
struct ProjectRule {
  std::string fixed;       ///< not empty: this one
  std::string column;      ///< of the table, or of `join_table`
  std::string join_table;  ///< empty: no join
  std::string join_on;     ///< the column that refers to it
  std::string join_key;    ///< what it refers to
  bool may_be_null = false;
};

/// FindProjectRule guesses: a column called like `project_id`, or one that refers to a table of
/// projects; else over one foreign key to a table that has such a column; else project `system`.
ProjectRule FindProjectRule(const CatalogueTable& table, const std::vector<CatalogueTable>& tables);

}  // namespace rowseal
