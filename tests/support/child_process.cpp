#include "support/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

[[noreturn]] void ThrowErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void* AsPointer(std::uintptr_t number) { return reinterpret_cast<void*>(number); }

// The name of a system call after which a killed process may leave something else than before it;
// nothing for the others.
std::optional<std::string> NameOfChange(const __ptrace_syscall_info& call) {
  switch (call.entry.nr) {
    case SYS_write:
      return "write";
    case SYS_pwrite64:
      return "pwrite";
    case SYS_ftruncate:
      return "ftruncate";
    case SYS_fallocate:
      return "fallocate";
    case SYS_fsync:
      return "fsync";
    case SYS_fdatasync:
      return "fdatasync";
    case SYS_linkat:
      return "linkat";
    case SYS_unlinkat:
      return "unlinkat";
    case SYS_fchmod:
      return "fchmod";
    case SYS_fchown:
      return "fchown";
    case SYS_openat:
      return (call.entry.args[2] & O_CREAT) != 0 ? std::optional("open") : std::nullopt;
    case SYS_fcntl:
      return call.entry.args[1] == F_SETLK ? std::optional("lock") : std::nullopt;
#ifdef SYS_link  // not on arm64
    case SYS_link:
      return "link";
    case SYS_unlink:
      return "unlink";
#endif
    default:
      return std::nullopt;
  }
}

}  // namespace

void Journal::Write(std::string_view line) const {
  const std::string text = std::string(line) + "\n";
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written) {
    ThrowErrno("journal");
  }
  close(file);
}

std::vector<std::string> Journal::Lines() const {
  std::vector<std::string> lines;
  if (!std::filesystem::exists(path_)) {
    return lines;
  }
  const std::string text = ReadFile(path_);
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

ChildProcess::ChildProcess(const std::function<void()>& work) {
  std::fflush(nullptr);  // or what is buffered would be written twice
  const pid_t parent = getpid();
  id_ = fork();
  if (id_ < 0) {
    ThrowErrno("fork");
  }
  if (id_ != 0) {
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);
  }
  int status = 0;
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child process: %s\n", error.what());
    status = 1;
  }
  std::fflush(nullptr);
  _exit(status);
}

ChildProcess::~ChildProcess() {
  if (id_ != 0) {
    Kill();
  }
}

bool ChildProcess::Kill() {
  kill(id_, SIGKILL);
  return Wait() == -SIGKILL;
}

int ChildProcess::Wait() {
  const int status = NextStatus();
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// Waits until the child has ended or, when it is traced, stopped.
int ChildProcess::NextStatus() {
  int status = 0;
  while (waitpid(id_, &status, 0) < 0) {
    if (errno != EINTR) {
      ThrowErrno("waitpid");
    }
  }
  if (!WIFSTOPPED(status)) {
    id_ = 0;
  }
  return status;
}

bool ChildProcess::Await(const std::function<bool()>& condition) const {
  while (!condition()) {
    siginfo_t ended{};
    const bool failed =
        waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0;
    if (failed || ended.si_pid != 0) {
      return condition();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

StartLine::StartLine() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    ThrowErrno("pipe");
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
}

StartLine::~StartLine() {
  Open();
  close(read_end_);
}

void StartLine::Cross() const {
  close(write_end_);
  char nothing = 0;
  while (read(read_end_, &nothing, 1) < 0 && errno == EINTR) {
  }
}

void StartLine::Open() {
  if (write_end_ >= 0) {
    close(std::exchange(write_end_, -1));
  }
}

std::optional<std::string> KillBeforeSystemCall(
    std::size_t number, const std::function<void(const std::function<void()>& begin)>& work) {
  ChildProcess child([&] {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
      ThrowErrno("ptrace");
    }
    work([] { raise(SIGSTOP); });
  });
  int status = child.NextStatus();
  if (!WIFSTOPPED(status)) {
    throw std::runtime_error("the work ended before it began");
  }
  const std::uintptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, child.id_, nullptr, AsPointer(options)) != 0) {
    ThrowErrno("ptrace");
  }
  for (std::size_t seen = 0;;) {
    const int stopped_by = WSTOPSIG(status);
    const bool pass_on = stopped_by != SIGSTOP && stopped_by != (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, child.id_, nullptr, AsPointer(pass_on ? stopped_by : 0));
    status = child.NextStatus();
    if (!WIFSTOPPED(status)) {
      if (status != 0) {
        throw std::runtime_error("the work failed");
      }
      return std::nullopt;
    }
    __ptrace_syscall_info call{};
    if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
        ptrace(PTRACE_GET_SYSCALL_INFO, child.id_, AsPointer(sizeof(call)), &call) <= 0 ||
        call.op != PTRACE_SYSCALL_INFO_ENTRY) {
      continue;
    }
    if (std::optional<std::string> name = NameOfChange(call); name && seen++ == number) {
      child.Kill();
      return name;
    }
  }
}

bool CanStopAtSystemCalls() {
  try {
    KillBeforeSystemCall(0, [](const std::function<void()>& begin) { begin(); });
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace rowseal::testing
