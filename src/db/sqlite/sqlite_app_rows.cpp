#include "db/sqlite/sqlite_app_rows.h"

#include <filesystem>

#include <sqlite3.h>

#include "base/encoding.h"
#include "base/text.h"
#include "db/sqlite/app_database.h"
#include "db/sqlite/sqlite_content_sql.h"
#include "db/sqlite/sqlite_row_key.h"

namespace rowseal {
namespace {

// `key` is what EncodeKey writes.
constexpr std::string_view kJournalSql = R"sql(
CREATE TABLE IF NOT EXISTS rowseal_migration_column (
  migration TEXT NOT NULL, number INTEGER NOT NULL, guard TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (migration, number)) STRICT;
CREATE TABLE IF NOT EXISTS rowseal_migration_original (
  migration TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL,
  sealed TEXT NOT NULL, written TEXT, secrets TEXT NOT NULL,
  PRIMARY KEY (migration, number, key)) STRICT;
CREATE TABLE IF NOT EXISTS rowseal_migration_queued_row (
  id INTEGER PRIMARY KEY, migration TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL)
  STRICT;
CREATE TABLE IF NOT EXISTS rowseal_migration_quarantined_row (
  migration TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (migration, number, key)) STRICT;
)sql";

constexpr std::string_view kOfColumn = " WHERE migration = ?1 AND number = ?2";

class SqliteAppRows final : public AppRows {
 public:
  SqliteAppRows(AppDatabase database, std::string path, MigratedColumn column)
      : database_(std::move(database)),
        path_(std::move(path)),
        column_(std::move(column)),
        content_(column_),
        table_(QuotedIdentifier(column_.table)) {}

  Result<std::vector<Obstacle>> Inspect(Treatment treatment) override {
    struct Check {
      ObstacleWeight weight;
      std::string_view before;
      std::string_view behind;
      const char* sql;
    };
    // ?1 is the table, ?2 the column.
    constexpr Check kChecks[] = {
        {ObstacleWeight::kToAccept, "trigger ", " runs at every row that is written",
         "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE"
         " AND name NOT LIKE 'rowseal$_guard$_%' ESCAPE '$' AND ?2 <> ''"},
        {ObstacleWeight::kToAccept, "generated column ", " may be made of it, and changes with it",
         "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden IN (2, 3) AND ?2 <> ''"},
        {ObstacleWeight::kRefused, "unique index ",
         " keeps equal values apart: sealed ones always differ, and marks are all the same",
         "SELECT i.name FROM pragma_index_list(?1) i JOIN pragma_index_info(i.name) c"
         " WHERE i.\"unique\" AND c.name = ?2 COLLATE NOCASE"},
        {ObstacleWeight::kToAccept, "index ",
         " finds nothing by its values any more; drop it afterwards",
         "SELECT i.name FROM pragma_index_list(?1) i JOIN pragma_index_info(i.name) c"
         " WHERE NOT i.\"unique\" AND c.name = ?2 COLLATE NOCASE"},
        {ObstacleWeight::kRefused, "foreign key to ", " ties it to another table's values",
         "SELECT \"table\" FROM pragma_foreign_key_list(?1) WHERE \"from\" = ?2 COLLATE NOCASE"},
        {ObstacleWeight::kToAccept, "table ", " has CHECKs: rows that do not pass are quarantined",
         "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE"
         " AND replace(replace(replace(upper(sql), ' ', ''), char(10), ''), char(9), '') GLOB"
         " '*CHECK(*' AND ?2 <> ''"},
    };
    std::vector<Obstacle> obstacles;
    for (const Check& check : kChecks) {
      ROWSEAL_ASSIGN(const AppDatabase::Statement statement, database_.Prepare(check.sql));
      BindText(statement, 1, column_.table);
      BindText(statement, 2, column_.column);
      while (true) {
        ROWSEAL_ASSIGN(const bool more, database_.Step(statement));
        if (!more) {
          break;
        }
        obstacles.push_back({check.weight, std::string(check.before) +
                                               Printable(AsText(ColumnBytes(statement.get(), 0))) +
                                               std::string(check.behind)});
      }
    }
    ROWSEAL_ASSIGN(const AppDatabase::Statement not_null,
                   database_.Prepare("SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = ?2"
                                     " COLLATE NOCASE AND \"notnull\""));
    BindText(not_null, 1, column_.table);
    BindText(not_null, 2, column_.column);
    ROWSEAL_ASSIGN(const bool is_not_null, database_.Step(not_null));
    if (is_not_null && treatment == Treatment::kEmptied) {
      obstacles.push_back(
          {ObstacleWeight::kRefused, "the column is NOT NULL: leave a marker or a reference"});
    }
    return obstacles;
  }

  Result<std::vector<SecretBytes>> Sample(std::size_t limit) override {
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        database_.Prepare("SELECT " + content_.Of("t") + " FROM " + table_ + " t WHERE NOT " +
                          content_.IsEmpty("t") + " LIMIT " + std::to_string(limit)));
    std::vector<SecretBytes> contents;
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(statement));
      if (!more) {
        return contents;
      }
      ROWSEAL_ASSIGN(SecretBytes content, SecretBytes::CopyOf(ColumnBytes(statement.get(), 0)));
      contents.push_back(std::move(content));
    }
  }

  Result<void> Install() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (installed) {
      return {};
    }
    ROWSEAL_TRY(AllowChanges());
    ROWSEAL_TRY(database_.Execute("BEGIN IMMEDIATE"));
    const Result<bool> meanwhile = IsInstalled();
    Result<void> made = !meanwhile   ? tl::unexpected(meanwhile.error())
                        : *meanwhile ? Result<void>()
                                     : database_.Execute(std::string(kJournalSql) + GuardSql());
    made = made ? database_.Execute("COMMIT") : made;
    if (!made) {
      static_cast<void>(database_.Execute("ROLLBACK"));
    }
    return made;
  }

  Result<void> SetGuard(Guard guard) override {
    ROWSEAL_TRY(AllowChanges());
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        Prepare("UPDATE rowseal_migration_column SET guard = ?3" + std::string(kOfColumn)));
    BindText(statement, 3, ToText(guard));
    return Run(statement);
  }

  Result<std::optional<Guard>> ReadGuard() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (!installed) {
      return std::nullopt;
    }
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("SELECT guard FROM rowseal_migration_column" + std::string(kOfColumn)));
    ROWSEAL_ASSIGN(const bool found, database_.Step(statement));
    return found ? ParseGuard(AsText(ColumnBytes(statement.get(), 0))) : std::nullopt;
  }

  Result<void> SetPaused(bool paused) override {
    ROWSEAL_TRY(AllowChanges());
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        Prepare("UPDATE rowseal_migration_column SET paused = ?3" + std::string(kOfColumn)));
    sqlite3_bind_int(statement.get(), 3, paused ? 1 : 0);
    return Run(statement);
  }
  Result<bool> IsPaused() override {
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        Prepare("SELECT 1 FROM rowseal_migration_column" + std::string(kOfColumn) + " AND paused"));
    return database_.Step(statement);
  }

  Result<void> Uninstall() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (!installed) {
      return {};
    }
    ROWSEAL_TRY(AllowChanges());
    std::string sql = "BEGIN IMMEDIATE;";
    for (const std::string_view event : {"insert", "update"}) {
      sql += "DROP TRIGGER IF EXISTS " + QuotedIdentifier(GuardName(event)) +
             ";DROP TRIGGER"
             " IF EXISTS " +
             QuotedIdentifier(GuardName("refuse_" + std::string(event))) + ";";
    }
    const std::string condition = " WHERE migration = " + SqlLiteral(column_.migration) +
                                  " AND number = " + std::to_string(column_.number) + ";";
    for (const std::string_view table : {"original", "queued_row", "quarantined_row", "column"}) {
      sql += "DELETE FROM rowseal_migration_" + std::string(table) + condition;
    }
    ROWSEAL_TRY(database_.Execute(sql + "COMMIT"));
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   database_.Prepare("SELECT 1 FROM rowseal_migration_column LIMIT 1"));
    ROWSEAL_ASSIGN(const bool others, database_.Step(statement));
    sqlite3_reset(statement.get());
    if (others) {
      return {};
    }
    return database_.Execute(
        "BEGIN IMMEDIATE;DROP TABLE rowseal_migration_original;"
        "DROP TABLE rowseal_migration_queued_row;DROP TABLE rowseal_migration_quarantined_row;"
        "DROP TABLE rowseal_migration_column;COMMIT");
  }

  Result<void> Begin() override {
    ROWSEAL_TRY(AllowChanges());
    return database_.Execute("BEGIN IMMEDIATE");
  }
  Result<void> Commit() override { return database_.Execute("COMMIT"); }
  void Rollback() noexcept override { static_cast<void>(database_.Execute("ROLLBACK")); }

  Result<std::vector<MigratingRow>> Lock(RowsToLock which, const std::string& position,
                                         std::size_t limit, std::int64_t bytes) override {
    return ReadRows(Condition(which), position, limit, bytes);
  }

  Result<std::optional<MigratingRow>> LockKey(const std::vector<std::string>& key) override {
    if (key.size() != column_.keys.size()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the key of table " + table_ + " has " + std::to_string(column_.keys.size()) +
                      " parts, not " + std::to_string(key.size()),
                  "give them in the order of the manifest's keys");
    }
    std::string match;
    for (std::size_t i = 0; i < key.size(); ++i) {
      match += (i == 0 ? "CAST(t." : " AND CAST(t.") + QuotedIdentifier(column_.keys[i]) +
               " AS TEXT) = ?" + std::to_string(i + 3);
    }
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        Prepare("SELECT " + RowColumns() + " FROM " + table_ + " t" + Joins() + " WHERE " + match));
    for (std::size_t i = 0; i < key.size(); ++i) {
      BindText(statement, static_cast<int>(i) + 3, key[i]);
    }
    ROWSEAL_ASSIGN(const bool found, database_.Step(statement));
    if (!found) {
      return std::nullopt;
    }
    ROWSEAL_ASSIGN(MigratingRow row, TakeRow(statement.get()));
    return row;
  }

  Result<Queued> LockQueued(RowsToLock which, std::size_t limit) override {
    Queued queued;
    ROWSEAL_ASSIGN(const AppDatabase::Statement keys,
                   Prepare("DELETE FROM rowseal_migration_queued_row WHERE id IN (SELECT id FROM"
                           " rowseal_migration_queued_row" +
                           std::string(kOfColumn) + " ORDER BY id LIMIT ?3) RETURNING key"));
    sqlite3_bind_int64(keys.get(), 3, static_cast<std::int64_t>(limit));
    std::vector<std::string> taken;
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(keys));
      if (!more) {
        break;
      }
      taken.emplace_back(AsText(ColumnBytes(keys.get(), 0)));
    }
    queued.taken = taken.size();
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("SELECT " + RowColumns() + " FROM " + table_ + " t" + Joins() +
                           " WHERE " + KeysMatch(3) + " AND " + Condition(which)));
    for (const std::string& key : taken) {
      const Result<SqliteKey> parts = DecodeKey(key);
      if (!parts || parts->size() != column_.keys.size()) {
        continue;  // no guard of ours queued it, and it names no row
      }
      sqlite3_reset(statement.get());
      BindKey(statement.get(), 3, *parts);
      ROWSEAL_ASSIGN(const bool found, database_.Step(statement));
      if (found && !Holds(queued.rows, key)) {
        ROWSEAL_ASSIGN(MigratingRow row, TakeRow(statement.get()));
        queued.rows.push_back(std::move(row));
      }
    }
    return queued;
  }

  Result<void> Write(const std::vector<RowWrite>& writes) override {
    // The type is the one of the content that is replaced, or was.
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement update,
        Prepare("UPDATE " + table_ + " AS t SET " + QuotedIdentifier(column_.column) +
                " = CASE coalesce((SELECT o.type FROM rowseal_migration_original o"
                " WHERE o.migration = ?1 AND o.number = ?2 AND o.key = ?4), typeof(" +
                content_.Of("t") + ")) WHEN 'blob' THEN CAST(?3 AS BLOB) ELSE ?3 END WHERE " +
                KeysMatch(5)));
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement keep,
        Prepare("INSERT INTO rowseal_migration_original (migration, number, key, type,"
                " sealed, written, secrets) SELECT ?1, ?2, ?3, typeof(" +
                content_.Of("t") + "), ?4, ?5, ?6 FROM " + table_ + " t WHERE " + KeysMatch(7) +
                " ON CONFLICT DO UPDATE SET sealed = excluded.sealed,"
                " written = excluded.written, secrets = excluded.secrets"));
    ROWSEAL_ASSIGN(const AppDatabase::Statement forget,
                   Prepare("DELETE FROM rowseal_migration_original" + std::string(kOfColumn) +
                           " AND key = ?3"));
    ROWSEAL_ASSIGN(const AppDatabase::Statement release,
                   Prepare("DELETE FROM rowseal_migration_quarantined_row" +
                           std::string(kOfColumn) + " AND key = ?3"));
    for (const RowWrite& write : writes) {
      ROWSEAL_ASSIGN(const SqliteKey key, DecodeKey(write.position));
      if (write.original) {
        BindText(keep, 3, write.position);
        BindText(keep, 4, write.original->sealed);
        if (write.original->written) {
          BindText(keep, 5, *write.original->written);
        } else {
          sqlite3_bind_null(keep.get(), 5);
        }
        BindText(keep, 6, JoinNames(write.original->secrets));
        BindKey(keep.get(), 7, key);
        ROWSEAL_TRY(Run(keep));
      }
      if (write.content) {
        BindText(update, 3, AsText(write.content->Reveal()));
      } else {
        sqlite3_bind_null(update.get(), 3);
      }
      BindText(update, 4, write.position);
      BindKey(update.get(), 5, key);
      const Result<void> updated = Run(update);
      sqlite3_clear_bindings(update.get());
      BindColumn(update);
      ROWSEAL_TRY(updated);
      if (database_.changes() != 1) {
        return Fail(ErrorCode::kConflict, "a row of " + table_ + " took no change",
                    "a trigger of the table keeps it back: see rowseal migrate plan");
      }
      if (!write.original) {
        BindText(forget, 3, write.position);
        ROWSEAL_TRY(Run(forget));
      }
      BindText(release, 3, write.position);
      ROWSEAL_TRY(Run(release));
    }
    return {};
  }

  Result<void> Quarantine(const std::vector<QuarantinedRow>& rows) override {
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("INSERT INTO rowseal_migration_quarantined_row VALUES (?1, ?2, ?3, ?4)"
                           " ON CONFLICT DO UPDATE SET reason = excluded.reason"));
    for (const QuarantinedRow& row : rows) {
      BindText(statement, 3, row.position);
      BindText(statement, 4, row.reason);
      ROWSEAL_TRY(Run(statement));
    }
    return {};
  }

  Result<std::vector<MigratingRow>> Read(const std::string& position, std::size_t limit,
                                         std::int64_t bytes) override {
    return ReadRows("(o.key IS NOT NULL OR NOT " + content_.IsEmpty("t") + ")", position, limit,
                    bytes);
  }

  Result<MigrationCounts> Count() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    const std::string quarantined =
        installed ? "EXISTS (SELECT 1 FROM rowseal_migration_quarantined_row q WHERE"
                    " q.migration = ?1 AND q.number = ?2 AND q.key = " +
                        KeySql("t") + ")"
                  : std::string("0");
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement rows,
        Prepare("SELECT count(*), total(" + content_.IsEmpty("t") + "), total(" +
                content_.IsPlaintext("t") + "), total(" + content_.IsPlaintext("t") + " AND NOT " +
                quarantined + "), total(" + content_.IsPlaintext("t") + " * length(CAST(" +
                content_.Of("t") + " AS BLOB))) FROM " + table_ + " t"));
    ROWSEAL_TRY(database_.Step(rows));
    MigrationCounts counts;
    counts.rows = sqlite3_column_int64(rows.get(), 0);
    counts.empty = sqlite3_column_int64(rows.get(), 1);
    counts.plaintext = sqlite3_column_int64(rows.get(), 2);
    counts.left = sqlite3_column_int64(rows.get(), 3);
    counts.plaintext_bytes = sqlite3_column_int64(rows.get(), 4);
    if (!installed) {
      return counts;
    }
    for (const auto& [table, count] :
         {std::pair("original", &counts.originals), std::pair("queued_row", &counts.queued),
          std::pair("quarantined_row", &counts.quarantined)}) {
      ROWSEAL_ASSIGN(const AppDatabase::Statement number,
                     Prepare("SELECT count(*) FROM rowseal_migration_" + std::string(table) +
                             std::string(kOfColumn)));
      ROWSEAL_TRY(database_.Step(number));
      *count = sqlite3_column_int64(number.get(), 0);
    }
    return counts;
  }

  Result<std::vector<QuarantinedRow>> Quarantined(std::size_t limit) override {
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("SELECT key, reason FROM rowseal_migration_quarantined_row" +
                           std::string(kOfColumn) + " ORDER BY key LIMIT ?3"));
    sqlite3_bind_int64(statement.get(), 3, static_cast<std::int64_t>(limit));
    std::vector<QuarantinedRow> rows;
    while (true) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(statement));
      if (!more) {
        return rows;
      }
      QuarantinedRow& row = rows.emplace_back();
      row.position = AsText(ColumnBytes(statement.get(), 0));
      row.key = PartsOf(row.position);
      row.reason = AsText(ColumnBytes(statement.get(), 1));
    }
  }

  Result<std::optional<Original>> ReadOriginal(const std::string& position) override {
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("SELECT sealed, written, secrets FROM rowseal_migration_original" +
                           std::string(kOfColumn) + " AND key = ?3"));
    BindText(statement, 3, position);
    ROWSEAL_ASSIGN(const bool found, database_.Step(statement));
    return found ? TakeOriginal(statement.get(), 0) : std::nullopt;
  }

  Result<void> ForgetOriginals() override {
    ROWSEAL_TRY(AllowChanges());
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   Prepare("DELETE FROM rowseal_migration_original" + std::string(kOfColumn)));
    return Run(statement);
  }

  // VACUUM writes the whole file anew, and the log of it is emptied.
  Result<std::vector<std::string>> Scrub(ScrubLocks locks) override {
    std::vector<std::string> left;
    if (locks == ScrubLocks::kBrief) {
      left.emplace_back("the file's free pages keep old content; VACUUM writes it anew");
      return left;
    }
    ROWSEAL_TRY(AllowChanges());
    ROWSEAL_TRY(database_.Execute("VACUUM"));
    ROWSEAL_TRY(database_.Execute("ANALYZE"));
    ROWSEAL_TRY(database_.Execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    return left;
  }

  Result<Residue> Search(ResidueSearch& search) override {
    Residue residue;
    residue.in_files = true;
    for (const std::string_view ending : {"", "-wal", "-journal"}) {
      const std::string path = path_ + std::string(ending);
      if (std::filesystem::exists(path)) {
        ROWSEAL_ASSIGN(const std::int64_t found, search.SearchFile(path));
        residue.found += found;
      }
    }
    residue.bytes = search.bytes();
    return residue;
  }

  Result<std::vector<std::string>> Elsewhere() override {
    ROWSEAL_ASSIGN(const AppDatabase::Statement statement,
                   database_.Prepare("SELECT strftime('%Y-%m-%d %H:%M UTC', 'now')"));
    ROWSEAL_TRY(database_.Step(statement));
    return std::vector<std::string>{"copies and backups of the file made before " +
                                        std::string(AsText(ColumnBytes(statement.get(), 0))) +
                                        ": until they are deleted",
                                    "blocks that the file system freed: until it writes over them"};
  }

 private:
  Result<AppDatabase::Statement> Prepare(const std::string& sql) {
    ROWSEAL_ASSIGN(AppDatabase::Statement statement, database_.Prepare(sql));
    BindColumn(statement);
    return statement;
  }
  // ?1 is the migration and ?2 the column's number, in every statement that names them.
  void BindColumn(const AppDatabase::Statement& statement) const {
    if (sqlite3_bind_parameter_count(statement.get()) >= 2) {
      BindText(statement, 1, column_.migration);
      sqlite3_bind_int64(statement.get(), 2, column_.number);
    }
  }
  static void BindText(const AppDatabase::Statement& statement, int number, std::string_view text) {
    sqlite3_bind_text64(statement.get(), number, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  }
  Result<void> Run(const AppDatabase::Statement& statement) {
    const WholeRows whole(sqlite3_db_handle(statement.get()));
    const Result<bool> stepped = database_.Step(statement);
    sqlite3_reset(statement.get());
    return stepped ? Result<void>() : tl::unexpected(stepped.error());
  }

  // What only reads (plan, status, verify) leaves the connection as it was opened.
  Result<void> AllowChanges() {
    if (database_.may_change()) {
      return {};
    }
    ROWSEAL_TRY(database_.AllowChanges());
    // SQLite takes its JSON functions for unsafe in the guard's triggers otherwise. This connection
    // has no other functions than SQLite's own, none of which leaves the database.
    return column_.path ? database_.Execute("PRAGMA trusted_schema = ON") : Result<void>();
  }

  Result<bool> IsInstalled() {
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        database_.Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = " +
                          SqlLiteral(GuardName("insert"))));
    return database_.Step(statement);
  }

  std::string GuardName(std::string_view event) const {
    return "rowseal_guard_" + column_.migration + "_" + std::to_string(column_.number) + "_" +
           std::string(event);
  }

  std::string GuardSql() const {
    const std::string who = SqlLiteral(column_.migration) + ", " + std::to_string(column_.number);
    const std::string guard =
        "(SELECT c.guard FROM rowseal_migration_column c WHERE c.migration = " +
        SqlLiteral(column_.migration) + " AND c.number = " + std::to_string(column_.number) + ")";
    std::string sql = "INSERT INTO rowseal_migration_column (migration, number, guard) VALUES (" +
                      who + ", 'queue') ON CONFLICT DO NOTHING;";
    for (const std::string_view event : {"insert", "update"}) {
      const std::string of_table =
          std::string(event == "insert" ? "INSERT" : "UPDATE") + " ON " + table_ + " WHEN ";
      sql += "CREATE TRIGGER " + QuotedIdentifier(GuardName(event)) + " AFTER " + of_table + "(" +
             guard + " = 'queue' AND " + content_.IsPlaintext("NEW") + ") OR (" + guard +
             " = 'reverse' AND " + content_.IsOurs("NEW") +
             ") BEGIN INSERT INTO rowseal_migration_queued_row (migration, number, key) VALUES (" +
             who + ", " + KeySql("NEW") + "); END;";
      sql += "CREATE TRIGGER " + QuotedIdentifier(GuardName("refuse_" + std::string(event))) +
             " BEFORE " + of_table + guard + " = 'refuse' AND " + content_.IsPlaintext("NEW") +
             " BEGIN SELECT RAISE(ABORT, " +
             SqlLiteral("plaintext is refused in " + column_.table + ", column " + column_.column +
                        ": seal it with Rowseal before it is written") +
             "); END;";
    }
    return sql;
  }

  std::string KeySql(std::string_view row) const {
    std::string parts;
    for (const std::string& key : column_.keys) {
      const std::string name = std::string(row) + "." + QuotedIdentifier(key);
      parts +=
          (parts.empty() ? "" : " || ") +
          ("CASE typeof(" + name + ") WHEN 'integer' THEN 'i' || " + name +
           " || ';' ELSE 't' || length(CAST(" + name + " AS BLOB)) || ':' || " + name + " END");
    }
    return "(" + parts + ")";
  }

  std::string KeysMatch(int first) const {
    std::string condition;
    for (const std::string& key : column_.keys) {
      condition += (condition.empty() ? "t." : " AND t.") + QuotedIdentifier(key) + " = ?" +
                   std::to_string(first++);
    }
    return condition;
  }

  std::string Condition(RowsToLock which) const {
    return which == RowsToLock::kPlaintext ? content_.IsPlaintext("t")
                                           : "(o.key IS NOT NULL OR " + content_.IsOurs("t") + ")";
  }

  std::string Joins() const {
    std::string joins;
    const ProjectSource& project = column_.project;
    if (!project.join_table.empty()) {
      joins = " LEFT JOIN " + QuotedIdentifier(project.join_table) + " j ON j." +
              QuotedIdentifier(project.join_key) + " = t." + QuotedIdentifier(project.join_on);
    }
    return joins +
           " LEFT JOIN rowseal_migration_original o ON o.migration = ?1 AND o.number = ?2"
           " AND o.key = " +
           KeySql("t");
  }

  std::string RowColumns() const {
    const ProjectSource& project = column_.project;
    std::string columns = !project.fixed.empty()       ? SqlLiteral(project.fixed)
                          : project.join_table.empty() ? "t." + QuotedIdentifier(project.column)
                                                       : "j." + QuotedIdentifier(project.column);
    columns += ", " + content_.Of("t") + ", o.sealed, o.written, o.secrets";
    for (const std::string& key : column_.keys) {
      columns += ", t." + QuotedIdentifier(key);
    }
    for (const std::string& name : column_.name_columns) {
      columns += ", t." + QuotedIdentifier(name);
    }
    return columns;
  }

  Result<std::vector<MigratingRow>> ReadRows(const std::string& condition,
                                             const std::string& position, std::size_t limit,
                                             std::int64_t bytes) {
    std::string order;
    std::string after;
    for (std::size_t i = 0; i < column_.keys.size(); ++i) {
      order += (i == 0 ? "t." : ", t.") + QuotedIdentifier(column_.keys[i]);
      after += (i == 0 ? "?" : ", ?") + std::to_string(i + 4);
    }
    ROWSEAL_ASSIGN(
        const AppDatabase::Statement statement,
        Prepare("SELECT " + RowColumns() + " FROM " + table_ + " t" + Joins() + " WHERE " +
                condition + (position.empty() ? "" : " AND (" + order + ") > (" + after + ")") +
                " ORDER BY " + order + " LIMIT ?3"));
    sqlite3_bind_int64(statement.get(), 3, static_cast<std::int64_t>(limit));
    if (!position.empty()) {
      ROWSEAL_ASSIGN(const SqliteKey key, DecodeKey(position));
      BindKey(statement.get(), 4, key);
    }
    std::vector<MigratingRow> rows;
    std::int64_t taken = 0;
    while (taken < bytes) {
      ROWSEAL_ASSIGN(const bool more, database_.Step(statement));
      if (!more) {
        break;
      }
      ROWSEAL_ASSIGN(MigratingRow row, TakeRow(statement.get()));
      taken += static_cast<std::int64_t>(row.content.size());
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Result<MigratingRow> TakeRow(sqlite3_stmt* row) const {
    MigratingRow taken;
    const auto text = [&](int column) { return std::string(AsText(ColumnBytes(row, column))); };
    if (sqlite3_column_type(row, 0) == SQLITE_NULL) {
      taken.defect = "its project is NULL";
    } else {
      taken.project = text(0);
    }
    const int type = sqlite3_column_type(row, 1);
    taken.is_null = type == SQLITE_NULL;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
      taken.defect =
          "it holds " + std::string(SqliteTypeName(type)) + ", which a text cannot replace";
    } else {
      ROWSEAL_ASSIGN(taken.content, SecretBytes::CopyOf(ColumnBytes(row, 1)));
    }
    taken.original = TakeOriginal(row, 2);
    int column = 5;
    SqliteKey key;
    for (std::size_t i = 0; i < column_.keys.size(); ++i, ++column) {
      const int key_type = sqlite3_column_type(row, column);
      if (key_type != SQLITE_INTEGER && key_type != SQLITE_TEXT) {
        return Fail(ErrorCode::kInvalidArgument,
                    "table " + table_ + " has a row whose key column " + column_.keys[i] + " is " +
                        std::string(SqliteTypeName(key_type)),
                    "keys are INTEGER or TEXT; mend the row, then run the step again");
      }
      key.push_back(key_type == SQLITE_INTEGER
                        ? SqliteKeyPart{true, sqlite3_column_int64(row, column), {}}
                        : SqliteKeyPart{false, 0, text(column)});
      taken.key.push_back(key.back().Text());
    }
    taken.position = EncodeKey(key);
    for (std::size_t i = 0; i < column_.name_columns.size(); ++i, ++column) {
      taken.names.push_back(text(column));
    }
    return taken;
  }

  static std::optional<Original> TakeOriginal(sqlite3_stmt* row, int first) {
    if (sqlite3_column_type(row, first) == SQLITE_NULL) {
      return std::nullopt;
    }
    Original original;
    original.sealed = AsText(ColumnBytes(row, first));
    if (sqlite3_column_type(row, first + 1) != SQLITE_NULL) {
      original.written = AsText(ColumnBytes(row, first + 1));
    }
    original.secrets = SplitNames(AsText(ColumnBytes(row, first + 2)));
    return original;
  }

  // For a message: what is no key of ours is shown as it is.
  static std::vector<std::string> PartsOf(const std::string& position) {
    const Result<SqliteKey> key = DecodeKey(position);
    if (!key) {
      return {Printable(position)};
    }
    std::vector<std::string> parts;
    for (const SqliteKeyPart& part : *key) {
      parts.push_back(part.Text());
    }
    return parts;
  }

  static bool Holds(const std::vector<MigratingRow>& rows, const std::string& position) {
    for (const MigratingRow& row : rows) {
      if (row.position == position) {
        return true;
      }
    }
    return false;
  }

  AppDatabase database_;
  const std::string path_;
  const MigratedColumn column_;
  const SqliteContentSql content_;
  const std::string table_;
};

}  // namespace

Result<std::unique_ptr<AppRows>> OpenSqliteAppRows(const std::string& path,
                                                   const MigratedColumn& column) {
  ROWSEAL_ASSIGN(AppDatabase database, AppDatabase::Open(path, AppDatabase::Mode::kReadWrite));
  ROWSEAL_TRY(database.CheckTable(column.table, AppDatabase::Kind::kTable));
  std::vector<std::string> columns = {column.column};
  columns.insert(columns.end(), column.keys.begin(), column.keys.end());
  columns.insert(columns.end(), column.name_columns.begin(), column.name_columns.end());
  const ProjectSource& project = column.project;
  if (!project.join_table.empty()) {
    ROWSEAL_TRY(database.CheckTable(project.join_table, AppDatabase::Kind::kTable));
    ROWSEAL_TRY(database.CheckColumn(project.join_table, project.join_key));
    ROWSEAL_TRY(database.CheckColumn(project.join_table, project.column));
    ROWSEAL_TRY(database.CheckUniqueKey(project.join_table, {project.join_key}));
    columns.push_back(project.join_on);
  } else if (project.fixed.empty()) {
    columns.push_back(project.column);
  }
  for (const std::string& name : columns) {
    ROWSEAL_TRY(database.CheckColumn(column.table, name));
  }
  ROWSEAL_TRY(database.CheckUniqueKey(column.table, column.keys));
  ROWSEAL_TRY(database.Execute("PRAGMA secure_delete = ON"));
  return std::make_unique<SqliteAppRows>(std::move(database), path, column);
}

}  // namespace rowseal
