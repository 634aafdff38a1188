#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "output.h"

namespace rowseal::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kBarWidth = 30;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kLineEvery{1};

void WriteTerminal(std::string_view text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

// 75 s reads better as 1m15s.
std::string Duration(std::int64_t seconds) {
  if (seconds < 60) {
    return fmt::format("{}s", seconds);
  }
  return seconds < 3600 ? fmt::format("{}m{:02}s", seconds / 60, seconds % 60)
                        : fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

Progress::Progress(std::string verb, std::string things, std::int64_t total, std::int64_t from)
    : verb_(std::move(verb)),
      things_(std::move(things)),
      total_(total),
      from_(from),
      start_(steady_clock::now()),
      terminal_(isatty(STDERR_FILENO) != 0),
      next_(steady_clock::now() + kLineEvery) {}

void Progress::Show(std::int64_t done) {
  const steady_clock::time_point now = steady_clock::now();
  if (now < next_) {
    return;
  }
  std::string text = fmt::format("{} {} of {} {}", verb_, done, total_, things_);
  const double rate =
      static_cast<double>(done - from_) / std::chrono::duration<double>(now - start_).count();
  if (rate >= 1) {
    const auto left = static_cast<double>(std::max<std::int64_t>(total_ - done, 0)) / rate;
    text += fmt::format(", {:.0f}/s, {} left", rate, Duration(static_cast<std::int64_t>(left)));
  }
  if (json_) {
    next_ = now + kLineEvery;
    const Json line = {{"progress", verb_}, {"done", done}, {"total", total_}, {"rate", rate}};
    WriteTerminal(line.dump() + "\n");
    return;
  }
  if (!terminal_) {
    next_ = now + kLineEvery;
    PrintNote(text);
    return;
  }
  next_ = now + kRedraw;
  shown_ = true;
  const std::int64_t filled =
      total_ == 0 ? kBarWidth : std::min(kBarWidth, kBarWidth * done / total_);
  WriteTerminal(fmt::format("\r[{:<{}}] {}\x1b[K",
                            std::string(static_cast<std::size_t>(filled), '#'), kBarWidth, text));
}

void Progress::Clear() {
  if (shown_) {
    WriteTerminal("\r\x1b[K");
    shown_ = false;
  }
}

}  // namespace rowseal::cli
