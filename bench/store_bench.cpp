// Rows `kek-rotate`, `get` and `put`: the library on a SQLite store.

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <rowseal/rowseal.h>

#include "client/client_inside.h"
#include "measures.h"
#include "stores.h"

namespace rowseal::bench {
namespace {

constexpr std::size_t kValueSize = 64;
constexpr int kItemsInBatch = 1000;
constexpr int kBatchesInTransaction = 200;  // filling is not measured: it may commit seldom

std::vector<PutItem> Items(int first, int count, ByteView value) {
  std::vector<PutItem> items;
  for (int i = 0; i < count; ++i) {
    items.push_back({SecretNumber(first + i), value, {}, {}, PutRule::kCreateOnly});
  }
  return items;
}

void CheckAllStored(const std::vector<Result<StoredSecret>>& outcomes) {
  for (const Result<StoredSecret>& outcome : outcomes) {
    if (!outcome) {
      throw std::runtime_error(outcome.error().message);
    }
  }
}

// Commits every kBatchesInTransaction batches.
class Filler final {
 public:
  explicit Filler(Client& client) : client_(client) { Begin(); }

  void Put(const ProjectId& project, const std::vector<PutItem>& items) {
    CheckAllStored(Must(client_.PutBatch(project, items, Batch::kAllOrNone)));
    if (++batches_ % kBatchesInTransaction == 0) {
      Must(ClientInside::ConnectionOf(client_).Commit());
      Begin();
    }
  }

  void Finish() { Must(ClientInside::ConnectionOf(client_).Commit()); }

 private:
  void Begin() { Must(ClientInside::ConnectionOf(client_).Begin(TransactionKind::kWrite)); }
  Client& client_;
  int batches_ = 0;
};

}  // namespace

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void PrintSeconds(std::string_view name, const std::vector<double>& seconds) {
  std::printf("\"%.*s\": [", static_cast<int>(name.size()), name.data());
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    std::printf("%s%.9f", i == 0 ? "" : ", ", seconds[i]);
  }
  std::printf("]");
}

void FillStore(const std::string& folder, int projects, int secrets) {
  const auto start = Clock::now();
  const StoreOptions options = OptionsFor(folder);
  Must(InitStore(options));
  Client client = Must(OpenStore(options));
  const std::array<std::uint8_t, kValueSize> value{};
  Filler filler(client);
  const int each = secrets / projects;
  for (int project = 0; project < projects; ++project) {
    const ProjectId id = ProjectNumber(project);
    for (int first = 0; first < each; first += kItemsInBatch) {
      filler.Put(id, Items(first, std::min(kItemsInBatch, each - first), value));
    }
  }
  filler.Finish();
  std::printf("{\"projects\": %d, \"secrets\": %d, \"seconds\": %.3f}\n", projects, projects * each,
              SecondsSince(start));
}

void RotateKeks(const std::string& folder, int rounds) {
  Client client = Must(OpenStore(OptionsFor(folder)));
  std::vector<double> seconds;
  std::int64_t rewrapped = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    const RotationReport report = Must(RotateKek(client));
    std::int64_t failed = static_cast<std::int64_t>(report.failures.size());
    rewrapped = report.rewrapped;
    if (report.job) {
      RunJobsOptions run;
      run.jobs = {*report.job};
      run.share_percent = 100;
      const JobsReport jobs = Must(RunJobs(client, run));
      failed += jobs.failed;
      rewrapped += jobs.jobs.front().done;
    }
    seconds.push_back(SecondsSince(start));
    if (failed != 0) {
      throw std::runtime_error("a DEK was not rewrapped");
    }
  }
  std::printf("{\"rewrapped\": %lld, ", static_cast<long long>(rewrapped));
  PrintSeconds("seconds", seconds);
  std::printf("}\n");
}

void GetAndPut(const std::string& folder, int rounds) {
  Client client = Must(OpenStore(OptionsFor(folder)));
  const ProjectId project = ProjectNumber(0);
  const std::array<std::uint8_t, kValueSize> value{};
  std::vector<double> gets;
  std::vector<double> puts;
  for (int round = 0; round < rounds; ++round) {
    const PutItem item{SecretNumber(0), value, {}, {}, PutRule::kCreateOrAddVersion};
    const auto put_start = Clock::now();
    Must(client.Put(project, item));
    puts.push_back(SecondsSince(put_start));
    const auto get_start = Clock::now();
    Must(client.Get(project, SecretNumber(0)));
    gets.push_back(SecondsSince(get_start));
  }
  std::printf("{");
  PrintSeconds("get", gets);
  std::printf(", ");
  PrintSeconds("put", puts);
  std::printf("}\n");
}

}  // namespace rowseal::bench
