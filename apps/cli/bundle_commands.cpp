#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>

#include <fmt/format.h>

#include "base/encoding.h"
#include "program.h"
#include "shown.h"

// keys export, check and restore.

namespace rowseal::cli {
namespace {

struct BundleArguments {
  std::string output;
  std::string bundle;
  std::string dump;
};

Result<int> Export(Program& program, const BundleArguments& arguments) {
  ROWSEAL_TRY(CheckNewFile(arguments.output, Existing::kKeep));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const KeyBundle bundle, ExportKeys(client, program.access()));
  ROWSEAL_TRY(WriteNewFile(arguments.output, bundle.text, Existing::kKeep));
  Json json = {{"path", arguments.output}};
  json.update(JsonOf(bundle));
  return Show(program, json,
              fmt::format("{}: {} KEKs and {} DEKs of epoch {}, wrapped\n", arguments.output,
                          bundle.keks, bundle.deks, bundle.epoch));
}

std::string SetText(std::string_view what, const KeySet& set) {
  return fmt::format("{}: installation {}, epoch {}: {} of {} KEKs and {} of {} DEKs open\n", what,
                     ToText(set.installation), set.epoch, set.keks_opened, set.keks,
                     set.deks_opened, set.deks);
}

void NameFailures(const KeySet& set) {
  for (const std::string& failure : set.failures) {
    PrintNote(failure);
  }
}

bool AllOpen(const KeySet& set) {
  return set.keks_opened == set.keks && set.deks_opened == set.deks;
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path == "-" ? "/dev/stdin" : path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    return Fail(ErrorCode::kUnavailable,
                "'" + Printable(path) + "' cannot be read: " + SystemMessage());
  }
  return text;
}

Result<KeySet> CheckFile(
    const StoreOptions& options, const std::string& path,
    const std::function<Result<KeySet>(const StoreOptions&, std::string_view)>& check) {
  ROWSEAL_ASSIGN(const std::string text, ReadText(path));
  return check(options, text);
}

Result<int> Check(Program& program, const BundleArguments& arguments) {
  const StoreOptions options = program.store_options();
  ROWSEAL_ASSIGN(const KeySet database, arguments.dump.empty()
                                            ? CheckKeysOfStore(options)
                                            : CheckFile(options, arguments.dump, CheckKeysOfDump));
  std::optional<KeySet> bundle;
  std::vector<std::string> missing;
  if (!arguments.bundle.empty()) {
    ROWSEAL_ASSIGN(bundle, CheckFile(options, arguments.bundle, CheckKeysOfBundle));
    ROWSEAL_ASSIGN(missing, KeysNotIn(database, *bundle));
  }
  const std::string_view what = arguments.dump.empty() ? "store" : "dump";
  std::string text = SetText(what, database);
  if (bundle) {
    text += SetText("bundle", *bundle);
    text += missing.empty() ? fmt::format("the bundle holds every key of the {}\n", what)
                            : fmt::format("keys of the {} that the bundle does not hold: {}\n",
                                          what, missing.size());
  }
  ROWSEAL_TRY(Show(
      program, {{"database", JsonOf(database)}, {"bundle", JsonOf(bundle)}, {"missing", missing}},
      text));
  NameFailures(database);
  if (bundle) {
    NameFailures(*bundle);
  }
  if (!AllOpen(database) || (bundle && !AllOpen(*bundle))) {
    return Fail(ErrorCode::kIntegrity, "not every key opens with the roots that were given",
                "give every root (--root, several times); what still fails is to be restored");
  }
  if (!missing.empty()) {
    return Fail(ErrorCode::kConflict, "the bundle is older than the keys",
                "rowseal keys export makes a new one");
  }
  return 0;
}

Result<int> Restore(Program& program, const BundleArguments& arguments) {
  ROWSEAL_ASSIGN(const std::string text, ReadText(arguments.bundle));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const RestoredKeys report, RestoreKeys(client, text, program.access()));
  ROWSEAL_TRY(Show(program, JsonOf(report),
                   fmt::format("DEKs put back: {}; there already: {}; refused: {}\n",
                               report.restored, report.there, report.refused.size())));
  for (const std::string& refused : report.refused) {
    PrintNote(refused);
  }
  return report.refused.empty() ? 0 : 1;
}

}  // namespace

void AddBundleVerbs(Verbs verbs) {
  Verbs keys = verbs.Group("keys", "Keep a copy of all wrapped keys, and see what fits together");
  const auto arguments = std::make_shared<BundleArguments>();
  keys.Add({"export", "Write every wrapped key, and no secret, to a new file",
            "  rowseal keys export --output keys.bundle\n"},
           [arguments](Program& program) { return Export(program, *arguments); })
      .add_option("--output", arguments->output, "The file; it is not overwritten")
      ->required();
  CLI::App& check =
      keys.Add({"check", "Say whether a store or a dump, a bundle and the roots fit together",
                "  rowseal keys check --bundle keys.bundle\n"
                "  rowseal keys check --dump dump.sql --bundle keys.bundle\n"},
               [arguments](Program& program) { return Check(program, *arguments); });
  check.add_option("--bundle", arguments->bundle, "What keys export wrote");
  keys.Add({"restore", "Put DEKs that the store lost back from a bundle",
            "  rowseal keys restore --bundle keys.bundle\n"},
           [arguments](Program& program) { return Restore(program, *arguments); })
      .add_option("--bundle", arguments->bundle, "What keys export wrote")
      ->required();
  check.add_option("--dump", arguments->dump,
                   "Instead of the store: what pg_dump wrote as plain text");
}

}  // namespace rowseal::cli
