#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

namespace rowseal {

/// The states of keys after NIST SP 800-57: what an operator does to a key that is not to be used
/// for a while, that somebody may have, or that is to go for good. Each call is one transaction,
/// raises the store's epoch where it changes a KEK, and leaves an audit entry. Illegal transitions,
/// and the integrity key, are refused with kRefusedByState; an unknown KEK is kNotFound. Threads:
/// any; each call has the client's connection to itself while it runs.

/// SuspendKek refuses a KEK until it is resumed: from the next read on, whatever stands under its
/// DEKs neither opens nor is sealed, in every process. An active or deactivated one is suspended.
/// While the active one is, no DEK is made and none is rotated.
Result<void> SuspendKek(Client& client, KekId kek, const Access& access = {});

/// ResumeKek gives a suspended KEK the state back that it had, and returns that.
Result<KeyState> ResumeKek(Client& client, KekId kek, const Access& access = {});

/// CompromisePlan says what declaring a KEK compromised would do, as the store stands.
struct CompromisePlan {
  KekId kek;
  KeyState state = KeyState::kActive;
  bool rotates = false;      ///< another KEK becomes the active one first
  std::int64_t deks = 0;     ///< that it wraps: rewrapped, and rotated with all others of its scope
  std::int64_t secrets = 0;  ///< sealed again, and to be changed where they were issued
  std::vector<std::string> columns;                 ///< labels, whose values are sealed again
  std::vector<std::string> columns_without_source;  ///< labels: the app has to seal them again
};

Result<CompromisePlan> PlanCompromise(Client& client, KekId kek);

struct KekCompromise {
  KekId kek;
  std::optional<KekId> new_kek;       ///< that was made, because the compromised one was active
  std::int64_t rewrapped = 0;         ///< DEKs
  std::vector<std::string> failures;  ///< DEKs that do not open and so stay where they are, named
  /// To be run with RunJobs, in this order: what they start belongs to it too.
  std::vector<JobId> jobs;
  std::vector<std::string> columns_without_source;
};

/// DeclareCompromised is for a KEK that somebody else may have. In one transaction: where it is the
/// active one, another takes its place; its DEKs are wrapped under the active one; it becomes
/// compromised; and jobs start that give every project of its scope fresh DEKs, because whoever has
/// the KEK may have opened the old ones, and seal all that stands under those again, in registered
/// columns too. With over 10,000 DEKs a job rewraps them first, and then marks it.
///
/// Readers and writers go on: at every moment their DEK stands under a KEK that serves. Once it is
/// marked, what is still found under the KEK opens only to be sealed again. Killed anywhere, the
/// jobs go on with RunJobs or Maintain. Called again, it begins what is left and gives the
/// unfinished jobs, so it may be repeated until nothing is left. Errors: kNotFound, kRefusedByState
/// (the integrity key; a suspended KEK is to be resumed first so that there is an active one), as
/// RotateKek.
Result<KekCompromise> DeclareCompromised(Client& client, KekId kek, const Access& access = {});

/// ExposedSecret is a secret whose newest version was stored before a KEK over it was declared
/// compromised: its value is to be changed where it was issued, and put anew.
struct ExposedSecret {
  std::string project;
  std::string name;
};

struct ExposedPage {
  Timestamp compromised_at;
  Listing<ExposedSecret> secrets;
};

/// ListExposedSecrets lists them by project and name behind the pair given, at most `limit` (1 to
/// 10,000). The times compared are those of the processes that stored the versions. Errors:
/// kNotFound, kRefusedByState (the KEK is not compromised).
Result<ExposedPage> ListExposedSecrets(Client& client, KekId kek,
                                       std::string_view after_project = {},
                                       std::string_view after_name = {}, std::int64_t limit = 1000);

}  // namespace rowseal
