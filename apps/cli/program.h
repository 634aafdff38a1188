#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include <rowseal/rowseal.h>

#include "settings.h"

namespace rowseal::cli {

/// Program is what a verb works with: the settings, and the client they lead to.
class Program final {
 public:
  explicit Program(Settings settings);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const Settings& settings() const noexcept { return settings_; }
  bool json() const noexcept { return settings_.json; }
  Access access() const { return {settings_.actor, settings_.reason}; }
  StoreOptions store_options() const;

  /// Connect opens the store with the configured roots. Errors: OpenStore's.
  Result<Client> Connect() const { return OpenStore(store_options()); }

  /// Finish says once that memory could not be locked, and writes the metrics file. Called at the
  /// end of every verb, and before `run` gives the process away. Errors: the metrics file's.
  Result<void> Finish() const;

 private:
  Settings settings_;
  std::shared_ptr<Observer> observer_;
};

/// Action carries out a verb and returns the exit status; an error becomes its code's.
using Action = std::function<Result<int>(Program&)>;

/// VerbTexts is what --help shows of a verb.
struct VerbTexts {
  std::string name;
  std::string description;
  std::string examples;
};

/// Verbs registers verbs under `parent`; the one that the command line names puts its action into
/// `chosen`.
class Verbs final {
 public:
  Verbs(CLI::App& parent, Action& chosen) : parent_(parent), chosen_(chosen) {}

  /// Group makes a noun with verbs of its own, as `secret`.
  Verbs Group(const std::string& name, const std::string& description);

  /// Add makes a verb; its options are then added to what is returned.
  CLI::App& Add(const VerbTexts& texts, Action action);

  /// Add makes a verb with arguments of its own, which its options fill: it returns both, and they
  /// live as long as the verb.
  template <class Arguments>
  std::pair<CLI::App&, Arguments&> Add(const VerbTexts& texts,
                                       Result<int> (*run)(Program&, const Arguments&)) {
    const auto arguments = std::make_shared<Arguments>();
    CLI::App& verb =
        Add(texts, [arguments, run](Program& program) { return run(program, *arguments); });
    return {verb, *arguments};
  }

 private:
  CLI::App& parent_;
  Action& chosen_;
};

// One function a noun, each in a file of its own.
void AddStoreVerbs(Verbs verbs);
void AddSecretVerbs(Verbs verbs);
void AddTransferVerbs(Verbs secret_verbs);
void AddColumnVerbs(Verbs verbs);
void AddValueVerbs(Verbs verbs);
void AddRunVerb(Verbs verbs, const std::vector<std::string>& command);
void AddRootVerbs(Verbs verbs);
void AddRecoveryVerbs(Verbs verbs);
void AddKeyVerbs(Verbs verbs);
void AddBundleVerbs(Verbs verbs);
void AddKekStateVerbs(Verbs kek_verbs);
void AddDekStateVerbs(Verbs dek_verbs);
void AddProjectVerbs(Verbs verbs);
void AddMaintenanceVerbs(Verbs verbs);
void AddAuditVerbs(Verbs verbs);
void AddDoctorVerb(Verbs verbs);
void AddScanVerb(Verbs verbs);
void AddMigrateVerbs(Verbs verbs);

/// These list the evidence of keys that are gone.
Result<int> ShowDestroyedKeks(Program& program);
Result<int> ShowDestroyedDeks(Program& program);

}  // namespace rowseal::cli
