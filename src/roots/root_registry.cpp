#include "roots/root_registry.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <rowseal/bytes.h>

#include "base/encoding.h"
#include "roots/aws_kms_root.h"
#include "roots/exec_root.h"
#include "roots/local_root.h"
#include "roots/passphrase_root.h"
#include "roots/recovery_root.h"
#include "roots/remote_root.h"
#include "roots/root_key_file.h"
#include "roots/root_key_text.h"

namespace rowseal {
namespace {

constexpr std::string_view kFileScheme = "file:";
constexpr std::string_view kEnvScheme = "env:";
constexpr std::string_view kPassphraseScheme = "passphrase:";
constexpr std::string_view kPassphraseFileScheme = "passphrase:@";

std::string TextOf(const RootFile& file) {
  return file.path + (file.exposure == FileExposure::kMounted ? "?mounted" : "");
}

// What stands behind a scheme: `PATH` or `PATH?mounted`.
Result<RootFile> ParseRootFile(std::string_view scheme, std::string_view rest) {
  RootFile file;
  std::string_view path = rest;
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    path = rest.substr(0, query);
    if (rest.substr(query) != "?mounted") {
      return Fail(ErrorCode::kInvalidArgument,
                  "unknown option '" + Printable(rest.substr(query)) + "' of a " +
                      std::string(scheme) + " root",
                  "the one option is ?mounted");
    }
    file.exposure = FileExposure::kMounted;
  }
  if (path.empty()) {
    return Fail(ErrorCode::kInvalidArgument, std::string(scheme) + " names no path",
                "write " + std::string(scheme) + "/path/to/the/file");
  }
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(std::string(path), failure);
  if (failure) {
    return Fail(ErrorCode::kRootKeyMissing, "the path of a " + std::string(scheme) +
                                                " root cannot be resolved: " + failure.message());
  }
  file.path = absolute.string();
  return file;
}

Result<std::shared_ptr<const RootProvider>> OpenFileRoot(std::string_view rest) {
  ROWSEAL_ASSIGN(const RootFile file, ParseRootFile(kFileScheme, rest));
  ROWSEAL_ASSIGN(SecretBytes key, ReadRootKeyFile(file.path, file.exposure));
  return LocalRoot::Create(std::string(kFileScheme) + TextOf(file), std::move(key));
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

Result<std::shared_ptr<const RootProvider>> OpenExecRoot(std::string_view rest) {
  if (rest.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "exec: names no program",
                "write exec:/path/to/the/program");
  }
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(std::string(rest), failure);
  if (failure) {
    return Fail(ErrorCode::kRootKeyMissing,
                "the path of an exec: root cannot be resolved: " + failure.message());
  }
  constexpr RemoteLimits kLimits;
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root,
                 ExecRoot::Open(absolute.string(), {.deadline = kLimits.attempt}));
  return std::make_shared<const RemoteRoot>(std::move(root), kLimits);
}

Result<SecretBytes> AskFor(const AskPassphrase& ask, PassphraseUse use) {
  if (!ask) {
    return Fail(ErrorCode::kRootKeyMissing, "nobody can be asked for the passphrase",
                "name a file that holds it: passphrase:@FILE");
  }
  ROWSEAL_ASSIGN(const SecretBytes asked, ask(use));
  return DecodePassphrase(asked.Reveal());
}

tl::unexpected<Error> PassphraseInUri() {
  return Fail(ErrorCode::kInvalidArgument,
              "a passphrase never stands behind passphrase:, where others can read it",
              "write passphrase: to be asked, or passphrase:@FILE; and choose another passphrase,"
              " because this one may stand in the shell's history");
}

// Only a scheme is repeated: what stands behind it may be a secret that was typed there.
tl::unexpected<Error> NoSuchKind(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return Fail(
      ErrorCode::kInvalidArgument,
      colon == std::string_view::npos
          ? std::string("a root was given without its kind")
          : "'" + Printable(uri.substr(0, colon)) + ":' is not a kind of root",
      "write file:PATH, env:NAME, passphrase:, recovery:PUBLIC-KEY, exec:PROGRAM or aws-kms:ARN");
}

Result<std::shared_ptr<const PassphraseRoot>> OpenPassphraseRoot(std::string_view uri,
                                                                 const AskPassphrase& ask,
                                                                 PassphraseUse use) {
  if (uri == kPassphraseScheme) {
    ROWSEAL_ASSIGN(SecretBytes passphrase, AskFor(ask, use));
    return std::make_shared<const PassphraseRoot>(std::string(uri), std::move(passphrase));
  }
  if (!uri.starts_with(kPassphraseFileScheme)) {
    return PassphraseInUri();
  }
  ROWSEAL_ASSIGN(const RootFile file,
                 ParseRootFile(kPassphraseFileScheme, uri.substr(kPassphraseFileScheme.size())));
  ROWSEAL_ASSIGN(SecretBytes passphrase, ReadPassphraseFile(file.path, file.exposure));
  return std::make_shared<const PassphraseRoot>(std::string(kPassphraseFileScheme) + TextOf(file),
                                                std::move(passphrase));
}

}  // namespace

Result<std::shared_ptr<const RootProvider>> OpenRoot(std::string_view uri,
                                                     const AskPassphrase& ask) {
  if (uri.starts_with(kFileScheme)) {
    return OpenFileRoot(uri.substr(kFileScheme.size()));
  }
  if (uri.starts_with(kEnvScheme)) {
    return OpenEnvRoot(uri.substr(kEnvScheme.size()));
  }
  if (uri.starts_with(kPassphraseScheme)) {
    return OpenPassphraseRoot(uri, ask, PassphraseUse::kOpen);
  }
  if (uri.starts_with(kRecoveryScheme)) {
    ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, RecoveryRoot::FromUri(uri));
    return root;
  }
  if (uri.starts_with(kExecScheme)) {
    return OpenExecRoot(uri.substr(kExecScheme.size()));
  }
  if (uri.starts_with(kAwsKmsScheme)) {
    constexpr RemoteLimits kLimits;
    ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root,
                   AwsKmsRoot::Create(uri.substr(kAwsKmsScheme.size()), kLimits.attempt));
    return std::make_shared<const RemoteRoot>(std::move(root), kLimits);
  }
  return NoSuchKind(uri);
}

Result<std::shared_ptr<const RootProvider>> OpenWrapOnlyRoot(const RootRecord& row) {
  if (!row.uri.starts_with(kRecoveryScheme)) {
    return nullptr;
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root,
                 RecoveryRoot::FromPublicPart(row.public_part));
  return root;
}

Result<std::shared_ptr<const RootProvider>> NewRoot(std::string_view uri,
                                                    const AskPassphrase& ask) {
  if (!uri.starts_with(kPassphraseScheme)) {
    return OpenRoot(uri, ask);
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const PassphraseRoot> passphrase,
                 OpenPassphraseRoot(uri, ask, PassphraseUse::kCreate));
  return passphrase->ForNewRow();
}

Result<std::optional<RootFile>> FileOfRoot(std::string_view uri) {
  if (uri.starts_with(kEnvScheme) || uri == kPassphraseScheme || uri.starts_with(kRecoveryScheme) ||
      uri.starts_with(kExecScheme) || uri.starts_with(kAwsKmsScheme)) {
    return std::nullopt;
  }
  for (const std::string_view scheme : {kFileScheme, kPassphraseFileScheme}) {
    if (uri.starts_with(scheme)) {
      ROWSEAL_ASSIGN(RootFile file, ParseRootFile(scheme, uri.substr(scheme.size())));
      return file;
    }
  }
  if (uri.starts_with(kPassphraseScheme)) {
    return PassphraseInUri();
  }
  return NoSuchKind(uri);
}

}  // namespace rowseal
