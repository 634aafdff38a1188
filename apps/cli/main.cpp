// rowseal: the command-line program. docs/cli.md and docs/rowseal.1 describe it.

#include <algorithm>
#include <exception>
#include <new>
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
  app.add_option("--root", flags.roots,
                 "A root key, file:PATH or env:NAME; may come several times [ROWSEAL_ROOT]")
      ->allow_extra_args(false);
  app.add_option("--actor", flags.actor, "Who acts, for the audit log [the system's user]");
  app.add_option("--reason", flags.reason, "Why, for the audit log; never a secret");
  app.add_flag("--json", flags.json, "Write JSON to stdout");
  app.add_option("--config", flags.config, "A configuration file [./rowseal.toml]");
  app.add_option("--log", flags.log, "off, error, warning, info or debug [warning]");
  app.add_option("--metrics", flags.metrics, "Write counters to this file, for Prometheus");
}

void AddVerbs(Verbs verbs, const std::vector<std::string>& command) {
  AddStoreVerbs(verbs);
  AddSecretVerbs(verbs);
  AddColumnVerbs(verbs);
  AddValueVerbs(verbs);
  AddRunVerb(verbs, command);
  AddKeyVerbs(verbs);
  AddAuditVerbs(verbs);
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

// What was not expected is not repeated unless it looks like an option or a verb: it may be a
// secret that somebody typed where none belongs.
Error UnexpectedArgument(const CLI::App& app, const std::string& argument) {
  const CLI::App* deepest = &app;
  std::string help = "see: rowseal";
  while (!deepest->get_subcommands().empty()) {
    deepest = deepest->get_subcommands().front();
    help += " " + deepest->get_name();
  }
  help += " --help";
  const bool expects_verb = !deepest->get_subcommands([](const CLI::App*) { return true; }).empty();
  if (argument.starts_with("-")) {
    const std::string option = argument.substr(0, argument.find('='));
    return {ErrorCode::kInvalidArgument, "unknown option '" + Printable(option) + "'", help};
  }
  if (expects_verb) {
    return {ErrorCode::kInvalidArgument, "unknown verb '" + Printable(argument) + "'", help};
  }
  return {ErrorCode::kInvalidArgument, "an argument too many", help};
}

Error UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unexpected = app.remaining(true);
  if (!unexpected.empty()) {
    return UnexpectedArgument(app, unexpected.front());
  }
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return {ErrorCode::kInvalidArgument, Printable(message), "see: rowseal --help"};
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
      return app.exit(error);  // --help, --version
    }
    PrintError(UsageError(app, error));
    return kUsageExit;
  }
  return Carry(chosen, flags);
}

// The last resort: nothing of ours throws, but a library below may. What it says is not repeated,
// because nobody has checked what it holds.
int MainWithoutExceptions(int count, char** values) {
  try {
    return Main(std::vector<std::string>(values + (count > 0 ? 1 : 0), values + count));
  } catch (const std::bad_alloc&) {
    PrintError({ErrorCode::kResourceExhausted, "out of memory", "free memory, then retry"});
    return ExitCode(ErrorCode::kResourceExhausted);
  } catch (...) {
    PrintError({ErrorCode::kInternal, "internal: an unexpected exception",
                "this is a bug in Rowseal; please report what you ran"});
    return ExitCode(ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace rowseal::cli

int main(int argc, char** argv) {
  rowseal::HardenProcess();
  return rowseal::cli::MainWithoutExceptions(argc, argv);
}
