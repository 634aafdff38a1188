#include <map>

#include <rowseal/key_destruction.h>

#include "client/change.h"
#include "client/columns.h"
#include "envelope/sealed_text.h"
#include "envelope/sealed_value.h"
#include "lifecycle/destroyed_keys.h"
#include "store/list_reader.h"

namespace rowseal {
namespace {

constexpr std::int64_t kDeksLookedAt = 500;  // rows of one statement
constexpr std::size_t kAppRowsAtOnce = 1000;
constexpr std::int64_t kAppBytesAtOnce = 8LL * 1024 * 1024;

// What tells a row from one that was put in its place meanwhile.
struct UnreadableRow {
  UnreadableDek dek;
  Bytes row_tag;
};
using UnreadableRows = std::vector<UnreadableRow>;

// Only what is wrong in the row itself counts. A key that this process lacks a root for, or one
// that was made under a KEK it has not loaded, may be somebody's.
Result<std::optional<std::string>> WhyUnreadable(Session& session, Row& row) {
  const Result<DekAndKek> dek = ReadDekRow(row);
  const auto opened = dek ? session.keyring().OpenDek(dek->dek)
                          : Result<std::shared_ptr<const Dek>>(tl::unexpected(dek.error()));
  if (opened) {
    return std::nullopt;
  }
  switch (opened.error().code) {
    case ErrorCode::kIntegrity:
    case ErrorCode::kInvalidArgument:
      return std::optional(opened.error().message);
    case ErrorCode::kRootKeyMissing:
      return std::nullopt;
    default:
      return tl::unexpected(opened.error());
  }
}

Result<UnreadableRows> FindRows(const TrustedRead& read, const std::optional<ProjectId>& project) {
  static const PageSql sql(
      "SELECT d.project_id, " + DekColumns() +
          ", (SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = d.project_id"
          "   AND v.dek_id = d.id)"
          " FROM rowseal.dek d LEFT JOIN rowseal.kek k ON k.id = d.kek_id",
      "(d.project_id = $2 OR $2 IS NULL)", "(d.project_id, d.id)", "($3, $4)");
  UnreadableRows found;
  Row after;
  for (bool more = true; more;) {
    ROWSEAL_ASSIGN(Rows page, NextPage(read.connection(), sql,
                                       {project ? Param(project->text()) : Param(Null{})}, after, 2,
                                       kDeksLookedAt));
    more = static_cast<std::int64_t>(page.rows.size()) == kDeksLookedAt;
    for (Row& row : page.rows) {
      constexpr std::size_t kPurpose = 3;
      constexpr std::size_t kState = 5;
      constexpr std::size_t kRowTag = 9;
      UnreadableRow unreadable{
          {TextAt(row, 0), TextAt(row, 1), TextAt(row, kPurpose), TextAt(row, kState), {}}, {}};
      if (const auto* const tag = std::get_if<Bytes>(&row[kRowTag])) {
        unreadable.row_tag = *tag;
      }
      if (const auto* const versions = std::get_if<std::int64_t>(&row.back())) {
        unreadable.dek.versions = *versions;
      }
      ROWSEAL_ASSIGN(std::optional<std::string> why, WhyUnreadable(read.session(), row));
      if (why) {
        unreadable.dek.why = std::move(*why);
        found.push_back(std::move(unreadable));
      }
    }
  }
  return found;
}

// Values name their DEK in the clear. Those of a column that the app keeps to itself are not seen.
Result<void> CountValues(AppColumn& column, std::map<std::string, std::int64_t>& values) {
  std::string position;
  while (true) {
    ROWSEAL_ASSIGN(const std::vector<AppValue> rows,
                   column.Read(position, kAppRowsAtOnce, kAppBytesAtOnce));
    if (rows.empty()) {
      return {};
    }
    position = rows.back().position;
    for (const AppValue& row : rows) {
      for (const SealedSpan& span : FindSealedValues(row.text)) {
        const Result<SealedValue> value =
            DecodeSealedValue(std::string_view(row.text).substr(span.offset, span.size));
        if (const auto found = value ? values.find(ToText(value->dek)) : values.end();
            found != values.end()) {
          ++found->second;
        }
      }
    }
  }
}

// Returns the columns that it cannot look into.
Result<std::vector<UnreadRow>> CountValuesUnder(const TrustedRead& read, UnreadableRows& rows) {
  std::map<std::string, std::int64_t> values;
  for (const UnreadableRow& row : rows) {
    values[row.dek.id] = 0;
  }
  ROWSEAL_ASSIGN(Listing<ColumnRecord> columns, ReadColumns(read));
  for (const ColumnRecord& column : columns) {
    if (column.source && !rows.empty()) {
      ROWSEAL_ASSIGN(const std::unique_ptr<AppColumn> place,
                     read.session().OpenAppColumn(*column.source));
      ROWSEAL_TRY(CountValues(*place, values));
    }
  }
  for (UnreadableRow& row : rows) {
    row.dek.values = values[row.dek.id];
  }
  return std::move(columns.unreadable);
}

// The evidence is taken from the row as it is: it need not have a form that Rowseal reads.
Result<void> DiscardRow(Change& change, const UnreadableRow& row) {
  Connection& connection = change.connection();
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  ROWSEAL_TRY(connection.Execute(Statement::Sql(
      "INSERT INTO rowseal.destroyed_key (project_id, kind, id, scope, purpose, suite, state,"
      " revision, check_value, created_at, destroyed_at, actor, reason, census)"
      " SELECT d.project_id, 'dek', CAST(d.id AS text), '', substr(d.purpose, 1, 255), d.suite,"
      "  substr(d.state, 1, 255), d.revision, d.check_value, d.created_at, $3, $4, $5, $6"
      " FROM rowseal.dek d WHERE d.project_id = $1 AND d.id = $2 ON CONFLICT DO NOTHING",
      {row.dek.project, row.dek.id, ToMicros(now), change.access().actor, change.access().reason,
       std::string(kDiscarded) + "nothing can open it (" + row.dek.why + ")"})));
  ROWSEAL_ASSIGN(const Rows deleted, connection.Execute(Statement::Sql(
                                         "DELETE FROM rowseal.dek WHERE project_id = $1 AND id = $2"
                                         " AND (row_tag = $3 OR length(row_tag) > 40)",
                                         {row.dek.project, row.dek.id, row.row_tag})));
  if (deleted.changed != 1) {
    return Fail(ErrorCode::kConflict, "DEK " + row.dek.id + " was changed meanwhile", "retry");
  }
  // A row may stand under a project that no entry can be written for.
  const bool is_project = ProjectId::Parse(row.dek.project).has_value();
  ROWSEAL_TRY(change.Audit("dek.discard", row.dek.id,
                           is_project ? std::string_view(row.dek.project) : kSystemProject));
  change.Log({LogLevel::kWarning,
              "dek_discarded",
              "a DEK that nothing can open was deleted",
              {{"project", row.dek.project}, {"dek", row.dek.id}, {"why", row.dek.why}}});
  return {};
}

Listing<UnreadableDek> DeksOf(UnreadableRows rows, std::vector<UnreadRow> columns) {
  Listing<UnreadableDek> deks;
  deks.unreadable = std::move(columns);
  for (UnreadableRow& row : rows) {
    deks.push_back(std::move(row.dek));
  }
  return deks;
}

}  // namespace

Result<Listing<UnreadableDek>> FindUnreadableDeks(Client& client,
                                                  const std::optional<ProjectId>& project) {
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<Listing<UnreadableDek>> {
    ROWSEAL_ASSIGN(UnreadableRows rows, FindRows(read, project));
    ROWSEAL_ASSIGN(std::vector<UnreadRow> columns, CountValuesUnder(read, rows));
    return DeksOf(std::move(rows), std::move(columns));
  });
}

Result<Listing<UnreadableDek>> DiscardDeks(Client& client, const std::optional<ProjectId>& project,
                                           const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<Listing<UnreadableDek>> {
    ROWSEAL_ASSIGN(UnreadableRows rows, FindRows(change, project));
    ROWSEAL_ASSIGN(std::vector<UnreadRow> columns, CountValuesUnder(change, rows));
    bool discarded_any = false;
    for (UnreadableRow& row : rows) {
      if (columns.empty() && row.dek.versions == 0 && row.dek.values == 0) {
        ROWSEAL_TRY(DiscardRow(change, row));
        row.dek.discarded = discarded_any = true;
      }
    }
    if (!discarded_any) {
      change.NothingToDo();
    }
    return DeksOf(std::move(rows), std::move(columns));
  });
}

}  // namespace rowseal
