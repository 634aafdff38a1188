#include "db/postgres/postgres_app_column.h"

#include "base/encoding.h"
#include "db/postgres/postgres_connection.h"
#include "db/postgres/postgres_place.h"

namespace rowseal {
namespace {

// A position is the row's version (xmin) as the first part, and each part of its key behind it.
using Position = PostgresPosition;
using Place = PostgresPlace;

class PostgresAppColumn final : public AppColumn {
 public:
  PostgresAppColumn(std::unique_ptr<PostgresConnection> connection, Place place)
      : connection_(std::move(connection)), place_(std::move(place)) {}

  Result<std::int64_t> Count() override {
    const std::string sql =
        "SELECT count(*) FROM " + place_.rows + " WHERE " + place_.HoldsSealed();
    ROWSEAL_ASSIGN(Rows answer, RunOnApp(*connection_, Statement::Sql(sql), place_.table));
    RowReader reader(answer.rows.front());
    const std::int64_t count = reader.Integer();
    ROWSEAL_TRY(reader.status());
    return count;
  }

  Result<std::vector<AppValue>> Read(const std::string& position, std::size_t limit,
                                     std::int64_t bytes) override {
    std::vector<Param> params = {static_cast<std::int64_t>(limit), bytes};
    if (!position.empty()) {
      ROWSEAL_ASSIGN(Position after, DecodePosition(position, place_.keys.size() + 1));
      for (std::size_t i = 1; i < after.size(); ++i) {
        params.emplace_back(std::move(after[i]));
      }
    }
    const std::string sql = ReadSql(!position.empty());
    ROWSEAL_ASSIGN(Rows answer,
                   RunOnApp(*connection_, Statement::Sql(sql, std::move(params)), place_.table));
    std::vector<AppValue> values;
    for (Row& row : answer.rows) {
      ROWSEAL_ASSIGN(AppValue value, TakeValue(row));
      values.push_back(std::move(value));
    }
    return values;
  }

  Result<std::vector<bool>> Replace(const std::vector<AppChange>& changes) override {
    std::vector<bool> replaced(changes.size(), false);
    if (changes.empty()) {
      return replaced;
    }
    std::vector<std::string> contents;
    std::vector<std::vector<std::string>> parts(place_.keys.size() + 1);  // versions, then keys
    for (const AppChange& change : changes) {
      ROWSEAL_ASSIGN(Position position, DecodePosition(change.position, parts.size()));
      contents.push_back(change.new_text);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].push_back(std::move(position[i]));
      }
    }
    std::vector<Param> params;
    params.push_back(ContentParam(std::move(contents)));
    for (std::vector<std::string>& part : parts) {
      params.emplace_back(std::move(part));
    }
    const std::string sql = ReplaceSql();
    // More rows than were asked for are none: the change is taken back.
    ROWSEAL_ASSIGN(Transaction transaction,
                   Transaction::Begin(*connection_, TransactionKind::kWrite));
    ROWSEAL_ASSIGN(Rows answer,
                   RunOnApp(*connection_, Statement::Sql(sql, std::move(params)), place_.table));
    for (Row& row : answer.rows) {
      RowReader reader(row);
      const std::int64_t number = reader.Integer();
      ROWSEAL_TRY(reader.status());
      if (number < 1 || number > static_cast<std::int64_t>(replaced.size()) ||
          replaced[static_cast<std::size_t>(number - 1)]) {
        return Fail(ErrorCode::kIntegrity,
                    "table " + Printable(place_.table) + " has more than one row of a key",
                    "stop the job; compare the rows of that table with a backup");
      }
      replaced[static_cast<std::size_t>(number - 1)] = true;
    }
    ROWSEAL_TRY(transaction.Commit());
    return replaced;
  }

 private:
  // $1: rows, $2: bytes, $3…: the key behind which to begin.
  std::string ReadSql(bool behind) const {
    std::string keys;
    std::string names;
    std::string after;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      keys += ", " + place_.keys[i] + "::text AS " + Numbered("k", i);
      names += ", " + Numbered("k", i);
      after += (i == 0 ? "$" : ", $") + std::to_string(i + 3);
    }
    const std::string order = place_.KeyList();
    const std::string page = "SELECT " + place_.project + "::text AS project, " + place_.Content() +
                             " AS content, xmin::text AS version" + keys +
                             ", row_number() OVER (ORDER BY " + order + ") AS number FROM " +
                             place_.rows + " WHERE " + place_.HoldsSealed() +
                             (behind ? " AND (" + order + ") > (" + after + ")" : "") +
                             " ORDER BY " + order + " LIMIT $1";
    return "SELECT project, content, version" + names +
           " FROM (SELECT p.*, sum(octet_length(content)) OVER (ORDER BY number) -"
           " octet_length(content) AS before FROM (" +
           page + ") p) b WHERE before < $2 ORDER BY number";
  }

  // A row that was changed since it was read has another version. The old text is not sent: it may
  // hold more of the app's data than sealed values.
  std::string ReplaceSql() const {
    std::string arrays = "$1";
    std::string names = "content";
    std::string condition = "t.xmin = n.version::xid";
    arrays += ", $2";
    names += ", version";
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      arrays += ", $" + std::to_string(i + 3);
      names += ", " + Numbered("k", i);
      condition +=
          " AND t." + place_.keys[i] + " = n." + Numbered("k", i) + "::" + place_.key_types[i];
    }
    return "UPDATE " + place_.rows + " t SET " + place_.column + " = " +
           place_.CastOf("n.content") + " FROM unnest(" + arrays + ") WITH ORDINALITY AS n(" +
           names + ", number) WHERE " + condition + " RETURNING n.number";
  }

  Param ContentParam(std::vector<std::string> contents) const {
    if (!place_.IsBinary()) {
      return contents;
    }
    std::vector<Bytes> blobs;
    for (const std::string& content : contents) {
      blobs.emplace_back(content.begin(), content.end());
    }
    return blobs;
  }

  Result<AppValue> TakeValue(Row& row) const {
    AppValue value;
    RowReader reader(row);
    if (reader.NextIsNull()) {
      value.defect = "its project is NULL";
      reader.Skip();
    } else {
      value.project = reader.Text();
    }
    value.text = place_.IsBinary() ? std::string(AsText(reader.Blob())) : reader.Text();
    Position position = {reader.Text()};
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      value.key.push_back(reader.Text());
      position.push_back(value.key.back());
    }
    ROWSEAL_TRY(reader.status());
    value.position = EncodePosition(position);
    return value;
  }

  std::unique_ptr<PostgresConnection> connection_;
  const Place place_;
};

}  // namespace

Result<std::unique_ptr<AppColumn>> OpenPostgresAppColumn(const std::string& url,
                                                         const ColumnSource& source) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::Open(url));
  ROWSEAL_ASSIGN(Place place, FindPostgresPlace(*connection, source));
  return std::make_unique<PostgresAppColumn>(std::move(connection), std::move(place));
}

}  // namespace rowseal
