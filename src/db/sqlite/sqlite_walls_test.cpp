// What an attacker who can write to a SQLite file leaves in it: nothing of it runs, each change of
// the schema is named, and no value makes a reader take unbounded memory.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "db/sqlite/app_database.h"
#include "db/sqlite/harden.h"
#include "db/sqlite/sqlite_connection.h"
#include "db/sqlite/sqlite_row_key.h"
#include "db/sqlite/sqlite_store.h"
#include "store/value_limits.h"
#include "support/plain_sqlite.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

struct Change {
  std::string sql;
  std::vector<std::string> named;  // parts of the message
};

void Attack(const std::string& path, const std::string& sql) {
  Must(PlainSqlite(path).ExecuteScript(sql));
}

std::string EditOfSchema(const std::string& name, const std::string& from, const std::string& to) {
  return "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, '" + from +
         "', '" + to + "') WHERE name = '" + name + "'; PRAGMA schema_version=4711;";
}

std::vector<Change> Changes() {
  std::vector<Change> changes = {
      {"CREATE TABLE more (a)", {"table 'more' is not Rowseal's"}},
      {"CREATE INDEX more ON secret (kind)", {"index 'more' of table 'secret' is not Rowseal's"}},
      {"CREATE VIEW more AS SELECT 1", {"view 'more' is not Rowseal's"}},
      {"CREATE VIRTUAL TABLE more USING fts5(a)", {"table 'more' is not Rowseal's"}},
      {"DROP INDEX dek_by_kek", {"index 'dek_by_kek' of table 'dek' is missing"}},
      {"DROP INDEX dek_one_active; CREATE INDEX dek_one_active ON dek (project_id, purpose)",
       {"the definition of index 'dek_one_active'"}},
      {"DROP TABLE job_failure", {"table 'job_failure' is missing"}},
      {"DROP VIEW encrypted_secrets", {"view 'encrypted_secrets' is missing"}},
      {"DROP VIEW encrypted_secrets; CREATE VIEW encrypted_secrets AS SELECT 1 AS id",
       {"the definition of view 'encrypted_secrets'"}},
      {"ALTER TABLE secret RENAME TO other; CREATE VIEW secret AS SELECT * FROM other",
       {"view 'secret' is in the place of a table", "table 'other' is not Rowseal's"}},
      {"ALTER TABLE policy ADD COLUMN more TEXT", {"the definition of table 'policy'"}},
      {"ALTER TABLE policy ADD COLUMN more TEXT AS (upper(name)) VIRTUAL",
       {"the definition of table 'policy'"}},
      {EditOfSchema("installation", "singleton = 1", "singleton > 0"),
       {"the definition of table 'installation'"}},
      {EditOfSchema("secret", "name TEXT NOT NULL", "name TEXT NOT NULL COLLATE NOCASE"),
       {"the definition of table 'secret'"}},
      {EditOfSchema("secret", "kind TEXT NOT NULL", "kind TEXT"),
       {"the definition of table 'secret'"}},
      {EditOfSchema("secret", ") STRICT", ")"), {"the definition of table 'secret'"}},
      // SQLite reads up to the NUL: what follows is no comment's end to it.
      {EditOfSchema("secret", ") STRICT", ") /* ' || char(0) || '*/ STRICT"),
       {"the definition of table 'secret'"}},
      {EditOfSchema("dek_one_active", " WHERE", " -- ' || char(0) || char(10) || ' WHERE"),
       {"the definition of index 'dek_one_active'"}},
      {EditOfSchema("secret", ") STRICT", ") /* ' || char(233) || ' */ STRICT"),
       {"the definition of table 'secret'"}},
      {EditOfSchema("secret", "name TEXT NOT NULL", "name TEXT NOT NULL DEFAULT (random())"),
       {"the definition of table 'secret'"}},
      {EditOfSchema("secret_version", "ON DELETE RESTRICT", "ON DELETE CASCADE"),
       {"the definition of table 'secret_version'"}},
      {"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
       " sqlite_schema WHERE name = 'policy') WHERE name = 'retired_project';"
       "PRAGMA schema_version=4711",
       {"has the pages of another object"}},
  };
  for (const std::string& table : kTables) {
    for (const std::string event : {"INSERT", "UPDATE", "DELETE"}) {
      changes.push_back({"CREATE TRIGGER evil BEFORE " + event + " ON " + table +
                             " BEGIN DELETE FROM policy; DELETE FROM audit_log; END",
                         {"trigger 'evil' of table '" + table + "' is not Rowseal's"}});
    }
  }
  return changes;
}

Result<void> TryToOpen(const std::string& path) {
  ROWSEAL_TRY(OpenSqliteStore(path));
  return {};
}

TEST(SqliteSchema, EachChangeOfItIsNamedAtOpen) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  const TestStore store;
  for (const Change& change : Changes()) {
    const TestStore changed = store.Copy();
    Attack(changed.path(), change.sql);
    const Result<void> opened = TryToOpen(changed.path());
    EXPECT_FALSE(opened.has_value()) << change.sql;
    for (const std::string& text : change.named) {
      EXPECT_THAT(opened, FailsNaming(ErrorCode::kIntegrity, text)) << change.sql;
    }
    if (!opened) {
      EXPECT_FALSE(opened.error().hint.empty()) << change.sql;
    }
    EXPECT_FALSE(UpgradeStore(changed.Options()).has_value()) << change.sql;
  }
}

TEST(SqliteSchema, ItsHintRemovesWhatWasAdded) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  for (const std::string sql : {"CREATE TRIGGER evil AFTER INSERT ON audit_log BEGIN SELECT 1; END",
                                "CREATE VIEW evil AS SELECT 1", "CREATE TABLE evil (a)",
                                "CREATE INDEX evil ON secret (kind)",
                                "CREATE TABLE \"it's \"\"$(exit 3)\"\"; exit 3\" (a)"}) {
    const TestStore store;
    Attack(store.path(), sql);
    const Result<void> opened = TryToOpen(store.path());
    ASSERT_FALSE(opened.has_value());
    const std::string& hint = opened.error().hint;
    const std::size_t command = hint.find("sqlite3 ");
    ASSERT_NE(command, std::string::npos) << hint;
    ASSERT_EQ(std::system(hint.substr(command).c_str()), 0) << hint;
    EXPECT_THAT(TryToOpen(store.path()), Succeeds());
  }
}

TEST(SqliteSchema, WhatOperatorsMayDoIsNoChange) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  const TestStore store;
  Client client = store.Open();
  ASSERT_THAT(Put(client, "acme", "token", "s3cret"), Succeeds());
  Attack(store.path(), "ANALYZE");
  Attack(store.path(), "VACUUM");
  EXPECT_THAT(Get(client, "acme", "token"), Succeeds());
  EXPECT_THAT(TryToOpen(store.path()), Succeeds());
  // The view is for the shell's users.
  Attack(store.path(), "SELECT id, encrypted_data FROM encrypted_secrets");
}

TEST(SqliteSchema, AnOpenStoreNoticesAChangeAtItsNextCall) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  const TestStore store;
  Client client = store.Open();
  ASSERT_THAT(Put(client, "acme", "token", "s3cret"), Succeeds());
  Attack(store.path(),
         "CREATE TRIGGER evil AFTER INSERT ON audit_log BEGIN DELETE FROM audit_log; END");
  EXPECT_THAT(Get(client, "acme", "token"), FailsNaming(ErrorCode::kIntegrity, "evil"));
  EXPECT_THAT(client.List(Project("acme"), "", 10), FailsNaming(ErrorCode::kIntegrity, "evil"));
  Attack(store.path(), "DROP TRIGGER evil");
  EXPECT_THAT(Get(client, "acme", "token"), Succeeds());
  EXPECT_EQ(Must(client.AuditLog(Project("acme"), 100)).size(), 2U);
}

// The second line: were the comparison ever left out, triggers and views would still not run.
TEST(SqliteConnectionWalls, TriggersViewsAndSchemaEditsAreOff) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  const TestStore store;
  Attack(store.path(),
         "CREATE TRIGGER evil AFTER INSERT ON policy BEGIN DELETE FROM installation; END");
  auto connection = Must(SqliteConnection::Open(store.path()));
  const auto run = [&](std::string_view sql) { return connection->Execute(Statement::Sql(sql)); };
  ASSERT_THAT(run("INSERT INTO policy VALUES ('a', 'b', 1)"), Succeeds());
  EXPECT_EQ(Must(run("SELECT 1 FROM installation")).rows.size(), 1U);
  EXPECT_FALSE(run("SELECT * FROM encrypted_secrets").has_value());
  EXPECT_FALSE(run("SELECT \"no column\" FROM policy").has_value());
  EXPECT_FALSE(run("SELECT load_extension('x')").has_value());
  EXPECT_FALSE(run("ATTACH ':memory:' AS other").has_value());
  static_cast<void>(run("PRAGMA writable_schema=ON"));
  EXPECT_FALSE(run("UPDATE sqlite_schema SET sql = ''").has_value());
}

// SQLite would wait in open() for a writer, with the store, or write where a link leads.
TEST(SqliteConnectionWalls, WhatIsNoRegularFileBesideADatabaseIsNotOpened) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  for (const std::string ending : {"-journal", "-wal", "-shm"}) {
    for (const bool is_link : {false, true}) {
      const TestStore store;
      const TempFolder elsewhere;
      const std::string beside = store.path() + ending;
      std::filesystem::remove(beside);
      ASSERT_EQ(is_link ? symlink((elsewhere / "target").c_str(), beside.c_str())
                        : mkfifo(beside.c_str(), 0600),
                0);
      const std::string link = elsewhere / "link.db";  // SQLite looks beside what it leads to
      ASSERT_EQ(symlink(store.path().c_str(), link.c_str()), 0);
      for (const std::string& path : {store.path(), link}) {
        const auto refused = FailsNaming(ErrorCode::kInvalidArgument, ending);
        EXPECT_THAT(SqliteConnection::Open(path), refused);
        EXPECT_THAT(AppDatabase::Open(path, AppDatabase::Mode::kReadOnly), refused);
      }
      EXPECT_FALSE(std::filesystem::exists(elsewhere / "target"));
    }
  }
  const TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo.db").c_str(), 0600), 0);
  EXPECT_THAT(AppDatabase::Open(folder / "fifo.db", AppDatabase::Mode::kReadOnly),
              FailsNaming(ErrorCode::kInvalidArgument, "fifo.db"));
  EXPECT_THAT(SqliteConnection::Open(folder / "fifo.db"),
              FailsNaming(ErrorCode::kInvalidArgument, "fifo.db"));
}

TEST(SqliteConnectionWalls, AHugeValueIsNamedAndNotRead) {
  if (TestsPostgres()) {
    GTEST_SKIP() << "SQLite's own";
  }
  const auto message = [](const std::string& set) {
    const TestStore store;
    Client client = store.Open();
    Must(Put(client, "acme", "token", "s3cret"));
    Attack(store.path(), "UPDATE secret_version SET " + set);
    const Result<std::string> got = Get(client, "acme", "token");
    EXPECT_FALSE(got.has_value());
    return got ? std::string() : std::string(ErrorName(got.error().code)) + got.error().message;
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(message("encrypted_data = zeroblob(100000000)"),
              ::testing::AllOf(HasSubstr("integrity"), HasSubstr("column encrypted_data")));
  EXPECT_THAT(message("encrypted_data = zeroblob(" + std::to_string(kLargestStoredBytes + 1) + ")"),
              ::testing::AllOf(HasSubstr("integrity"), HasSubstr("column encrypted_data")));
  EXPECT_THAT(message("nonce = zeroblob(100000000)"), HasSubstr("column nonce"));
}

TEST(SqliteConnectionWalls, TheLargestSecretIsReadAndWritten) {
  const TestStore store;
  Client client = store.Open();
  const std::string value(kMaxSecretSize, 'x');
  ASSERT_THAT(Put(client, "acme", "large", value), Succeeds());
  EXPECT_EQ(Must(Get(client, "acme", "large")).size(), value.size());
}

TEST(SqlitePaths, NamesThatAreNoPathsAreRejected) {
  for (const std::string name :
       {"", ":memory:", ":x", "file:a.db", "file::memory:?cache=shared", "FILE:a.db"}) {
    EXPECT_THAT(CheckSqlitePath(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
    EXPECT_FALSE(SqliteConnection::Open(name).has_value()) << name;
    EXPECT_FALSE(CreateSqliteStore(name).has_value()) << name;
    EXPECT_FALSE(AppDatabase::Open(name, AppDatabase::Mode::kReadWrite).has_value()) << name;
    StoreOptions options;
    options.store = "sqlite:" + name;
    EXPECT_THAT(OpenStore(options), FailsWith(ErrorCode::kInvalidArgument)) << name;
    EXPECT_THAT(InitStore(options, {}), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  for (const std::string name : {"./:memory:", "./file:a.db", "a.db", "/tmp/a.db", "a:b.db"}) {
    EXPECT_THAT(CheckSqlitePath(name), Succeeds()) << name;
  }
}

class AppFile : public ::testing::Test {
 protected:
  AppFile() {
    Attack(path_,
           "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE history (v TEXT);"
           "CREATE TRIGGER keep AFTER UPDATE ON t BEGIN INSERT INTO history VALUES (old.v); END;"
           "CREATE VIEW shown AS SELECT * FROM t; INSERT INTO t VALUES (1, 'a')");
  }
  static std::int64_t Count(AppDatabase& app, const std::string& from) {
    const auto statement = Must(app.Prepare("SELECT count(*) FROM " + from));
    Must(app.Step(statement));
    return sqlite3_column_int64(statement.get(), 0);
  }

  TempFolder folder_;
  const std::string path_ = folder_ / "app.db";
};

TEST_F(AppFile, NothingOfItRunsOrChangesUntilAChangeIsMade) {
  AppDatabase app = Must(AppDatabase::Open(path_, AppDatabase::Mode::kReadWrite));
  EXPECT_FALSE(app.Execute("UPDATE t SET v = 'b'").has_value());
  EXPECT_FALSE(app.Prepare("SELECT * FROM shown").has_value());
  EXPECT_EQ(Count(app, "history"), 0);
  ASSERT_THAT(app.AllowChanges(), Succeeds());
  EXPECT_THAT(app.Execute("UPDATE t SET v = 'b'"), Succeeds());
  EXPECT_EQ(Count(app, "history"), 1);
  EXPECT_EQ(Count(app, "shown"), 1);
}

TEST_F(AppFile, AHugeValueIsNotReadAndItsRowCanStillBeChanged) {
  Attack(path_, "ALTER TABLE t ADD COLUMN big BLOB; UPDATE t SET big = zeroblob(" +
                    std::to_string(kLargestAppValue + 1) + ")");
  AppDatabase app = Must(AppDatabase::Open(path_, AppDatabase::Mode::kReadWrite));
  const auto read = Must(app.Prepare("SELECT big FROM t"));
  EXPECT_THAT(app.Step(read), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_THAT(app.AllowChanges(), Succeeds());
  EXPECT_THAT(app.Execute("UPDATE t SET v = 'b'"), Succeeds());
  EXPECT_THAT(app.Execute("VACUUM"), Succeeds());
}

TEST(SqliteRowKeys, OnlyWhatEncodeKeyWritesIsRead) {
  const SqliteKey key = {{true, INT64_MIN, {}}, {false, 0, "i1;t2:"}, {true, INT64_MAX, {}}};
  const SqliteKey read = Must(DecodeKey(EncodeKey(key)));
  EXPECT_EQ(EncodeKey(read), EncodeKey(key));
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[1].text, "i1;t2:");
  for (const std::string text :
       {"x", "i", "i;", "i1", "i1:", "t", "t1", "t1:", "t-1:a", "t9223372036854775807:a",
        "i99999999999999999999;", "t99999999999999999999:a", "u1:a", "ix;", "i1;x"}) {
    EXPECT_THAT(DecodeKey(text), FailsWith(ErrorCode::kIntegrity)) << text;
  }
}

}  // namespace
}  // namespace rowseal::testing
