#include "support/process_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace rowseal::testing {
namespace {

struct Mapping {
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
  bool is_writable = false;
  bool is_guarded = false;
};

// smaps has a line of addresses for each mapping, then its fields; `dd` among VmFlags says that it
// is not in core files.
std::vector<Mapping> Mappings() {
  std::vector<Mapping> mappings;
  std::ifstream smaps("/proc/self/smaps");
  for (std::string line; std::getline(smaps, line);) {
    if (line.starts_with("VmFlags:")) {
      mappings.back().is_guarded = line.find(" dd") != std::string::npos;
      continue;
    }
    Mapping mapping;
    char dash = 0;
    std::string mode;
    std::istringstream fields(line);
    if (fields >> std::hex >> mapping.from >> dash >> mapping.to >> mode && dash == '-') {
      mapping.is_writable = mode.starts_with("rw");
      mappings.push_back(mapping);
    }
  }
  return mappings;
}

}  // namespace

std::size_t CountInMemory(ByteView inverted, Searched searched) {
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::size_t count = 0;
  for (const Mapping& mapping : Mappings()) {
    if (!mapping.is_writable || (searched == Searched::kPlain && mapping.is_guarded)) {
      continue;
    }
    const std::size_t size = mapping.to - mapping.from;
    // The copy is of pages of its own, made after the mappings were listed: it is not searched.
    void* const pages =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
      continue;
    }
    const auto* const copy = static_cast<const std::uint8_t*>(pages);
    const ssize_t got = pread(memory, pages, size, static_cast<off_t>(mapping.from));
    const std::uint8_t* const end = copy + std::max<ssize_t>(got, 0);
    const auto is_inverse = [](std::uint8_t a, std::uint8_t b) {
      return a == static_cast<std::uint8_t>(~b);
    };
    for (const std::uint8_t* at = copy;
         (at = std::search(at, end, inverted.begin(), inverted.end(), is_inverse)) != end; ++at) {
      ++count;
    }
    munmap(pages, size);
  }
  close(memory);
  return count;
}

}  // namespace rowseal::testing
