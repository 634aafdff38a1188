#include "support/test_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/encoding.h"
#include "client/client_inside.h"
#include "db/postgres/postgres_connection.h"
#include "db/sqlite/sqlite_connection.h"
#include "db/sqlite/sqlite_store.h"
#include "roots/root_registry.h"
#include "support/plain_sqlite.h"
#include "support/postgres_server.h"

namespace rowseal::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLogin = "app";  // it installs the store and uses it

std::string NewDatabase(const std::string& copy_of) {
  PostgresServer& server = PostgresServer::Shared();
  static const bool login_is_made = [&] {
    server.Run("postgres", "CREATE ROLE app LOGIN CREATEROLE");
    return true;
  }();
  static_cast<void>(login_is_made);
  const std::string name = server.CreateDatabase(copy_of, kLogin);
  if (copy_of == "template0") {
    // What tests say in SQLite's words.
    server.Run(name,
               "CREATE FUNCTION zeroblob(size integer) RETURNS bytea LANGUAGE sql"
               " RETURN decode(repeat('00', size), 'hex');"
               "CREATE FUNCTION hex(bytes bytea) RETURNS text LANGUAGE sql"
               " RETURN upper(encode(bytes, 'hex'));"
               "CREATE AGGREGATE group_concat(bytea) (SFUNC = byteacat, STYPE = bytea)");
  }
  return server.Url(name, kLogin);
}

std::string DatabaseOf(const std::string& url) { return url.substr(url.rfind('/') + 1); }

void AppendTable(Intruder& intruder, const std::string& table, std::string& text) {
  for (const Row& row : intruder.Table(table)) {
    text += table;
    for (const Value& value : row) {
      text += " ";
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        text += std::to_string(*integer);
      } else if (const auto* string = std::get_if<std::string>(&value)) {
        text += "'" + *string + "'";
      } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
        text += ToHex(*bytes);
      } else {
        text += "NULL";
      }
    }
    text += "\n";
  }
}

Param ToParam(const Value& value) {
  return std::visit([](const auto& held) { return Param(held); }, value);
}

// Made once a program; closing the last connection folds the log into the file.
const TestStore& Template() {
  static const TestStore store(TestStore::Keys::kOwn);
  return store;
}

}  // namespace

TempFolder::TempFolder() {
  const fs::path memory = "/dev/shm";
  const fs::path parent = access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  std::string path = (parent / "rowseal-test-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("no temporary folder in " + parent.string());
  }
  path_ = path;
}

TempFolder::~TempFolder() {
  if (!path_.empty()) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error("cannot read " + path);
  }
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, std::string_view content, unsigned mode) {
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) {
      throw std::runtime_error("cannot write " + path);
    }
  }
  if (chmod(path.c_str(), mode) != 0) {
    throw std::runtime_error("cannot set the mode of " + path);
  }
}

Result<StoredSecret> Put(Client& client, std::string_view project, std::string_view name,
                         std::string_view value) {
  return client.Put(Project(project), PutItem{Named(name), AsBytes(value), {}, {}});
}

Result<std::string> Get(Client& client, std::string_view project, std::string_view name,
                        std::optional<std::int64_t> version) {
  ROWSEAL_ASSIGN(const Secret secret,
                 client.Get(Project(project), Named(name),
                            version ? std::optional(SecretVersion{*version}) : std::nullopt));
  return TextOf(secret.value);
}

std::vector<VerifyFailure> VerifyFailures(Client& client) {
  std::vector<VerifyFailure> failures;
  Must(Verify(client, [&](const VerifyFailure& failure) { failures.push_back(failure); }));
  return failures;
}

std::string FailureText(const VerifyFailure& failure) {
  return std::string(ToText(failure.failure)) + " " + failure.row + ": " + failure.message;
}

bool TestsPostgres() {
  static const bool tests = [] {
    const char* store = std::getenv("ROWSEAL_TEST_STORE");
    return store != nullptr && std::string_view(store) == "postgres";
  }();
  return tests;
}

std::unique_ptr<Connection> OpenTestConnection(const std::string& path) {
  if (IsPostgresUrl(path)) {
    return Must(PostgresConnection::Open(path));
  }
  return Must(SqliteConnection::Open(path));
}

Session& SessionOf(Client& client) { return ClientInside::SessionOf(client); }
Connection& ConnectionOf(Client& client) { return ClientInside::ConnectionOf(client); }

void UseStoreClock(Connection& connection, std::function<Timestamp()> clock) {
  static_cast<SqliteConnection&>(connection).UseClock(std::move(clock));
}

Intruder::Intruder(const std::string& path) : on_postgres_(IsPostgresUrl(path)) {
  if (on_postgres_) {
    auto connection =
        Must(PostgresConnection::Open(PostgresServer::Shared().Url(DatabaseOf(path))));
    Must(connection->ExecuteScript("SET session_replication_role = replica"));
    connection_ = std::move(connection);
    return;
  }
  auto connection = std::make_unique<PlainSqlite>(path);
  Must(connection->ExecuteScript("PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF"));
  connection_ = std::move(connection);
}

std::vector<Row> Intruder::Run(std::string_view sql, std::vector<Param> params) {
  // SQLite's way to write bytes means a bit string on PostgreSQL.
  static const std::regex bytes("\\bx('[0-9a-fA-F]*')");
  const std::string text = on_postgres_
                               ? std::regex_replace(std::string(sql), bytes, "decode($1, 'hex')")
                               : std::string(sql);
  const Statement statement = Statement::Sql(text, std::move(params));
  if (!on_postgres_ || in_transaction_) {
    return Must(connection_->Execute(statement)).rows;
  }
  Begin();
  std::vector<Row> rows;
  try {
    rows = Must(connection_->Execute(statement)).rows;
  } catch (...) {
    in_transaction_ = false;
    connection_->Rollback();
    throw;
  }
  Commit();
  return rows;
}

// Names without a schema are the store's, on PostgreSQL in a transaction only.
void Intruder::Begin() {
  Must(connection_->Begin(TransactionKind::kWrite));
  in_transaction_ = true;
  if (on_postgres_) {
    Must(static_cast<PostgresConnection&>(*connection_)
             .ExecuteScript("SET LOCAL search_path = rowseal, public"));
  }
}

void Intruder::Commit() {
  in_transaction_ = false;
  Must(connection_->Commit());
}

Value Intruder::One(std::string_view sql, std::vector<Param> params) {
  const std::vector<Row> rows = Run(sql, std::move(params));
  if (rows.size() != 1) {
    throw std::runtime_error("not one row but " + std::to_string(rows.size()) + ": " +
                             std::string(sql));
  }
  return rows.front().front();
}

std::string Intruder::Text(std::string_view sql, std::vector<Param> params) {
  return std::get<std::string>(One(sql, std::move(params)));
}

std::int64_t Intruder::Integer(std::string_view sql, std::vector<Param> params) {
  return std::get<std::int64_t>(One(sql, std::move(params)));
}

Bytes Intruder::Blob(std::string_view sql, std::vector<Param> params) {
  return std::get<Bytes>(One(sql, std::move(params)));
}

std::vector<Row> Intruder::Table(const std::string& table) {
  return Run("SELECT * FROM " + table + " ORDER BY " + (on_postgres_ ? "1, 2, 3" : "rowid"));
}

void Intruder::Restore(const std::string& table, const std::vector<Row>& rows) {
  Run("DELETE FROM " + table);
  for (const Row& row : rows) {
    std::string sql =
        "INSERT INTO " + table + (on_postgres_ ? " OVERRIDING SYSTEM VALUE VALUES (" : " VALUES (");
    std::vector<Param> params;
    for (const Value& value : row) {
      params.push_back(ToParam(value));
      sql += (params.size() == 1 ? "$" : ", $") + std::to_string(params.size());
    }
    Run(sql + ")", std::move(params));
  }
}

TestStore::TestStore(Keys keys) : TestStore(keys == Keys::kShared ? &Template() : nullptr) {
  if (keys == Keys::kOwn) {
    Must(InitStore(Options()));
  }
}

TestStore::TestStore(const TestStore* original) : root_path_(folder_ / "root.key") {
  if (original != nullptr) {
    fs::copy_file(original->root_path_, root_path_);
  }
  if (TestsPostgres()) {
    path_ = NewDatabase(original == nullptr ? "template0" : DatabaseOf(original->path_));
  } else {
    path_ = folder_ / "secrets.db";
    if (original != nullptr) {
      fs::copy_file(original->path_, path_);
    }
  }
}

// Whoever still has it open loses it.
TestStore::~TestStore() {
  if (TestsPostgres() && !path_.empty()) {
    PostgresServer::Shared().DropDatabase(DatabaseOf(path_));
  }
}

TestStore TestStore::Copy() const { return TestStore(this); }

TestStore::Tables TestStore::Snapshot() const {
  Intruder intruder(path_);
  Tables tables;
  for (const std::string& table : kTables) {
    tables.emplace_back(table, intruder.Table(table));
  }
  return tables;
}

void TestStore::Rewind(const Tables& tables) const {
  Intruder intruder(path_);
  intruder.Begin();
  for (const auto& [table, rows] : tables) {
    intruder.Restore(table, rows);
  }
  intruder.Commit();
}

void TestStore::MakeAnew() {
  if (TestsPostgres()) {
    path_ = NewDatabase("template0");
  } else {
    fs::remove(path_);
  }
  Must(InitStore(Options()));
}

StoreOptions TestStore::Options() const {
  StoreOptions options;
  options.store = TestsPostgres() ? path_ : "sqlite:" + path_;
  options.roots = {"file:" + root_path_};
  options.client.actor = "tester";
  return options;
}

Result<Client> TestStore::Connect(std::unique_ptr<Connection> connection,
                                  ClientOptions options) const {
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> root, Root());
  if (options.actor.empty()) {
    options.actor = "tester";
  }
  return Client::Connect(std::move(connection), {std::move(root)}, std::move(options));
}

Result<std::unique_ptr<Connection>> TestStore::OpenConnection() const {
  return OpenSqliteStore(path_);
}

Result<std::shared_ptr<const RootProvider>> TestStore::Root() const {
  return OpenRoot("file:" + root_path_);
}

std::string TestStore::Content() const {
  Intruder intruder(path_);
  std::string text;
  for (const std::string& table : kTables) {
    if (!table.starts_with("audit")) {
      AppendTable(intruder, table, text);
    }
  }
  return text;
}

std::string TestStore::ContentWithAudit() const {
  Intruder intruder(path_);
  std::string text;
  for (const std::string& table : kTables) {
    AppendTable(intruder, table, text);
  }
  return text;
}

void TestStore::ExpectClean() const {
  Result<Client> client = TryOpen();
  ASSERT_THAT(client, Succeeds());
  for (const VerifyFailure& failure : VerifyFailures(*client)) {
    ADD_FAILURE() << FailureText(failure);
  }
}

}  // namespace rowseal::testing
