#pragma once

#include <vector>

#include <rowseal/client.h>
#include <rowseal/lifecycle.h>

namespace rowseal::cli {

/// kPage is how many rows one statement lists.
inline constexpr std::int64_t kPage = 1000;

/// ListAll lists a project's secrets, page by page.
Result<std::vector<SecretSummary>> ListAll(Client& client, const ProjectId& project);

/// OpenedSecret is a secret with its name.
struct OpenedSecret {
  SecretName name;
  Secret secret;
};

/// OpenNewest opens the newest version of each secret named. Errors: the first that does not open,
/// which names it; then none is returned.
Result<std::vector<OpenedSecret>> OpenNewest(Client& client, const ProjectId& project,
                                             const std::vector<SecretName>& names,
                                             const Access& access);

/// OpenProject opens the newest version of every secret of a project. Errors: kNotFound (the
/// project has none), and OpenNewest's.
Result<std::vector<OpenedSecret>> OpenProject(Client& client, const ProjectId& project,
                                              const Access& access);

}  // namespace rowseal::cli
