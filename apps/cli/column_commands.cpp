#include "arguments.h"
#include "base/clock.h"
#include "output.h"
#include "program.h"

namespace rowseal::cli {
namespace {

struct ColumnArguments {
  std::string label;
  std::optional<std::string> context;
};

Result<int> AddColumn(Program& program, const ColumnArguments& arguments) {
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(arguments.label));
  ROWSEAL_ASSIGN(const ContextKind context, ParseContextKind(arguments.context.value_or("field")));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.AddColumn(label, context, program.access()));
  return Silent(program, {{"label", label.text()}, {"context", ToText(context)}});
}

Result<int> RemoveColumn(Program& program, const ColumnArguments& arguments) {
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(arguments.label));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.RemoveColumn(label, program.access()));
  return Silent(program, {{"label", label.text()}, {"state", "removed"}});
}

Result<int> ListColumns(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<ColumnSummary> columns, client.Columns());
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const ColumnSummary& column : columns) {
    const std::string context(ToText(column.context));
    const std::string state = column.active ? "active" : "removed";
    list.push_back({{"label", column.label.text()},
                    {"context", context},
                    {"state", state},
                    {"created_at", ToRfc3339(column.created_at)}});
    rows.push_back({column.label.text(), context, state, ToRfc3339(column.created_at)});
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"columns", std::move(list)}})
                             : PrintText(Table({"LABEL", "CONTEXT", "STATE", "CREATED"}, rows)));
  return 0;
}

}  // namespace

void AddColumnVerbs(Verbs verbs) {
  Verbs column = verbs.Group("column", "Register the app's columns that hold sealed values");
  const auto arguments = std::make_shared<ColumnArguments>();
  CLI::App& add =
      column.Add({"add", "Register a column under a label",
                  "  rowseal column add workflow.headers\n"
                  "  rowseal column add users.totp --context cell\n"},
                 [arguments](Program& program) { return AddColumn(program, *arguments); });
  add.add_option("LABEL", arguments->label, "A label of your choice")->required();
  add.add_option("--context", arguments->context,
                 "field binds a value to project and column, cell to the row too [field]");
  column.Add({"list", "List the registered columns", "  rowseal column list\n"}, ListColumns);
  CLI::App& remove =
      column.Add({"remove", "Stop sealing for a label; what was sealed still opens",
                  "  rowseal column remove users.totp\n"},
                 [arguments](Program& program) { return RemoveColumn(program, *arguments); });
  remove.add_option("LABEL", arguments->label, "The label")->required();
}

}  // namespace rowseal::cli
