// rowseal: the command-line program. docs/cli.md and docs/rowseal.1 describe it.

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <rowseal/secret_bytes.h>

#include "base/encoding.h"
#include "output.h"
#include "program.h"
#include "settings.h"

namespace rowseal::cli {
namespace {

constexpr int kUsageExit = 2;

void AddGlobalOptions(CLI::App& app, Flags& flags) {
  app.add_option("--store", flags.store, "The store, sqlite:PATH [ROWSEAL_STORE]");
  app.add_option(
         "--root", flags.roots,
         "A root key, file:PATH, env:NAME, passphrase: (asks) or passphrase:@FILE; may come "
         "several times [ROWSEAL_ROOT]")
      ->allow_extra_args(false);
  app.add_option("--actor", flags.actor, "Who acts, for the audit log [the system's user]");
  app.add_option("--reason", flags.reason, "Why, for the audit log; never a secret");
  app.add_flag("--json", flags.json, "Write JSON to stdout");
  app.add_option("--config", flags.config, "A configuration file [./rowseal.toml]");
  app.add_option("--state", flags.state,
                 "A folder outside the store's backups, or none: keeps how far keys had come, so"
                 " that an older copy is noticed [ROWSEAL_STATE, ~/.local/state/rowseal]");
  app.add_option("--installation", flags.installation,
                 "The installation that the store has to be, as status shows it"
                 " [ROWSEAL_INSTALLATION]");
  app.add_option("--on-rollback", flags.on_rollback,
                 "What an older copy of the store still does: read or refuse"
                 " [ROWSEAL_ON_ROLLBACK, read]");
  app.add_option("--log", flags.log, "off, error, warning, info or debug [warning]");
  app.add_option("--metrics", flags.metrics, "Write counters to this file, for Prometheus");
}

void AddVerbs(Verbs verbs, const std::vector<std::string>& command) {
  AddStoreVerbs(verbs);
  AddSecretVerbs(verbs);
  AddColumnVerbs(verbs);
  AddValueVerbs(verbs);
  AddRunVerb(verbs, command);
  AddRootVerbs(verbs);
  AddRecoveryVerbs(verbs);
  AddKeyVerbs(verbs);
  AddBundleVerbs(verbs);
  AddProjectVerbs(verbs);
  AddMaintenanceVerbs(verbs);
  AddAuditVerbs(verbs);
  AddDoctorVerb(verbs);
  AddScanVerb(verbs);
  AddMigrateVerbs(verbs);
}

// What `run` passes on stands behind the first `--` and is no business of the parser's. Of any
// other verb, `--` says that what follows are no options, as in `secret get -- PROJECT -name`.
std::vector<std::string> TakeCommand(const CLI::App& app, std::vector<std::string>& arguments) {
  auto verb = arguments.begin();
  while (verb != arguments.end() && verb->starts_with("-") && *verb != "--") {
    const CLI::Option* option = app.get_option_no_throw(*verb);
    const bool takes_next = option != nullptr && option->get_items_expected_min() > 0;
    verb += takes_next && verb + 1 != arguments.end() ? 2 : 1;
  }
  if (verb == arguments.end() || *verb != "run") {
    return {};
  }
  const auto mark = std::find(verb, arguments.end(), "--");
  if (mark == arguments.end()) {
    return {};
  }
  std::vector<std::string> command(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  return command;
}

const CLI::App& NamedVerb(const CLI::App& app) {
  const std::vector<CLI::App*> below = app.get_subcommands();
  return below.empty() ? app : NamedVerb(*below.front());
}

std::string HelpHint(const CLI::App& verb) {
  const CLI::App* parent = verb.get_parent();
  std::string path = verb.get_name();
  for (; parent != nullptr; parent = parent->get_parent()) {
    path = parent->get_name() + " " + path;
  }
  return "see: " + path + " --help";
}

// What was not expected is not repeated unless it looks like an option or a verb: it may be a
// secret that somebody typed where none belongs.
std::string UnexpectedArgument(const CLI::App& verb, const std::string& argument) {
  if (argument.starts_with("-")) {
    return "unknown option '" + Printable(argument.substr(0, argument.find('='))) + "'";
  }
  const bool expects_verb = !verb.get_subcommands([](const CLI::App*) { return true; }).empty();
  return expects_verb ? "unknown verb '" + Printable(argument) + "'" : "an argument too many";
}

Error UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = NamedVerb(app);
  const std::vector<std::string> unexpected = app.remaining(true);
  std::string message = error.what();
  if (!unexpected.empty()) {
    message = UnexpectedArgument(verb, unexpected.front());
  } else if (message.starts_with("A subcommand")) {
    message = "a verb is missing";
  }
  return {ErrorCode::kInvalidArgument, Printable(message), HelpHint(verb)};
}

// --help and --version: CLI11 would not say that they could not be written.
int ShowHelp(const CLI::App& app, const CLI::ParseError& asked_for) {
  std::ostringstream text;
  app.exit(asked_for, text, text);
  const Result<void> written = PrintText(text.str());
  if (!written) {
    PrintError(written.error());
  }
  return written ? 0 : ExitCode(written.error().code);
}

int Carry(const Action& action, const Flags& flags) {
  const Result<Settings> settings = ResolveSettings(flags);
  if (!settings) {
    PrintError(settings.error());
    return ExitCode(settings.error().code);
  }
  Program program(*settings);
  const Result<int> done = action(program);
  if (!done) {
    PrintError(done.error());
  }
  const int status = done ? *done : ExitCode(done.error().code);
  if (const Result<void> finished = program.Finish(); !finished) {
    PrintError(finished.error());
    return status == 0 ? ExitCode(finished.error().code) : status;
  }
  return status;
}

int Main(std::vector<std::string> arguments) {
  CLI::App app("Rowseal encrypts the secrets that live in an application's database.", "rowseal");
  app.set_version_flag("--version", "rowseal " ROWSEAL_VERSION);
  app.require_subcommand(1, 1);
  app.footer("`rowseal VERB --help` shows a verb's options and examples.");
  Flags flags;
  AddGlobalOptions(app, flags);

  const std::vector<std::string> command = TakeCommand(app, arguments);
  Action chosen;
  AddVerbs({app, chosen}, command);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      return ShowHelp(app, error);
    }
    PrintError(UsageError(app, error));
    return kUsageExit;
  }
  return Carry(chosen, flags);
}

int MainWithoutExceptions(int count, char** values) {
  try {
    return Main(std::vector<std::string>(values + (count > 0 ? 1 : 0), values + count));
  } catch (...) {
    const Error error = CaughtException();
    PrintError(error);
    return ExitCode(error.code);
  }
}

}  // namespace
}  // namespace rowseal::cli

int main(int argc, char** argv) {
  rowseal::HardenProcess();
  return rowseal::cli::MainWithoutExceptions(argc, argv);
}
