#include "client/columns.h"

#include <algorithm>

#include "client/random_ids.h"
#include "store/list_reader.h"

namespace rowseal {
namespace {

constexpr std::string_view kNameBegin = "column '";

// The columns that a change of a registration writes, in one place for $2 to $4.
constexpr std::string_view kChangeColumn =
    "UPDATE rowseal.sealed_column SET state = $2, revision = $3, row_tag = $4,"
    " source_database = $5, source_table = $6, source_column = $7, source_keys = $8,"
    " source_project = $9, scanned_at = NULL WHERE id = $1 AND revision = $3 - 1";

std::vector<Param> ChangeParams(const ColumnRecord& column) {
  std::vector<Param> params{ToText(column.id), std::string(ToText(column.state)),
                            column.revision.value, column.row_tag};
  AppendField(column, Part(&ColumnRecord::source), params);
  return params;
}

Result<void> WriteColumn(Change& change, ColumnRecord column, std::string_view action) {
  ++column.revision.value;
  ROWSEAL_ASSIGN(column.row_tag, change.integrity().Tag(column));
  static const std::string insert = "INSERT INTO rowseal.sealed_column (" +
                                    ColumnNames<ColumnRecord>() + ") VALUES (" +
                                    Places<ColumnRecord>() + ")";
  const bool is_new = column.revision == Revision{1};
  const Statement statement = is_new ? Statement::Sql(insert, ParamsOf(column))
                                     : Statement::Sql(kChangeColumn, ChangeParams(column));
  ROWSEAL_ASSIGN(const Rows rows, change.connection().Execute(statement));
  if (rows.changed != 1) {
    return Fail(ErrorCode::kConflict, "column '" + column.label.text() + "' was changed meanwhile",
                "retry");
  }
  ROWSEAL_TRY(change.Audit(action, ToText(column.id)));
  return {};
}

Result<std::optional<ColumnRecord>> FindColumn(const TrustedRead& read, const ColumnLabel& label) {
  ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
  const auto found = std::ranges::find(columns, label, &ColumnRecord::label);
  // One that cannot be read may be the one that is looked for.
  if (found == columns.end()) {
    ROWSEAL_TRY(CheckAllRead(columns.unreadable));
  }
  return found == columns.end() ? std::optional<ColumnRecord>() : std::optional(*found);
}

}  // namespace

Result<Listing<ColumnRecord>> ReadColumns(const TrustedRead& read) {
  static const std::string sql =
      "SELECT " + BoundedNames<ColumnRecord>() + " FROM rowseal.sealed_column ORDER BY label";
  ROWSEAL_ASSIGN(Rows answer, read.connection().Execute(Statement::Sql(sql)));
  const auto name = [](const Row& row) {
    return std::string(kNameBegin) + ShownCell(row, 1) + "'";
  };
  return ReadListing<ColumnRecord>(std::move(answer), name, [&](Row& row) -> Result<ColumnRecord> {
    ROWSEAL_ASSIGN(ColumnRecord column, ReadListed<ColumnRecord>(row));
    ROWSEAL_TRY(read.integrity().Verify(column));
    return column;
  });
}

void AppendUnread(const std::vector<UnreadRow>& unreadable, std::vector<std::string>& columns) {
  for (const UnreadRow& column : unreadable) {
    columns.push_back(
        column.row.substr(kNameBegin.size(), column.row.size() - kNameBegin.size() - 1));
  }
}

Result<std::vector<ColumnRecord>> ReadEveryColumn(const TrustedRead& read) {
  ROWSEAL_ASSIGN(Listing<ColumnRecord> columns, ReadColumns(read));
  ROWSEAL_TRY(CheckAllRead(columns.unreadable));
  return std::move(columns).TakeReadable();
}

Result<void> AddSealedColumn(Client& client, const ColumnLabel& label, ContextKind context,
                             const std::optional<ColumnSource>& source, const Access& access) {
  if (source) {
    ROWSEAL_TRY(CheckColumnSource(*source));
    ROWSEAL_TRY(ReadStore(client, [&](StoreRead& store) {  // a wrong name shows now
      return store.session().OpenAppColumn(*source);
    }));
  }
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(std::optional<ColumnRecord> column, FindColumn(change, label));
    if (column && column->context != context) {
      return Fail(ErrorCode::kConflict,
                  "column '" + label.text() + "' is registered with context " +
                      std::string(ToText(column->context)),
                  "its values are bound to that context; register another label");
    }
    const bool keeps_source = !source || (column && column->source == source);
    if (column && column->state == ColumnState::kActive && keeps_source) {
      change.NothingToDo();
      return {};
    }
    if (!column) {
      ROWSEAL_ASSIGN(const ColumnId id, NewId<ColumnId>());
      column = ColumnRecord{.id = id,
                            .label = label,
                            .context = context,
                            .revision = {0},
                            .created_at = change.session().Now()};
    }
    column->state = ColumnState::kActive;
    column->source = source ? source : column->source;
    return WriteColumn(change, *column, "column.add");
  });
}

Result<void> RemoveSealedColumn(Client& client, const ColumnLabel& label, const Access& access) {
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(std::optional<ColumnRecord> column, FindColumn(change, label));
    if (!column) {
      return Fail(ErrorCode::kNotFound, "no column is registered under '" + label.text() + "'",
                  "rowseal column list shows what is there");
    }
    if (column->state == ColumnState::kRemoved) {
      change.NothingToDo();
      return {};
    }
    column->state = ColumnState::kRemoved;
    return WriteColumn(change, *column, "column.remove");
  });
}

}  // namespace rowseal
