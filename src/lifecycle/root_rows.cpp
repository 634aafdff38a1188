#include "lifecycle/root_rows.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "keys/wrapping.h"
#include "roots/root_registry.h"

namespace rowseal {

std::string NamedRoot(const RootRecord& root) {
  return "root " + ToText(root.id) + " (" + Printable(root.uri) + ")";
}

namespace {

bool WrapsOnly(const RootRecord& root) {
  const Result<std::shared_ptr<const RootProvider>> wraps = OpenWrapOnlyRoot(root);
  return wraps && *wraps != nullptr;
}

std::vector<KekId> KeksThatOpen(const TrustRows& rows, RootId root) {
  std::vector<KekId> keks;
  for (const WrappingRecord& wrapping : rows.wrappings) {
    if (wrapping.root == root) {
      keks.push_back(wrapping.kek);
    }
  }
  std::ranges::sort(keks, {}, &KekId::value);
  return keks;
}

bool OpensAllThat(const TrustRows& rows, RootId one, RootId other) {
  return std::ranges::includes(KeksThatOpen(rows, one), KeksThatOpen(rows, other), {},
                               &KekId::value, &KekId::value);
}

std::string Numbers(const std::vector<const RootRecord*>& roots) {
  return (roots.size() == 1 ? "root " : "roots ") +
         Join(roots, ", ", [](const RootRecord* root) { return ToText(root->id); });
}

// What a root's loss would mean. Only a root that this process holds is known to work.
std::string IfLost(Session& session, const TrustRows& rows, const RootRecord& lost) {
  if (lost.state != KeyState::kActive) {
    return "nothing: it opens nothing any more";
  }
  if (WrapsOnly(lost)) {
    return "no recovery once the other roots are lost";
  }
  std::vector<const RootRecord*> held;
  std::vector<const RootRecord*> elsewhere;
  std::vector<const RootRecord*> recovery;
  for (const RootRecord& other : rows.roots) {
    const bool stands_in = other.id != lost.id && other.scope == lost.scope &&
                           other.state == KeyState::kActive &&
                           OpensAllThat(rows, other.id, lost.id);
    if (stands_in) {
      const bool is_held = session.keyring().Provider(other.id) != nullptr;
      (WrapsOnly(other) ? recovery : is_held ? held : elsewhere).push_back(&other);
    }
  }
  if (!held.empty()) {
    return "nothing: " + Numbers(held) + " opens the same";
  }
  if (!elsewhere.empty()) {
    return "nothing, if " + Numbers(elsewhere) + ", not given here, still opens";
  }
  if (!recovery.empty()) {
    return "a recovery with the private key of " + Numbers(recovery);
  }
  return lost.scope == kDefaultScope
             ? "every secret is lost"
             : "every secret of project '" + Printable(lost.scope) + "' is lost";
}

}  // namespace

Result<std::shared_ptr<const RootProvider>> WrappingProvider(Session& session,
                                                             const RootRecord& root) {
  if (std::shared_ptr<const RootProvider> held = session.keyring().Provider(root.id)) {
    return held;
  }
  ROWSEAL_ASSIGN(std::shared_ptr<const RootProvider> wraps, OpenWrapOnlyRoot(root));
  if (wraps) {
    return wraps;
  }
  return Fail(ErrorCode::kRootKeyMissing,
              NamedRoot(root) + " must wrap the new KEK, but was not given here",
              "give every root of the store (--root " + ShellWord(root.uri) +
                  ", besides the others); if nobody has it any more: rowseal root remove " +
                  ToText(root.id));
}

Result<const RootRecord*> FindRoot(const TrustRows& rows, RootId id) {
  const auto found = std::ranges::find(rows.roots, id, &RootRecord::id);
  if (found == rows.roots.end()) {
    return Fail(ErrorCode::kNotFound, "there is no root " + ToText(id),
                "rowseal root list shows what is there");
  }
  return &*found;
}

std::vector<const KekRecord*> KeksOf(const TrustRows& rows, std::string_view scope) {
  std::vector<const KekRecord*> keks;
  for (const KekRecord& kek : rows.keks) {
    if (kek.scope == scope) {
      keks.push_back(&kek);
    }
  }
  std::ranges::sort(keks, {}, [](const KekRecord* kek) { return kek->id.value; });
  return keks;
}

Result<void> ProveOpens(const TrustRows& rows, std::string_view scope, RootId root,
                        const RootProvider& provider) {
  for (const KekRecord* kek : KeksOf(rows, scope)) {
    const auto wrapping = std::ranges::find_if(rows.wrappings, [&](const WrappingRecord& row) {
      return row.kek == kek->id && row.root == root;
    });
    if (wrapping == rows.wrappings.end() || !provider.can_unwrap()) {
      return Fail(ErrorCode::kRefusedByState,
                  "root " + ToText(root) + " does not open KEK " + ToText(kek->id));
    }
    ROWSEAL_TRY(UnwrapKek(*kek, *wrapping, rows.installation.id, provider));
  }
  return {};
}

Result<std::vector<RootId>> ProveOthers(Session& session, const TrustRows& rows,
                                        const RootRecord& leaving, const MatchedRoots& more) {
  std::vector<RootId> proven;
  std::string why;
  for (const RootRecord& other : rows.roots) {
    if (other.id == leaving.id || other.scope != leaving.scope ||
        other.state != KeyState::kActive) {
      continue;
    }
    const auto added = more.find(other.id);
    const std::shared_ptr<const RootProvider> provider =
        added == more.end() ? session.keyring().Provider(other.id) : added->second;
    if (!provider) {
      why += "; " + NamedRoot(other) +
             (WrapsOnly(other) ? " only wraps, which proves nothing" : " was not given here");
      continue;
    }
    if (Result<void> opens = ProveOpens(rows, leaving.scope, other.id, *provider); opens) {
      proven.push_back(other.id);
    } else {
      why += "; " + NamedRoot(other) + " does not open: " + opens.error().message;
    }
  }
  if (proven.empty()) {
    return Fail(ErrorCode::kRefusedByState,
                NamedRoot(leaving) + " is the last root of scope '" + Printable(leaving.scope) +
                    "' that is proven to open" + why,
                "add another one first (rowseal root add), or give one that is there (--root)");
  }
  return proven;
}

void ForgetWrappings(TrustRows& rows, RootId root) {
  std::erase_if(rows.wrappings,
                [&](const WrappingRecord& wrapping) { return wrapping.root == root; });
}

RootSummary SummaryOf(Session& session, const TrustRows& rows, const RootRecord& root) {
  RootSummary summary;
  summary.id = root.id;
  summary.uri = root.uri;
  summary.scope = root.scope;
  summary.fingerprint = ToHex(root.fingerprint).substr(0, 8);
  summary.state = root.state;
  summary.configured = session.keyring().Provider(root.id) != nullptr;
  summary.wraps_only = WrapsOnly(root);
  summary.keks = KeksThatOpen(rows, root.id);
  summary.scope_keks = static_cast<std::int64_t>(KeksOf(rows, root.scope).size());
  summary.if_lost = IfLost(session, rows, root);
  summary.created_at = root.created_at;
  return summary;
}

Result<std::vector<RootSummary>> ListRoots(Client& client) {
  return ReadTrusted(client, [](TrustedRead& read) -> Result<std::vector<RootSummary>> {
    std::vector<RootSummary> summaries;
    for (const RootRecord& root : read.trust().rows.roots) {
      summaries.push_back(SummaryOf(read.session(), read.trust().rows, root));
    }
    return summaries;
  });
}

}  // namespace rowseal
