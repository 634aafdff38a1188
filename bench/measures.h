#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace rowseal::bench {

/// Each measure prints one JSON object to stdout and throws std::runtime_error when it cannot
/// measure; bench/report.py makes the table of them.

/// PrintContext prints the context of the sealed secret in hexadecimal, for the node:crypto
/// yardstick.
void PrintContext();

/// FillStore makes a store with `secrets` secrets of 64 bytes spread over `projects` projects, in
/// `folder`, through the library.
void FillStore(const std::string& folder, int projects, int secrets);

/// RotateKeks times `rounds` KEK rotations of the store in `folder`.
void RotateKeks(const std::string& folder, int rounds);

/// ResealAll rotates every DEK of the store in `folder` and times the reseal, and beside it bare
/// SQL that reads and writes as many bytes; then gets, idle and during a reseal. What the store
/// holds does not open afterwards.
void ResealAll(const std::string& folder);

/// GetAndPut times single gets and puts on the store in `folder`, one thread.
void GetAndPut(const std::string& folder, int rounds);

/// PostgresCalls times single gets and puts on PostgreSQL, and beside each the same statement sent
/// by bare libpq with opaque bytes of the same sizes.
void PostgresCalls(const std::string& folder, int rounds);

/// PostgresConcurrent counts gets a second with 64 in flight over 8 connections, shared where they
/// wait together.
void PostgresConcurrent(const std::string& folder, double seconds);

/// PostgresReseal rotates every DEK and times the reseal on PostgreSQL, with gets idle and beside
/// it.
void PostgresReseal(const std::string& folder);

/// RunGet times the whole process `program secret get …` on the store in `folder`, and beside it
/// the same start of a program that does nothing.
void RunGet(const std::string& program, const std::string& folder, int rounds);

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start);

/// PrintSeconds prints `"name": [seconds, …]`.
void PrintSeconds(std::string_view name, const std::vector<double>& seconds);

/// MigrateRows makes a table of the app's beside the store on the server, migrates its column by
/// `mode` (`value` or `move`), and does the same work by bare SQL.
void MigrateRows(const std::string& folder, const std::string& mode, int rows);

}  // namespace rowseal::bench
