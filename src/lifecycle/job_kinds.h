#pragma once

#include <memory>
#include <string_view>

#include "client/session.h"
#include "jobs/job_body.h"
#include "jobs/job_table.h"

namespace rowseal {

/// The kinds of jobs, as `job.kind` holds them, and what `object` names for each.
inline constexpr std::string_view kResealJob = "reseal";               ///< a project; empty: all
inline constexpr std::string_view kResealColumnJob = "reseal-column";  ///< a column's id
inline constexpr std::string_view kRewrapJob = "rewrap";               ///< a scope
inline constexpr std::string_view kRotateDeksJob = "dek-rotate";       ///< `all`; argument: before

inline constexpr std::string_view kAllDeks = "all";

/// StartJobOfKind starts a job in the open write transaction, and logs it.
Result<JobId> StartJobOfKind(Connection& connection, Session& session, std::string_view kind,
                             std::string object, std::string argument, Timestamp now);

/// StartColumnJobs starts a reseal of every registered column whose place is known.
Result<std::vector<JobId>> StartColumnJobs(Connection& connection, Session& session, Timestamp now);

/// MakeJobBody makes what runs the job. Errors: kIntegrity (a kind or object that nobody wrote).
Result<std::unique_ptr<JobBody>> MakeJobBody(Session& session, const JobRecord& job,
                                             const Access& access);

}  // namespace rowseal
