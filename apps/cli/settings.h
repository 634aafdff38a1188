#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/observe.h>

namespace rowseal::cli {

/// Flags are the options that every verb takes, as they stand on the command line.
struct Flags {
  std::optional<std::string> store;
  std::vector<std::string> roots;
  std::optional<std::string> actor;
  std::optional<std::string> reason;
  std::optional<std::string> config;
  std::optional<std::string> state;
  std::optional<std::string> installation;
  std::optional<std::string> on_rollback;
  std::optional<std::string> log;
  std::optional<std::string> metrics;
  bool json = false;
};

/// Settings is what flags, environment and configuration file come to.
struct Settings {
  std::string store;               ///< empty: none is named
  std::vector<std::string> roots;  ///< empty: none is named
  /// Every root that a flag, the environment or the file names, also where another one outranks it.
  std::vector<std::string> named_roots;
  std::string actor;  ///< never empty
  std::string reason;
  std::string state;                           ///< the folder of epoch anchors; empty: none
  std::optional<InstallationId> installation;  ///< that the store has to be
  OnRollback on_rollback = OnRollback::kRead;
  std::optional<LogLevel> log;  ///< nothing: no log
  std::optional<std::string> metrics;
  bool json = false;
};

/// ResolveSettings puts flags before environment (ROWSEAL_STORE, ROWSEAL_ROOT, ROWSEAL_STATE,
/// ROWSEAL_INSTALLATION, ROWSEAL_ON_ROLLBACK) before the file (`--config`, or `rowseal.toml` in the
/// working directory). Errors: kInvalidArgument.
Result<Settings> ResolveSettings(const Flags& flags);

}  // namespace rowseal::cli
