#include "paging.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "base/encoding.h"
#include "base/environment_names.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

constexpr std::size_t kOpenedAtOnce = 256;
constexpr std::size_t kNamesInError = 5;

}  // namespace

Result<Listing<SecretSummary>> ListAll(Client& client, const ProjectId& project) {
  return ReadAllPages<SecretSummary>(kPage, [&](const SecretSummary* last) {
    return client.List(project, last ? last->name.text() : "", kPage);
  });
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

Result<std::vector<SecretName>> ParseNames(const std::vector<std::string>& texts) {
  std::vector<SecretName> names;
  for (const std::string& text : texts) {
    ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(text));
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

Result<std::vector<SecretName>> NamesOfProject(Client& client, const ProjectId& project) {
  ROWSEAL_ASSIGN(const Listing<SecretSummary> secrets, ListAll(client, project));
  // A program that is started without one of its secrets may run open.
  if (Result<void> all = CheckAllRead(secrets.unreadable); !all) {
    all.error().hint =
        "restore the rows from a backup, or name the secrets that are wanted: --only NAME";
    return tl::unexpected(std::move(all).error());
  }
  if (secrets.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there are no secrets in project '" + Printable(project.text()) + "'",
                "rowseal audit list PROJECT shows whether there ever were");
  }
  std::vector<SecretName> names;
  for (const SecretSummary& secret : secrets) {
    names.push_back(secret.name);
  }
  return names;
}

Result<void> RefuseSteeringNames(const ProjectId& project, const std::vector<SecretName>& names,
                                 const std::string& hint) {
  std::size_t refused = 0;
  std::string reasons;
  for (const SecretName& name : names) {
    const std::optional<std::string_view> steered = WhatItSteers(name.text());
    if (!steered || ++refused > kNamesInError) {
      continue;
    }
    reasons += (reasons.empty() ? "'" : "; '") + Printable(name.text()) + "' steers ";
    reasons += *steered;
  }
  if (refused == 0) {
    return {};
  }
  if (refused > kNamesInError) {
    reasons += "; and " + std::to_string(refused - kNamesInError) + " more";
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      (refused == 1 ? "1 secret of project '" : std::to_string(refused) + " secrets of project '") +
          Printable(project.text()) +
          (refused == 1 ? "' has a name that changes what programs do: "
                        : "' have names that change what programs do: ") +
          reasons,
      hint);
}

}  // namespace rowseal::cli
