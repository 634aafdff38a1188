#include "roots/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "base/encoding.h"

extern char** environ;

namespace rowseal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxInput = 4096;  // a pipe takes 64 KiB
constexpr std::chrono::milliseconds kLookAgain{1};

class Descriptor final {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  void Close() {
    if (number_ >= 0) {
      close(std::exchange(number_, -1));
    }
  }
  int number() const { return number_; }
  int* place() { return &number_; }

 private:
  int number_;
};

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;

  // Both ends are above the standard streams, where a spawned program's are put.
  bool Open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      return false;
    }
    *read_end.place() = ends[0];
    *write_end.place() = ends[1];
    for (Descriptor* end : {&read_end, &write_end}) {
      if (end->number() <= STDERR_FILENO) {
        const int moved = fcntl(end->number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        end->Close();
        *end->place() = moved;
      }
    }
    return read_end.number() >= 0 && write_end.number() >= 0;
  }
};

struct FileActions {
  posix_spawn_file_actions_t actions{};
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

struct Attributes {
  posix_spawnattr_t attributes{};
  Attributes() { posix_spawnattr_init(&attributes); }
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

// What a program of somebody else's has no business with.
std::vector<char*> Environment() {
  std::vector<char*> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    const bool is_key =
        equals != std::string_view::npos && text.substr(equals + 1).starts_with("rsroot1");
    if (!text.starts_with("ROWSEAL_") && !is_key) {
      kept.push_back(*entry);
    }
  }
  kept.push_back(nullptr);
  return kept;
}

// A program that runs, with its process group; nothing of it outlives this object.
class Running final {
 public:
  explicit Running(pid_t id) : id_(id) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    kill(-id_, SIGKILL);
    if (!ended_) {
      while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  // The exit status, once it has ended; -1 when the deadline is over first.
  int Wait(Clock::time_point deadline) {
    while (true) {
      int status = 0;
      const pid_t done = waitpid(id_, &status, WNOHANG);
      if (done == id_) {
        ended_ = true;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      if ((done < 0 && errno != EINTR) || Clock::now() >= deadline) {
        ended_ = done < 0;  // somebody else of this process took its status
        return -1;
      }
      std::this_thread::sleep_for(kLookAgain);
    }
  }

 private:
  const pid_t id_;
  bool ended_ = false;
};

tl::unexpected<Error> Failure(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kUnavailable, "program '" + Printable(path) + "' " + why,
              "look at what it wrote to stderr, then retry");
}

Result<pid_t> Spawn(const std::string& path, const Pipe& input, const Pipe& output) {
  FileActions files;
  Attributes how;
  posix_spawn_file_actions_adddup2(&files.actions, input.read_end.number(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files.actions, output.write_end.number(), STDOUT_FILENO);
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawnattr_setflags(&how.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&how.attributes, 0);
  posix_spawnattr_setsigmask(&how.attributes, &none);
  posix_spawnattr_setsigdefault(&how.attributes, &usual);
  std::vector<char> name(path.begin(), path.end());
  name.push_back('\0');
  std::array<char*, 2> arguments = {name.data(), nullptr};
  std::vector<char*> environment = Environment();
  pid_t id = 0;
  const int failed = posix_spawn(&id, path.c_str(), &files.actions, &how.attributes,
                                 arguments.data(), environment.data());
  if (failed != 0) {
    return Failure(path, std::string("does not start: ") + std::strerror(failed));
  }
  return id;
}

// Reads until the end of the output.
Result<SecretBytes> ReadOutput(const std::string& path, int from, const ProgramLimits& limits,
                               Clock::time_point deadline) {
  ROWSEAL_ASSIGN(SecretBuffer output, SecretBuffer::Create(limits.output_bytes + 1));
  std::size_t size = 0;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{from, POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(left));
    if (ready == 0) {
      return Failure(path,
                     "did not answer within " + std::to_string(limits.deadline.count()) + " ms");
    }
    const std::span<std::uint8_t> room = output.Writable().subspan(size);
    const ssize_t got = ready < 0 ? -1 : read(from, room.data(), room.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Failure(path, std::string("cannot be read: ") + std::strerror(errno));
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
    if (size > limits.output_bytes) {
      return Failure(path, "wrote more than " + std::to_string(limits.output_bytes) + " bytes");
    }
  }
  output.SetSize(size);
  return std::move(output).Take();
}

}  // namespace

Result<ProgramOutcome> RunProgram(const std::string& path, ByteView input,
                                  const ProgramLimits& limits) {
  if (input.size() > kMaxInput) {
    return Fail(ErrorCode::kInvalidArgument, "a program is given at most 4,096 bytes");
  }
  const Clock::time_point deadline = Clock::now() + limits.deadline;
  Pipe to_program;
  Pipe from_program;
  if (!to_program.Open() || !from_program.Open()) {
    return Fail(ErrorCode::kResourceExhausted,
                std::string("no pipe can be made: ") + std::strerror(errno),
                "raise the limit of open files (ulimit -n)");
  }
  if (write(to_program.write_end.number(), input.data(), input.size()) !=
      static_cast<ssize_t>(input.size())) {
    return Failure(path, "cannot be given its input");
  }
  to_program.write_end.Close();
  ROWSEAL_ASSIGN(const pid_t id, Spawn(path, to_program, from_program));
  Running running(id);
  to_program.read_end.Close();
  from_program.write_end.Close();
  ROWSEAL_ASSIGN(SecretBytes output,
                 ReadOutput(path, from_program.read_end.number(), limits, deadline));
  const int status = running.Wait(deadline);
  if (status < 0) {
    return Failure(path, "did not end within " + std::to_string(limits.deadline.count()) + " ms");
  }
  return ProgramOutcome{std::move(output), status};
}

}  // namespace rowseal
