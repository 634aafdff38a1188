#include "program.h"

#include <atomic>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/encoding.h"
#include "input.h"
#include "output.h"

namespace rowseal::cli {
namespace {

constexpr std::string_view kMemoryNotLocked = "memory_not_locked";

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string LineOf(const LogEvent& event) {
  std::string line = event.message;
  for (const auto& [name, value] : event.fields) {
    line += " " + std::string(name) + "=" + Printable(value);
  }
  return line;
}

std::shared_ptr<Observer> MakeObserver(std::optional<LogLevel> level) {
  if (!level) {
    return std::make_shared<Observer>();
  }
  auto logger = std::make_shared<spdlog::logger>("rowseal",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("rowseal: [%l] %v");  // apart from `rowseal: error: …`, which ends a verb
  logger->set_level(SpdlogLevel(*level));
  // The library says so when it connects, Finish when only a later page was refused: once is
  // enough.
  const auto said_not_locked = std::make_shared<std::atomic<bool>>(false);
  return std::make_shared<Observer>([logger, said_not_locked](const LogEvent& event) {
    if (event.name == kMemoryNotLocked && said_not_locked->exchange(true)) {
      return;
    }
    logger->log(SpdlogLevel(event.level), "{}", LineOf(event));
  });
}

}  // namespace

Program::Program(Settings settings)
    : settings_(std::move(settings)), observer_(MakeObserver(settings_.log)) {}

StoreOptions Program::store_options() const {
  return {settings_.store,
          settings_.roots,
          {.actor = settings_.actor,
           .observer = observer_,
           .state_folder = settings_.state,
           .installation = settings_.installation,
           .on_rollback = settings_.on_rollback},
          AskForPassphrase};
}

Result<void> Program::Finish() const {
  if (!SecretMemoryIsLocked()) {
    observer_->Log({LogLevel::kWarning,
                    kMemoryNotLocked,
                    "memory that held secrets could not be locked and may reach swap; raise the "
                    "limit: ulimit -l",
                    {}});
  }
  return settings_.metrics ? WriteFileAtomically(*settings_.metrics, observer_->PrometheusText())
                           : Result<void>();
}

Verbs Verbs::Group(const std::string& name, const std::string& description) {
  CLI::App* group = parent_.add_subcommand(name, description);
  group->fallthrough();
  group->require_subcommand(1, 1);
  return {*group, chosen_};
}

CLI::App& Verbs::Add(const VerbTexts& texts, Action action) {
  CLI::App* verb = parent_.add_subcommand(texts.name, texts.description);
  verb->fallthrough();
  verb->footer("Examples:\n" + texts.examples +
               "\n--store, --root, --json and more are options of every verb: rowseal --help");
  verb->callback([&chosen = chosen_, action = std::move(action)] { chosen = action; });
  return *verb;
}

}  // namespace rowseal::cli
