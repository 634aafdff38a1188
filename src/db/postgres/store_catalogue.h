#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/postgres/postgres_connection.h"
#include "db/postgres/postgres_store.h"

namespace rowseal {

/// CatalogueFact is one thing that the server's catalogue says of an object of Rowseal's.
struct CatalogueFact {
  std::string object;  ///< `function rowseal.secret_get(p_project text, …)`, `table rowseal.dek`, …
  std::string aspect;  ///< `owner`, `callers`, `body`, …
  std::string value;
};

/// CatalogueDifference is where a store is not as this release makes it.
struct CatalogueDifference {
  std::string check;    ///< the name of doctor's check: `ownership`, `grants`, …
  std::string message;  ///< which object, and how it differs
  std::string action;   ///< the statement that mends it, or where to find one
};

/// ReadStoreCatalogue reads what is in schema `rowseal`, Rowseal's roles, the triggers that call
/// its functions and what its roles own elsewhere, sorted. Any login may. What the installer chose
/// stands there under names of its own: PROJECTS, KEY and VIEW_ROLE.
Result<std::vector<CatalogueFact>> ReadStoreCatalogue(PostgresConnection& connection,
                                                      const AppProjects& projects);

/// ExpectedCatalogue is what ReadStoreCatalogue gives of a store that this release made with a
/// table of projects and a metadata view: one line a fact, parted by tabs. A test holds it to a
/// fresh installation, and writes it anew where ROWSEAL_WRITE_CATALOGUE names the file.
std::string_view ExpectedCatalogue() noexcept;

/// ReadMemberCondition gives the SQL condition by which the metadata view shows projects; empty
/// where there is no view, or where its function is not as Rowseal makes it around the condition.
Result<std::string> ReadMemberCondition(PostgresConnection& connection,
                                        const AppProjects& projects);

/// CompareStore compares a store with that. Errors: the connection's.
Result<std::vector<CatalogueDifference>> CompareStore(PostgresConnection& connection);

}  // namespace rowseal
