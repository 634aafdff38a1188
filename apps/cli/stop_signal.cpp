#include "stop_signal.h"

#include <csignal>

namespace rowseal::cli {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

extern "C" void AskToStop(int /*signal*/) { stop_asked = 1; }

}  // namespace

StopSignal::StopSignal() {
  stop_asked = 0;
  struct sigaction stop {};
  stop.sa_handler = AskToStop;
  stop.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool StopSignal::asked() const noexcept { return stop_asked != 0; }

}  // namespace rowseal::cli
