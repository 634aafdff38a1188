#include "arguments.h"
#include "base/encoding.h"
#include "database.h"
#include "program.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

struct ColumnArguments {
  std::string label;
  std::optional<std::string> context;
  std::optional<std::string> database;
  std::string table;
  std::string column;
  std::vector<std::string> keys;
  std::string project_column;
};

// The place, where a database is named.
Result<std::optional<ColumnSource>> ReadSource(const ColumnArguments& arguments) {
  const bool any_part = !arguments.table.empty() || !arguments.column.empty() ||
                        !arguments.keys.empty() || !arguments.project_column.empty();
  if (!arguments.database) {
    return any_part ? Result<std::optional<ColumnSource>>(
                          Fail(ErrorCode::kInvalidArgument, "the column's database is missing",
                               "give --database URL with --table and the others"))
                    : std::optional<ColumnSource>();
  }
  ROWSEAL_ASSIGN(const std::string database, ReadDatabase(*arguments.database));
  if (arguments.table.empty() || arguments.column.empty() || arguments.keys.empty() ||
      arguments.project_column.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the column's place is not complete",
                "give --database, --table, --column, --key and --project-column");
  }
  return ColumnSource{database, arguments.table, arguments.column, arguments.keys,
                      arguments.project_column};
}

Result<int> AddColumn(Program& program, const ColumnArguments& arguments) {
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(arguments.label));
  ROWSEAL_ASSIGN(const ContextKind context, ParseContextKind(arguments.context.value_or("field")));
  ROWSEAL_ASSIGN(const std::optional<ColumnSource> source, ReadSource(arguments));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.AddColumn(label, context, program.access(), source));
  return Show(program,
              {{"label", label.text()}, {"context", ToText(context)}, {"source", JsonOf(source)}});
}

Result<int> RemoveColumn(Program& program, const ColumnArguments& arguments) {
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(arguments.label));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.RemoveColumn(label, program.access()));
  return Show(program, {{"label", label.text()}, {"state", ToText(ColumnState::kRemoved)}});
}

Result<int> ListColumns(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<ColumnSummary> columns, client.Columns());
  return ShowList(program, "columns", columns,
                  {{"LABEL", "label"},
                   {"CONTEXT", "context"},
                   {"STATE", "state"},
                   {"PLACE",
                    [](const ColumnSummary& column) {
                      return column.source
                                 ? Printable(column.source->table + "." + column.source->column)
                                 : "-";
                    }},
                   {"CREATED", "created_at"}});
}

}  // namespace

void AddColumnVerbs(Verbs verbs) {
  Verbs column = verbs.Group("column", "Register the app's columns that hold sealed values");
  const auto arguments = std::make_shared<ColumnArguments>();
  CLI::App& add =
      column.Add({"add", "Register a column under a label",
                  "  rowseal column add workflow.headers\n"
                  "  rowseal column add users.totp --context cell --database sqlite:app.db \\\n"
                  "    --table users --column totp --key id --project-column project_id\n"},
                 [arguments](Program& program) { return AddColumn(program, *arguments); });
  add.add_option("LABEL", arguments->label, "A label of your choice")->required();
  add.add_option("--context", arguments->context,
                 "field binds a value to project and column, cell to the row too [field]");
  add.add_option("--database", arguments->database,
                 "The app's database, sqlite:PATH or postgres://…: a DEK rotation then seals its "
                 "values again");
  add.add_option("--table", arguments->table, "The table");
  add.add_option("--column", arguments->column, "The column that holds sealed values");
  add.add_option("--key", arguments->keys, "A column of the primary key; in order, several times")
      ->allow_extra_args(false);
  add.add_option("--project-column", arguments->project_column, "The column with the project's id");
  column.Add({"list", "List the registered columns", "  rowseal column list\n"}, ListColumns);
  CLI::App& remove =
      column.Add({"remove", "Stop sealing for a label; what was sealed still opens",
                  "  rowseal column remove users.totp\n"},
                 [arguments](Program& program) { return RemoveColumn(program, *arguments); });
  remove.add_option("LABEL", arguments->label, "The label")->required();
}

}  // namespace rowseal::cli
