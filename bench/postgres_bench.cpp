// Rows `pg-get`, `pg-put` and the reseal on PostgreSQL.

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <libpq-fe.h>

#include <rowseal/rowseal.h>

#include "measures.h"
#include "stores.h"

namespace rowseal::bench {
namespace {

constexpr std::size_t kValueSize = 64;
constexpr std::size_t kSealedSize = 112;  // padded, with its tag
constexpr const char* kAt = "1764000000000000";

// BareLibpq is the yardstick: the statements of a get and a put by PQexecParams, with results in
// binary that nobody reads. It makes no ids and no nonces, and seals nothing.
class BareLibpq final {
 public:
  explicit BareLibpq(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
    dek_ = Text(
        "SELECT id FROM rowseal.dek WHERE project_id = 'project-1' AND state = 'active'"
        " AND purpose = 'secret'");
    secret_ = Text(
        "SELECT id FROM rowseal.secret WHERE project_id = 'project-1'"
        " AND name = 'secret-0'");
    version_ =
        std::stoll(Text("SELECT next_version FROM rowseal.secret WHERE project_id ="
                        " 'project-1' AND name = 'secret-0'"));
    writes_ =
        std::stoll(Text("SELECT h.write_count FROM rowseal.secret_mac h JOIN rowseal.secret s"
                        " ON s.project_id = h.project_id AND s.id = h.secret_id"
                        " WHERE s.project_id = 'project-1' AND s.name = 'secret-0'"));
    integrity_key_ =
        Text("SELECT encode(int8send(integrity_kek_id), 'hex') FROM rowseal.installation");
  }

  void Get() {
    Run("SELECT * FROM rowseal.secret_get($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        {"project-1", "{secret-0}", "{0}", NextId(), kAt, "bench", "", "get", "true"});
  }

  void Put() {
    const std::string bytes = "{\"\\\\x" + std::string(2 * kSealedSize, 'a') + "\"}";
    const std::string nonce = "{\"\\\\x" + std::string(48, 'b') + "\"}";
    const std::string mac = "{\"\\\\x" + integrity_key_ + std::string(64, 'c') + "\"}";
    Run("SELECT * FROM rowseal.secret_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
        " $14, $15, $16, $17, $18)",
        {"project-1", "{secret-0}", "{workflow}", "{" + secret_ + "}",
         "{" + std::to_string(version_) + "}", "{" + dek_ + "}", nonce, bytes, "{NULL}", mac,
         "{" + std::to_string(++writes_) + "}", mac, NextId(), kAt, "bench", "", "put", "false"});
    ++version_;
  }

 private:
  struct Close {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Clear>;

  ResultPtr Run(const char* sql, const std::vector<std::string>& params) {
    std::vector<const char*> values;
    for (const std::string& param : params) {
      values.push_back(param.c_str());
    }
    ResultPtr result(PQexecParams(connection_.get(), sql, static_cast<int>(values.size()), nullptr,
                                  values.data(), nullptr, nullptr, 1));
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQresultErrorMessage(result.get()));
    }
    return result;
  }

  std::string Text(const char* sql) {
    const ResultPtr result(PQexec(connection_.get(), sql));
    if (PQntuples(result.get()) != 1) {
      throw std::runtime_error("the yardstick finds nothing to get");
    }
    return PQgetvalue(result.get(), 0, 0);
  }

  std::string NextId() {
    char text[37];
    std::snprintf(text, sizeof(text), "ffffffff-0000-7000-8000-%012llx",
                  static_cast<unsigned long long>(++ids_));
    return text;
  }

  std::unique_ptr<PGconn, Close> connection_;
  std::string dek_;
  std::string secret_;
  std::int64_t version_ = 0;
  std::int64_t writes_ = 0;
  std::string integrity_key_;  // its id, with which a MAC begins
  std::uint64_t ids_ = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
};

template <class Call>
double Timed(Call call) {
  const auto start = Clock::now();
  call();
  return SecondsSince(start);
}

}  // namespace

void PostgresCalls(const std::string& folder, int rounds) {
  const StoreOptions options = OptionsFor(folder);
  Client client = Must(OpenStore(options));
  BareLibpq bare(options.store);
  const ProjectId project = ProjectNumber(0);
  const std::array<std::uint8_t, kValueSize> value{};
  std::vector<double> gets;
  std::vector<double> puts;
  std::vector<double> bare_gets;
  std::vector<double> bare_puts;
  for (int round = 0; round < rounds; ++round) {
    const PutItem item{SecretNumber(0), value, {}, {}, PutRule::kCreateOrAddVersion};
    puts.push_back(Timed([&] { Must(client.Put(project, item)); }));
    bare_puts.push_back(Timed([&] { bare.Put(); }));
    gets.push_back(Timed([&] { Must(client.Get(project, SecretNumber(0))); }));
    bare_gets.push_back(Timed([&] { bare.Get(); }));
  }
  std::printf("{");
  PrintSeconds("get", gets);
  std::printf(", ");
  PrintSeconds("put", puts);
  std::printf(", ");
  PrintSeconds("bare_get", bare_gets);
  std::printf(", ");
  PrintSeconds("bare_put", bare_puts);
  std::printf("}\n");
}

void PostgresConcurrent(const std::string& folder, double seconds) {
  constexpr int kInFlight = 64;
  AsyncClient client = Must(OpenAsyncStore(OptionsFor(folder)));
  std::atomic<std::int64_t> gets{0};
  std::atomic<int> running{kInFlight};
  std::atomic<bool> failed{false};
  std::mutex failure_mutex;
  std::string failure;
  const auto fail = [&](const Error& error) {
    const std::lock_guard lock(failure_mutex);
    failure = error.message;
    failed = true;
  };
  const auto start = Clock::now();
  // Each caller asks again as soon as it has its answer.
  std::function<void(int)> ask = [&](int caller) {
    const Result<void> taken =
        client.Get(ProjectNumber(2), SecretRef{SecretNumber(caller % 10), {}}, {},
                   [&, caller](const Result<Secret>& secret) {
                     if (!secret) {
                       fail(secret.error());
                     }
                     ++gets;
                     if (SecondsSince(start) < seconds && !failed) {
                       ask(caller);
                     } else {
                       --running;
                     }
                   });
    if (!taken) {
      fail(taken.error());
      --running;
    }
  };
  for (int caller = 0; caller < kInFlight; ++caller) {
    ask(caller);
  }
  while (running > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (failed) {
    throw std::runtime_error("a get failed: " + failure);
  }
  std::printf("{\"gets_per_second\": %.1f}\n",
              static_cast<double>(gets.load()) / SecondsSince(start));
}

void PostgresReseal(const std::string& folder) {
  const StoreOptions options = OptionsFor(folder);
  Client client = Must(OpenStore(options));
  Client reader = Must(OpenStore(options));
  const auto get = [&] { Must(reader.Get(ProjectNumber(0), SecretNumber(1))); };
  std::vector<double> idle;
  for (int i = 0; i < 2000; ++i) {
    idle.push_back(Timed(get));
  }
  std::atomic<bool> ends{false};
  std::vector<double> during;
  const DekRotation rotation = Must(RotateDeks(client, {}));
  std::thread reading([&] {
    while (!ends) {
      during.push_back(Timed(get));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  const auto start = Clock::now();
  RunJobsOptions run;
  run.jobs = rotation.jobs;
  run.share_percent = 100;
  const JobsReport report = Must(RunJobs(client, run));
  const double seconds = SecondsSince(start);
  ends = true;
  reading.join();
  std::int64_t values = 0;
  for (const JobSummary& job : report.jobs) {
    values += job.kind == "reseal" ? job.done : 0;
  }
  std::printf("{\"values\": %lld, \"seconds\": %.6f, ", static_cast<long long>(values), seconds);
  PrintSeconds("idle", idle);
  std::printf(", ");
  PrintSeconds("during", during);
  std::printf("}\n");
}

}  // namespace rowseal::bench
