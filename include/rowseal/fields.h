#pragma once

#include <chrono>
#include <string_view>

#include <rowseal/client.h>
#include <rowseal/jobs.h>
#include <rowseal/key_bundle.h>
#include <rowseal/key_destruction.h>
#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>
#include <rowseal/policy.h>
#include <rowseal/retire.h>
#include <rowseal/roots.h>

namespace rowseal {

/// Describe names the fields of what lists and reports hold, once for all that show them: --json,
/// the tables of the program and the objects of JavaScript. It calls `field(name, value)` for each,
/// in the order in which they are shown; what is shown of a value follows from its type, so a field
/// has one type everywhere. Names are snake_case, as --json has them.

/// ROWSEAL_FIELDS describes a type whose fields have the names of its members.
#define ROWSEAL_FIELDS(Type, ...)                   \
  template <class Field>                            \
  void Describe(const Type& shown, Field&& field) { \
    ROWSEAL_FIELDS_OF(__VA_ARGS__)                  \
  }
#define ROWSEAL_FIELDS_OF(...) ROWSEAL_EXPAND(ROWSEAL_EACH_FIELD(__VA_ARGS__))
#define ROWSEAL_EACH_FIELD(name, ...) \
  field(#name, shown.name);           \
  __VA_OPT__(ROWSEAL_NEXT_FIELD ROWSEAL_PARENTHESES(__VA_ARGS__))
#define ROWSEAL_NEXT_FIELD() ROWSEAL_EACH_FIELD
#define ROWSEAL_PARENTHESES ()
// Each level scans again, which carries out one more field; 27 suffice.
#define ROWSEAL_EXPAND(...) ROWSEAL_EXPAND3(ROWSEAL_EXPAND3(ROWSEAL_EXPAND3(__VA_ARGS__)))
#define ROWSEAL_EXPAND3(...) ROWSEAL_EXPAND2(ROWSEAL_EXPAND2(ROWSEAL_EXPAND2(__VA_ARGS__)))
#define ROWSEAL_EXPAND2(...) ROWSEAL_EXPAND1(ROWSEAL_EXPAND1(ROWSEAL_EXPAND1(__VA_ARGS__)))
#define ROWSEAL_EXPAND1(...) __VA_ARGS__

ROWSEAL_FIELDS(UnreadRow, row, message)
ROWSEAL_FIELDS(ColumnSource, database, table, column, keys, project_column)
ROWSEAL_FIELDS(ColumnSummary, label, context, state, source, created_at)

template <class Field>
void Describe(const SecretSummary& secret, Field&& field) {
  field("name", secret.name);
  field("kind", secret.kind);
  field("id", secret.id);
  field("version", secret.newest);
  field("versions", secret.versions);
  field("expires_at", secret.expires_at);
  field("created_at", secret.created_at);
  field("updated_at", secret.updated_at);
}

ROWSEAL_FIELDS(VersionSummary, version, expires_at, created_at, created_by)
ROWSEAL_FIELDS(AuditEntry, id, at, actor, action, outcome, object, reason)
ROWSEAL_FIELDS(KekSummary, id, scope, state, created_at, resumes_to, deks, rotation_due,
               compromised_at, destroy_at)
ROWSEAL_FIELDS(DekSummary, project, id, kek, purpose, state, drained, versions, created_at)
ROWSEAL_FIELDS(DekCount, purpose, state, deks, drained)
ROWSEAL_FIELDS(KekCensus, id, scope, state, created_at, destroy_at, deks, projects, first_projects,
               secrets, versions, values)

template <class Field>
void Describe(const RotationReport& report, Field&& field) {
  field("old_kek", report.old_kek);
  field("new_kek", report.new_kek);
  field("rewrapped", report.rewrapped);
  field("failed", report.failures);
  field("job", report.job);
  field("milliseconds", std::chrono::duration<double, std::milli>(report.duration).count());
}

template <class Field>
void Describe(const DekRotation& rotation, Field&& field) {
  field("rotated", rotation.rotated);
  field("jobs", rotation.jobs);
  field("columns_without_place", rotation.columns_without_source);
}

template <class Field>
void Describe(const VerifyFailure& failure, Field&& field) {
  field("class", failure.failure);
  field("row", failure.row);
  field("message", failure.message);
}

template <class Field>
void Describe(const VerifyReport& report, Field&& field) {
  field("keks", report.keks);
  field("deks", report.deks);
  field("secrets", report.secrets);
  field("versions", report.versions);
  field("failed", report.failures);
  field("suspended", report.suspended);
}

template <class Field>
void Describe(const PlannedDestruction& planned, Field&& field) {
  field("id", planned.kek);
  field("destroy_at", planned.destroy_at);
}

template <class Field>
void Describe(const StatusReport& status, Field&& field) {
  field("installation", status.installation);
  field("format", status.format);
  field("epoch", status.epoch);
  field("integrity_kek", status.integrity_kek);
  field("active_kek", status.active_kek);
  field("active_kek_created_at", status.active_kek_created_at);
  field("keks", status.keks);
  field("deks", status.deks);
  field("projects", status.projects);
  field("secrets", status.secrets);
  field("versions", status.versions);
  field("memory_locked", status.memory_locked);
  field("kek_rotation_due", status.kek_rotation_due);
  field("suspended_keks", status.suspended);
  field("compromised_keks", status.compromised);
  field("keks_to_destroy", status.to_destroy);
  field("retired_projects", status.retired_projects);
  field("destroyed_keys", status.destroyed_keys);
  field("rolled_back", status.rolled_back);
}

ROWSEAL_FIELDS(Finding, severity, check, message, action)
ROWSEAL_FIELDS(JobSummary, id, kind, object, subject, state, running, run, total, done, failed,
               created_at, started_at, changed_at)
ROWSEAL_FIELDS(JobsReport, jobs, failed, stopped, unreadable)

template <class Field>
void Describe(const DestructionReport& report, Field&& field) {
  field("keks", report.keks);
  field("deks", report.deks);
  field("failed", report.failures);
}

template <class Field>
void Describe(const MaintainReport& report, Field&& field) {
  Describe(report.jobs, field);
  field("kek_rotation", report.kek_rotation);
  field("destroyed", report.destroyed);
}

ROWSEAL_FIELDS(KeyBundle, installation, epoch, keks, deks)
ROWSEAL_FIELDS(RestoredKeys, restored, there, refused)
ROWSEAL_FIELDS(KeySet, installation, epoch, keks, keks_opened, deks, deks_opened, failures)

template <class Field>
void Describe(const KekDestruction& destruction, Field&& field) {
  field("id", destruction.kek);
  field("due", destruction.due);
  field("destroyed", destruction.destroyed);
}

ROWSEAL_FIELDS(KeyEvidence, purpose, state, created_at, destroyed_at, actor, reason, census)

ROWSEAL_FIELDS(UnreadableDek, project, id, purpose, state, why, versions, values, discarded)

/// Both kinds of destroyed keys have the same fields, so that one reader takes both.
template <class Field>
void Describe(const DestroyedKek& kek, Field&& field) {
  field("project", nullptr);
  field("id", kek.id);
  field("scope", kek.scope);
  Describe(kek.evidence, field);
}

template <class Field>
void Describe(const DestroyedDek& dek, Field&& field) {
  field("project", dek.project);
  field("id", dek.id);
  field("scope", nullptr);
  Describe(dek.evidence, field);
}

template <class Field>
void Describe(const CompromisePlan& plan, Field&& field) {
  field("id", plan.kek);
  field("state", plan.state);
  field("rotates", plan.rotates);
  field("deks", plan.deks);
  field("secrets", plan.secrets);
  field("columns", plan.columns);
  field("columns_without_place", plan.columns_without_source);
}

ROWSEAL_FIELDS(ExposedSecret, project, name)

/// Without the jobs, which a caller runs or leaves.
template <class Field>
void Describe(const KekCompromise& compromise, Field&& field) {
  field("id", compromise.kek);
  field("new_kek", compromise.new_kek);
  field("rewrapped", compromise.rewrapped);
  field("failed_deks", compromise.failures);
}

template <class Field>
void Describe(const PolicySetting& policy, Field&& field) {
  field("name", policy.name);
  field("value", policy.value);
  field("default", policy.is_default);
  field("meaning", policy.meaning);
}

ROWSEAL_FIELDS(RetiredProject, project, retired_at, destroy_at, destroyed_at, backups_until)
ROWSEAL_FIELDS(ProjectRetirement, project, retired_at, destroy_at, destroyed_at, secrets, versions,
               deks, columns, backups_until)
ROWSEAL_FIELDS(RootSummary, id, uri, scope, fingerprint, state, configured, wraps_only, keks,
               scope_keks, if_lost, created_at)

/// Without the DEKs' jobs, which a caller runs or leaves.
ROWSEAL_FIELDS(CompromisedRoot, root, proven, projects, kek_rotation)

template <class Field>
void Describe(const AddedRoot& added, Field&& field) {
  field("id", added.id);
  field("uri", added.uri);
  field("scope", added.scope);
  field("fingerprint", added.fingerprint);
  field("keks", added.keks);
  field("proven", added.proven);
  field("made_kek", added.made_kek);
  field("rewrapped", added.rewrapped);
  field("failed", added.failures);
}

ROWSEAL_FIELDS(RecoveryDrill, root, keks, dek, before)

/// Described types are those whose fields Describe names.
template <class T>
concept Described = requires(const T& value) {
  Describe(value, [](std::string_view, const auto&) {});
};

}  // namespace rowseal
