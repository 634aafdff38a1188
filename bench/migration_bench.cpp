// Rows `migrate-value` and `migrate-move`: how fast the plaintext of a column is sealed in place,
// or moved into the store, on PostgreSQL.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <libpq-fe.h>

#include <rowseal/rowseal.h>

#include "measures.h"
#include "migration/online_migration.h"
#include "stores.h"

namespace rowseal::bench {
namespace {

constexpr int kBatch = 2000;

class Server final {
 public:
  explicit Server(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
  }
  void Run(const std::string& sql) {
    const std::unique_ptr<PGresult, Clear> result(PQexec(connection_.get(), sql.c_str()));
    Check(result.get());
  }
  void Run(const std::string& sql, const std::string& keys, const std::string& texts) {
    const char* const values[] = {keys.c_str(), texts.c_str()};
    const std::unique_ptr<PGresult, Clear> result(
        PQexecParams(connection_.get(), sql.c_str(), 2, nullptr, values, nullptr, nullptr, 1));
    Check(result.get());
  }

 private:
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  void Check(const PGresult* result) const {
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
  }
  std::unique_ptr<PGconn, Close> connection_;
};

void MakeItems(Server& server, const std::string& table, int rows) {
  server.Run("CREATE TABLE " + table + " (id bigint PRIMARY KEY, project text, secret text)");
  server.Run(
      "INSERT INTO " + table +
      " SELECT i, 'project-' || i % 100, 'sk_live_' || md5(i::text) || substr(md5((-i)::text), 9)"
      " FROM generate_series(1, " +
      std::to_string(rows) + ") i");
  server.Run("VACUUM ANALYZE " + table);
}

// The yardstick of sealing in place: as many bytes by UPDATE … FROM unnest in batches of the same
// size. It seals nothing, reads nothing and keeps no original.
double BareValue(Server& server, int rows) {
  const std::string sealed(211, 'x');
  const auto start = Clock::now();
  for (int from = 1; from <= rows; from += kBatch) {
    std::string keys = "{";
    std::string texts = "{";
    for (int id = from; id < from + kBatch && id <= rows; ++id) {
      keys += (id == from ? "" : ",") + std::to_string(id);
      texts += (id == from ? "" : ",") + sealed;
    }
    server.Run(
        "UPDATE bare_item t SET secret = n.secret FROM unnest($1::bigint[], $2::text[])"
        " AS n(id, secret) WHERE t.id = n.id",
        keys + "}", texts + "}");
  }
  return SecondsSince(start);
}

// The yardstick of moving: the rows that a put makes in copies of the store's tables, made by the
// server itself, and the mark in the app's table.
double BareMove(Server& server, int rows) {
  server.Run(
      "CREATE TABLE bare_secret (LIKE rowseal.secret INCLUDING ALL);"
      "CREATE TABLE bare_version (LIKE rowseal.secret_version INCLUDING ALL);"
      "CREATE TABLE bare_version_mac (LIKE rowseal.version_mac INCLUDING ALL);"
      "CREATE TABLE bare_secret_mac (LIKE rowseal.secret_mac INCLUDING ALL)");
  const auto start = Clock::now();
  for (int from = 1; from <= rows; from += kBatch) {
    const std::string batch = "generate_series(" + std::to_string(from) + ", " +
                              std::to_string(std::min(from + kBatch - 1, rows)) + ") i";
    server.Run(
        "BEGIN; WITH made AS (INSERT INTO bare_secret (project_id, id, name, kind, next_version,"
        " created_at, lowest_version, attributes) SELECT 'project-' || i % 100, gen_random_uuid(),"
        " 'item/' || i, 'workflow', 2, 1764000000000000, 1, '' FROM " +
        batch +
        " RETURNING project_id, id), versions AS (INSERT INTO bare_version (project_id, secret_id,"
        " version, dek_id, nonce, encrypted_data, created_at, created_by) SELECT project_id, id, 1,"
        " id, decode(repeat('ab', 24), 'hex'), decode(repeat('cd', 112), 'hex'), 1764000000000000,"
        " 'bench' FROM made), macs AS (INSERT INTO bare_version_mac (project_id, secret_id, "
        "version,"
        " write_count, mac) SELECT project_id, id, 1, 1, decode(repeat('ef', 40), 'hex') FROM made)"
        " INSERT INTO bare_secret_mac (project_id, secret_id, write_count, mac)"
        " SELECT project_id, id, 1, decode(repeat('ef', 40), 'hex') FROM made;"
        "UPDATE bare_item SET secret = 'moved to rowseal' WHERE id BETWEEN " +
        std::to_string(from) + " AND " + std::to_string(from + kBatch - 1) + "; COMMIT");
  }
  return SecondsSince(start);
}

// An app that writes rows of the table, one after the other.
class Writer final {
 public:
  Writer(const std::string& url, int rows) : server_(url), rows_(rows) {}

  // Gives the 99th percentile of its writes' times, in seconds.
  double P99While(const std::function<void()>& work) {
    std::atomic<bool> ends{false};
    std::vector<double> times;
    std::thread writes([&] {
      while (!ends) {
        const int id = std::uniform_int_distribution<int>(1, rows_)(random_);
        const auto start = Clock::now();
        server_.Run("UPDATE busy SET project = project WHERE id = " + std::to_string(id));
        times.push_back(SecondsSince(start));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    work();
    ends = true;
    writes.join();
    std::ranges::sort(times);
    return times.empty() ? 0 : times[times.size() * 99 / 100];
  }

 private:
  Server server_;
  int rows_;
  std::mt19937 random_{1};
};

}  // namespace

void MigrateRows(const std::string& folder, const std::string& mode, int rows) {
  const StoreOptions options = OptionsFor(folder);
  Server server(options.store);
  server.Run("DROP TABLE IF EXISTS item, busy, bare_item, bare_secret, bare_version, bare_audit");
  MakeItems(server, "item", rows);
  MakeItems(server, "bare_item", rows);
  ColumnPlan plan;
  plan.table = "public.item";
  plan.keys = {"id"};
  plan.project.column = "project";
  plan.column = "secret";
  plan.label = "item.secret";
  plan.context = ContextKind::kCell;
  if (mode == "move") {
    plan.mode = MigrationMode::kMove;
    plan.names = Must(NamingRule::Parse("item/{id}"));
  }
  double seconds = 0;
  {
    Client client = Must(OpenStore(options));
    const auto start = Clock::now();
    const RunMigrationReport report =
        Must(RunMigration(client, {"bench_" + mode, options.store, {plan}}, {}, {}));
    seconds = SecondsSince(start);
    if (report.columns.front().rows != rows || report.columns.front().counts.plaintext != 0) {
      throw std::runtime_error("not every row was migrated");
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double bare = mode == "move" ? BareMove(server, rows) : BareValue(server, rows);
  // What the app's own writes to a table feel of it.
  MakeItems(server, "busy", rows);
  plan.table = "public.busy";
  plan.label = "busy.secret";
  if (mode == "move") {
    plan.names = Must(NamingRule::Parse("busy/{id}"));
  }
  Writer writer(options.store, rows);
  const double idle = writer.P99While([] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
  const double during = writer.P99While([&] {
    Client client = Must(OpenStore(options));
    Must(RunMigration(client, {"busy_" + mode, options.store, {plan}}, {}, {}));
  });
  std::printf(
      "{\"seconds\": %.6f, \"bare_seconds\": %.6f, \"memory_kib\": %ld, \"write_idle\": %.6f,"
      " \"write_during\": %.6f}\n",
      seconds, bare, usage.ru_maxrss, idle, during);
}

}  // namespace rowseal::bench
