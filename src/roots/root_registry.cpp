#include "roots/root_registry.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <rowseal/bytes.h>

#include "base/encoding.h"
#include "roots/local_root.h"
#include "roots/root_key_file.h"
#include "roots/root_key_text.h"

namespace rowseal {
namespace {

constexpr std::string_view kFileScheme = "file:";
constexpr std::string_view kEnvScheme = "env:";

Result<std::shared_ptr<const RootProvider>> OpenFileRoot(std::string_view rest) {
  std::string_view path = rest;
  FileExposure exposure = FileExposure::kOwnerOnly;
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    path = rest.substr(0, query);
    if (rest.substr(query) != "?mounted") {
      return Fail(ErrorCode::kInvalidArgument,
                  "unknown option '" + Printable(rest.substr(query)) + "' of a file: root",
                  "the one option is ?mounted");
    }
    exposure = FileExposure::kMounted;
  }
  if (path.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "file: names no path", "write file:/path/to/root.key");
  }
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(std::string(path), failure);
  if (failure) {
    return Fail(ErrorCode::kRootKeyMissing,
                "the root key's path cannot be resolved: " + failure.message());
  }
  ROWSEAL_ASSIGN(SecretBytes key, ReadRootKeyFile(absolute.string(), exposure));
  const std::string uri = std::string(kFileScheme) + absolute.string() +
                          (exposure == FileExposure::kMounted ? "?mounted" : "");
  return LocalRoot::Create(uri, std::move(key));
}

Result<std::shared_ptr<const RootProvider>> OpenEnvRoot(std::string_view rest) {
  const std::string name(rest);
  const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
  if (value == nullptr) {
    return Fail(ErrorCode::kRootKeyMissing,
                "the environment variable '" + Printable(name) + "' is not set",
                "set it to the root key's text");
  }
  Result<SecretBytes> key = DecodeRootKey(AsBytes(value));
  if (!key) {
    Error error = std::move(key).error();
    error.message = "environment variable '" + Printable(name) + "': " + error.message;
    return tl::unexpected(std::move(error));
  }
  return LocalRoot::Create(std::string(kEnvScheme) + name, std::move(*key));
}

}  // namespace

Result<std::shared_ptr<const RootProvider>> OpenRoot(std::string_view uri) {
  if (uri.starts_with(kFileScheme)) {
    return OpenFileRoot(uri.substr(kFileScheme.size()));
  }
  if (uri.starts_with(kEnvScheme)) {
    return OpenEnvRoot(uri.substr(kEnvScheme.size()));
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + Printable(uri) + "' is not a root",
              "write file:PATH or env:NAME");
}

}  // namespace rowseal
