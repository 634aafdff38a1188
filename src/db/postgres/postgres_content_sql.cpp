#include "db/postgres/postgres_content_sql.h"

#include "base/text.h"

namespace rowseal {

std::string PostgresLiteral(std::string_view text) {
  std::string out = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += c;
    }
    out += c;
  }
  return out + "'";
}

std::string PostgresContentSql::Of(std::string_view row) const {
  const std::string name = std::string(row) + "." + place_.column;
  return place_.IsBinary() ? name : name + "::text";
}

std::string PostgresContentSql::IsEmpty(std::string_view row) const {
  const std::string name = std::string(row) + "." + place_.column;
  return "(" + name + " IS NULL OR octet_length(" + Of(row) + ") = 0)";
}

// Holds something that is not settled.
std::string PostgresContentSql::IsPlaintext(std::string_view row) const {
  const SettledRule& rule = column_.settled;
  const auto unsettled = [&](const std::string& text, bool binary) {
    return "octet_length(" + text + ") > 0" +
           (rule.prefix.empty() ? "" : " AND NOT " + StartsWith(text, rule.prefix, binary)) +
           (rule.marker.empty() ? "" : " AND " + text + " <> " + Text(rule.marker, binary)) +
           (rule.reference.empty() ? "" : " AND NOT " + Holds(text, rule.reference, binary));
  };
  if (!column_.path) {
    return "(" + std::string(row) + "." + place_.column + " IS NOT NULL AND " +
           unsettled(Of(row), place_.IsBinary()) + ")";
  }
  const std::string strings = "EXISTS (SELECT FROM rowseal_migration.strings_at(" + Json(row) +
                              ", " + Steps() + ") AS s WHERE " + unsettled("s", false) + ")";
  // What is no JSON can only be quarantined.
  return "(NOT " + IsEmpty(row) + " AND (" + Json(row) + " IS NULL OR " + strings + "))";
}

// Holds a sealed value or a reference.
std::string PostgresContentSql::IsOurs(std::string_view row) const {
  const SettledRule& rule = column_.settled;
  const auto ours = [&](const std::string& text, bool binary) {
    std::string condition = "false";
    if (!rule.prefix.empty()) {
      condition += " OR " + StartsWith(text, rule.prefix, binary);
    }
    if (!rule.reference.empty()) {
      condition += " OR " + Holds(text, rule.reference, binary);
    }
    return "(" + condition + ")";
  };
  if (!column_.path) {
    return "(" + std::string(row) + "." + place_.column + " IS NOT NULL AND " +
           ours(Of(row), place_.IsBinary()) + ")";
  }
  return "(NOT " + IsEmpty(row) + " AND EXISTS (SELECT FROM rowseal_migration.strings_at(" +
         Json(row) + ", " + Steps() + ") AS s WHERE " + ours("s", false) + "))";
}

std::string PostgresContentSql::Text(std::string_view text, bool binary) {
  return binary ? "convert_to(" + PostgresLiteral(text) + ", 'UTF8')" : PostgresLiteral(text);
}

std::string PostgresContentSql::StartsWith(const std::string& text, std::string_view prefix,
                                           bool binary) {
  return binary ? "substring(" + text + " FROM 1 FOR " + std::to_string(prefix.size()) +
                      ") = " + Text(prefix, true)
                : "starts_with(" + text + ", " + PostgresLiteral(prefix) + ")";
}

std::string PostgresContentSql::Holds(const std::string& text, std::string_view part, bool binary) {
  return "position(" + Text(part, binary) + " IN " + text + ") > 0";
}

std::string PostgresContentSql::Json(std::string_view row) const {
  const std::string name = std::string(row) + "." + place_.column;
  return place_.type == "jsonb"  ? name
         : place_.type == "json" ? name + "::jsonb"
                                 : "rowseal_migration.as_json(" + name + "::text)";
}

std::string PostgresContentSql::Steps() const {
  const auto text_of = [](const JsonStep& step) {
    return PostgresLiteral(step.kind == JsonStep::Kind::kEach    ? "*"
                           : step.kind == JsonStep::Kind::kIndex ? "#" + std::to_string(step.index)
                                                                 : "." + step.name);
  };
  return "ARRAY[" + Join(*column_.path, ", ", text_of) + "]::text[]";
}

}  // namespace rowseal
