#include "jobs/lease_owner.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"

namespace rowseal {
namespace {

constexpr std::size_t kParts = 5;  // boot, namespace, pid, start time, random

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// A pid means something only within its boot and its pid namespace.
std::string PidNamespace() {
  struct stat status {};
  return stat("/proc/self/ns/pid", &status) == 0 ? std::to_string(status.st_ino) : std::string();
}

// Field `number` of /proc/PID/stat (proc(5)), from 3: they are counted behind the name, which may
// hold anything.
std::string StatField(const std::string& pid, int number) {
  const std::string line = FirstLine("/proc/" + pid + "/stat");
  std::size_t at = line.rfind(')');
  for (int field = 2; at != std::string::npos && field < number; ++field) {
    at = line.find(' ', at + 1);
  }
  return at == std::string::npos ? std::string()
                                 : line.substr(at + 1, line.find(' ', at + 1) - at - 1);
}

// In clock ticks since boot: a pid that is used again has another.
std::string StartTime(const std::string& pid) { return StatField(pid, 22); }

// It has ended, and its parent has not asked for its status yet.
bool IsZombie(const std::string& pid) { return StatField(pid, 3) == "Z"; }

bool ProcessIsGone(const std::string& pid_text) {
  pid_t pid = 0;
  const char* const end = pid_text.data() + pid_text.size();
  const auto read = std::from_chars(pid_text.data(), end, pid);
  return read.ec == std::errc() && read.ptr == end && pid > 0 && kill(pid, 0) != 0 &&
         errno == ESRCH;
}

}  // namespace

Result<std::string> NewLeaseOwner() {
  std::array<std::uint8_t, 8> random{};
  ROWSEAL_TRY(FillRandom(random));
  const std::string pid = std::to_string(getpid());
  return FirstLine("/proc/sys/kernel/random/boot_id") + "/" + PidNamespace() + "/" + pid + "/" +
         StartTime(pid) + "/" + ToHex(random);
}

bool LeaseOwnerIsDead(std::string_view owner) {
  const std::vector<std::string_view> parts = Split(owner, "/");
  const std::string boot = FirstLine("/proc/sys/kernel/random/boot_id");
  const std::string pids = PidNamespace();
  const bool is_of_this_machine = parts.size() == kParts && !boot.empty() && !pids.empty() &&
                                  parts[0] == boot && parts[1] == pids;
  if (!is_of_this_machine) {
    return false;
  }
  const std::string pid(parts[2]);
  const std::string now_started = StartTime(pid);
  const bool was_replaced = !now_started.empty() && now_started != parts[3];
  return was_replaced || IsZombie(pid) || ProcessIsGone(pid);
}

}  // namespace rowseal
