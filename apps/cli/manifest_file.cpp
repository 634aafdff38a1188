#include "manifest_file.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/encoding.h"
#include "base/text.h"
#include "migration/json_path.h"

namespace rowseal::cli {
namespace {

constexpr int kVersion = 1;
constexpr std::string_view kPlaceholder = "{secret}";

// One table of the file, and where it stands, for errors.
class Section {
 public:
  Section(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  tl::unexpected<Error> Refuse(const std::string& why, std::string hint = {}) const {
    return Fail(ErrorCode::kInvalidArgument, where_ + ": " + why, std::move(hint));
  }

  Result<void> OnlyHolds(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(known, key.str()) == known.end()) {
        return Refuse("'" + Printable(key.str()) + "' is no key here");
      }
    }
    return {};
  }

  bool Has(std::string_view key) const { return table_.contains(key); }

  Result<std::string> Text(std::string_view key) const {
    const auto* text = table_[key].as_string();
    if (text == nullptr) {
      return Refuse("'" + std::string(key) + "' is missing or not a string");
    }
    return text->get();
  }

  Result<std::string> TextOr(std::string_view key, std::string otherwise) const {
    return Has(key) ? Text(key) : std::move(otherwise);
  }

  /// One of these words; the first where the key is missing.
  Result<std::string> Word(std::string_view key,
                           std::initializer_list<std::string_view> words) const {
    ROWSEAL_ASSIGN(std::string word, TextOr(key, std::string(*words.begin())));
    if (std::ranges::find(words, word) == words.end()) {
      return Refuse("'" + std::string(key) + "' is none of " + Join(words, ", "));
    }
    return word;
  }

  Result<std::vector<std::string>> Texts(std::string_view key) const {
    const auto* array = table_[key].as_array();
    std::vector<std::string> texts;
    if (array != nullptr) {
      for (const toml::node& node : *array) {
        const auto* text = node.as_string();
        if (text == nullptr) {
          return Refuse("'" + std::string(key) + "' holds something that is not a string");
        }
        texts.push_back(text->get());
      }
    }
    if (texts.empty()) {
      return Refuse("'" + std::string(key) + "' is missing, empty or not an array");
    }
    return texts;
  }

  /// Every key of the table; numbers become their text.
  Result<std::map<std::string, std::string>> AllTexts() const {
    std::map<std::string, std::string> texts;
    for (const auto& [key, node] : table_) {
      if (const auto* text = node.as_string()) {
        texts.emplace(key.str(), text->get());
      } else if (const auto* number = node.as_integer()) {
        texts.emplace(key.str(), std::to_string(number->get()));
      } else {
        return Refuse("'" + Printable(key.str()) + "' is neither a string nor a number");
      }
    }
    return texts;
  }

  Result<Section> Below(std::string_view key) const {
    const auto* table = table_[key].as_table();
    if (table == nullptr) {
      return Refuse("'" + std::string(key) + "' is missing or not a table");
    }
    return Section(*table, where_ + ", " + std::string(key));
  }

 private:
  const toml::table& table_;
  std::string where_;
};

Result<ProjectSource> ReadProject(const Section& column) {
  ROWSEAL_ASSIGN(const Section section, column.Below("project"));
  ROWSEAL_TRY(section.OnlyHolds({"fixed", "column", "join", "on", "key"}));
  ProjectSource project;
  if (section.Has("fixed")) {
    ROWSEAL_ASSIGN(project.fixed, section.Text("fixed"));
    if (section.Has("column") || section.Has("join")) {
      return section.Refuse("a fixed project has neither column nor join");
    }
    return project;
  }
  ROWSEAL_ASSIGN(project.column, section.Text("column"));
  if (section.Has("join")) {
    ROWSEAL_ASSIGN(project.join_table, section.Text("join"));
    ROWSEAL_ASSIGN(project.join_on, section.Text("on"));
    ROWSEAL_ASSIGN(project.join_key, section.Text("key"));
  }
  return project;
}

Result<void> ReadMove(const Section& section, ColumnPlan& plan) {
  ROWSEAL_ASSIGN(const std::string kind,
                 section.Word("kind", {"workflow", "webhook", "access_token"}));
  ROWSEAL_ASSIGN(plan.kind, ParseSecretKind(kind));
  ROWSEAL_ASSIGN(const std::string rule, section.Text("name_rule"));
  ROWSEAL_ASSIGN(plan.names, NamingRule::Parse(rule));
  ROWSEAL_ASSIGN(const std::string leave, section.Word("leave", {"marker", "null", "reference"}));
  plan.leave = leave == "null"        ? Leave::kNull
               : leave == "reference" ? Leave::kReference
                                      : Leave::kMarker;
  ROWSEAL_ASSIGN(const std::string pattern, section.TextOr("pattern", std::string(kPlaceholder)));
  const std::size_t at = pattern.find(kPlaceholder);
  if (at == std::string::npos || pattern.find(kPlaceholder, at + 1) != std::string::npos) {
    return section.Refuse("'pattern' does not hold {secret} exactly once",
                          "write it as pattern = \"Bearer {secret}\"");
  }
  plan.before = pattern.substr(0, at);
  plan.behind = pattern.substr(at + kPlaceholder.size());
  return {};
}

Result<ColumnPlan> ReadColumn(const Section& section) {
  ROWSEAL_TRY(
      section.OnlyHolds({"table", "keys", "project", "column", "path", "format", "mode", "kind",
                         "name_rule", "leave", "pattern", "label", "context", "source"}));
  ColumnPlan plan;
  ROWSEAL_ASSIGN(plan.table, section.Text("table"));
  ROWSEAL_ASSIGN(plan.keys, section.Texts("keys"));
  ROWSEAL_ASSIGN(plan.project, ReadProject(section));
  ROWSEAL_ASSIGN(plan.column, section.Text("column"));
  if (section.Has("path")) {
    ROWSEAL_ASSIGN(const std::string path, section.Text("path"));
    ROWSEAL_ASSIGN(plan.path, ParseJsonPath(path));
  }
  ROWSEAL_TRY(section.Word("format", {"plain"}));
  if (section.Has("source")) {
    ROWSEAL_ASSIGN(const Section source, section.Below("source"));
    ROWSEAL_ASSIGN(const auto keys, source.AllTexts());
    ROWSEAL_ASSIGN(plan.source, ParseSource(keys));
  }
  ROWSEAL_ASSIGN(const std::string mode, section.Word("mode", {"value", "move"}));
  if (mode == "move") {
    plan.mode = MigrationMode::kMove;
    ROWSEAL_TRY(ReadMove(section, plan));
    return plan;
  }
  ROWSEAL_ASSIGN(plan.label, section.TextOr("label", plan.table + "." + plan.column));
  ROWSEAL_ASSIGN(const std::string context, plan.path ? section.Word("context", {"field", "cell"})
                                                      : section.Word("context", {"cell", "field"}));
  ROWSEAL_ASSIGN(plan.context, ParseContextKind(context));
  return plan;
}

}  // namespace

Result<MigrationManifest> ReadManifest(const std::string& path) {
  const std::string name = "manifest '" + Printable(path) + "'";
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}, line {}: {}", name, error.source().begin.line,
                            Printable(error.description())),
                "it is a TOML file, as rowseal scan writes it");
  }
  const Section top(file, name);
  ROWSEAL_TRY(top.OnlyHolds({"version", "name", "database", "column"}));
  if (file["version"].value_or(0) != kVersion) {
    return top.Refuse("'version' is not 1", "this release reads manifests of version 1");
  }
  MigrationManifest manifest;
  ROWSEAL_ASSIGN(manifest.name, top.Text("name"));
  ROWSEAL_ASSIGN(manifest.database, top.Text("database"));
  if (const toml::array* const columns = file["column"].as_array()) {
    for (const toml::node& node : *columns) {
      const std::string where = fmt::format("{}, column {}", name, manifest.columns.size() + 1);
      if (!node.is_table()) {
        return Fail(ErrorCode::kInvalidArgument, where + " is not a table",
                    "write each column behind a line [[column]]");
      }
      ROWSEAL_ASSIGN(ColumnPlan plan, ReadColumn(Section(*node.as_table(), where)));
      manifest.columns.push_back(std::move(plan));
    }
  }
  ROWSEAL_TRY(CheckManifest(manifest));
  return manifest;
}

}  // namespace rowseal::cli
