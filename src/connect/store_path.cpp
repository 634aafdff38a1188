#include "connect/store_path.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/encoding.h"
#include "db/sqlite/harden.h"

namespace rowseal {
namespace {

constexpr std::string_view kSqliteScheme = "sqlite:";

}  // namespace

Result<std::string> SqlitePath(const std::string& store) {
  if (store.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no store was named",
                "give --store sqlite:PATH or set ROWSEAL_STORE");
  }
  if (!store.starts_with(kSqliteScheme)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + Printable(store.substr(0, store.find(':'))) +
                    ":' is not a kind of store that this release knows",
                "write sqlite:PATH, postgres://… or service=NAME");
  }
  std::string path = store.substr(kSqliteScheme.size());
  ROWSEAL_TRY(CheckSqlitePath(path));
  return path;
}

StoreOptions AtSqlitePlace(StoreOptions options, const std::string& path) {
  if (options.client.store_place.empty()) {
    std::error_code failed;
    const std::filesystem::path whole = std::filesystem::weakly_canonical(path, failed);
    options.client.store_place = std::string(kSqliteScheme) + (failed ? path : whole.string());
  }
  return options;
}

}  // namespace rowseal
