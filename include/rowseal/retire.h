#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// Retiring a project makes its keys unusable: at once nothing is sealed for it or handed out, and
/// after the wait (`destroy.wait`, by the store's clock) its secrets are deleted and its DEKs
/// destroyed, with evidence. What an app keeps of its sealed values is then noise. Backups that
/// were made before, with the roots of their time, still open what they hold until they end.
/// Threads: any; each call has the client's connection to itself while it runs.

/// RetiredProject is a project and the times of its end.
struct RetiredProject {
  std::string project;
  std::optional<Timestamp> retired_at;
  std::optional<Timestamp> destroy_at;    ///< nothing: it is only gone from the app's table
  std::optional<Timestamp> destroyed_at;  ///< its keys are gone
  /// When the last backup with its wrapped keys ends, by policy `backup.kept`; nothing: not known.
  std::optional<Timestamp> backups_until;
};

/// ProjectRetirement says what the retirement of a project does.
struct ProjectRetirement : RetiredProject {
  std::int64_t secrets = 0;  ///< that are there
  std::int64_t versions = 0;
  std::int64_t deks = 0;
  std::vector<std::string> columns;  ///< labels, in which its values then open no more
  std::optional<JobId> job;          ///< destroys what is due, to be run with RunJobs
};

/// RetireProject retires a project. Called again when the wait is over, it gives the job that
/// destroys the keys; Maintain runs it too. Errors: kNotFound (it has no keys here),
/// kRefusedByState (`system`; its keys are gone already).
Result<ProjectRetirement> RetireProject(Client& client, const ProjectId& project,
                                        const Access& access = {});

/// PlanRetirement says what RetireProject would do and changes nothing. Errors: the same.
Result<ProjectRetirement> PlanRetirement(Client& client, const ProjectId& project);

/// CancelRetirement takes it back while its keys are there. Afterwards it lets the project begin
/// anew, with nothing. Errors: kNotFound (it is not retired).
Result<void> CancelRetirement(Client& client, const ProjectId& project, const Access& access = {});

/// ListRetirements lists retired projects by id, after the one given, at most `limit` (1 to
/// 10,000).
Result<Listing<RetiredProject>> ListRetirements(Client& client, std::string_view after = {},
                                                std::int64_t limit = 1000);

}  // namespace rowseal
