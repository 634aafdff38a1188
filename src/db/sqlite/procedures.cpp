#include "db/sqlite/procedures.h"

#include <array>
#include <tuple>

#include "base/encoding.h"
#include "db/sqlite/sqlite_connection.h"
#include "store/calls/all_calls.h"

namespace rowseal {
namespace {

// What a parameter is bound to while its statement runs.
std::string_view Bound(std::string_view text) { return text; }
std::int64_t Bound(std::int64_t number) { return number; }
template <class T>
auto Bound(const T& value) -> decltype(Codec<T>::Write(value)) {
  return Codec<T>::Write(value);
}
template <class T>
std::optional<std::int64_t> Bound(const std::optional<T>& value) {
  return value ? std::optional(Codec<T>::Write(*value)) : std::nullopt;
}

void BindOne(StatementCursor& cursor, int number, std::string_view text) {
  cursor.BindText(number, text);
}
void BindOne(StatementCursor& cursor, int number, ByteView bytes) {
  cursor.BindBlob(number, bytes);
}
void BindOne(StatementCursor& cursor, int number, std::int64_t value) {
  cursor.BindInteger(number, value);
}
void BindOne(StatementCursor& cursor, int number, const std::optional<std::int64_t>& value) {
  value ? cursor.BindInteger(number, *value) : cursor.BindNull(number);
}

// Runs a change or reads at most one row; the values are those of $1, $2, …
template <class... Values>
Result<Rows> RunOnce(SqliteConnection& connection, std::string_view sql, const Values&... values) {
  const std::tuple<decltype(Bound(values))...> bound(Bound(values)...);
  ROWSEAL_ASSIGN(StatementCursor cursor, connection.Prepare(sql));
  std::apply(
      [&](const auto&... each) {
        int number = 0;
        (BindOne(cursor, ++number, each), ...);
      },
      bound);
  ROWSEAL_ASSIGN(const bool has_row, cursor.Step());
  Rows rows;
  if (has_row) {
    ROWSEAL_ASSIGN(Row row, cursor.TakeRow());
    rows.rows.push_back(std::move(row));
  }
  rows.changed = connection.changes();
  return rows;
}

// The only row, or one of NULLs, so that every row has the call's columns.
template <class Record>
Row RowOrNulls(Rows rows) {
  return rows.rows.empty() ? Row(kCells<Record>) : std::move(rows.rows.front());
}

Result<void> WriteEntry(SqliteConnection& connection, std::string_view project,
                        const LogEntry& entry, std::string_view outcome, std::string_view object) {
  ROWSEAL_TRY(RunOnce(connection,
                      "INSERT INTO audit_log (project_id, id, at, actor, reason, action, outcome,"
                      " object) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                      " ON CONFLICT (project_id, id) DO NOTHING",
                      project, entry.id, entry.at, entry.actor, entry.reason, entry.action, outcome,
                      object));
  return {};
}

void AppendObject(std::string& object, std::string_view secret, std::int64_t version) {
  object.append(object.empty() ? "" : " ").append(secret);
  object.append("@").append(std::to_string(version));
}

Result<void> CheckNotRetired(SqliteConnection& connection, const ProjectId& project) {
  ROWSEAL_ASSIGN(
      const Rows retired,
      RunOnce(connection, "SELECT 1 FROM retired_project WHERE project_id = $1", project));
  if (!retired.rows.empty()) {
    return Fail(ErrorCode::kRefusedByState, "project " + Printable(project.text()) + " is retired",
                kRetiredHint);
  }
  return {};
}

// What SecretHead reads, of `secret s` and `secret_mac h`.
constexpr std::string_view kHeadColumns =
    "s.id, s.kind, s.next_version, s.lowest_version, s.created_at,"
    " substr(s.attributes, 1, 65537), " ROWSEAL_MAC_COLUMNS("h");
constexpr std::string_view kFromHeads =
    " FROM secret s LEFT JOIN secret_mac h ON h.project_id = s.project_id AND h.secret_id = s.id";

// Whether a DEK of `dek d` and `kek k` may seal: no floor of the scope is above its epoch.
#define ROWSEAL_MAY_SEAL                                                      \
  "NOT EXISTS (SELECT 1 FROM scope_floor f JOIN kek fk ON fk.scope = f.scope" \
  " WHERE fk.id = d.kek_id AND f.seal_floor > d.born_epoch)"

Result<Rows> Carry(SqliteConnection& connection, const SecretGet::Request& asked) {
  static const std::string sql =
      "SELECT " + std::string(kHeadColumns) +
      ", v.version, v.expires_at, v.created_at, v.nonce, v.encrypted_data, " ROWSEAL_MAC_COLUMNS(
          "w") ", " +
      DekColumns() + std::string(kFromHeads) +
      " LEFT JOIN secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id"
      "  AND v.version = CASE WHEN $3 = 0 THEN (SELECT max(n.version) FROM secret_version n"
      "    WHERE n.project_id = s.project_id AND n.secret_id = s.id) ELSE $3 END"
      " LEFT JOIN version_mac w ON w.project_id = v.project_id AND w.secret_id = v.secret_id"
      "  AND w.version = v.version"
      " LEFT JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
      " LEFT JOIN kek k ON k.id = d.kek_id"
      " WHERE s.project_id = $1 AND s.name = $2";
  constexpr std::size_t kVersion = kCells<SecretHead>;
  ROWSEAL_TRY(CheckNotRetired(connection, asked.project));
  Rows answer;
  std::string object;
  bool all_found = true;
  for (const SecretGet::Item& item : asked.items) {
    ROWSEAL_ASSIGN(Rows found, RunOnce(connection, sql, asked.project, item.name, item.version));
    Row& row = answer.rows.emplace_back(RowOrNulls<SecretGet::Row>(std::move(found)));
    if (const auto* version = std::get_if<std::int64_t>(&row[kVersion])) {
      AppendObject(object, TextAt(row, 0), *version);
    } else {
      all_found = false;
    }
  }
  const std::string_view outcome = all_found ? "granted" : object.empty() ? "not_found" : "partial";
  ROWSEAL_TRY(WriteEntry(connection, asked.project.text(), asked.entry, outcome, object));
  return answer;
}

// A call that was made before finds its own entry in the log, which names what it stored; nothing:
// it was not made before.
Result<std::optional<std::string>> StoredByThisCall(SqliteConnection& connection,
                                                    const SecretPut::Request& put) {
  ROWSEAL_ASSIGN(
      const Rows found,
      RunOnce(connection, "SELECT object FROM audit_log WHERE project_id = $1 AND id = $2",
              put.project, put.entry.id));
  return found.rows.empty() ? std::nullopt
                            : std::optional(" " + TextAt(found.rows.front(), 0) + " ");
}

struct Judged {
  SecretPut::Outcome outcome;
  Row head;  // the secret as it was found
};

bool StandsAsSealedFor(const Row& head, const SecretPut::Item& item) {
  constexpr std::size_t kWriteCount = CellNamed<SecretHead>("write_count");
  return head[CellNamed<SecretHead>("secret_id")] == Value(ToText(item.secret)) &&
         head[CellNamed<SecretHead>("kind")] == Value(std::string(ToText(item.kind))) &&
         head[CellNamed<SecretHead>("next_version")] == Value(item.version.value) &&
         head[kWriteCount] == Value(item.secret_write_count - 1);
}

// Decides one item without changing anything: stored, or why not.
Result<Judged> JudgePut(SqliteConnection& connection, const SecretPut::Request& put,
                        const SecretPut::Item& item) {
  static const std::string sql = "SELECT " + std::string(kHeadColumns) + std::string(kFromHeads) +
                                 " WHERE s.project_id = $1 AND s.name = $2";
  ROWSEAL_ASSIGN(Rows head, RunOnce(connection, sql, put.project, item.name));
  const bool exists = !head.rows.empty();
  Judged judged{SecretPut::Outcome::kConflict, RowOrNulls<SecretHead>(std::move(head))};
  const bool matches =
      exists ? StandsAsSealedFor(judged.head, item) : item.version == SecretVersion{1};
  if (!matches) {
    return judged;
  }
  // A DEK under a KEK that was just rotated away still seals; a suspended one refuses, and so does
  // one that was made before a compromise was declared.
  ROWSEAL_ASSIGN(const Rows dek,
                 RunOnce(connection,
                         "SELECT 1 FROM dek d JOIN kek k ON k.id = d.kek_id WHERE d.project_id = $1"
                         " AND d.id = $2 AND d.purpose = 'secret' AND d.state = 'active'"
                         " AND k.state IN ('active', 'deactivated') AND " ROWSEAL_MAY_SEAL,
                         put.project, item.dek));
  judged.outcome = dek.rows.empty() ? SecretPut::Outcome::kNoDek : SecretPut::Outcome::kStored;
  return judged;
}

Result<void> StorePut(SqliteConnection& connection, const SecretPut::Request& put,
                      const SecretPut::Item& item) {
  if (item.version == SecretVersion{1}) {
    ROWSEAL_TRY(RunOnce(connection,
                        "INSERT INTO secret (project_id, id, name, kind, next_version, created_at,"
                        " lowest_version, attributes) VALUES ($1, $2, $3, $4, 2, $5, 1, '')",
                        put.project, item.secret, item.name, item.kind, put.entry.at));
  } else {
    ROWSEAL_TRY(RunOnce(
        connection,
        "UPDATE secret SET next_version = next_version + 1 WHERE project_id = $1 AND id = $2",
        put.project, item.secret));
  }
  ROWSEAL_TRY(RunOnce(
      connection,
      "INSERT INTO secret_version (project_id, secret_id, version, dek_id, nonce, encrypted_data,"
      " expires_at, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      put.project, item.secret, item.version, item.dek, item.nonce, item.encrypted_data,
      item.expires_at, put.entry.at, put.entry.actor));
  ROWSEAL_TRY(RunOnce(connection,
                      "INSERT INTO version_mac (project_id, secret_id, version, write_count, mac)"
                      " VALUES ($1, $2, $3, 1, $4)",
                      put.project, item.secret, item.version, item.mac));
  ROWSEAL_TRY(RunOnce(connection,
                      "INSERT INTO secret_mac (project_id, secret_id, write_count, mac)"
                      " VALUES ($1, $2, $3, $4) ON CONFLICT (project_id, secret_id)"
                      " DO UPDATE SET write_count = excluded.write_count, mac = excluded.mac",
                      put.project, item.secret, item.secret_write_count, item.secret_mac));
  return {};
}

// What a call that is made again did not store the first time is not stored under the same entry:
// it is to be sealed again.
void SettleRepeated(const std::string& stored_before, const SecretPut::Item& item, Judged& judged) {
  std::string object;
  AppendObject(object, ToText(item.secret), item.version.value);
  if (stored_before.find(" " + object + " ") != std::string::npos) {
    judged.outcome = SecretPut::Outcome::kStored;
  } else if (judged.outcome == SecretPut::Outcome::kStored) {
    judged.outcome = SecretPut::Outcome::kNoDek;
  }
}

// First judges every item, then writes those that stand: the lock is held from the beginning, so
// nothing changes in between.
Result<Rows> Carry(SqliteConnection& connection, const SecretPut::Request& put) {
  ROWSEAL_TRY(CheckNotRetired(connection, put.project));
  Rows answer;
  std::vector<const SecretPut::Item*> standing;
  std::string object;
  ROWSEAL_ASSIGN(const std::optional<std::string> stored_before, StoredByThisCall(connection, put));
  for (const SecretPut::Item& item : put.items) {
    ROWSEAL_ASSIGN(Judged judged, JudgePut(connection, put, item));
    if (stored_before) {
      SettleRepeated(*stored_before, item, judged);
    } else if (judged.outcome == SecretPut::Outcome::kStored) {
      standing.push_back(&item);
      AppendObject(object, ToText(item.secret), item.version.value);
    }
    Row& row = answer.rows.emplace_back(Row{std::string(ToText(judged.outcome))});
    std::ranges::move(judged.head, std::back_inserter(row));
  }
  if (standing.empty() || (put.all_or_none && standing.size() != put.items.size())) {
    return answer;
  }
  ROWSEAL_TRY(WriteEntry(connection, put.project.text(), put.entry, "done", object));
  for (const SecretPut::Item* item : standing) {
    ROWSEAL_TRY(StorePut(connection, put, *item));
  }
  return answer;
}

Result<Rows> Carry(SqliteConnection& connection, const DekActive::Request& asked) {
  static const std::string sql =
      "SELECT " + DekColumns() +
      " FROM dek d LEFT JOIN kek k ON k.id = d.kek_id"
      " WHERE d.project_id = $1 AND d.purpose = $2 AND d.state = 'active'";
  return RunOnce(connection, sql, asked.project, asked.purpose);
}

// The KEK must be active to wrap something new, and the epoch the one that the DEK's tag names. A
// DEK that another writer made meanwhile stays, unless it may not seal any more and is the one that
// the caller replaces. An id that the evidence names as destroyed never comes back.
Result<Rows> Carry(SqliteConnection& connection, const DekInsert::Request& dek) {
  ROWSEAL_ASSIGN(const Rows fenced,
                 RunOnce(connection,
                         "SELECT 1 FROM kek k, installation i WHERE k.id = $1"
                         " AND k.state = 'active' AND i.epoch = $2 AND NOT EXISTS (SELECT 1"
                         "  FROM destroyed_key g WHERE g.project_id = $3 AND g.kind = 'dek'"
                         "  AND g.id = $4)",
                         dek.kek, dek.born_epoch, dek.project, dek.id));
  if (!fenced.rows.empty() && dek.replaced) {
    ROWSEAL_TRY(RunOnce(connection,
                        "UPDATE dek AS d SET state = 'deactivated', revision = $3, row_tag = $4,"
                        " deactivated_at = $5 WHERE d.project_id = $1 AND d.id = $2"
                        " AND d.purpose = $6 AND d.state = 'active' AND d.revision = $3 - 1"
                        " AND NOT (" ROWSEAL_MAY_SEAL ")",
                        dek.project, dek.replaced->id, dek.replaced->revision,
                        dek.replaced->row_tag, connection.Now(), dek.purpose));
  }
  if (!fenced.rows.empty()) {
    ROWSEAL_TRY(RunOnce(connection,
                        "INSERT INTO dek (project_id, id, kek_id, purpose, suite, state, revision,"
                        " check_value, wrapped_key, row_tag, created_at, born_epoch)"
                        " VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $7, $8, $9, $10)"
                        " ON CONFLICT DO NOTHING",
                        dek.project, dek.id, dek.kek, dek.purpose, dek.suite, dek.check_value,
                        dek.wrapped_key, dek.row_tag, connection.Now(), dek.born_epoch));
  }
  return Carry(connection, DekActive::Request{dek.project, dek.purpose});
}

Result<Rows> Carry(SqliteConnection& connection, const ValuePrepare::Request& asked) {
  static const std::string column_sql =
      "SELECT " + ColumnNames<ColumnRecord>() + " FROM sealed_column WHERE label = $1";
  static const std::string dek_sql =
      "SELECT " + DekColumns() +
      " FROM dek d LEFT JOIN kek k ON k.id = d.kek_id WHERE d.project_id = $1 AND d.id = $2";
  ROWSEAL_TRY(CheckNotRetired(connection, asked.project));
  ROWSEAL_ASSIGN(Rows column, RunOnce(connection, column_sql, asked.label));
  Rows answer;
  answer.rows.push_back(RowOrNulls<ColumnRecord>(std::move(column)));
  const std::string column_id = TextAt(answer.rows.front(), 0);
  answer.rows.front().resize(kCells<ValuePrepare::Row>);
  const auto append = [&](Rows found) {
    Row& row = answer.rows.emplace_back(kCells<ColumnRecord>);
    std::ranges::move(RowOrNulls<DekAndKek>(std::move(found)), std::back_inserter(row));
  };
  if (asked.deks.empty()) {
    ROWSEAL_ASSIGN(Rows active,
                   Carry(connection, DekActive::Request{asked.project, DekPurpose::kValue}));
    append(std::move(active));
  }
  for (const DekId& id : asked.deks) {
    ROWSEAL_ASSIGN(Rows found, RunOnce(connection, dek_sql, asked.project, id));
    append(std::move(found));
  }
  if (asked.entry) {
    ROWSEAL_TRY(WriteEntry(connection, asked.project.text(), *asked.entry,
                           column_id.empty() ? "not_found" : "granted", column_id));
  }
  return answer;
}

Result<Rows> Carry(SqliteConnection& connection, const AuditAppend::Request& asked) {
  ROWSEAL_TRY(WriteEntry(connection, asked.project, asked.entry, asked.outcome, asked.object));
  return Rows{};
}

Result<Rows> Carry(SqliteConnection& connection, const StoreTime::Request& /*asked*/) {
  return Rows{{Row{connection.Now().time_since_epoch().count()}}, 0};
}

// Deletes the versions, then the secret that they refer to.
Result<Rows> Carry(SqliteConnection& connection, const SecretDelete::Request& asked) {
  for (const std::string_view sql :
       {"DELETE FROM version_mac WHERE project_id = $1 AND secret_id = $2",
        "DELETE FROM secret_version WHERE project_id = $1 AND secret_id = $2",
        "DELETE FROM secret_mac WHERE project_id = $1 AND secret_id = $2",
        "DELETE FROM secret WHERE project_id = $1 AND id = $2"}) {
    ROWSEAL_TRY(RunOnce(connection, sql, asked.project, asked.secret));
  }
  return Rows{};
}

Result<Rows> Carry(SqliteConnection& connection, const SecretReseal::Request& asked) {
  Rows answer;
  for (const SecretReseal::Item& item : asked.items) {
    ROWSEAL_ASSIGN(
        const Rows updated,
        RunOnce(connection,
                "UPDATE secret_version SET dek_id = $4, nonce = $5, encrypted_data = $6,"
                " expires_at = $7 WHERE project_id = $1 AND secret_id = $2 AND version = $3"
                " AND nonce = $8 AND EXISTS (SELECT 1 FROM dek d WHERE d.project_id = $1"
                "  AND d.id = $4 AND d.state = 'active' AND " ROWSEAL_MAY_SEAL ")"
                " AND EXISTS (SELECT 1 FROM version_mac WHERE project_id = $1 AND secret_id = $2"
                "  AND version = $3 AND write_count = $9 - 1)",
                asked.project, item.secret, item.version, item.dek, item.nonce, item.encrypted_data,
                item.expires_at, item.old_nonce, item.write_count));
    if (updated.changed == 1) {
      ROWSEAL_TRY(RunOnce(connection,
                          "UPDATE version_mac SET write_count = $4, mac = $5 WHERE project_id = $1"
                          " AND secret_id = $2 AND version = $3",
                          asked.project, item.secret, item.version, item.write_count, item.mac));
    }
    answer.rows.push_back(Row{updated.changed});
  }
  return answer;
}

Result<Rows> Carry(SqliteConnection& connection, const SecretRename::Request& asked) {
  ROWSEAL_ASSIGN(const Rows proven,
                 RunOnce(connection,
                         "UPDATE secret_mac SET write_count = $3, mac = $4 WHERE project_id = $1"
                         " AND secret_id = $2 AND write_count = $3 - 1",
                         asked.project, asked.secret, asked.written.count, asked.written.mac));
  if (proven.changed == 1) {
    ROWSEAL_TRY(RunOnce(connection, "UPDATE secret SET name = $3 WHERE project_id = $1 AND id = $2",
                        asked.project, asked.secret, asked.name));
  }
  return Rows{{Row{proven.changed}}, 0};
}

Result<Rows> Carry(SqliteConnection& connection, const DekRewrap::Request& asked) {
  Rows answer;
  for (const DekRewrap::Item& item : asked.items) {
    ROWSEAL_ASSIGN(const Rows updated,
                   RunOnce(connection,
                           "UPDATE dek SET kek_id = $3, wrapped_key = $4"
                           " WHERE project_id = $1 AND id = $2 AND kek_id = $5",
                           item.project, item.id, asked.kek, item.wrapped_key, item.old_kek));
    answer.changed += updated.changed;
  }
  return answer;
}

// The rest are ordinary statements, whose parameters are the request's fields.
std::string_view SqlOf(const TrustLoad::Request& /*asked*/) {
  static const std::string sql = TrustLoadSql({});
  return sql;
}
std::string_view SqlOf(const StoreFormat::Request& /*asked*/) {
  return "SELECT user_version, EXISTS (SELECT 1 FROM installation)"
         " OR EXISTS (SELECT 1 FROM root_key) OR EXISTS (SELECT 1 FROM kek)"
         " FROM pragma_user_version";
}
// A secret whose counter names no version is listed as well, to be named.
#define ROWSEAL_LIST_SECRETS                                                  \
  "SELECT s.name, s.kind, s.id, v.version,"                                   \
  " (SELECT count(*) FROM secret_version n WHERE n.project_id = s.project_id" \
  "   AND n.secret_id = s.id),"                                               \
  " v.expires_at, s.created_at, v.created_at"                                 \
  " FROM secret s LEFT JOIN secret_version v ON v.project_id = s.project_id"  \
  "  AND v.secret_id = s.id AND v.version = s.next_version - 1"               \
  " WHERE s.project_id = $1"
std::string_view SqlOf(const SecretList::Request& asked) {
  return asked.after ? ROWSEAL_LIST_SECRETS " AND s.name > $2 ORDER BY s.name LIMIT $3"
                     : ROWSEAL_LIST_SECRETS " ORDER BY s.name LIMIT $3";
}
#undef ROWSEAL_LIST_SECRETS
std::string_view SqlOf(const SecretVersions::Request& /*asked*/) {
  return "SELECT v.version, v.expires_at, v.created_at, v.created_by"
         " FROM secret s JOIN secret_version v"
         "  ON v.project_id = s.project_id AND v.secret_id = s.id"
         " WHERE s.project_id = $1 AND s.name = $2 ORDER BY v.version DESC";
}
std::string_view SqlOf(const SecretLock::Request& /*asked*/) {
  static const std::string sql = "SELECT " + std::string(kHeadColumns) + std::string(kFromHeads) +
                                 " WHERE s.project_id = $1 AND s.name = $2";
  return sql;
}
std::string_view SqlOf(const SecretVersionRead::Request& /*asked*/) {
  static const std::string sql =
      "SELECT " + StoredVersionColumns() +
      " FROM secret s"
      " JOIN secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id"
      " JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
      " LEFT JOIN kek k ON k.id = d.kek_id" +
      std::string(kJoinVersionMac) + " WHERE s.project_id = $1 AND s.id = $2 AND v.version = $3";
  return sql;
}

template <class Request>
auto Carry(SqliteConnection& connection, const Request& asked)
    -> decltype(SqlOf(asked), Result<Rows>()) {
  return connection.Execute(Statement::Sql(SqlOf(asked), ParamsOf(asked)));
}

Result<Rows> Dispatch(SqliteConnection& connection, const Statement& statement) {
  Result<Rows> answer = Fail(ErrorCode::kInternal, "the store has no such procedure");
  if (statement.request != nullptr) {
    ForEachCall([&]<class Call>(CallIs<Call>) {
      if (statement.procedure == Call::kProcedure) {
        answer = Carry(connection, Asked<Call>(statement));
      }
    });
  }
  return answer;
}

bool WritesNothing(const Statement& statement) {
  return statement.procedure == Procedure::kValuePrepare
             ? !Asked<ValuePrepare>(statement).entry
             : EffectOf(statement.procedure) == Effect::kNone;
}

}  // namespace

Result<Rows> CallProcedure(SqliteConnection& connection, const Statement& statement) {
  if (connection.in_transaction() || statement.procedure == Procedure::kClock) {
    return Dispatch(connection, statement);
  }
  // A read entry need not survive a power cut (it survives a crash of the process): without the
  // flush a get costs a tenth. Writes and failure entries are flushed.
  const bool relaxed = EffectOf(statement.procedure) == Effect::kLogsRead;
  if (relaxed) {
    ROWSEAL_TRY(connection.ExecuteScript("PRAGMA synchronous=NORMAL"));
  }
  const auto run = [&]() -> Result<Rows> {
    ROWSEAL_ASSIGN(
        Transaction transaction,
        Transaction::Begin(connection, WritesNothing(statement) ? TransactionKind::kRead
                                                                : TransactionKind::kWrite));
    ROWSEAL_ASSIGN(Rows answer, Dispatch(connection, statement));
    ROWSEAL_TRY(transaction.Commit());
    return answer;
  };
  Result<Rows> answer = run();
  if (relaxed) {
    ROWSEAL_TRY(connection.ExecuteScript("PRAGMA synchronous=FULL"));
  }
  return answer;
}

}  // namespace rowseal
