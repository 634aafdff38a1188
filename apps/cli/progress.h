#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace rowseal::cli {

/// Progress shows how far a long verb is, on stderr: a bar that is redrawn on a terminal, else a
/// line a second.
class Progress final {
 public:
  /// Progress counts from `from` to `total` things; `verb` and `things` read as "verified 10 of 20
  /// versions". Rate and remaining time are those since it was made.
  Progress(std::string verb, std::string things, std::int64_t total, std::int64_t from = 0);

  /// AsJson shows lines of JSON, one a second, for programs.
  void AsJson(bool json) { json_ = json; }

  void Show(std::int64_t done);

  /// Clear takes the bar away, before a line is written and at the end.
  void Clear();

 private:
  std::string verb_;
  std::string things_;
  std::int64_t total_;
  std::int64_t from_;
  std::chrono::steady_clock::time_point start_;
  bool terminal_;
  bool shown_ = false;
  bool json_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace rowseal::cli
