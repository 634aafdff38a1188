#pragma once

#include <cstdint>
#include <functional>

#include <rowseal/client.h>
#include <rowseal/error.h>

#include "migration/import_source.h"

namespace rowseal {

struct ImportReport {
  std::int64_t projects = 0;   ///< seen
  std::int64_t created = 0;    ///< secrets
  std::int64_t unchanged = 0;  ///< secrets that were stored already, with the same value
  std::int64_t conflicts = 0;  ///< problems named; each project with one was left as it is
};

/// Import stores what `source` gives. Each project is all or nothing: a value that differs from the
/// stored one, a name that comes twice or a row that is no secret leaves its project unchanged and
/// goes to `on_problem`; the other projects are imported. A second run changes nothing.
/// Errors: the source's and the client's; projects before the error stay imported.
Result<ImportReport> Import(Client& client, ImportSource& source, const Access& access,
                            const std::function<void(const ImportProblem&)>& on_problem,
                            const std::function<void(const ImportReport&)>& on_progress = {});

}  // namespace rowseal
