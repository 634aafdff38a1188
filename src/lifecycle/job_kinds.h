#pragma once

#include <memory>
#include <string_view>

#include "client/change.h"
#include "jobs/job_body.h"
#include "jobs/job_table.h"

namespace rowseal {

/// The kinds of jobs, as `job.kind` holds them, and what `object` names for each.
inline constexpr std::string_view kResealJob = "reseal";               ///< a project; empty: all
inline constexpr std::string_view kResealColumnJob = "reseal-column";  ///< a column's id
inline constexpr std::string_view kRewrapJob = "rewrap";               ///< a scope
inline constexpr std::string_view kRotateDeksJob = "dek-rotate";       ///< `all`; argument: before

inline constexpr std::string_view kCompromisedJob = "kek-compromised";  ///< a KEK's id

inline constexpr std::string_view kDestroyProjectJob = "project-destroy";  ///< a project

inline constexpr std::string_view kAllDeks = "all";

/// kWithoutLimit is the moment of an explicit rotation of DEKs: it takes every one, also one that a
/// wrong clock dated into the future.
inline constexpr Timestamp kWithoutLimit = Timestamp::max();

/// StartJobOfKind starts a job, and logs it.
Result<JobId> StartJobOfKind(Change& change, std::string_view kind, std::string object,
                             std::string argument = {});

/// StartColumnJobs starts a reseal of every registered column whose place is known.
Result<std::vector<JobId>> StartColumnJobs(Change& change);

/// StartDekRotation starts the rotation of every project's DEKs that were created before a moment;
/// in its end it starts the reseal of all.
Result<JobId> StartDekRotation(Change& change, Timestamp before);

/// MakeJobBody makes what runs the job. Errors: kIntegrity (a kind or object that nobody wrote).
Result<std::unique_ptr<JobBody>> MakeJobBody(const TrustedRead& read, const JobRecord& job);

}  // namespace rowseal
