#include <algorithm>

#include "base/encoding.h"
#include "keys/wrapping.h"
#include "lifecycle/doctor_checks.h"
#include "lifecycle/root_rows.h"
#include "roots/recovery_root.h"
#include "roots/root_registry.h"

namespace rowseal {
namespace {

void CheckHeldRoot(const Inspection& inspection, const RootRecord& root,
                   const RootProvider& provider, Findings& findings) {
  if (root.state != KeyState::kActive) {
    findings.push_back(
        {Severity::kWarning, "roots",
         NamedRoot(root) + " is " + std::string(ToText(root.state)) + " and was still given here",
         "leave it out, and once its jobs are done: rowseal root remove " + ToText(root.id)});
    return;
  }
  if (!provider.can_unwrap()) {
    return;
  }
  const Result<void> opens = ProveOpens(inspection.trust->rows, root.scope, root.id, provider);
  if (!opens) {
    findings.push_back({Severity::kError, "roots",
                        NamedRoot(root) + " does not open its keys: " + opens.error().message,
                        "another root stands in until then; restore it, or replace it: rowseal root"
                        " replace " +
                            ToText(root.id) + " URI"});
  }
}

}  // namespace

Result<void> CheckRootRows(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  const Keyring& keyring = inspection.session.keyring();
  for (const RootRecord& root : inspection.trust->rows.roots) {
    if (const std::shared_ptr<const RootProvider> provider = keyring.Provider(root.id)) {
      CheckHeldRoot(inspection, root, *provider, findings);
      continue;
    }
    ROWSEAL_ASSIGN(const std::shared_ptr<const RootProvider> public_key, OpenWrapOnlyRoot(root));
    if (!public_key && root.state == KeyState::kActive) {
      findings.push_back({Severity::kWarning, "roots", NamedRoot(root) + " was not given here",
                          "give every root of the store (--root, several times): a rotation needs"
                          " them all; if nobody has it any more, it is to be replaced"});
    }
  }
  for (const std::string& uri : keyring.UnmatchedRoots()) {
    findings.push_back({Severity::kWarning, "roots",
                        Printable(uri) + " was given, but is none of the store's roots",
                        "leave it out if it belongs to another store; rowseal root list shows the"
                        " fingerprints of this one's"});
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "roots", "every root of the store was given", {}});
  }
  return {};
}

Result<void> CheckRecoveryDrills(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const RootRecord& root : inspection.trust->rows.roots) {
    if (!root.uri.starts_with(kRecoveryScheme) || root.state != KeyState::kActive) {
      continue;
    }
    ROWSEAL_ASSIGN(const std::optional<Timestamp> drilled,
                   LastDrill(inspection.connection, root.id));
    const Timestamp since = std::max(drilled.value_or(root.created_at), root.created_at);
    if (inspection.now - since >= kDrillEvery) {
      findings.push_back(
          {Severity::kWarning, "recovery_drill",
           (drilled ? "the last drill with root " : "nobody has drilled a recovery with root ") +
               ToText(root.id) + (drilled ? " was " : " for ") +
               Counted(DaysSince(since, inspection.now), "day") + (drilled ? " ago" : ""),
           "rowseal recovery open --key FILE --drill, with the private key that is kept offline"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "recovery_drill", "no recovery root waits for a drill", {}});
  }
  return {};
}

}  // namespace rowseal
