#include "database.h"

#include <filesystem>
#include <string_view>

#include "db/postgres/conninfo.h"
#include "db/sqlite/harden.h"

namespace rowseal::cli {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

}  // namespace

Result<std::string> ReadDatabase(const std::string& url) {
  if (IsPostgresUrl(url)) {
    return url;
  }
  if (!url.starts_with(kSqlite)) {
    return Fail(ErrorCode::kInvalidArgument, "--database is not of a kind that is known",
                "write sqlite:PATH, postgres://… or service=NAME");
  }
  ROWSEAL_TRY(CheckSqlitePath(std::string_view(url).substr(kSqlite.size())));
  std::error_code failure;
  const std::filesystem::path path = std::filesystem::absolute(url.substr(kSqlite.size()), failure);
  if (failure) {
    return Fail(ErrorCode::kInvalidArgument, "--database names no file", "write sqlite:PATH");
  }
  return std::string(kSqlite) + path.lexically_normal().string();
}

std::string SqliteFile(const std::string& database) {
  return database.starts_with(kSqlite) ? database.substr(kSqlite.size()) : std::string();
}

}  // namespace rowseal::cli
