// Row `cli-get`: from the start of the process to its end, as its parent sees it.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "measures.h"

extern char** environ;

namespace rowseal::bench {
namespace {

// Runs a program with its standard output in /dev/null and returns the seconds it took.
double Time(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int status = 0;
  const auto start = Clock::now();
  const bool ran = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ) == 0 &&
                   waitpid(child, &status, 0) == child;
  const double seconds = SecondsSince(start);
  posix_spawn_file_actions_destroy(&actions);
  if (!ran || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(arguments[0] + " failed");
  }
  return seconds;
}

}  // namespace

void RunGet(const std::string& program, const std::string& folder, int rounds) {
  const std::vector<std::string> get = {program,
                                        "--store",
                                        "sqlite:" + folder + "/secrets.db",
                                        "--root",
                                        "file:" + folder + "/root.key",
                                        "secret",
                                        "get",
                                        "project-0",
                                        "secret-0"};
  std::vector<double> gets;
  std::vector<double> nothing;
  for (int round = 0; round < rounds; ++round) {
    gets.push_back(Time(get));
    nothing.push_back(Time({"/bin/true"}));
  }
  std::printf("{");
  PrintSeconds("get", gets);
  std::printf(", ");
  PrintSeconds("nothing", nothing);
  std::printf("}\n");
}

}  // namespace rowseal::bench
