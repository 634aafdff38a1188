#pragma once

namespace rowseal::cli {

/// StopSignal takes the first SIGINT or SIGTERM for a wish to stop at the end of a batch while it
/// lives; the second ends the process as always. One at a time.
class StopSignal final {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool asked() const noexcept;
};

}  // namespace rowseal::cli
