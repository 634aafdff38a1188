#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "input.h"
#include "program.h"
#include "roots/passphrase_root.h"
#include "roots/root_key_file.h"
#include "shown.h"

// recovery keygen and open.

namespace rowseal::cli {
namespace {

struct RecoveryArguments {
  std::string path;
  std::optional<std::string> passphrase_file;
  std::optional<std::string> new_root;
  bool drill = false;
};

// From a file or the terminal; never from the command line or the environment.
Result<SecretBytes> PassphraseFor(const RecoveryArguments& arguments, PassphraseUse use) {
  if (arguments.passphrase_file) {
    return ReadPassphraseFile(*arguments.passphrase_file, FileExposure::kOwnerOnly);
  }
  Result<SecretBytes> typed = AskForPassphrase(use);
  if (!typed) {
    if (typed.error().code == ErrorCode::kRootKeyMissing) {
      typed.error().hint = "where nobody can be asked, give --passphrase-file FILE";
    }
    return typed;
  }
  return DecodePassphrase(typed->Reveal());
}

Result<int> Keygen(const Program& program, const RecoveryArguments& arguments) {
  if (Result<void> is_new = CheckNewFile(arguments.path, Existing::kKeep); !is_new) {
    is_new.error().hint = "a key is never overwritten; choose another path";
    return tl::unexpected(std::move(is_new).error());
  }
  ROWSEAL_ASSIGN(const SecretBytes passphrase, PassphraseFor(arguments, PassphraseUse::kCreate));
  ROWSEAL_ASSIGN(const NewRecoveryKey key, CreateRecoveryKey(arguments.path, passphrase));
  ROWSEAL_TRY(Show(program,
                   {{"path", arguments.path}, {"uri", key.uri}, {"fingerprint", key.fingerprint}},
                   key.uri + "\n"));
  PrintNote("add that line to the store (rowseal root add), move '" + Printable(arguments.path) +
            "' offline, and keep its passphrase apart from it");
  return 0;
}

Result<int> Drill(const Program& program, Client& client) {
  ROWSEAL_ASSIGN(const RecoveryDrill drill, DrillRecovery(client, program.access()));
  const std::string text = fmt::format(
      "root {} recovers: {} KEKs and {} opened with the recovery key alone; the last drill: {}\n",
      drill.root.value, drill.keks, drill.dek ? Printable(*drill.dek) : "no DEK, as there is none,",
      drill.before ? ToRfc3339(*drill.before) : "none");
  return Show(program, JsonOf(drill), text);
}

Result<int> Open(Program& program, const RecoveryArguments& arguments) {
  if (arguments.drill == arguments.new_root.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, "it was not said what the recovery key is to do",
                "give --drill, or --add-root URI for a root that opens the store from now on");
  }
  ROWSEAL_ASSIGN(const SecretBytes passphrase, PassphraseFor(arguments, PassphraseUse::kOpen));
  StoreOptions options = program.store_options();
  options.roots.clear();  // what is configured is lost, or must not help in a drill
  ROWSEAL_ASSIGN(Client client, OpenStoreForRecovery(options, arguments.path, passphrase));
  if (arguments.drill) {
    return Drill(program, client);
  }
  ROWSEAL_ASSIGN(
      const AddedRoot added,
      AddRoot(client, {*arguments.new_root, "default", AskForPassphrase}, program.access()));
  ROWSEAL_TRY(Show(program, {{"id", added.id.value}, {"uri", added.uri}, {"proven", added.proven}},
                   fmt::format("root {} added: {} opens the store from now on\n", added.id.value,
                               Printable(added.uri))));
  PrintNote(
      "remove the lost roots (rowseal root list, rowseal root remove); if somebody may have"
      " them: rowseal root compromised");
  return 0;
}

void AddKeyFile(CLI::App& verb, RecoveryArguments& arguments, const std::string& name) {
  verb.add_option(name, arguments.path, "The file of the private key")->required();
  verb.add_option("--passphrase-file", arguments.passphrase_file,
                  "A file that holds its passphrase, under the rules of a root key file [asks]");
}

}  // namespace

void AddRecoveryVerbs(Verbs verbs) {
  Verbs recovery = verbs.Group("recovery", "Prepare for the loss of every root, and drill it");
  const auto arguments = std::make_shared<RecoveryArguments>();
  CLI::App& keygen = recovery.Add(
      {"keygen", "Make a key pair: the private key to a file, the public key to stdout as a root",
       "  rowseal recovery keygen --output recovery.key\n"
       "  rowseal root add recovery:rsrecovery1…\n"},
      [arguments](Program& program) { return Keygen(program, *arguments); });
  AddKeyFile(keygen, *arguments, "--output");
  CLI::App& open =
      recovery.Add({"open", "Open the store with the private key: to add a root, or as a drill",
                    "  rowseal recovery open --key recovery.key --drill\n"
                    "  rowseal recovery open --key recovery.key --add-root file:new.key\n"},
                   [arguments](Program& program) { return Open(program, *arguments); });
  AddKeyFile(open, *arguments, "--key");
  open.add_flag("--drill", arguments->drill,
                "Only see that every key opens with it, and note the date for `rowseal doctor`");
  open.add_option("--add-root", arguments->new_root, "A root that opens the store from now on");
}

}  // namespace rowseal::cli
