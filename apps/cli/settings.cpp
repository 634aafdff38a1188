#include "settings.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <toml++/toml.h>

#include "base/encoding.h"
#include "base/text.h"
#include "output.h"

namespace rowseal::cli {
namespace {

constexpr const char* kConfigFile = "rowseal.toml";

struct ConfigFile {
  std::optional<std::string> store;
  std::vector<std::string> roots;
  std::optional<std::string> log;
};

std::optional<std::string> Environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread starts
  if (value == nullptr || *value == '\0') {
    return {};
  }
  return value;
}

// Several roots stand in one variable a line each: a path may hold any other character.
std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : Lines(text)) {
    if (!line.empty()) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

tl::unexpected<Error> BadConfig(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument, "configuration '" + Printable(path) + "': " + why,
              "it holds store, root and log, and nothing else");
}

Result<std::string> TextOf(const std::string& path, std::string_view key, const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  return BadConfig(path, "'" + std::string(key) + "' is not a string");
}

Result<std::vector<std::string>> RootsOf(const std::string& path, const toml::node& node) {
  std::vector<std::string> roots;
  const auto* array = node.as_array();
  if (array == nullptr) {
    ROWSEAL_ASSIGN(std::string root, TextOf(path, "root", node));
    roots.push_back(std::move(root));
    return roots;
  }
  for (const toml::node& element : *array) {
    ROWSEAL_ASSIGN(std::string root, TextOf(path, "root", element));
    roots.push_back(std::move(root));
  }
  return roots;
}

Result<ConfigFile> ReadTable(const std::string& path, const toml::table& table) {
  ConfigFile config;
  for (const auto& [key, node] : table) {
    const std::string_view name = key.str();
    if (name == "store") {
      ROWSEAL_ASSIGN(config.store, TextOf(path, name, node));
    } else if (name == "root") {
      ROWSEAL_ASSIGN(config.roots, RootsOf(path, node));
    } else if (name == "log") {
      ROWSEAL_ASSIGN(config.log, TextOf(path, name, node));
    } else {
      return BadConfig(path, "unknown key '" + Printable(name) + "'");
    }
  }
  return config;
}

tl::unexpected<Error> NotTaken(const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument,
              std::string("configuration '") + kConfigFile + "' of the working directory " + why,
              std::string("look into it; --config ./") + kConfigFile + " takes it all the same");
}

// Nobody named this file, and a folder that was cloned, unpacked or is anyone's (/tmp) may bring
// one along: whoever can write it would choose the store and the key. A link decides too which file
// is read.
Result<void> CheckFoundConfig(const struct stat& file) {
  struct stat link {};
  if (lstat(kConfigFile, &link) != 0) {
    return NotTaken("is gone again");
  }
  for (const uid_t owner : {file.st_uid, link.st_uid}) {
    if (owner != 0 && owner != geteuid()) {
      return NotTaken("belongs to another user (uid " + std::to_string(owner) + ")");
    }
  }
  if (!S_ISREG(file.st_mode)) {
    return NotTaken("is not a regular file");
  }
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return NotTaken("can be written by others than its owner");
  }
  return {};
}

Result<std::string> ReadAll(int file) {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const ssize_t got = read(file, part.data(), part.size());
    if (got < 0 && errno != EINTR) {
      return NotTaken("cannot be read: " + SystemMessage());
    }
    if (got == 0) {
      return text;
    }
    text.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
}

// The text of the working directory's file; nothing where there is none. What was checked is what
// is read, and a FIFO is not waited for.
Result<std::optional<std::string>> FoundConfig() {
  const int file = open(kConfigFile, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (file < 0) {
    return errno == ENOENT ? Result<std::optional<std::string>>(std::nullopt)
                           : NotTaken("cannot be opened: " + SystemMessage());
  }
  struct stat status {};
  Result<std::string> text;
  if (fstat(file, &status) != 0) {
    text = NotTaken("cannot be looked at: " + SystemMessage());
  } else if (Result<void> checked = CheckFoundConfig(status); !checked) {
    text = tl::unexpected(std::move(checked).error());
  } else {
    text = ReadAll(file);
  }
  close(file);
  return std::move(text).map([](std::string&& whole) { return std::optional(std::move(whole)); });
}

Result<ConfigFile> ReadConfig(const std::optional<std::string>& given) {
  const std::string path = given.value_or(kConfigFile);
  std::error_code ignored;
  if (given && !std::filesystem::exists(path, ignored)) {
    return BadConfig(path, "no such file");
  }
  try {
    if (given) {
      return ReadTable(path, toml::parse_file(path));
    }
    ROWSEAL_ASSIGN(const std::optional<std::string> text, FoundConfig());
    return text ? ReadTable(path, toml::parse(*text, path)) : ConfigFile{};
  } catch (const toml::parse_error& error) {
    return BadConfig(path, "line " + std::to_string(error.source().begin.line) + ": " +
                               std::string(error.description()));
  }
}

// A program of a file that nobody named would run with all that this process may do.
Result<void> CheckFoundRoots(const std::vector<std::string>& roots) {
  const auto runs = [](const std::string& uri) { return uri.starts_with("exec:"); };
  const auto program = std::ranges::find_if(roots, runs);
  if (program == roots.end()) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              std::string("configuration '") + kConfigFile +
                  "' of the working directory names a root that runs a program, '" +
                  Printable(*program) + "'",
              "look into both; then name it: --root " + ShellWord(*program) +
                  " (or in ROWSEAL_ROOT), or --config ./" + kConfigFile);
}

// A password on the command line shows in `ps` and in the shell's history; in the configuration it
// would be read by whoever reads that. The URL is not repeated in the message.
Result<void> RefusePassword(const std::string& store) {
  if (store.starts_with("sqlite:")) {
    return {};
  }
  std::string lower(store);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  const std::size_t authority = lower.find("://");
  const std::size_t at = lower.find('@', authority == std::string::npos ? 0 : authority);
  const bool in_authority =
      authority != std::string::npos && at != std::string::npos &&
      lower.substr(authority + 3, at - authority - 3).find(':') != std::string::npos;
  if (!in_authority && lower.find("password=") == std::string::npos) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument, "the store's URL holds a password",
              "leave it out: PGPASSFILE, a service= entry or the environment gives it; and change "
              "it, because it may stand in the shell's history");
}

Result<std::optional<LogLevel>> ParseLog(const std::string& text) {
  if (text == "off") {
    return std::nullopt;
  }
  for (const LogLevel level :
       {LogLevel::kError, LogLevel::kWarning, LogLevel::kInfo, LogLevel::kDebug}) {
    if (text == ToText(level)) {
      return level;
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a log level",
              "use off, error, warning, info or debug");
}

Result<OnRollback> ParseOnRollback(const std::string& text) {
  if (text != "read" && text != "refuse") {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + Printable(text) + "' is nothing to do on a rollback", "use read or refuse");
  }
  return text == "read" ? OnRollback::kRead : OnRollback::kRefuse;
}

// Where other programs keep what must outlive a restart (XDG Base Directory Specification).
std::string StateFolder(const std::optional<std::string>& given) {
  const std::optional<std::string> named = given ? given : Environment("ROWSEAL_STATE");
  if (named) {
    return *named == "none" ? std::string() : *named;
  }
  if (const auto state = Environment("XDG_STATE_HOME")) {
    return *state + "/rowseal";
  }
  const auto home = Environment("HOME");
  return home ? *home + "/.local/state/rowseal" : std::string();
}

// The OS user's name, for the audit log.
std::string SystemActor() {
  const uid_t uid = getuid();
  std::array<char, 16 * 1024> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return "uid:" + std::to_string(uid);
}

}  // namespace

Result<Settings> ResolveSettings(const Flags& flags) {
  ROWSEAL_ASSIGN(const ConfigFile config, ReadConfig(flags.config));
  const std::optional<std::string> store = flags.store ? flags.store : Environment("ROWSEAL_STORE");
  const std::optional<std::string> root = Environment("ROWSEAL_ROOT");

  Settings settings;
  settings.store = store ? *store : config.store.value_or("");
  ROWSEAL_TRY(RefusePassword(settings.store));
  for (const std::vector<std::string>& roots :
       {config.roots, LinesOf(root.value_or("")), flags.roots}) {
    settings.named_roots.insert(settings.named_roots.end(), roots.begin(), roots.end());
    if (!roots.empty()) {
      settings.roots = roots;
    }
  }
  if (!flags.config && !root && flags.roots.empty()) {
    ROWSEAL_TRY(CheckFoundRoots(config.roots));
  }
  ROWSEAL_ASSIGN(settings.log, ParseLog(flags.log ? *flags.log : config.log.value_or("warning")));
  if (flags.actor && flags.actor->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--actor is empty",
                "leave it out for the name of the system's user");
  }
  settings.actor = flags.actor ? *flags.actor : SystemActor();
  settings.reason = flags.reason.value_or("");
  settings.state = StateFolder(flags.state);
  if (const auto named =
          flags.installation ? flags.installation : Environment("ROWSEAL_INSTALLATION")) {
    ROWSEAL_ASSIGN(settings.installation, ParseUuid<InstallationId>(*named));
  }
  if (const auto chosen =
          flags.on_rollback ? flags.on_rollback : Environment("ROWSEAL_ON_ROLLBACK")) {
    ROWSEAL_ASSIGN(settings.on_rollback, ParseOnRollback(*chosen));
  }
  settings.metrics = flags.metrics;
  settings.json = flags.json;
  return settings;
}

}  // namespace rowseal::cli
