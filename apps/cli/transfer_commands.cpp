#include <fmt/format.h>

#include "arguments.h"
#include "base/encoding.h"
#include "migration/app_table_source.h"
#include "migration/export_formats.h"
#include "migration/file_source.h"
#include "migration/import.h"
#include "output.h"
#include "paging.h"
#include "program.h"
#include "shown.h"

// secret export and secret import.

namespace rowseal::cli {
namespace {

constexpr std::string_view kSqliteScheme = "sqlite:";

struct ExportArguments : SecretArguments {
  std::optional<std::string> format;
  std::vector<std::string> only;
};

Result<FileFormat> ExportFormat(const Program& program, const ExportArguments& arguments) {
  if (arguments.format) {
    return ParseFileFormat(*arguments.format);
  }
  return program.json() ? FileFormat::kJson : FileFormat::kEnv;
}

// A shell or a program that loads a .env file runs with these names in its environment, so `run`'s
// rule holds for that format too. JSON and CSV are data to whoever reads them.
Result<std::vector<SecretName>> NamesToExport(Client& client, const ProjectId& project,
                                              FileFormat format, std::vector<SecretName> only) {
  if (!only.empty()) {
    return only;
  }
  ROWSEAL_ASSIGN(std::vector<SecretName> names, NamesOfProject(client, project));
  if (format == FileFormat::kEnv) {
    const std::string command = "rowseal secret export " + ShellWord(project.text());
    ROWSEAL_TRY(RefuseSteeringNames(project, names,
                                    "name each secret to write: " + command +
                                        " --only NAME; or: " + command + " --format json"));
  }
  return names;
}

// All is written at once, so that an error leaves no half of a file.
Result<int> Export(Program& program, const ExportArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(const FileFormat format, ExportFormat(program, arguments));
  ROWSEAL_ASSIGN(std::vector<SecretName> only, ParseNames(arguments.only));
  ROWSEAL_TRY(CheckReveal(arguments.reveal));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<SecretName> names,
                 NamesToExport(client, project, format, std::move(only)));
  ROWSEAL_ASSIGN(const std::vector<OpenedSecret> secrets,
                 OpenNewest(client, project, names, program.access()));
  std::vector<ExportItem> items;
  for (const OpenedSecret& opened : secrets) {
    items.push_back({opened.name, opened.secret.kind, opened.secret.value.Reveal()});
  }
  SecretWriter out(std::numeric_limits<std::size_t>::max());
  ROWSEAL_TRY(WriteSecrets(format, items, out));
  ROWSEAL_TRY(PrintSecret(out.Reveal(), arguments.reveal));
  return 0;
}

void AddExport(Verbs& verbs) {
  const auto [verb, arguments] = verbs.Add<ExportArguments>(
      {"export", "Write a project's secrets, opened, to stdout",
       "  (umask 077; rowseal secret export acme > acme.env)\n"
       "  rowseal secret export acme --format csv | age -r … > acme.age\n"},
      Export);
  AddProject(verb, arguments.project);
  verb.add_option("--format", arguments.format, "env, json or csv [env; json with --json]");
  verb.add_option("--only", arguments.only,
                  "Only this secret, whatever its name steers; may be repeated. Where tenants name"
                  " secrets, always name those that are needed");
  AddReveal(verb, arguments.reveal);
}

struct ImportArguments {
  std::optional<std::string> project;
  std::string from;
  std::optional<std::string> format;
  std::optional<std::string> kind;
  std::optional<std::string> table;
  std::optional<std::string> project_column;
  std::optional<std::string> name_column;
  std::optional<std::string> value_column;
  std::optional<std::string> kind_column;
};

Result<std::unique_ptr<ImportSource>> OpenTable(const ImportArguments& arguments,
                                                std::optional<SecretKind> kind) {
  if (arguments.project || arguments.format) {
    return Fail(ErrorCode::kInvalidArgument, "a table says itself which projects it holds",
                "leave PROJECT and --format out");
  }
  if (!arguments.table || !arguments.project_column || !arguments.name_column ||
      !arguments.value_column) {
    return Fail(ErrorCode::kInvalidArgument, "the table to import is not described",
                "give --table, --project-column, --name-column and --value-column");
  }
  return OpenAppTableSource(arguments.from.substr(kSqliteScheme.size()),
                            {*arguments.table, *arguments.project_column, *arguments.name_column,
                             *arguments.value_column, arguments.kind_column},
                            kind);
}

Result<std::unique_ptr<ImportSource>> OpenFile(const ImportArguments& arguments,
                                               std::optional<SecretKind> kind) {
  if (!arguments.project) {
    return Fail(ErrorCode::kInvalidArgument, "a file's secrets need a project",
                "rowseal secret import PROJECT --from FILE");
  }
  if (arguments.table || arguments.project_column || arguments.name_column ||
      arguments.value_column || arguments.kind_column) {
    return Fail(ErrorCode::kInvalidArgument, "a file has no tables or columns",
                "they describe --from sqlite:FILE");
  }
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(*arguments.project));
  ROWSEAL_ASSIGN(const FileFormat format, arguments.format ? ParseFileFormat(*arguments.format)
                                                           : FormatOfPath(arguments.from));
  return OpenFileSource(arguments.from, format, project, kind);
}

void PrintProblem(const ImportProblem& problem) {
  std::string where = "project '" + Printable(problem.project) + "'";
  if (!problem.name.empty()) {
    where += ", secret '" + Printable(problem.name) + "'";
  }
  PrintError({ErrorCode::kConflict, where + ": " + problem.message, {}});
}

Result<int> RunImport(Program& program, const ImportArguments& arguments) {
  ROWSEAL_ASSIGN(const std::optional<SecretKind> kind, ParseKind(arguments.kind));
  const bool from_table = arguments.from.starts_with(kSqliteScheme);
  ROWSEAL_ASSIGN(const std::unique_ptr<ImportSource> source,
                 from_table ? OpenTable(arguments, kind) : OpenFile(arguments, kind));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  Json problems = Json::array();
  ROWSEAL_ASSIGN(
      const ImportReport report,
      Import(client, *source, program.access(), [&](const ImportProblem& problem) {
        if (program.json()) {
          problems.push_back(
              {{"project", problem.project}, {"name", problem.name}, {"message", problem.message}});
        }
        PrintProblem(problem);
      }));
  ROWSEAL_TRY(
      Show(program,
           {{"projects", report.projects},
            {"created", report.created},
            {"unchanged", report.unchanged},
            {"conflicts", std::move(problems)}},
           fmt::format("projects: {}, created: {}, unchanged: {}, conflicts: {}\n", report.projects,
                       report.created, report.unchanged, report.conflicts)));
  if (report.conflicts == 0) {
    return 0;
  }
  return Fail(ErrorCode::kPartial, "projects with a conflict were left as they are",
              "settle what is named, then import again: what was imported stays unchanged");
}

void AddImport(Verbs& verbs) {
  const auto [verb, arguments] = verbs.Add<ImportArguments>(
      {"import", "Take existing secrets from a file or from a table of an app's database",
       "  rowseal secret import acme --from .env\n"
       "  rowseal secret import acme --from secrets.csv --kind webhook\n"
       "  rowseal secret import --from sqlite:app.db --table secrets \\\n"
       "      --project-column project_id --name-column name --value-column value\n"},
      RunImport);
  verb.add_option("PROJECT", arguments.project, "The project of a file's secrets");
  verb.add_option("--from", arguments.from, "A .env, .json or .csv file, or sqlite:FILE")
      ->required();
  verb.add_option("--format", arguments.format, "env, json or csv [by the file's name]");
  verb.add_option("--kind", arguments.kind,
                  "The kind of secrets that say none: webhook, access_token or workflow");
  verb.add_option("--table", arguments.table, "The table of the app's");
  verb.add_option("--project-column", arguments.project_column, "Its column with the project");
  verb.add_option("--name-column", arguments.name_column, "Its column with the name");
  verb.add_option("--value-column", arguments.value_column, "Its column with the plaintext");
  verb.add_option("--kind-column", arguments.kind_column, "Its column with the kind");
}

}  // namespace

void AddTransferVerbs(Verbs secret_verbs) {
  AddExport(secret_verbs);
  AddImport(secret_verbs);
}

}  // namespace rowseal::cli
