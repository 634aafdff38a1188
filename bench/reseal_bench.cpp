// Rows `reseal`: how fast a DEK rotation seals every value again, and what readers feel of it.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>

#include <rowseal/rowseal.h>

#include "measures.h"
#include "stores.h"

namespace rowseal::bench {
namespace {

constexpr int kBatch = 1024;  // the most that a job takes at once

class Sqlite final {
 public:
  explicit Sqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) {
      throw std::runtime_error("cannot open " + path);
    }
    Run("PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL");
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  ~Sqlite() {
    for (sqlite3_stmt* statement : statements_) {
      sqlite3_finalize(statement);
    }
    sqlite3_close(database_);
  }
  void Run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_));
    }
  }
  sqlite3_stmt* Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sqlite3_errmsg(database_));
    }
    return statements_.emplace_back(statement);
  }

 private:
  sqlite3* database_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

struct BareRow {
  std::string project, secret, dek, nonce, data;
  std::int64_t version = 0;
};

std::string TextOf(sqlite3_stmt* row, int column) {
  const void* bytes = sqlite3_column_blob(row, column);
  return std::string(static_cast<const char*>(bytes),
                     static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
}

void BindText(sqlite3_stmt* statement, int number, const std::string& text) {
  sqlite3_bind_text64(statement, number, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void BindBlob(sqlite3_stmt* statement, int number, const std::string& bytes) {
  sqlite3_bind_blob64(statement, number, bytes.data(), bytes.size(), SQLITE_STATIC);
}

void StepOnce(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) {
    throw std::runtime_error("a bare statement failed");
  }
  sqlite3_reset(statement);
}

// The yardstick: the same rows read with their keys, and as many bytes written back to the same
// columns with as many bytes for the MAC, in transactions of the same size; nothing is opened or
// sealed. The DEK stays, so that one index entry is changed less.
double BareReseal(const std::string& folder) {
  Sqlite store(folder + "/secrets.db");
  sqlite3_stmt* const read = store.Prepare(
      "SELECT v.project_id, v.secret_id, v.version, v.dek_id, v.nonce, v.encrypted_data, s.name,"
      " s.kind, d.check_value, d.wrapped_key, d.row_tag, k.revision, k.row_tag"
      " FROM secret_version v JOIN secret s ON s.project_id = v.project_id AND s.id = v.secret_id"
      " JOIN dek d ON d.project_id = v.project_id AND d.id = v.dek_id JOIN kek k ON k.id = d.kek_id"
      " WHERE (v.project_id, v.secret_id, v.version) > (?1, ?2, ?3)"
      " ORDER BY v.project_id, v.secret_id, v.version LIMIT ?4");
  sqlite3_stmt* const update = store.Prepare(
      "UPDATE secret_version SET dek_id = ?4, nonce = ?5, encrypted_data = ?6, expires_at = NULL"
      " WHERE project_id = ?1 AND secret_id = ?2 AND version = ?3 AND nonce = ?7");
  sqlite3_stmt* const item = store.Prepare(
      "UPDATE version_mac SET write_count = write_count + 1, mac = randomblob(40)"
      " WHERE project_id = ?1 AND secret_id = ?2 AND version = ?3");
  BareRow last;
  std::string other_nonce(24, 'x');
  const auto start = Clock::now();
  while (true) {
    std::vector<BareRow> rows;
    BindText(read, 1, last.project);
    BindText(read, 2, last.secret);
    sqlite3_bind_int64(read, 3, last.version);
    sqlite3_bind_int64(read, 4, kBatch);
    while (sqlite3_step(read) == SQLITE_ROW) {
      rows.push_back({TextOf(read, 0), TextOf(read, 1), TextOf(read, 3), TextOf(read, 4),
                      TextOf(read, 5), sqlite3_column_int64(read, 2)});
    }
    sqlite3_reset(read);
    if (rows.empty()) {
      return SecondsSince(start);
    }
    store.Run("BEGIN IMMEDIATE");
    for (const BareRow& row : rows) {
      BindText(update, 1, row.project);
      BindText(update, 2, row.secret);
      sqlite3_bind_int64(update, 3, row.version);
      BindText(update, 4, row.dek);
      BindBlob(update, 5, other_nonce);
      BindBlob(update, 6, row.data);
      BindBlob(update, 7, row.nonce);
      StepOnce(update);
      BindText(item, 1, row.project);
      BindText(item, 2, row.secret);
      sqlite3_bind_int64(item, 3, row.version);
      StepOnce(item);
    }
    store.Run("COMMIT");
    last = rows.back();
  }
}

struct Resealed {
  double seconds = 0;
  std::int64_t values = 0;
};

// Rotates all DEKs, then times the job that seals again.
Resealed Reseal(Client& client, int share_percent) {
  RunJobsOptions options;
  options.share_percent = share_percent;
  Clock::time_point start;
  bool started = false;
  options.jobs = Must(RotateDeks(client, {})).jobs;
  options.on_progress = [&](const JobSummary& job) {
    if (job.kind != "reseal") {
      start = Clock::now();
    }
    started = started || job.kind == "reseal";
    return true;
  };
  const JobsReport report = Must(RunJobs(client, options));
  const double seconds = SecondsSince(start);
  if (report.failed != 0 || !started) {
    throw std::runtime_error("a value was not sealed again");
  }
  for (const JobSummary& job : report.jobs) {
    if (job.kind == "reseal") {
      return {seconds, job.done};
    }
  }
  throw std::runtime_error("nothing was sealed again");
}

// Seconds of single gets by another client, as long as `go_on` says, about two hundred a second.
std::vector<double> TimeGets(const std::string& folder, const std::atomic<bool>& go_on) {
  Client client = Must(OpenStore(OptionsFor(folder)));
  std::vector<double> seconds;
  while (go_on) {
    const auto start = Clock::now();
    Must(client.Get(ProjectNumber(0), SecretNumber(0)));
    seconds.push_back(SecondsSince(start));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return seconds;
}

}  // namespace

void ResealAll(const std::string& folder) {
  Resealed ours;
  {
    Client client = Must(OpenStore(OptionsFor(folder)));
    ours = Reseal(client, 100);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);

  std::vector<double> idle;
  std::vector<double> during;
  {
    std::atomic<bool> go_on{true};
    std::thread gets([&] { idle = TimeGets(folder, go_on); });
    std::this_thread::sleep_for(std::chrono::seconds(2));
    go_on = false;
    gets.join();
  }
  {
    std::atomic<bool> go_on{true};
    std::thread gets([&] { during = TimeGets(folder, go_on); });
    Client client = Must(OpenStore(OptionsFor(folder)));
    Reseal(client, RunJobsOptions().share_percent);
    go_on = false;
    gets.join();
  }
  const double bare = BareReseal(folder);  // last: what it writes does not open
  std::printf("{\"values\": %lld, \"seconds\": %.6f, \"bare_seconds\": %.6f, \"memory_kib\": %ld, ",
              static_cast<long long>(ours.values), ours.seconds, bare, usage.ru_maxrss);
  PrintSeconds("idle", idle);
  std::printf(", ");
  PrintSeconds("during", during);
  std::printf("}\n");
}

}  // namespace rowseal::bench
