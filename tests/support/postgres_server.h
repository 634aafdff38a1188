#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rowseal::testing {

/// PostgresServer is a real server of a test's own, on loopback at a free port, with its data in a
/// temporary folder; it ends with the object, and at the latest with the test's process. The server
/// runs as user `postgres` where the test runs as root, because PostgreSQL refuses root.
/// Its programs are those in the folder that ROWSEAL_TEST_POSTGRES_BIN names, else the newest that
/// are installed.
class PostgresServer final {
 public:
  struct Options {
    std::vector<std::string> settings;  ///< lines of postgresql.conf
    bool durable = false;               ///< flush to the disk: for tests that crash the machine
    const PostgresServer* primary = nullptr;  ///< a standby of that server, by streaming
  };

  PostgresServer() : PostgresServer(Options{}) {}
  explicit PostgresServer(const Options& options);
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  /// Shared is one server for the whole test program, started at its first use.
  static PostgresServer& Shared();

  enum class StopMode { kFast, kImmediate };
  void Start();
  void Stop(StopMode mode);
  /// Promote makes a standby the server that takes writes.
  void Promote();

  int port() const noexcept { return port_; }
  std::string Url(const std::string& database, const std::string& user = "postgres") const;
  /// ReadLog gives what the server logged so far.
  std::string ReadLog() const;
  const std::filesystem::path& folder() const noexcept { return folder_; }

  /// Run runs SQL with psql and returns what it printed, one line a row; it ends the test when the
  /// SQL fails.
  std::string Run(const std::string& database, const std::string& sql,
                  const std::string& user = "postgres") const;

  /// CreateDatabase makes an empty database or a copy of another, and returns its name.
  std::string CreateDatabase(const std::string& name_template = "template0",
                             const std::string& owner = "postgres");

  /// DropDatabase ends its sessions and removes it.
  void DropDatabase(const std::string& name) const noexcept;

 private:
  std::string Program(const std::string& name) const;
  void Call(const std::vector<std::string>& command) const;

  std::filesystem::path folder_;
  std::filesystem::path bin_;
  int port_ = 0;
  int databases_ = 0;
  pid_t process_ = -1;
};

/// PgBouncer is Debian's pooler in transaction mode before a server.
class PgBouncer final {
 public:
  /// Whoever is named may connect without a password.
  PgBouncer(const PostgresServer& server, const std::vector<std::string>& users, int pool_size = 5);
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;
  ~PgBouncer();
  std::string Url(const std::string& database, const std::string& user) const;

 private:
  std::filesystem::path folder_;
  int port_ = 0;
  pid_t process_ = -1;
};

/// ProgramResult is a program's exit status (-1: a signal) and what it printed on both outputs.
struct ProgramResult {
  int status = 0;
  std::string output;
};

/// RunProgram runs a program to its end with `input` on its standard input.
ProgramResult RunProgram(const std::vector<std::string>& command, const std::string& input = {});

}  // namespace rowseal::testing
