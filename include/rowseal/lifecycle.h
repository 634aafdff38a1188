#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

namespace rowseal {

/// Maintenance of a store. Threads: any; each call has the client's connection to itself while it
/// runs (Verify: a page at a time).

/// KekSummary is a KEK as operators see it.
struct KekSummary {
  KekId id;
  std::string scope;
  KeyState state = KeyState::kActive;
  Timestamp created_at;
  std::optional<KeyState> resumes_to;     ///< of a suspended one: its state once it is resumed
  std::int64_t deks = 0;                  ///< DEKs under it
  std::optional<Timestamp> rotation_due;  ///< of an active one, by policy `kek.max_age`
  std::optional<Timestamp> compromised_at;
  std::optional<Timestamp> destroy_at;  ///< its destruction was asked for: from when on
};

/// DekSummary is a DEK as operators see it.
struct DekSummary {
  std::string project;
  std::string id;
  KekId kek;
  DekPurpose purpose = DekPurpose::kSecret;
  KeyState state = KeyState::kActive;
  bool drained = false;                  ///< a recount found nothing under it, and nothing can come
  std::optional<std::int64_t> versions;  ///< secret versions under it; with CountFrom::kEveryRow
  Timestamp created_at;
};

/// CountFrom says where counts come from: key rows alone, or every row that a key protects too.
enum class CountFrom : std::uint8_t { kKeyRows, kEveryRow };

/// ListKeks lists the KEKs of purpose `wrap` by id. Errors: the client's.
Result<Listing<KekSummary>> ListKeks(Client& client);

struct ListDeksOptions {
  std::optional<ProjectId> project;  ///< without one: all
  std::string after_project;
  std::string after_id;
  std::int64_t limit = 1000;  ///< 1 to 10,000
  CountFrom count = CountFrom::kKeyRows;
};

/// ListDeks lists DEKs by project and id, after the pair given.
Result<Listing<DekSummary>> ListDeks(Client& client, const ListDeksOptions& options = {});

/// DekCount is how many DEKs of one purpose and state a KEK wraps.
struct DekCount {
  std::optional<DekPurpose> purpose;  ///< nothing: one that there is not; any thing may need it
  std::optional<KeyState> state;      ///< likewise
  std::int64_t deks = 0;
  std::int64_t drained = 0;  ///< of them
};

/// KekCensus says what needs a KEK: what could not be opened any more if it went.
struct KekCensus {
  KekId id;
  std::string scope;
  KeyState state = KeyState::kActive;
  Timestamp created_at;
  std::vector<DekCount> deks;
  std::optional<Timestamp> destroy_at;  ///< somebody asked for it to be destroyed
  std::int64_t projects = 0;
  std::vector<std::string> first_projects;  ///< at most ten, by name
  std::optional<std::int64_t> secrets;      ///< with CountFrom::kEveryRow
  std::optional<std::int64_t> versions;     ///< with CountFrom::kEveryRow
  std::optional<std::int64_t> values;  ///< with CountFrom::kEveryRow: in registered columns whose
                                       ///< place is known
};

/// TakeCensus counts, for every KEK of purpose `wrap`, what needs it. From key rows alone it reads
/// one row a project and purpose; kEveryRow reads every version's key id and every registered
/// column. What could not be counted, so that it may need any KEK, is in `unreadable`: DEKs of KEKs
/// that there are not, and columns whose registration cannot be read.
Result<Listing<KekCensus>> TakeCensus(Client& client, CountFrom count = CountFrom::kKeyRows);

struct RotationReport {
  KekId old_kek;
  KekId new_kek;
  std::int64_t rewrapped = 0;  ///< DEKs
  std::chrono::microseconds duration{0};
  /// DEKs that do not open and so stay under their old KEK, each named.
  std::vector<std::string> failures;
  std::optional<JobId> job;  ///< rewraps the DEKs where there are too many for one transaction
};

/// RotateKek makes a new active KEK of a scope (`default`, or a project that has a root of its
/// own), wrapped for every root of that scope, deactivates the old one and rewraps the scope's
/// DEKs, in one transaction: one DEK row a project and purpose, not one row a secret. Secrets are
/// untouched, and readers go on. Over 10,000 DEKs are rewrapped by a job, to be run with RunJobs.
/// Errors: kUnavailable (another writer held the store too long: retry), kRootKeyMissing (a root
/// that must wrap the new KEK was not given here, named), kNotFound (no such scope).
Result<RotationReport> RotateKek(Client& client, const Access& access = {},
                                 std::string_view scope = "default");

/// RotateKekIfDue rotates the KEK of scope `default` where the policies `kek.max_age` and
/// `rotation.min_interval` say so by the store's clock, and else returns nothing. Of several
/// callers at once, one rotates.
Result<std::optional<RotationReport>> RotateKekIfDue(Client& client, const Access& access = {});

/// StartRewrap starts a job that wraps every DEK of a scope that is not under the scope's active
/// KEK under that one. Errors: kNotFound (no KEK of that scope is active).
Result<JobId> StartRewrap(Client& client, const Access& access = {},
                          std::string_view scope = "default");

struct DekRotation {
  std::int64_t rotated = 0;  ///< DEKs; with all projects, those are the first job's
  std::vector<JobId> jobs;   ///< to be run with RunJobs: they rotate (all projects) and reseal
  /// Labels of registered columns whose place is not known: their values stay under the old DEK
  /// until the app seals them again.
  std::vector<std::string> columns_without_source;
};

/// RotateDeks gives a project, or every project without one named, a fresh DEK for each purpose it
/// uses, and starts the jobs that seal its values again. The old DEKs are deactivated: they open,
/// and seal no more. A second rotation may begin before the first has ended. Errors: kNotFound (the
/// project has no DEK), the client's.
Result<DekRotation> RotateDeks(Client& client, const std::optional<ProjectId>& project,
                               const Access& access = {});

/// FailureClass says what is wrong with a row that does not verify.
enum class FailureClass : std::uint8_t {
  kTrustRow,    ///< a root, KEK, column or the set was changed
  kKey,         ///< a DEK does not open, or its tag does not match
  kCiphertext,  ///< a version does not open: damaged, moved or replaced
  kReplay,      ///< a version opens, but is not what was written last; a destroyed key is there
  kMissing,     ///< a version that the log names is not there
};

std::string_view ToText(FailureClass failure) noexcept;

struct VerifyFailure {
  FailureClass failure = FailureClass::kCiphertext;
  std::string row;  ///< the table and key: `secret_version acme/…/3`
  std::string message;
};

struct VerifyReport {
  std::int64_t keks = 0;  ///< that wrap DEKs, as in StoreStatus; the integrity key is opened too
  std::int64_t deks = 0;
  std::int64_t secrets = 0;
  std::int64_t versions = 0;
  std::int64_t suspended = 0;  ///< of the versions: not opened, because their KEK is suspended
  std::int64_t failures = 0;
};

/// Verify opens every row in constant memory, changes nothing, and calls `on_failure` for each row
/// that does not stand. What stands under a suspended KEK is counted and not opened. It goes on
/// behind failures. Errors: the store's; a row's failure is none.
Result<VerifyReport> Verify(Client& client,
                            const std::function<void(const VerifyFailure&)>& on_failure,
                            const std::function<void(const VerifyReport&)>& on_progress = {});

/// PlannedDestruction is a KEK whose destruction was asked for.
struct PlannedDestruction {
  KekId kek;
  Timestamp destroy_at;  ///< from when on
};

struct StatusReport {
  InstallationId installation;
  std::int64_t epoch = 0;
  std::int64_t format = 0;
  KekId integrity_kek;
  KekId active_kek;  ///< 0: none is active
  Timestamp active_kek_created_at;
  std::optional<Timestamp> kek_rotation_due;  ///< of the active KEK, by policy `kek.max_age`
  std::vector<KekId> suspended;
  std::vector<KekId> compromised;
  std::vector<PlannedDestruction> to_destroy;
  std::int64_t retired_projects = 0;
  std::int64_t destroyed_keys = 0;
  std::int64_t keks = 0;
  std::int64_t deks = 0;
  std::int64_t projects = 0;
  std::int64_t secrets = 0;
  std::int64_t versions = 0;
  bool memory_locked = true;
  bool rolled_back = false;  ///< an older copy of the store stands in its place
};

Result<StatusReport> Status(Client& client);

/// AcceptRollback goes on with an older copy of a store that was put in its place on purpose: the
/// epoch leaps past what any machine had seen, by at least one million, so that none raises the
/// alarm any more. The log gets an entry. Returns the new epoch. Errors: the client's.
Result<std::int64_t> AcceptRollback(Client& client, const Access& access = {});

/// Severity says who has to look at a finding. kError: the store does not open, may lose data, or
/// is exposed now. kWarning: it may become so, or something that is not visible from here decides
/// it. kOk: it was looked at and stands.
enum class Severity : std::uint8_t { kOk, kWarning, kError };

std::string_view ToText(Severity severity) noexcept;

/// Finding is what one check found. No text of it holds a secret or a key.
struct Finding {
  Severity severity = Severity::kOk;
  std::string check;    ///< the check's stable lower-case name, for example `root_file`
  std::string message;  ///< what was found, and on what
  std::string action;   ///< what to do about it; empty for kOk
};

/// Diagnose looks at the keys, roots, registered columns, jobs and policies of an open store, by
/// the store's clock, and changes nothing, not even the audit log. Errors: the client's.
Result<std::vector<Finding>> Diagnose(Client& client);

}  // namespace rowseal
