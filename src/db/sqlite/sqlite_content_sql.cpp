#include "db/sqlite/sqlite_content_sql.h"

#include "base/text.h"
#include "db/sqlite/app_database.h"

namespace rowseal {

std::string SqliteContentSql::Of(std::string_view row) const {
  return std::string(row) + "." + QuotedIdentifier(column_.column);
}

std::string SqliteContentSql::IsEmpty(std::string_view row) const {
  return "coalesce(length(CAST(" + Of(row) + " AS BLOB)), 0) = 0";
}

std::string SqliteContentSql::IsPlaintext(std::string_view row) const {
  if (!column_.path) {
    return "(NOT " + IsEmpty(row) + " AND " + Unsettled(TextOf(row)) + ")";
  }
  return "(NOT " + IsEmpty(row) + " AND (NOT json_valid(" + TextOf(row) + ") OR EXISTS (" +
         Strings(row, &SqliteContentSql::Unsettled) + ")))";
}

std::string SqliteContentSql::IsOurs(std::string_view row) const {
  if (!column_.path) {
    return "(NOT " + IsEmpty(row) + " AND " + Ours(TextOf(row)) + ")";
  }
  return "(NOT " + IsEmpty(row) + " AND EXISTS (" + Strings(row, &SqliteContentSql::Ours) + "))";
}

std::string SqliteContentSql::TextOf(std::string_view row) const {
  return "CAST(" + Of(row) + " AS TEXT)";
}

std::string SqliteContentSql::Unsettled(const std::string& text) const {
  const SettledRule& rule = column_.settled;
  return text + " <> ''" +
         (rule.prefix.empty()
              ? ""
              : " AND substr(" + text + ", 1, " + std::to_string(rule.prefix.size()) + ") <> " +
                    SqlLiteral(rule.prefix)) +
         (rule.marker.empty() ? "" : " AND " + text + " <> " + SqlLiteral(rule.marker)) +
         (rule.reference.empty()
              ? ""
              : " AND instr(" + text + ", " + SqlLiteral(rule.reference) + ") = 0");
}

std::string SqliteContentSql::Ours(const std::string& text) const {
  const SettledRule& rule = column_.settled;
  std::string condition = "(0";
  if (!rule.prefix.empty()) {
    condition += " OR substr(" + text + ", 1, " + std::to_string(rule.prefix.size()) +
                 ") = " + SqlLiteral(rule.prefix);
  }
  if (!rule.reference.empty()) {
    condition += " OR instr(" + text + ", " + SqlLiteral(rule.reference) + ") > 0";
  }
  return condition + ")";
}

// A member's name is a text and an element's index a number in json_each's column `key`.
std::string SqliteContentSql::Strings(std::string_view row,
                                      std::string (SqliteContentSql::*condition)(const std::string&)
                                          const) const {
  std::string document =
      "CASE WHEN json_valid(" + TextOf(row) + ") THEN " + TextOf(row) + " ELSE '[]' END";
  if (column_.path->empty()) {
    return "SELECT 1 WHERE json_type(" + document + ") = 'text' AND " +
           (this->*condition)("json_extract(" + document + ", '$')");
  }
  std::string from;
  std::string where;
  std::string last;
  for (std::size_t i = 0; i < column_.path->size(); ++i) {
    const JsonStep& step = (*column_.path)[i];
    const std::string name = "e" + std::to_string(i);
    from += (i == 0 ? "" : ", ") + ("json_each(" + document + ") AS " + name);
    if (step.kind == JsonStep::Kind::kName) {
      where += "typeof(" + name + ".key) = 'text' AND " + name + ".key = " + SqlLiteral(step.name) +
               " AND ";
    } else if (step.kind == JsonStep::Kind::kIndex) {
      where += "typeof(" + name + ".key) = 'integer' AND " + name +
               ".key = " + std::to_string(step.index) + " AND ";
    }
    document =
        "CASE WHEN " + name + ".type IN ('object', 'array') THEN " + name + ".value ELSE '[]' END";
    last = name;
  }
  return "SELECT 1 FROM " + from + " WHERE " + where + last + ".type = 'text' AND " +
         (this->*condition)(last + ".value");
}

}  // namespace rowseal
