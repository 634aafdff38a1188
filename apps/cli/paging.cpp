#include "paging.h"

#include <algorithm>
#include <span>

#include "base/encoding.h"

namespace rowseal::cli {
namespace {

constexpr std::size_t kOpenedAtOnce = 256;

}  // namespace

Result<std::vector<SecretSummary>> ListAll(Client& client, const ProjectId& project) {
  std::vector<SecretSummary> all;
  for (;;) {
    const std::string after = all.empty() ? std::string() : all.back().name.text();
    ROWSEAL_ASSIGN(std::vector<SecretSummary> page, client.List(project, after, kPage));
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (page.size() < static_cast<std::size_t>(kPage)) {
      return all;
    }
  }
}

Result<std::vector<OpenedSecret>> OpenNewest(Client& client, const ProjectId& project,
                                             const std::vector<SecretName>& names,
                                             const Access& access) {
  std::vector<OpenedSecret> opened;
  std::span<const SecretName> rest(names);
  while (!rest.empty()) {
    const std::span<const SecretName> portion = rest.first(std::min(rest.size(), kOpenedAtOnce));
    rest = rest.subspan(portion.size());
    std::vector<SecretRef> refs;
    for (const SecretName& name : portion) {
      refs.push_back({name, {}});
    }
    ROWSEAL_ASSIGN(auto secrets, client.GetBatch(project, refs, access));
    for (std::size_t i = 0; i < portion.size(); ++i) {
      if (!secrets.at(i)) {
        return tl::unexpected(std::move(secrets[i]).error());  // it names the secret
      }
      opened.push_back({portion[i], std::move(*secrets[i])});
    }
  }
  return opened;
}

Result<std::vector<OpenedSecret>> OpenProject(Client& client, const ProjectId& project,
                                              const Access& access) {
  ROWSEAL_ASSIGN(const std::vector<SecretSummary> secrets, ListAll(client, project));
  if (secrets.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there are no secrets in project '" + Printable(project.text()) + "'",
                "rowseal audit list PROJECT shows whether there ever were");
  }
  std::vector<SecretName> names;
  for (const SecretSummary& secret : secrets) {
    names.push_back(secret.name);
  }
  return OpenNewest(client, project, names, access);
}

}  // namespace rowseal::cli
