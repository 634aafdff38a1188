#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <unordered_set>

#include "arguments.h"
#include "base/encoding.h"
#include "base/environment_names.h"
#include "migration/secret_writer.h"
#include "output.h"
#include "paging.h"
#include "program.h"

namespace rowseal::cli {
namespace {

constexpr int kNotFoundExit = 127;       // as a shell's
constexpr int kNotExecutableExit = 126;  // as a shell's
constexpr std::string_view kEnvScheme = "env:";
constexpr std::string_view kOwnPrefix = "ROWSEAL_";

struct RunArguments {
  std::string project;
  std::vector<std::string> only;
};

// Names are judged before anything is opened: a refused run leaves no read in the audit log.
Result<std::vector<OpenedSecret>> OpenSecrets(const Program& program,
                                              const RunArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(std::vector<SecretName> names, ParseNames(arguments.only));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  if (names.empty()) {
    ROWSEAL_ASSIGN(names, NamesOfProject(client, project));
    ROWSEAL_TRY(RefuseSteeringNames(project, names,
                                    "name each secret to pass: rowseal run " +
                                        ShellWord(project.text()) + " --only NAME -- COMMAND"));
  }
  for (const SecretName& name : names) {
    ROWSEAL_TRY(CheckEnvironmentName(name));
  }
  return OpenNewest(client, project, names, program.access());
}

Result<void> CheckSecret(const OpenedSecret& opened) {
  const std::string_view value = AsText(opened.secret.value.Reveal());
  if (value.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                "secret '" + Printable(opened.name.text()) +
                    "' holds a NUL byte, which no environment variable can",
                "choose others with --only NAME");
  }
  return {};
}

// ChildEnvironment holds `NAME=value` strings: what the child inherits by pointer, secrets in
// guarded memory, which the kernel reads when it starts the child.
class ChildEnvironment final {
 public:
  // What leads to the root key is not inherited: ROWSEAL_ROOT and the others of ours, and each
  // variable that an `env:` root names, also a root that another source of settings outranks.
  void Inherit(const std::vector<OpenedSecret>& secrets, const std::vector<std::string>& roots) {
    std::unordered_set<std::string_view> dropped;
    for (const OpenedSecret& opened : secrets) {
      dropped.insert(opened.name.text());
    }
    for (const std::string& root : roots) {
      if (root.starts_with(kEnvScheme)) {
        dropped.insert(std::string_view(root).substr(kEnvScheme.size()));
      }
    }
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::string_view name = text.substr(0, text.find('='));
      if (!name.starts_with(kOwnPrefix) && !dropped.contains(name)) {
        entries_.push_back(*entry);
      }
    }
  }

  Result<void> Add(const OpenedSecret& opened) {
    const ByteView value = opened.secret.value.Reveal();
    SecretWriter entry(opened.name.text().size() + value.size() + 2);
    ROWSEAL_TRY(entry.Append(std::string_view(opened.name.text())));
    ROWSEAL_TRY(entry.Append("="));
    ROWSEAL_TRY(entry.Append(value));
    ROWSEAL_TRY(entry.Append(std::string_view("\0", 1)));
    secrets_.push_back(std::move(entry).Take());
    // execvpe takes char* for historic reasons and changes nothing.
    entries_.push_back(
        const_cast<char*>(reinterpret_cast<const char*>(secrets_.back().Reveal().data())));
    return {};
  }

  char* const* End() {
    entries_.push_back(nullptr);
    return entries_.data();
  }

 private:
  std::vector<char*> entries_;
  std::vector<SecretBytes> secrets_;
};

// Replaces this process, so that the child gets its signals, its terminal and its exit status
// itself.
Result<int> Execute(const std::vector<std::string>& command, char* const* environment) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execvpe(arguments.front(), arguments.data(), environment);
  const int failure = errno;
  const bool too_large = failure == E2BIG;
  PrintError(
      {ErrorCode::kInvalidArgument,
       "'" + Printable(command.front()) +
           "' cannot be run: " + std::generic_category().message(failure),
       too_large ? "the secrets are too large for an environment; choose with --only NAME" : ""});
  return failure == ENOENT ? kNotFoundExit : kNotExecutableExit;
}

Result<int> Run(Program& program, const RunArguments& arguments,
                const std::vector<std::string>& command) {
  if (command.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no command to run",
                "rowseal run PROJECT -- COMMAND ARGUMENTS");
  }
  ROWSEAL_ASSIGN(std::vector<OpenedSecret> secrets, OpenSecrets(program, arguments));
  ChildEnvironment environment;
  environment.Inherit(secrets, program.settings().named_roots);
  for (const OpenedSecret& opened : secrets) {
    ROWSEAL_TRY(CheckSecret(opened));
    ROWSEAL_TRY(environment.Add(opened));
  }
  secrets.clear();
  ROWSEAL_TRY(program.Finish());
  return Execute(command, environment.End());
}

}  // namespace

void AddRunVerb(Verbs verbs, const std::vector<std::string>& command) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App& verb = verbs.Add(
      {"run", "Run a command with a project's secrets in its environment",
       "  rowseal run acme -- node server.js\n"
       "  rowseal run acme --only STRIPE_KEY --only SENTRY_DSN -- ./deploy.sh\n"},
      [arguments, &command](Program& program) { return Run(program, *arguments, command); });
  AddProject(verb, arguments->project);
  verb.add_option("--only", arguments->only,
                  "Only this secret, whatever its name steers; may be repeated. Where tenants name"
                  " secrets, always name those that the command needs");
}

}  // namespace rowseal::cli
