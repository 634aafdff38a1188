#pragma once

#include <vector>

#include <rowseal/client.h>
#include <rowseal/lifecycle.h>

namespace rowseal::cli {

/// kPage is how many rows one statement lists.
inline constexpr std::int64_t kPage = 1000;

/// ListAll lists a project's secrets, page by page.
Result<Listing<SecretSummary>> ListAll(Client& client, const ProjectId& project);

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

/// ParseNames checks the names that `--only` gave and drops what comes twice.
Result<std::vector<SecretName>> ParseNames(const std::vector<std::string>& texts);

/// NamesOfProject lists the names of all secrets of a project. Errors: kNotFound (it has none),
/// kIntegrity (the row of one cannot be read).
Result<std::vector<SecretName>> NamesOfProject(Client& client, const ProjectId& project);

/// RefuseSteeringNames refuses names that would change what a program does which finds them in its
/// environment (base/environment_names.h). Who names secrets may not be who runs the program.
/// `hint` is the next command. Errors: kInvalidArgument, with the names and what each steers.
Result<void> RefuseSteeringNames(const ProjectId& project, const std::vector<SecretName>& names,
                                 const std::string& hint);

}  // namespace rowseal::cli
