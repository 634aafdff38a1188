// With all logging on, and every kind of failure forced, no plaintext and no key is anywhere at the
// server: not in its log, its statistics, its log of changes or its files, nor in what a client is
// told.
#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/encoding.h"
#include "crypto/random.h"
#include "db/postgres/postgres_connection.h"
#include "roots/root_key_text.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

namespace fs = std::filesystem;

// Canary is a random value, looked for raw, in hex, in base64 at each of its three offsets, and by
// any window of twelve bytes.
class Canary final {
 public:
  explicit Canary(Bytes value) : value_(std::move(value)) {
    constexpr std::size_t kWindow = 12;
    for (std::size_t at = 0; at + kWindow <= value_.size(); ++at) {
      const ByteView window(value_.data() + at, kWindow);
      needles_.emplace_back(AsText(window));
      needles_.push_back(ToHex(window));
    }
    for (std::size_t offset = 0; offset < 3; ++offset) {
      Bytes padded(offset, 0);
      padded.insert(padded.end(), value_.begin(), value_.end());
      const std::string text = ToBase64(Base64::kUrl, padded);
      // The characters at both ends depend on what stands beside the value.
      needles_.push_back(text.substr(4, text.size() - 8));
    }
  }
  static Canary Random() {
    Bytes value(24);
    Must(FillRandom(value));
    return Canary(std::move(value));
  }
  ByteView value() const { return value_; }
  bool IsIn(const std::string& haystack) const {
    for (const std::string& needle : needles_) {
      if (haystack.find(needle) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

 private:
  Bytes value_;
  std::vector<std::string> needles_;
};

PostgresServer::Options EverythingLogged() {
  PostgresServer::Options options;
  options.settings = {"log_statement = all",
                      "log_min_duration_statement = 0",
                      "log_parameter_max_length = -1",
                      "log_parameter_max_length_on_error = -1",
                      "log_error_verbosity = verbose",
                      "log_min_messages = debug1",
                      "log_min_error_statement = debug5",
                      "log_lock_waits = on",
                      "deadlock_timeout = 100ms",
                      "shared_preload_libraries = 'pg_stat_statements,auto_explain'",
                      "pg_stat_statements.track = all",
                      "pg_stat_statements.track_utility = on",
                      "auto_explain.log_min_duration = 0",
                      "auto_explain.log_nested_statements = on",
                      "auto_explain.log_parameter_max_length = -1",
                      "wal_level = logical",
                      "full_page_writes = on"};
  return options;
}

TEST(ServerWithEverythingLogged, HoldsNoPlaintextAndNoKey) {
  PostgresServer server(EverythingLogged());
  server.Run("postgres", "CREATE ROLE app LOGIN CREATEROLE");
  const std::string database = server.CreateDatabase("template0", "app");
  server.Run(database, "CREATE EXTENSION pg_stat_statements");
  TempFolder folder;
  StoreOptions options;
  options.store = server.Url(database, "app");
  options.roots = {"file:" + (folder / "root.key")};
  options.client.actor = "tester";
  Must(InitStore(options));
  Client client = Must(OpenStore(options));

  std::vector<Canary> canaries;
  std::string told;
  const auto note = [&](const auto& result) {
    if (!result) {
      told += result.error().message + result.error().hint + "\n";
    }
  };
  const auto put = [&](const std::string& name, Client& by) {
    canaries.push_back(Canary::Random());
    const auto stored =
        by.Put(Project("acme"), PutItem{Named(name), canaries.back().value(), {}, {}});
    note(stored);
    return stored.has_value();
  };

  // What works.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(put("name" + std::to_string(i % 5), client));
  }
  Must(client.AddColumn(Label("users.token"), ContextKind::kField));
  canaries.push_back(Canary::Random());
  const std::string sealed =
      Must(client.SealValue(Project("acme"), Label("users.token"), canaries.back().value()));
  Must(client.OpenValue(Project("acme"), Label("users.token"), sealed));
  Must(client.Get(Project("acme"), Named("name1")));
  Must(client.Rename(Project("acme"), Named("name1"), Named("renamed")));
  Must(RotateKek(client));
  Must(RotateDeks(client, Project("acme")));
  EXPECT_EQ(Must(RunJobs(client, {})).failed, 0);

  // Failures: a constraint of each kind, a cancelled and a timed-out statement, a deadlock.
  const auto with = [&](const std::string& make, const std::string& undo) {
    server.Run(database, make);
    EXPECT_FALSE(put("fails", client)) << make;
    server.Run(database, undo);
  };
  with("ALTER TABLE rowseal.secret_version ADD CONSTRAINT refuse CHECK (version < 0) NOT VALID",
       "ALTER TABLE rowseal.secret_version DROP CONSTRAINT refuse");
  with(
      "ALTER TABLE rowseal.secret_version ADD COLUMN more integer NOT NULL DEFAULT 1;"
      "ALTER TABLE rowseal.secret_version ALTER COLUMN more DROP DEFAULT",
      "ALTER TABLE rowseal.secret_version DROP COLUMN more");
  with(
      "CREATE UNIQUE INDEX refuse ON rowseal.audit_log (project_id) WHERE action = 'put' AND at <"
      " 0; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
      " unique_violation USING DETAIL = row_to_json(NEW)::text; END $$;"
      "CREATE TRIGGER fail BEFORE INSERT ON rowseal.secret_version FOR EACH ROW EXECUTE FUNCTION"
      " fail()",
      "DROP TRIGGER fail ON rowseal.secret_version; DROP INDEX rowseal.refuse");
  with(
      "ALTER ROLE app SET statement_timeout = '1ms'; SELECT pg_terminate_backend(pid) FROM"
      " pg_stat_activity WHERE usename = 'app';"
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM"
      " pg_sleep(0.2); RETURN NEW; END $$; CREATE TRIGGER slow BEFORE INSERT ON rowseal.audit_log"
      " FOR EACH ROW EXECUTE FUNCTION slow()",
      "ALTER ROLE app RESET statement_timeout; DROP TRIGGER slow ON rowseal.audit_log; SELECT"
      " pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
  {
    PostgresConnection& held = *Must(PostgresConnection::Open(server.Url(database))).release();
    const std::unique_ptr<PostgresConnection> owner(&held);
    Must(held.Begin(TransactionKind::kWrite));
    Must(held.Execute(Statement::Sql("SELECT * FROM rowseal.secret FOR UPDATE")));
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      server.Run("postgres",
                 "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND"
                 " wait_event_type = 'Lock'");
    });
    EXPECT_FALSE(put("name2", client));
    canceller.join();
    held.Rollback();
  }
  server.Run(database, "ANALYZE; SELECT pg_switch_wal(); CHECKPOINT");
  EXPECT_FALSE(told.empty());

  // Where to look.
  std::string seen = told;
  for (const std::string view : {"pg_stat_statements", "pg_stat_activity", "pg_stats"}) {
    seen += server.Run(database, "SELECT * FROM " + view);
  }
  server.Stop(PostgresServer::StopMode::kFast);
  for (const auto& entry : fs::recursive_directory_iterator(server.folder())) {
    if (entry.is_regular_file()) {
      std::ifstream file(entry.path(), std::ios::binary);
      seen.append(std::istreambuf_iterator<char>(file), {});
      seen += "\n";
    }
  }
  for (std::size_t i = 0; i < canaries.size(); ++i) {
    EXPECT_FALSE(canaries[i].IsIn(seen)) << "canary " << i;
  }
  const std::string root_text = ReadFile(folder / "root.key");
  EXPECT_EQ(seen.find(root_text.substr(7, 40)), std::string::npos);

  // The search itself finds what is there: a name, and a canary that is planted.
  EXPECT_NE(seen.find("renamed"), std::string::npos);
  EXPECT_TRUE(canaries.front().IsIn(seen + std::string(AsText(canaries.front().value()))));
  EXPECT_TRUE(canaries.front().IsIn(seen + ToHex(canaries.front().value())));
}

}  // namespace
}  // namespace rowseal::testing
