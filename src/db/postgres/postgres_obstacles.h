#pragma once

#include <string>
#include <vector>

#include "db/postgres/postgres_connection.h"
#include "store/app_rows.h"

namespace rowseal {

/// FindPostgresObstacles looks in the catalogue for what depends on a column of an app's table.
/// `table` is as SQL writes it, `column` as the catalogue has it.
Result<std::vector<Obstacle>> FindPostgresObstacles(PostgresConnection& connection,
                                                    const std::string& table,
                                                    const std::string& column, bool is_json,
                                                    Treatment treatment);

}  // namespace rowseal
