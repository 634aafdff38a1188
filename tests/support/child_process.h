#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rowseal::testing {

/// Journal is a file of lines that outlives whoever wrote them: what was written before a process
/// was killed stands there. Every process opens it for itself.
class Journal final {
 public:
  explicit Journal(std::string path) : path_(std::move(path)) {}

  /// Write appends `line` (without line ends) in one system call.
  void Write(std::string_view line) const;

  /// Lines are the whole lines; one that a kill cut short was not written.
  std::vector<std::string> Lines() const;

 private:
  std::string path_;
};

/// ChildProcess is a process forked from the test, which runs `work` and then leaves without
/// destructors. `work` may replace it by another program. An exception of `work` ends it with
/// status 1, and its text is on stderr. It is killed with the object, and with the test.
///
/// SQLite knows nothing of forks: the test must hold no connection to a store that `work` opens.
class ChildProcess final {
 public:
  explicit ChildProcess(const std::function<void()>& work);
  ChildProcess(ChildProcess&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  /// Kill sends SIGKILL; true when it was still running and died of it.
  bool Kill();

  /// Wait gives the exit status, or minus the number of the signal that it died of.
  int Wait();

  /// Await waits until `condition` holds or the child has ended; true when it holds.
  bool Await(const std::function<bool()>& condition) const;

 private:
  friend std::optional<std::string> KillBeforeSystemCall(
      std::size_t number, const std::function<void(const std::function<void()>& begin)>& work);
  int NextStatus();

  pid_t id_ = 0;  // 0: it has ended, and the system has forgotten it
};

/// StartLine holds processes back until all are there.
class StartLine final {
 public:
  StartLine();
  StartLine(const StartLine&) = delete;
  StartLine& operator=(const StartLine&) = delete;
  ~StartLine();

  /// Cross, in a child, returns when the test has opened the line.
  void Cross() const;
  void Open();

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

/// KillBeforeSystemCall runs `work` in a process and kills it before the `number`-th system call
/// (the first is 0) that changes a file, a folder or a lock. `work` calls the function that it is
/// given where counting is to begin. Returns the name of that call; nothing when `work` ended
/// before. Throws when `work` failed by itself.
std::optional<std::string> KillBeforeSystemCall(
    std::size_t number, const std::function<void(const std::function<void()>& begin)>& work);

/// CanStopAtSystemCalls tells whether this machine lets a process trace its children; some
/// containers do not.
bool CanStopAtSystemCalls();

}  // namespace rowseal::testing
