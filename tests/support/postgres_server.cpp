#include "support/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace rowseal::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kPatience = 60s;
constexpr const char* kSetpriv = "/usr/bin/setpriv";

// PostgreSQL refuses root, and PgBouncer too.
std::vector<std::string> AsServerUser(std::vector<std::string> command) {
  if (geteuid() == 0) {
    const std::vector<std::string> prefix = {kSetpriv, "--reuid=postgres", "--regid=postgres",
                                             "--init-groups"};
    command.insert(command.begin(), prefix.begin(), prefix.end());
  }
  return command;
}

// It ends when the test's process does, however that ends.
std::vector<std::string> EndingWithTest(std::vector<std::string> command,
                                        const std::string& signal) {
  command = AsServerUser(std::move(command));
  if (command.front() != kSetpriv) {
    command.insert(command.begin(), kSetpriv);
  }
  command.insert(command.begin() + 1, "--pdeathsig=" + signal);
  return command;
}

[[noreturn]] void Replace(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

pid_t StartInBackground(const std::vector<std::string>& command, const fs::path& log) {
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    Replace(command);
  }
  return child;
}

fs::path MakeFolder(const fs::path& parent) {
  std::string path = parent / "rowseal-server-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    throw std::runtime_error("no temporary folder in " + parent.string());
  }
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("there is no user postgres: install postgresql");
    }
  }
  return path;
}

// Free now; whoever takes it in between makes the start fail, which is then tried again.
int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  close(listener);
  return ntohs(address.sin_port);
}

// The newest of the distribution's.
fs::path InstalledBinFolder() {
  fs::path newest;
  int newest_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version > newest_version && fs::exists(entry.path() / "bin" / "initdb")) {
      newest_version = version;
      newest = entry.path() / "bin";
    }
  }
  if (newest.empty()) {
    throw std::runtime_error("there is no PostgreSQL server: install postgresql");
  }
  return newest;
}

// Another server may be asked for, which then may come without clients.
fs::path ServerBinFolder() {
  const char* instead = std::getenv("ROWSEAL_TEST_POSTGRES_BIN");
  return instead == nullptr ? InstalledBinFolder() : fs::path(instead);
}

bool HasEnded(pid_t process) { return waitpid(process, nullptr, WNOHANG) == process; }

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& command, const std::string& input) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(out[1], STDERR_FILENO);
    setenv("ROWSEAL_STATE", "none", 0);  // nothing of a test stays in the user's own folder
    Replace(command);
  }
  close(in[0]);
  close(out[1]);
  std::thread writer([&] {
    std::size_t written = 0;
    while (written < input.size()) {
      const ssize_t size = write(in[1], input.data() + written, input.size() - written);
      if (size <= 0) {
        break;
      }
      written += static_cast<std::size_t>(size);
    }
    close(in[1]);
  });
  ProgramResult result;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(out[0], buffer, sizeof(buffer))) > 0;) {
    result.output.append(buffer, static_cast<std::size_t>(size));
  }
  close(out[0]);
  writer.join();
  int status = 0;
  waitpid(child, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

PostgresServer& PostgresServer::Shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer(const Options& options)
    : folder_(MakeFolder(options.durable || access("/dev/shm", W_OK) != 0
                             ? fs::temp_directory_path()
                             : fs::path("/dev/shm"))),
      bin_(ServerBinFolder()),
      port_(FreePort()) {
  const std::string data = folder_ / "data";
  if (options.primary != nullptr) {
    Call({Program("pg_basebackup"), "-h", "127.0.0.1", "-p",
          std::to_string(options.primary->port()), "-U", "postgres", "-D", data, "-R", "-X",
          "stream", "-c", "fast"});
  } else {
    Call({Program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
          "--locale=C.UTF-8", "--no-sync"});
  }
  std::ofstream conf(fs::path(data) / "postgresql.conf", std::ios::app);
  conf << "\nlisten_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
       << folder_.string() << "'\nshared_buffers = 64MB\nmax_connections = 60\n"
       << "logging_collector = off\n";
  if (!options.durable) {
    conf << "fsync = off\n";
  }
  for (const std::string& line : options.settings) {
    conf << line << "\n";
  }
  conf.close();
  Start();
}

PostgresServer::~PostgresServer() {
  if (process_ > 0) {
    kill(process_, SIGQUIT);
    waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PostgresServer::Program(const std::string& name) const {
  return fs::exists(bin_ / name) ? bin_ / name : InstalledBinFolder() / name;
}

void PostgresServer::Call(const std::vector<std::string>& command) const {
  const ProgramResult result = RunProgram(AsServerUser(command));
  if (result.status != 0) {
    throw std::runtime_error(command.front() + ": " + result.output);
  }
}

void PostgresServer::Start() {
  process_ = StartInBackground(
      EndingWithTest({Program("postgres"), "-D", folder_ / "data"}, "QUIT"), folder_ / "log");
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (RunProgram({Program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", std::to_string(port_)})
             .status != 0) {
    if (HasEnded(process_) || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the server does not start: " + ReadLog());
    }
    std::this_thread::sleep_for(20ms);
  }
}

void PostgresServer::Stop(StopMode mode) {
  kill(process_, mode == StopMode::kFast ? SIGINT : SIGQUIT);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

void PostgresServer::Promote() {
  Call({Program("pg_ctl"), "promote", "-D", folder_ / "data", "-w"});
}

std::string PostgresServer::Url(const std::string& database, const std::string& user) const {
  return "postgres://" + user + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::ReadLog() const {
  std::ifstream file(folder_ / "log", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string PostgresServer::Run(const std::string& database, const std::string& sql,
                                const std::string& user) const {
  const ProgramResult result = RunProgram(
      {Program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", Url(database, user)}, sql);
  if (result.status != 0) {
    throw std::runtime_error("psql: " + result.output);
  }
  return result.output;
}

std::string PostgresServer::CreateDatabase(const std::string& name_template,
                                           const std::string& owner) {
  const std::string name = "test_" + std::to_string(++databases_);
  Run("postgres", "CREATE DATABASE " + name + " TEMPLATE " + name_template + " OWNER " + owner);
  return name;
}

void PostgresServer::DropDatabase(const std::string& name) const noexcept {
  RunProgram({Program("psql"), "-X", "-q", Url("postgres"), "-c",
              "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"});
}

PgBouncer::PgBouncer(const PostgresServer& server, const std::vector<std::string>& users,
                     int pool_size)
    : folder_(MakeFolder(fs::temp_directory_path())), port_(FreePort()) {
  std::ofstream known(folder_ / "users.txt");
  for (const std::string& user : users) {
    known << '"' << user << "\" \"\"\n";
  }
  known.close();
  std::ofstream conf(folder_ / "pgbouncer.ini");
  conf << "[databases]\n* = host=127.0.0.1 port=" << server.port()
       << "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
       << "\nunix_socket_dir = " << folder_.string()
       << "\nauth_type = trust\nauth_file = " << (folder_ / "users.txt").string()
       << "\npool_mode = transaction\ndefault_pool_size = " << pool_size
       << "\nmax_client_conn = 200\n";
  conf.close();
  process_ = StartInBackground(
      EndingWithTest({"/usr/sbin/pgbouncer", folder_ / "pgbouncer.ini"}, "KILL"), folder_ / "log");
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (RunProgram({"/usr/bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", std::to_string(port_)})
             .status != 0) {
    if (HasEnded(process_) || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("PgBouncer does not start");
    }
    std::this_thread::sleep_for(20ms);
  }
}

PgBouncer::~PgBouncer() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string PgBouncer::Url(const std::string& database, const std::string& user) const {
  return "postgres://" + user + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

}  // namespace rowseal::testing
