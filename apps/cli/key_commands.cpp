#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "output.h"
#include "paging.h"
#include "program.h"
#include "roots/root_registry.h"

// root, kek and dek.

namespace rowseal::cli {
namespace {

constexpr std::size_t kFingerprintDigits = 8;

Result<int> Keygen(const Program& program, const std::string& path) {
  ROWSEAL_TRY(CreateRootKey(path));
  ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> root, OpenRoot("file:" + path));
  const std::string fingerprint = ToHex(root->fingerprint()).substr(0, kFingerprintDigits);
  ROWSEAL_TRY(program.json()
                  ? PrintJson({{"path", path}, {"fingerprint", fingerprint}})
                  : PrintText(fmt::format("{} fingerprint {}\n", Printable(path), fingerprint)));
  return 0;
}

Result<int> ShowRoots(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<RootSummary> roots, ListRoots(client));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const RootSummary& root : roots) {
    list.push_back({{"id", root.id.value},
                    {"uri", root.uri},
                    {"scope", root.scope},
                    {"fingerprint", root.fingerprint},
                    {"state", root.state},
                    {"configured", root.configured},
                    {"created_at", ToRfc3339(root.created_at)}});
    rows.push_back({ToText(root.id), Printable(root.uri), root.scope, root.fingerprint, root.state,
                    root.configured ? "yes" : "no", ToRfc3339(root.created_at)});
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"roots", std::move(list)}})
                             : PrintText(Table({"ID", "URI", "SCOPE", "FINGERPRINT", "STATE",
                                                "CONFIGURED", "CREATED"},
                                               rows)));
  return 0;
}

// A KEK's id is a number; KeySummary gives it as text, as it does a DEK's.
Json KekJson(const KeySummary& kek) {
  return {{"id", std::stoll(kek.id)},
          {"scope", kek.scope},
          {"state", kek.state},
          {"created_at", ToRfc3339(kek.created_at)}};
}

Result<int> ShowKeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<KeySummary> keks, ListKeks(client));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const KeySummary& kek : keks) {
    list.push_back(KekJson(kek));
    rows.push_back({kek.id, kek.scope, kek.state, ToRfc3339(kek.created_at)});
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"keks", std::move(list)}})
                             : PrintText(Table({"ID", "SCOPE", "STATE", "CREATED"}, rows)));
  return 0;
}

Result<int> Rotate(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const RotationReport report, RotateKek(client, program.access()));
  const double milliseconds = std::chrono::duration<double, std::milli>(report.duration).count();
  const Json json = {{"old_kek", report.old_kek.value},
                     {"new_kek", report.new_kek.value},
                     {"rewrapped", report.rewrapped},
                     {"failed", report.failures},
                     {"milliseconds", milliseconds}};
  ROWSEAL_TRY(program.json()
                  ? PrintJson(json)
                  : PrintText(fmt::format("KEK {} rotated to {}, {} DEKs rewrapped in {:.1f} ms\n",
                                          report.old_kek.value, report.new_kek.value,
                                          report.rewrapped, milliseconds)));
  for (const std::string& failure : report.failures) {
    PrintError({ErrorCode::kIntegrity, failure, {}});
  }
  if (report.failures.empty()) {
    return 0;
  }
  return Fail(
      ErrorCode::kIntegrity,
      fmt::format("DEKs that do not open and stay under the old KEK: {}", report.failures.size()),
      "restore their rows from a backup, then rotate again");
}

Json DekJson(const KeySummary& dek) {
  return {{"project", dek.project}, {"id", dek.id},
          {"kek", dek.scope},       {"purpose", dek.purpose},
          {"state", dek.state},     {"created_at", ToRfc3339(dek.created_at)}};
}

Result<std::vector<KeySummary>> ListAllDeks(Client& client) {
  std::vector<KeySummary> all;
  for (;;) {
    const std::string project = all.empty() ? std::string() : all.back().project;
    const std::string id = all.empty() ? std::string() : all.back().id;
    ROWSEAL_ASSIGN(std::vector<KeySummary> page, ListDeks(client, project, id, kPage));
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (page.size() < static_cast<std::size_t>(kPage)) {
      return all;
    }
  }
}

Result<int> ShowDeks(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const std::vector<KeySummary> deks, ListAllDeks(client));
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const KeySummary& dek : deks) {
    list.push_back(DekJson(dek));
    rows.push_back(
        {dek.project, dek.id, dek.scope, dek.purpose, dek.state, ToRfc3339(dek.created_at)});
  }
  ROWSEAL_TRY(program.json() ? PrintJson({{"deks", std::move(list)}})
                             : PrintText(Table(
                                   {"PROJECT", "ID", "KEK", "PURPOSE", "STATE", "CREATED"}, rows)));
  return 0;
}

}  // namespace

void AddKeyVerbs(Verbs verbs) {
  Verbs root = verbs.Group("root", "Make and list root keys");
  const auto path = std::make_shared<std::string>();
  root.Add({"keygen", "Write a new random root key to a file (mode 0600, never overwritten)",
            "  rowseal root keygen --output root.key\n"},
           [path](Program& program) { return Keygen(program, *path); })
      .add_option("--output", *path, "The file")
      ->required();
  root.Add({"list", "List the roots that open this store", "  rowseal root list\n"}, ShowRoots);

  Verbs kek = verbs.Group("kek", "List and rotate key-encrypting keys");
  kek.Add({"list", "List the KEKs", "  rowseal kek list --json\n"}, ShowKeks);
  kek.Add({"rotate", "Make a new active KEK and rewrap every DEK; secrets stay untouched",
           "  rowseal kek rotate --reason \"yearly rotation\"\n"},
          Rotate);

  Verbs dek = verbs.Group("dek", "List data-encrypting keys");
  dek.Add({"list", "List the DEKs of all projects", "  rowseal dek list\n"}, ShowDeks);
}

}  // namespace rowseal::cli
