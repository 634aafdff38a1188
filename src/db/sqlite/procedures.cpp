#include "db/sqlite/procedures.h"

#include <limits>

#include "base/encoding.h"
#include "db/sqlite/sqlite_connection.h"
#include "store/procedures.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

template <class T>
const T& Arg(const Statement& statement, std::size_t index) {
  return std::get<T>(statement.params[index]);
}

constexpr std::string_view kTrustLoadSql = R"(
SELECT 'installation', id, epoch, next_kek_id, next_root_id, integrity_kek_id, projects_table,
       project_key_type, trust_tag, created_at, NULL FROM installation
UNION ALL
SELECT 'root_key', id, uri, scope, fingerprint, public_part, state, revision, row_tag, created_at,
       NULL FROM root_key
UNION ALL
SELECT 'kek', id, scope, purpose, suite, state, resumes_to, revision, check_value, row_tag,
       created_at FROM kek
UNION ALL
SELECT 'kek_wrapping', kek_id, root_id, secret, key, NULL, NULL, NULL, NULL, NULL, NULL
FROM kek_wrapping)";

#define ROWSEAL_DEK_COLUMNS                                                                 \
  "d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, d.wrapped_key, " \
  "d.row_tag, d.created_at, k.revision, k.row_tag"

constexpr std::string_view kSecretGetSql =
    "SELECT s.id, s.kind, s.next_version, v.version, v.expires_at, v.created_at, v.nonce, "
    "v.encrypted_data, " ROWSEAL_DEK_COLUMNS
    " FROM secret s"
    " LEFT JOIN secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id"
    "  AND v.version = CASE WHEN $3 = 0 THEN (SELECT max(n.version) FROM secret_version n"
    "    WHERE n.project_id = s.project_id AND n.secret_id = s.id) ELSE $3 END"
    " LEFT JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
    " LEFT JOIN kek k ON k.id = d.kek_id"
    " WHERE s.project_id = $1 AND s.name = $2";

constexpr std::string_view kDekActiveSql =
    "SELECT " ROWSEAL_DEK_COLUMNS
    " FROM dek d JOIN kek k ON k.id = d.kek_id"
    " WHERE d.project_id = $1 AND d.purpose = $2 AND d.state = 'active'";

constexpr std::string_view kDekByIdSql =
    "SELECT " ROWSEAL_DEK_COLUMNS
    " FROM dek d JOIN kek k ON k.id = d.kek_id WHERE d.project_id = $1 AND d.id = $2";

constexpr std::string_view kSecretVersionReadSql =
    "SELECT s.id, s.name, s.kind, v.version, v.expires_at, v.nonce, v.encrypted_data,"
    " " ROWSEAL_DEK_COLUMNS
    " FROM secret s"
    " JOIN secret_version v ON v.project_id = s.project_id AND v.secret_id = s.id"
    " JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
    " JOIN kek k ON k.id = d.kek_id"
    " WHERE s.project_id = $1 AND s.id = $2 AND v.version = $3";

#undef ROWSEAL_DEK_COLUMNS

// The KEK must be active to wrap something new; a DEK that another writer made meanwhile stays.
constexpr std::string_view kDekInsertSql =
    "INSERT INTO dek (project_id, id, kek_id, purpose, suite, state, revision, check_value,"
    " wrapped_key, row_tag, created_at)"
    " SELECT $1, $2, k.id, $4, $5, 'active', 1, $6, $7, $8, $9 FROM kek k"
    " WHERE k.id = $3 AND k.state = 'active' ON CONFLICT DO NOTHING";

constexpr std::string_view kAuditInsertSql =
    "INSERT INTO audit_log (project_id, id, at, actor, reason, action, outcome, object)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project_id, id) DO NOTHING";

// Runs a change or reads at most one row.
template <class BindAll>
Result<Rows> RunOnce(SqliteConnection& connection, std::string_view sql, BindAll bind_all) {
  ROWSEAL_ASSIGN(StatementCursor cursor, connection.Prepare(sql));
  bind_all(cursor);
  ROWSEAL_ASSIGN(const bool has_row, cursor.Step());
  Rows rows;
  if (has_row) {
    ROWSEAL_ASSIGN(Row row, cursor.TakeRow());
    rows.rows.push_back(std::move(row));
  }
  rows.changed = connection.changes();
  return rows;
}

struct Entry {
  const std::string& project;
  const std::string& id;
  std::int64_t at;
  const std::string& actor;
  const std::string& reason;
  const std::string& action;
};

Result<void> WriteEntry(SqliteConnection& connection, const Entry& entry, std::string_view outcome,
                        std::string_view object) {
  ROWSEAL_TRY(RunOnce(connection, kAuditInsertSql, [&](StatementCursor& cursor) {
    cursor.BindText(1, entry.project);
    cursor.BindText(2, entry.id);
    cursor.BindInteger(3, entry.at);
    cursor.BindText(4, entry.actor);
    cursor.BindText(5, entry.reason);
    cursor.BindText(6, entry.action);
    cursor.BindText(7, outcome);
    cursor.BindText(8, object);
  }));
  return {};
}

// One item of an entry: a version that was written.
Result<void> WriteItem(SqliteConnection& connection, const std::string& project,
                       const std::string& entry, const std::string& secret_id, std::int64_t version,
                       const Bytes& write_mac) {
  ROWSEAL_TRY(RunOnce(connection,
                      "INSERT INTO audit_item (project_id, entry_id, secret_id, version, write_mac)"
                      " VALUES ($1, $2, $3, $4, $5)",
                      [&](StatementCursor& cursor) {
                        cursor.BindText(1, project);
                        cursor.BindText(2, entry);
                        cursor.BindText(3, secret_id);
                        cursor.BindInteger(4, version);
                        cursor.BindBlob(5, write_mac);
                      }));
  return {};
}

void AppendObject(std::string& object, std::string_view secret_id, std::int64_t version) {
  object += (object.empty() ? "" : " ") + std::string(secret_id) + "@" + std::to_string(version);
}

Result<void> CheckNotRetired(SqliteConnection& connection, const std::string& project) {
  ROWSEAL_ASSIGN(const Rows retired,
                 RunOnce(connection, "SELECT 1 FROM retired_project WHERE project_id = $1",
                         [&](StatementCursor& cursor) { cursor.BindText(1, project); }));
  if (!retired.rows.empty()) {
    return Fail(ErrorCode::kRefusedByState, "project " + Printable(project) + " is retired",
                kRetiredHint);
  }
  return {};
}

Result<Rows> SecretGet(SqliteConnection& connection, const Statement& call) {
  const auto& project = Arg<std::string>(call, 0);
  const auto& names = Arg<std::vector<std::string>>(call, 1);
  const auto& versions = Arg<std::vector<std::int64_t>>(call, 2);
  ROWSEAL_TRY(CheckNotRetired(connection, project));
  Rows answer;
  std::string object;
  bool all_found = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    ROWSEAL_ASSIGN(Rows found, RunOnce(connection, kSecretGetSql, [&](StatementCursor& cursor) {
                     cursor.BindText(1, project);
                     cursor.BindText(2, names[i]);
                     cursor.BindInteger(3, versions[i]);
                   }));
    if (found.rows.empty()) {
      found.rows.push_back(Row{Null{}});
    }
    const Row& row = found.rows.front();
    constexpr std::size_t kVersionColumn = 3;
    if (row.size() > kVersionColumn && std::holds_alternative<std::int64_t>(row[kVersionColumn])) {
      AppendObject(object, TextAt(row, 0), std::get<std::int64_t>(row[kVersionColumn]));
    } else {
      all_found = false;
    }
    answer.rows.push_back(std::move(found.rows.front()));
  }
  const Entry entry{project,
                    Arg<std::string>(call, 3),
                    Arg<std::int64_t>(call, 4),
                    Arg<std::string>(call, 5),
                    Arg<std::string>(call, 6),
                    Arg<std::string>(call, 7)};
  const std::string_view outcome = all_found ? "granted" : object.empty() ? "not_found" : "partial";
  ROWSEAL_TRY(WriteEntry(connection, entry, outcome, object));
  return answer;
}

struct PutArguments {
  const std::string& project;
  const std::vector<std::string>& names;
  const std::vector<std::string>& kinds;
  const std::vector<std::string>& secret_ids;
  const std::vector<std::int64_t>& versions;
  const std::vector<std::string>& dek_ids;
  const std::vector<Bytes>& nonces;
  const std::vector<Bytes>& encrypted;
  const std::vector<std::int64_t>& expires;
  const std::vector<Bytes>& write_macs;
  Entry entry;
  bool all_or_none;
};

PutArguments ReadPutArguments(const Statement& call) {
  return {Arg<std::string>(call, 0),
          Arg<std::vector<std::string>>(call, 1),
          Arg<std::vector<std::string>>(call, 2),
          Arg<std::vector<std::string>>(call, 3),
          Arg<std::vector<std::int64_t>>(call, 4),
          Arg<std::vector<std::string>>(call, 5),
          Arg<std::vector<Bytes>>(call, 6),
          Arg<std::vector<Bytes>>(call, 7),
          Arg<std::vector<std::int64_t>>(call, 8),
          Arg<std::vector<Bytes>>(call, 9),
          Entry{Arg<std::string>(call, 0), Arg<std::string>(call, 10), Arg<std::int64_t>(call, 11),
                Arg<std::string>(call, 12), Arg<std::string>(call, 13), Arg<std::string>(call, 14)},
          Arg<std::int64_t>(call, 15) != 0};
}

// A call that was made before finds its own entry in the log: what that stored is stored.
Result<bool> WasStoredByThisCall(SqliteConnection& connection, const PutArguments& put,
                                 std::size_t item) {
  ROWSEAL_ASSIGN(const Rows found,
                 RunOnce(connection,
                         "SELECT 1 FROM audit_item WHERE project_id = $1 AND secret_id = $2"
                         " AND version = $3 AND entry_id = $4",
                         [&](StatementCursor& cursor) {
                           cursor.BindText(1, put.project);
                           cursor.BindText(2, put.secret_ids[item]);
                           cursor.BindInteger(3, put.versions[item]);
                           cursor.BindText(4, put.entry.id);
                         }));
  return !found.rows.empty();
}

// Decides one item without changing anything: `stored`, or why not, with the secret as it stands.
Result<Row> JudgePut(SqliteConnection& connection, const PutArguments& put, std::size_t item) {
  ROWSEAL_ASSIGN(
      Rows head,
      RunOnce(connection,
              "SELECT id, kind, next_version FROM secret WHERE project_id = $1 AND name = $2",
              [&](StatementCursor& cursor) {
                cursor.BindText(1, put.project);
                cursor.BindText(2, put.names[item]);
              }));
  Row found = head.rows.empty() ? Row{Null{}, Null{}, Null{}} : std::move(head.rows.front());
  const bool matches = head.rows.empty() ? put.versions[item] == 1
                                         : found[0] == Value(put.secret_ids[item]) &&
                                               found[1] == Value(put.kinds[item]) &&
                                               found[2] == Value(put.versions[item]);
  std::string outcome(matches ? kPutStored : kPutConflict);
  if (matches) {
    // A DEK under a KEK that was just rotated away still seals; a suspended one refuses.
    ROWSEAL_ASSIGN(
        const Rows dek,
        RunOnce(connection,
                "SELECT 1 FROM dek d JOIN kek k ON k.id = d.kek_id WHERE d.project_id = $1"
                " AND d.id = $2 AND d.purpose = 'secret' AND d.state = 'active'"
                " AND k.state IN ('active', 'deactivated')",
                [&](StatementCursor& cursor) {
                  cursor.BindText(1, put.project);
                  cursor.BindText(2, put.dek_ids[item]);
                }));
    outcome = dek.rows.empty() ? kPutNoDek : kPutStored;
  }
  return Row{std::move(outcome), std::move(found[0]), std::move(found[1]), std::move(found[2])};
}

Result<void> StorePut(SqliteConnection& connection, const PutArguments& put, std::size_t item) {
  const std::string_view head_sql =
      put.versions[item] == 1
          ? "INSERT INTO secret (project_id, id, name, kind, next_version, created_at)"
            " VALUES ($1, $2, $3, $4, 2, $5)"
          : "UPDATE secret SET next_version = next_version + 1 WHERE project_id = $1 AND id = $2";
  ROWSEAL_TRY(RunOnce(connection, head_sql, [&](StatementCursor& cursor) {
    cursor.BindText(1, put.project);
    cursor.BindText(2, put.secret_ids[item]);
    if (put.versions[item] == 1) {
      cursor.BindText(3, put.names[item]);
      cursor.BindText(4, put.kinds[item]);
      cursor.BindInteger(5, put.entry.at);
    }
  }));
  ROWSEAL_TRY(RunOnce(
      connection,
      "INSERT INTO secret_version (project_id, secret_id, version, dek_id, nonce, encrypted_data,"
      " expires_at, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      [&](StatementCursor& cursor) {
        cursor.BindText(1, put.project);
        cursor.BindText(2, put.secret_ids[item]);
        cursor.BindInteger(3, put.versions[item]);
        cursor.BindText(4, put.dek_ids[item]);
        cursor.BindBlob(5, put.nonces[item]);
        cursor.BindBlob(6, put.encrypted[item]);
        if (put.expires[item] != kNoExpiry) {
          cursor.BindInteger(7, put.expires[item]);
        }
        cursor.BindInteger(8, put.entry.at);
        cursor.BindText(9, put.entry.actor);
      }));
  return WriteItem(connection, put.project, put.entry.id, put.secret_ids[item], put.versions[item],
                   put.write_macs[item]);
}

// First judges every item, then writes those that stand: the lock is held from the beginning, so
// nothing changes in between.
Result<Rows> SecretPut(SqliteConnection& connection, const Statement& call) {
  const PutArguments put = ReadPutArguments(call);
  ROWSEAL_TRY(CheckNotRetired(connection, put.project));
  Rows answer;
  std::vector<std::size_t> standing;
  std::size_t repeated = 0;
  std::string object;
  for (std::size_t item = 0; item < put.names.size(); ++item) {
    ROWSEAL_ASSIGN(Row judged, JudgePut(connection, put, item));
    if (TextAt(judged, 0) == kPutConflict) {
      ROWSEAL_ASSIGN(const bool is_repeated, WasStoredByThisCall(connection, put, item));
      judged[0] = std::string(is_repeated ? kPutStored : kPutConflict);
      repeated += is_repeated ? 1 : 0;
    } else if (TextAt(judged, 0) == kPutStored) {
      standing.push_back(item);
      AppendObject(object, put.secret_ids[item], put.versions[item]);
    }
    answer.rows.push_back(std::move(judged));
  }
  if (standing.empty() || (put.all_or_none && standing.size() + repeated != put.names.size())) {
    return answer;
  }
  ROWSEAL_TRY(WriteEntry(connection, put.entry, "done", object));
  for (const std::size_t item : standing) {
    ROWSEAL_TRY(StorePut(connection, put, item));
  }
  return answer;
}

Result<Rows> DekActive(SqliteConnection& connection, const std::string& project,
                       const std::string& purpose) {
  return RunOnce(connection, kDekActiveSql, [&](StatementCursor& cursor) {
    cursor.BindText(1, project);
    cursor.BindText(2, purpose);
  });
}

Result<Rows> DekInsert(SqliteConnection& connection, const Statement& call) {
  ROWSEAL_TRY(RunOnce(connection, kDekInsertSql, [&](StatementCursor& cursor) {
    for (std::size_t i = 0; i < call.params.size(); ++i) {
      cursor.Bind(static_cast<int>(i) + 1, call.params[i]);
    }
    cursor.BindInteger(9, connection.Now().time_since_epoch().count());
  }));
  return DekActive(connection, Arg<std::string>(call, 0), Arg<std::string>(call, 3));
}

Result<Rows> ValuePrepare(SqliteConnection& connection, const Statement& call) {
  const auto& project = Arg<std::string>(call, 0);
  const auto& dek_ids = Arg<std::vector<std::string>>(call, 2);
  ROWSEAL_TRY(CheckNotRetired(connection, project));
  static const std::string column_sql =
      "SELECT " + std::string(kColumnColumns) + " FROM sealed_column WHERE label = $1";
  ROWSEAL_ASSIGN(Rows answer, RunOnce(connection, column_sql, [&](StatementCursor& cursor) {
                   cursor.BindText(1, Arg<std::string>(call, 1));
                 }));
  if (answer.rows.empty()) {
    answer.rows.push_back(Row{Null{}});
  }
  const auto append = [&](Rows found) {
    answer.rows.push_back(found.rows.empty() ? Row{Null{}} : std::move(found.rows.front()));
  };
  if (dek_ids.empty()) {
    ROWSEAL_ASSIGN(Rows active, DekActive(connection, project, "value"));
    append(std::move(active));
    return answer;
  }
  for (const std::string& id : dek_ids) {
    ROWSEAL_ASSIGN(Rows found, RunOnce(connection, kDekByIdSql, [&](StatementCursor& cursor) {
                     cursor.BindText(1, project);
                     cursor.BindText(2, id);
                   }));
    append(std::move(found));
  }
  const Entry entry{project,
                    Arg<std::string>(call, 3),
                    Arg<std::int64_t>(call, 4),
                    Arg<std::string>(call, 5),
                    Arg<std::string>(call, 6),
                    Arg<std::string>(call, 7)};
  const Value& column = answer.rows.front().front();
  const auto* column_id = std::get_if<std::string>(&column);
  ROWSEAL_TRY(WriteEntry(connection, entry, column_id == nullptr ? "not_found" : "granted",
                         column_id == nullptr ? "" : *column_id));
  return answer;
}

Result<Rows> AuditAppend(SqliteConnection& connection, const Statement& call) {
  const Entry entry{Arg<std::string>(call, 0),  Arg<std::string>(call, 1),
                    Arg<std::int64_t>(call, 2), Arg<std::string>(call, 3),
                    Arg<std::string>(call, 4),  Arg<std::string>(call, 5)};
  ROWSEAL_TRY(WriteEntry(connection, entry, Arg<std::string>(call, 6), Arg<std::string>(call, 7)));
  return Rows{};
}

// As ordinary statements: their parameters are the procedure's.
std::string_view PlainSqlOf(Procedure procedure) {
  switch (procedure) {
    case Procedure::kTrustLoad:
      return kTrustLoadSql;
    case Procedure::kStoreFormat:
      return "SELECT user_version, EXISTS (SELECT 1 FROM installation)"
             " OR EXISTS (SELECT 1 FROM root_key) OR EXISTS (SELECT 1 FROM kek)"
             " FROM pragma_user_version";
    case Procedure::kSecretList:
      return "SELECT s.name, s.kind, s.id, v.version,"
             " (SELECT count(*) FROM secret_version n WHERE n.project_id = s.project_id"
             "   AND n.secret_id = s.id),"
             " v.expires_at, s.created_at, v.created_at"
             " FROM secret s JOIN secret_version v ON v.project_id = s.project_id"
             "  AND v.secret_id = s.id AND v.version = s.next_version - 1"
             " WHERE s.project_id = $1 AND s.name > $2 ORDER BY s.name LIMIT $3";
    case Procedure::kSecretVersions:
      return "SELECT v.version, v.expires_at, v.created_at, v.created_by"
             " FROM secret s JOIN secret_version v"
             "  ON v.project_id = s.project_id AND v.secret_id = s.id"
             " WHERE s.project_id = $1 AND s.name = $2 ORDER BY v.version DESC";
    case Procedure::kSecretLock:
      return "SELECT id, next_version FROM secret WHERE project_id = $1 AND name = $2";
    case Procedure::kSecretVersionRead:
      return kSecretVersionReadSql;
    case Procedure::kSecretRename:
      return "UPDATE secret SET name = $3 WHERE project_id = $1 AND id = $2";
    default:
      return {};
  }
}

// Deletes the versions, then the secret that they refer to.
Result<Rows> SecretDelete(SqliteConnection& connection, const Statement& call) {
  for (const std::string_view sql :
       {"DELETE FROM secret_version WHERE project_id = $1 AND secret_id = $2",
        "DELETE FROM secret WHERE project_id = $1 AND id = $2"}) {
    ROWSEAL_TRY(connection.Execute(Statement::Sql(sql, call.params)));
  }
  return Rows{};
}

Result<Rows> SecretReseal(SqliteConnection& connection, const Statement& call) {
  const auto& project = Arg<std::string>(call, 0);
  const auto& secret_ids = Arg<std::vector<std::string>>(call, 1);
  const auto& versions = Arg<std::vector<std::int64_t>>(call, 2);
  const auto& dek_ids = Arg<std::vector<std::string>>(call, 3);
  const auto& nonces = Arg<std::vector<Bytes>>(call, 4);
  const auto& encrypted = Arg<std::vector<Bytes>>(call, 5);
  const auto& expires = Arg<std::vector<std::int64_t>>(call, 6);
  const auto& old_nonces = Arg<std::vector<Bytes>>(call, 7);
  const auto& write_macs = Arg<std::vector<Bytes>>(call, 8);
  const auto& entry = Arg<std::string>(call, 9);
  Rows answer;
  for (std::size_t item = 0; item < secret_ids.size(); ++item) {
    ROWSEAL_ASSIGN(
        const Rows updated,
        RunOnce(connection,
                "UPDATE secret_version SET dek_id = $4, nonce = $5, encrypted_data = $6,"
                " expires_at = $7 WHERE project_id = $1 AND secret_id = $2 AND version = $3"
                " AND nonce = $8 AND EXISTS (SELECT 1 FROM dek WHERE project_id = $1"
                "  AND id = $4 AND state = 'active')",
                [&](StatementCursor& cursor) {
                  cursor.BindText(1, project);
                  cursor.BindText(2, secret_ids[item]);
                  cursor.BindInteger(3, versions[item]);
                  cursor.BindText(4, dek_ids[item]);
                  cursor.BindBlob(5, nonces[item]);
                  cursor.BindBlob(6, encrypted[item]);
                  if (expires[item] != kNoExpiry) {
                    cursor.BindInteger(7, expires[item]);
                  }
                  cursor.BindBlob(8, old_nonces[item]);
                }));
    if (updated.changed == 1) {
      ROWSEAL_TRY(WriteItem(connection, project, entry, secret_ids[item], versions[item],
                            write_macs[item]));
    }
    answer.rows.push_back(Row{updated.changed});
  }
  return answer;
}

Result<Rows> DekRewrap(SqliteConnection& connection, const Statement& call) {
  const auto& projects = Arg<std::vector<std::string>>(call, 0);
  const auto& ids = Arg<std::vector<std::string>>(call, 1);
  const auto& kek = Arg<std::int64_t>(call, 2);
  const auto& wrapped_keys = Arg<std::vector<Bytes>>(call, 3);
  const auto& old_keks = Arg<std::vector<std::int64_t>>(call, 4);
  Rows answer;
  for (std::size_t item = 0; item < ids.size(); ++item) {
    ROWSEAL_ASSIGN(const Rows updated, RunOnce(connection,
                                               "UPDATE dek SET kek_id = $3, wrapped_key = $4"
                                               " WHERE project_id = $1 AND id = $2 AND kek_id = $5",
                                               [&](StatementCursor& cursor) {
                                                 cursor.BindText(1, projects[item]);
                                                 cursor.BindText(2, ids[item]);
                                                 cursor.BindInteger(3, kek);
                                                 cursor.BindBlob(4, wrapped_keys[item]);
                                                 cursor.BindInteger(5, old_keks[item]);
                                               }));
    answer.changed += updated.changed;
  }
  return answer;
}

Result<Rows> Dispatch(SqliteConnection& connection, const Statement& statement) {
  if (const std::string_view sql = PlainSqlOf(statement.procedure); !sql.empty()) {
    return connection.Execute(Statement::Sql(sql, statement.params));
  }
  switch (statement.procedure) {
    case Procedure::kSecretGet:
      return SecretGet(connection, statement);
    case Procedure::kSecretPut:
      return SecretPut(connection, statement);
    case Procedure::kDekActive:
      return DekActive(connection, Arg<std::string>(statement, 0), Arg<std::string>(statement, 1));
    case Procedure::kDekInsert:
      return DekInsert(connection, statement);
    case Procedure::kValuePrepare:
      return ValuePrepare(connection, statement);
    case Procedure::kAuditAppend:
      return AuditAppend(connection, statement);
    case Procedure::kClock:
      return Rows{{Row{connection.Now().time_since_epoch().count()}}, 0};
    case Procedure::kSecretReseal:
      return SecretReseal(connection, statement);
    case Procedure::kSecretDelete:
      return SecretDelete(connection, statement);
    case Procedure::kDekRewrap:
      return DekRewrap(connection, statement);
    default:
      break;
  }
  return Fail(ErrorCode::kInternal, "the store has no such procedure");
}

bool WritesNothing(const Statement& statement) {
  switch (statement.procedure) {
    case Procedure::kTrustLoad:
    case Procedure::kDekActive:
    case Procedure::kStoreFormat:
    case Procedure::kSecretList:
    case Procedure::kSecretVersions:
    case Procedure::kSecretLock:
    case Procedure::kSecretVersionRead:
      return true;
    default:
      return statement.procedure == Procedure::kValuePrepare &&
             Arg<std::vector<std::string>>(statement, 2).empty();
  }
}

// A read entry need not survive a power cut (it survives a crash of the process): without the flush
// a get costs a tenth. Writes and failure entries are flushed.
bool IsReadEntry(const Statement& statement) {
  return statement.procedure == Procedure::kSecretGet ||
         statement.procedure == Procedure::kValuePrepare;
}

}  // namespace

Result<Rows> CallProcedure(SqliteConnection& connection, const Statement& statement) {
  if (connection.in_transaction() || statement.procedure == Procedure::kClock) {
    return Dispatch(connection, statement);
  }
  const bool relaxed = IsReadEntry(statement);
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
