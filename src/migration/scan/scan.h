#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <rowseal/error.h>

#include "migration/scan/proposal.h"
#include "store/app_catalogue.h"

namespace rowseal {

/// ScanGap is something that a scan did not see: a table or a column, and why.
struct ScanGap {
  std::string place;
  std::string why;
};

/// ScanReport is what a scan found.
struct ScanReport {
  std::int64_t tables = 0;  ///< looked at
  std::vector<Proposal> proposals;
  std::vector<ScanGap> gaps;

  std::int64_t CountOf(Proposal::Verdict verdict) const noexcept;
};

/// ScanDatabase looks at every table of an app's database and a sample of its rows, and proposes
/// what to migrate. Nothing is changed. What could not be read becomes a gap, never silence.
/// Errors: the catalogue's (the connection is lost), kResourceExhausted.
Result<ScanReport> ScanDatabase(
    AppCatalogue& catalogue,
    const std::function<void(std::int64_t done, std::int64_t total)>& on_progress = {});

}  // namespace rowseal
