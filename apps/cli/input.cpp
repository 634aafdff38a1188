#include "input.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <rowseal/client.h>

#include "migration/secret_writer.h"

namespace rowseal::cli {
namespace {

constexpr std::size_t kMaxTypedBytes = 4096;                 // what a terminal's line buffer holds
constexpr std::size_t kMaxSealedBytes = kMaxSecretSize * 2;  // base64 adds a third

volatile std::sig_atomic_t caught_signal = 0;

extern "C" void RememberSignal(int signal) { caught_signal = signal; }

// QuietTerminal stops a terminal from showing what is typed. A signal that would end the process
// first gives the terminal back as it was.
class QuietTerminal final {
 public:
  explicit QuietTerminal(int terminal) : terminal_(terminal) {
    caught_signal = 0;
    struct sigaction remember {};
    remember.sa_handler = RememberSignal;  // without SA_RESTART: it must interrupt read()
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals.at(i), &remember, &previous_.at(i));
    }
    tcgetattr(terminal_, &shown_);
    termios hidden = shown_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    tcsetattr(terminal_, TCSAFLUSH, &hidden);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() {
    tcsetattr(terminal_, TCSAFLUSH, &shown_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      sigaction(kSignals.at(i), &previous_.at(i), nullptr);
    }
    if (caught_signal != 0) {
      raise(caught_signal);
    }
  }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  int terminal_;
  termios shown_{};
  std::array<struct sigaction, kSignals.size()> previous_{};
};

struct OpenTerminal {
  int descriptor;
  ~OpenTerminal() { close(descriptor); }
};

void Say(int terminal, std::string_view text) {
  [[maybe_unused]] const ssize_t written = write(terminal, text.data(), text.size());
}

Result<SecretBytes> ReadTypedSecret(std::string_view prompt) {
  const OpenTerminal terminal{open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (terminal.descriptor < 0) {
    return Fail(ErrorCode::kInvalidArgument, "there is no terminal to ask on",
                "give the value on stdin");
  }
  ROWSEAL_ASSIGN(SecretBuffer line, SecretBuffer::Create(kMaxTypedBytes));
  Say(terminal.descriptor, prompt);
  ssize_t count = 0;
  {
    const QuietTerminal quiet(terminal.descriptor);
    do {
      count = read(terminal.descriptor, line.Writable().data(), line.capacity());
    } while (count < 0 && errno == EINTR && caught_signal == 0);
  }
  Say(terminal.descriptor, "\n");
  if (count <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "no value was typed");
  }
  auto size = static_cast<std::size_t>(count);
  if (line.Writable()[size - 1] == '\n') {
    --size;
  }
  line.SetSize(size);
  return std::move(line).Take();
}

}  // namespace

Result<SecretBytes> ReadSecretInput(const std::optional<std::string>& at_file,
                                    std::string_view prompt) {
  if (at_file && !at_file->starts_with('@')) {
    return Fail(ErrorCode::kInvalidArgument,
                "a value never comes from the command line, where every user can read it",
                "pipe it in, or name a file as @FILE");
  }
  if (at_file) {
    return ReadSecretFile(at_file->substr(1), kMaxSecretSize);
  }
  if (isatty(STDIN_FILENO) != 0) {
    return ReadTypedSecret(prompt);
  }
  SecretWriter writer(kMaxSecretSize);
  ROWSEAL_TRY(writer.FillFrom(STDIN_FILENO));
  return std::move(writer).Take();
}

Result<SecretBytes> AskForPassphrase(PassphraseUse use) {
  const bool creates = use == PassphraseUse::kCreate;
  Result<SecretBytes> typed = ReadTypedSecret(creates ? "New passphrase: " : "Passphrase: ");
  if (!typed) {
    return Fail(ErrorCode::kRootKeyMissing, "no passphrase: " + typed.error().message,
                "where nobody can be asked, name a file that holds it: passphrase:@FILE");
  }
  if (!creates) {
    return typed;
  }
  ROWSEAL_ASSIGN(const SecretBytes again, ReadTypedSecret("The same passphrase again: "));
  if (!typed->EqualsInConstantTime(again)) {
    return Fail(ErrorCode::kInvalidArgument, "the two passphrases differ; nothing was made",
                "try again");
  }
  return typed;
}

Result<SecretBytes> ReadSealedInput() {
  SecretWriter writer(kMaxSealedBytes);
  ROWSEAL_TRY(writer.FillFrom(STDIN_FILENO));
  return std::move(writer).Take();
}

Result<void> Confirm(bool yes, std::string_view question, std::string_view otherwise) {
  if (yes) {
    return {};
  }
  if (isatty(STDIN_FILENO) == 0) {
    return Fail(ErrorCode::kInvalidArgument, "this is for good, and nobody can be asked",
                "add --yes, or look first with --dry-run");
  }
  Say(STDERR_FILENO, std::string(question) + " [y/N] ");
  std::array<char, 256> answer{};
  const ssize_t count = read(STDIN_FILENO, answer.data(), answer.size());
  const bool agreed = count > 0 && (answer.front() == 'y' || answer.front() == 'Y');
  return agreed ? Result<void>() : Fail(ErrorCode::kConflict, std::string(otherwise));
}

}  // namespace rowseal::cli
