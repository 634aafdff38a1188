// Measures one thing for each call and prints it as JSON. scripts/bench.sh calls it for every row
// of the table; the yardsticks stand in bare_openssl.cpp and node_envelope.mjs.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "measures.h"

namespace rowseal::bench {
namespace {

constexpr const char* kUsage =
    "usage: rowseal_bench sealing [--benchmark_…]    seal, open and threads (Google Benchmark)\n"
    "       rowseal_bench context\n"
    "       rowseal_bench fill FOLDER PROJECTS SECRETS\n"
    "       rowseal_bench kek-rotate FOLDER ROUNDS\n"
    "       rowseal_bench reseal FOLDER\n"
    "       rowseal_bench get-put FOLDER ROUNDS\n"
    "       rowseal_bench pg-calls FOLDER ROUNDS     these two with ROWSEAL_BENCH_STORE\n"
    "       rowseal_bench pg-concurrent FOLDER SECONDS\n"
    "       rowseal_bench migrate FOLDER value|move ROWS\n"
    "       rowseal_bench pg-reseal FOLDER\n"
    "       rowseal_bench cli-get PROGRAM FOLDER ROUNDS\n";

int RunSealing(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

int Run(int argc, char** argv) {
  const std::string_view measure = argc > 1 ? argv[1] : "";
  if (measure == "sealing") {
    return RunSealing(argc - 1, argv + 1);
  }
  if (measure == "context" && argc == 2) {
    PrintContext();
  } else if (measure == "fill" && argc == 5) {
    FillStore(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  } else if (measure == "kek-rotate" && argc == 4) {
    RotateKeks(argv[2], std::atoi(argv[3]));
  } else if (measure == "reseal" && argc == 3) {
    ResealAll(argv[2]);
  } else if (measure == "get-put" && argc == 4) {
    GetAndPut(argv[2], std::atoi(argv[3]));
  } else if (measure == "pg-calls" && argc == 4) {
    PostgresCalls(argv[2], std::atoi(argv[3]));
  } else if (measure == "pg-concurrent" && argc == 4) {
    PostgresConcurrent(argv[2], std::atof(argv[3]));
  } else if (measure == "migrate" && argc == 5) {
    MigrateRows(argv[2], argv[3], std::atoi(argv[4]));
  } else if (measure == "pg-reseal" && argc == 3) {
    PostgresReseal(argv[2]);
  } else if (measure == "cli-get" && argc == 5) {
    RunGet(argv[2], argv[3], std::atoi(argv[4]));
  } else {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace rowseal::bench

int main(int argc, char** argv) {
  try {
    return rowseal::bench::Run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "rowseal_bench: %s\n", failure.what());
    return 1;
  }
}
