// Writes, for each test, its outcome, its time and the numbers of the faults that it reached.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

namespace {

class TraceListener final : public testing::EmptyTestEventListener {
 public:
  explicit TraceListener(const char* path) : log_(std::string(path) + ".log", std::ios::app) {
    const int file = open(path, O_RDWR | O_CLOEXEC);
    struct stat status {};
    if (file >= 0 && fstat(file, &status) == 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      bytes_ = static_cast<unsigned char*>(
          mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
      close(file);
    }
  }

  void OnTestStart(const testing::TestInfo&) override { std::memset(bytes_, 0, size_); }

  void OnTestEnd(const testing::TestInfo& test) override {
    log_ << test.test_suite_name() << '.' << test.name() << ' '
         << (test.result()->Passed()    ? "passed"
             : test.result()->Skipped() ? "skipped"
                                        : "failed")
         << ' ' << test.result()->elapsed_time();
    for (std::size_t id = 0; id < size_; ++id) {
      if (bytes_[id] != 0) {
        log_ << ' ' << id;
      }
    }
    log_ << std::endl;
  }

 private:
  std::ofstream log_;
  unsigned char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

const bool kListens = [] {
  if (const char* path = std::getenv("ROWSEAL_FAULT_TRACE")) {
    testing::UnitTest::GetInstance()->listeners().Append(new TraceListener(path));
  }
  return true;
}();

}  // namespace
