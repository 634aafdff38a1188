#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rowseal/rowseal.h>

namespace rowseal {

class Session;

/// PrintTo lets GoogleTest say why a result failed.
template <class T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result) {
    *out << "a value";
  } else {
    *out << ErrorName(result.error().code) << ": " << result.error().message;
  }
}

namespace testing {

/// TempFolder is an empty folder that goes with the object; in memory where the machine has
/// /dev/shm.
class TempFolder final {
 public:
  TempFolder();
  TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempFolder& operator=(TempFolder&&) = delete;
  ~TempFolder();
  const std::string& path() const noexcept { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

/// ReadFile and WriteFile end the test when they fail. The mode is that of a root key file.
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view content, unsigned mode = 0600);

/// Must gives the value of a result that a test takes for granted, or ends the test.
template <class T>
T Must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(std::string(ErrorName(result.error().code)) + ": " +
                             result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

inline ProjectId Project(std::string_view text) { return Must(ProjectId::Parse(text)); }
inline SecretName Named(std::string_view text) { return Must(SecretName::Parse(text)); }
inline ColumnLabel Label(std::string_view text) { return Must(ColumnLabel::Parse(text)); }
inline std::string TextOf(const SecretBytes& secret) {
  return std::string(AsText(secret.Reveal()));
}

/// Shorthands for the calls that most tests make.
Result<StoredSecret> Put(Client& client, std::string_view project, std::string_view name,
                         std::string_view value);
Result<std::string> Get(Client& client, std::string_view project, std::string_view name,
                        std::optional<std::int64_t> version = {});

/// VerifyFailures opens every row; FailureText is `class row: message`.
std::vector<VerifyFailure> VerifyFailures(Client& client);
std::string FailureText(const VerifyFailure& failure);

/// TestsPostgres tells whether stores are to be on PostgreSQL: the same tests run on both.
bool TestsPostgres();

/// OpenTestConnection connects to a store by its path, or on PostgreSQL by its URL.
std::unique_ptr<Connection> OpenTestConnection(const std::string& path);

/// SessionOf and ConnectionOf reach into a client, for what no embedder can do.
Session& SessionOf(Client& client);
Connection& ConnectionOf(Client& client);

/// UseStoreClock gives a SQLite store another clock, as this connection sees it.
void UseStoreClock(Connection& connection, std::function<Timestamp()> clock);

/// Intruder is somebody who can write the store's tables but has no key: plain SQL without foreign
/// keys, on PostgreSQL as a superuser. It may open any SQLite database.
class Intruder final {
 public:
  explicit Intruder(const std::string& path);

  /// Run returns the rows, and fails the test when the statement fails.
  std::vector<Row> Run(std::string_view sql, std::vector<Param> params = {});
  /// One is the first column of the one row.
  Value One(std::string_view sql, std::vector<Param> params = {});
  std::string Text(std::string_view sql, std::vector<Param> params = {});
  std::int64_t Integer(std::string_view sql, std::vector<Param> params = {});
  Bytes Blob(std::string_view sql, std::vector<Param> params = {});

  /// Table reads a whole table; Restore makes it hold exactly these rows again.
  std::vector<Row> Table(const std::string& table);
  void Restore(const std::string& table, const std::vector<Row>& rows);

  /// Begin makes one transaction of what is run until Commit.
  void Begin();
  void Commit();
  Connection& connection() noexcept { return *connection_; }

 private:
  bool on_postgres_;
  bool in_transaction_ = false;
  std::unique_ptr<Connection> connection_;
};

/// kTables are the tables of a store, parents first.
inline const std::vector<std::string> kTables = {
    "installation",  "root_key",       "kek",         "kek_wrapping", "dek",
    "secret",        "secret_version", "version_mac", "secret_mac",   "scope_floor",
    "sealed_column", "audit_log",      "policy",      "job",          "job_failure",
    "destroyed_key", "retired_project"};

/// TestStore is a store of its own, with one `file:` root: in a file, or in a database of the
/// shared server, installed and used by a login that is no superuser.
class TestStore final {
 public:
  /// kShared stores are copies of one made for the whole program (quick); kOwn is made anew.
  enum class Keys { kShared, kOwn };
  explicit TestStore(Keys keys = Keys::kShared);
  TestStore(TestStore&& other) noexcept = default;
  TestStore& operator=(TestStore&&) = delete;
  ~TestStore();

  /// Copy makes a store with the same rows and root. Nobody may have this one open.
  TestStore Copy() const;

  /// Snapshot reads every row; Rewind puts these rows into a copy of the same store, which costs
  /// far less than another copy on a server. Nobody may have the copy open.
  using Tables = std::vector<std::pair<std::string, std::vector<Row>>>;
  Tables Snapshot() const;
  void Rewind(const Tables& tables) const;

  /// MakeAnew puts another installation with the same root into the store's place.
  void MakeAnew();

  const TempFolder& folder() const noexcept { return folder_; }
  /// path is the store's file, or its URL on PostgreSQL.
  const std::string& path() const noexcept { return path_; }
  const std::string& root_path() const noexcept { return root_path_; }
  StoreOptions Options() const;

  Result<Client> TryOpen() const { return OpenStore(Options()); }
  Client Open() const { return Must(TryOpen()); }
  /// Connect opens the store over a connection of the test's own.
  Result<Client> Connect(std::unique_ptr<Connection> connection, ClientOptions options = {}) const;

  /// OpenConnection opens a bare connection to the store, and Root its root.
  Result<std::unique_ptr<Connection>> OpenConnection() const;
  Result<std::shared_ptr<const RootProvider>> Root() const;

  /// Content is every row of every table but the audit's, as text: to compare moments.
  std::string Content() const;
  /// ContentWithAudit includes the audit log.
  std::string ContentWithAudit() const;

  /// ExpectClean opens the store anew and verifies every row.
  void ExpectClean() const;

 private:
  explicit TestStore(const TestStore* original);

  TempFolder folder_;
  std::string path_;
  std::string root_path_;
};

MATCHER(Succeeds, "succeeds") { return arg.has_value(); }

MATCHER_P(FailsWith, code, "fails with " + std::string(ErrorName(code))) {
  return !arg.has_value() && arg.error().code == code;
}

MATCHER_P2(FailsNaming, code, text,
           "fails with " + std::string(ErrorName(code)) + " and names " +
               ::testing::PrintToString(text)) {
  return !arg.has_value() && arg.error().code == code &&
         arg.error().message.find(text) != std::string::npos;
}

}  // namespace testing
}  // namespace rowseal
