#pragma once

#include <memory>
#include <optional>
#include <string>

#include <rowseal/client.h>
#include <rowseal/ids.h>

#include "output.h"
#include "program.h"

namespace rowseal::cli {

/// SecretArguments are what most verbs on one secret take.
struct SecretArguments {
  std::string project;
  std::string name;
  std::optional<std::int64_t> version;
  std::optional<std::string> kind;
  bool reveal = false;
};

/// SecretTarget is a checked pair of project and name.
struct SecretTarget {
  ProjectId project;
  SecretName name;
};

inline void AddProject(CLI::App& verb, std::string& project) {
  verb.add_option("PROJECT", project, "The project, as the app's key")->required();
}

inline void AddTarget(CLI::App& verb, SecretArguments& arguments) {
  AddProject(verb, arguments.project);
  verb.add_option("NAME", arguments.name, "The secret's name")->required();
}

inline void AddReveal(CLI::App& verb, bool& reveal) {
  verb.add_flag("--reveal", reveal, "Print the secret even to a terminal");
}

inline void AddKind(CLI::App& verb, std::optional<std::string>& kind) {
  verb.add_option("--kind", kind, "webhook, access_token or workflow");
}

inline Result<SecretTarget> ParseTarget(const SecretArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(const SecretName name, SecretName::Parse(arguments.name));
  return SecretTarget{project, name};
}

inline Result<std::optional<SecretKind>> ParseKind(const std::optional<std::string>& kind) {
  if (!kind) {
    return std::nullopt;
  }
  ROWSEAL_ASSIGN(const SecretKind parsed, ParseSecretKind(*kind));
  return parsed;
}

inline Result<std::optional<SecretVersion>> ParseVersion(std::optional<std::int64_t> version) {
  if (!version) {
    return std::nullopt;
  }
  if (*version < 1) {
    return Fail(ErrorCode::kInvalidArgument,
                std::to_string(*version) + " is not a version: they count from 1",
                "rowseal secret versions PROJECT NAME lists them");
  }
  return SecretVersion{*version};
}

}  // namespace rowseal::cli
