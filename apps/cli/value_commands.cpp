#include "arguments.h"
#include "input.h"
#include "program.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

struct ValueArguments {
  std::string project;
  std::string label;
  std::vector<std::string> row;
  bool reveal = false;
};

struct ValueTarget {
  ProjectId project;
  ColumnLabel label;
};

Result<ValueTarget> ParseTarget(const ValueArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(arguments.label));
  return ValueTarget{project, label};
}

Result<int> SealInput(Program& program, const ValueArguments& arguments) {
  ROWSEAL_ASSIGN(const ValueTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const SecretBytes value, ReadSecretInput({}, target.label.text() + ": "));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::string sealed,
                 client.SealValue(target.project, target.label, value.Reveal(), arguments.row,
                                  program.access()));
  return Show(program, {{"sealed", sealed}}, sealed + "\n");
}

// One final newline is what `value seal` writes and editors add; sealed values have none inside.
std::string_view WithoutNewline(std::string_view text) {
  return text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
}

Result<int> OpenInput(Program& program, const ValueArguments& arguments) {
  ROWSEAL_ASSIGN(const ValueTarget target, ParseTarget(arguments));
  ROWSEAL_TRY(CheckReveal(arguments.reveal));
  ROWSEAL_ASSIGN(const SecretBytes input, ReadSealedInput());
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const SecretBytes value, client.OpenValue(target.project, target.label,
                                                           WithoutNewline(AsText(input.Reveal())),
                                                           arguments.row, program.access()));
  ROWSEAL_TRY(program.json() ? PrintSecretJson(Json::object(), value.Reveal(), arguments.reveal)
                             : PrintSecret(value.Reveal(), arguments.reveal));
  return 0;
}

void AddTarget(CLI::App& verb, ValueArguments& arguments) {
  AddProject(verb, arguments.project);
  verb.add_option("LABEL", arguments.label, "The column's label")->required();
  verb.add_option("--row", arguments.row,
                  "The row's key, for a column of context cell; once a key column")
      ->allow_extra_args(false);
}

}  // namespace

void AddValueVerbs(Verbs verbs) {
  Verbs value = verbs.Group("value", "Seal and open values kept in the app's own columns");
  const auto arguments = std::make_shared<ValueArguments>();
  AddTarget(value.Add({"seal", "Seal stdin, byte for byte, and write the sealed value",
                       "  printf %s \"$TOTP\" | rowseal value seal acme users.totp --row 42\n"},
                      [arguments](Program& program) { return SealInput(program, *arguments); }),
            *arguments);
  CLI::App& open =
      value.Add({"open", "Open the sealed value on stdin and write its bytes",
                 "  rowseal value open acme users.totp --row 42 < sealed.txt\n"},
                [arguments](Program& program) { return OpenInput(program, *arguments); });
  AddTarget(open, *arguments);
  AddReveal(open, arguments->reveal);
}

}  // namespace rowseal::cli
