#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "client/key_refusals.h"
#include "lifecycle/doctor_checks.h"
#include "lifecycle/policies.h"

namespace rowseal {
namespace {

std::string NoActiveKekHint(const TrustSet& trust) {
  const KekRecord* suspended = SuspendedActiveKek(trust, kDefaultScope);
  return suspended != nullptr ? WayOut(*suspended) : "rowseal kek list shows the states of keys";
}

std::string Named(const KekRecord& kek) { return "KEK " + ToText(kek.id); }

// Due rotations wait for a KEK of the future (RotateKekIfDue), so somebody has to know of it.
void FindFutureKek(const Inspection& inspection, Findings& findings) {
  const KekRecord* newest = nullptr;
  for (const KekRecord& kek : inspection.trust->rows.keks) {
    if (kek.purpose == KekPurpose::kWrap &&
        (newest == nullptr || kek.created_at > newest->created_at)) {
      newest = &kek;
    }
  }
  if (newest != nullptr && newest->created_at > inspection.now + kClockTolerance) {
    findings.push_back(
        {Severity::kWarning, "key_times",
         Named(*newest) + " was made in the future by the store's clock, at " +
             ToRfc3339(newest->created_at) + ": no KEK becomes due before that",
         "compare the clock of the store's machine with another one and set it right; if it is"
         " right now, rotate by hand until then: rowseal kek rotate"});
  }
}

// Only an active DEK becomes due.
Result<void> FindFutureDeks(const Inspection& inspection, Findings& findings) {
  const Timestamp bound = inspection.now + kClockTolerance;
  ROWSEAL_ASSIGN(const DekGroup ahead,
                 ReadDekGroup(inspection.connection,
                              "SELECT count(*), min(project_id), max(created_at) FROM rowseal.dek"
                              " WHERE state = 'active' AND created_at > $1",
                              {bound.time_since_epoch().count()}));
  if (ahead.count > 0) {
    findings.push_back(
        {Severity::kWarning, "key_times",
         Counted(ahead.count, "active DEK") + " made in the future by the store's clock, up to " +
             ToRfc3339(ahead.at) + "; first of project '" + Printable(ahead.first_project) + "'",
         "compare the clocks of the machines that write here, then rowseal dek rotate --project " +
             ShellWord(ahead.first_project)});
  }
  return {};
}

}  // namespace

Result<void> CheckEpoch(const Inspection& inspection, Findings& findings) {
  if (inspection.session.rolled_back()) {
    findings.push_back({Severity::kError, "epoch",
                        "an older copy of the store stands in its place: its keys had come further"
                        " on this machine; nothing is sealed and no key changes",
                        "find out why; then rowseal verify --accept-rollback goes on with it"});
  } else if (!inspection.session.has_anchor()) {
    findings.push_back({Severity::kWarning, "epoch",
                        "no state folder is kept, so that an older copy of the store would not be"
                        " noticed by this machine",
                        "name one: ROWSEAL_STATE or --state"});
  } else {
    findings.push_back(
        {Severity::kOk, "epoch", "the store is not older than this machine saw it", ""});
  }
  return {};
}

Result<void> CheckKekAge(const Inspection& inspection, Findings& findings) {
  const KekRecord* active = inspection.trust->ActiveKek(kDefaultScope);
  if (active == nullptr) {
    findings.push_back({Severity::kError, "kek_age", "no KEK is active: nothing can be sealed",
                        NoActiveKekHint(*inspection.trust)});
    return {};
  }
  ROWSEAL_ASSIGN(const PolicyDuration max_age,
                 ReadPolicyOrNever(inspection.connection, Policy::kKekMaxAge));
  const std::string named = "the active " + Named(*active) + " is " +
                            Counted(DaysSince(active->created_at, inspection.now), "day") +
                            " old; policy kek.max_age is " + ToText(max_age);
  if (max_age && inspection.now - active->created_at >= *max_age) {
    findings.push_back({Severity::kWarning, "kek_age", named,
                        "rowseal kek rotate; rowseal maintain from a timer does it by itself"});
  } else {
    findings.push_back({Severity::kOk, "kek_age", named, {}});
  }
  return {};
}

Result<void> CheckKeyStates(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const KekRecord& kek : inspection.trust->rows.keks) {
    const std::string named = Named(kek) + " is " + std::string(ToText(kek.state));
    if (kek.state == KeyState::kSuspended) {
      findings.push_back({Severity::kWarning, "key_states",
                          named + ": what its DEKs sealed does not open", WayOut(kek)});
    } else if (kek.state == KeyState::kCompromised) {
      findings.push_back({Severity::kWarning, "key_states", named,
                          "rowseal kek compromised " + ToText(kek.id) +
                              " names the secrets to change where they were issued; when none is"
                              " left: rowseal kek destroy " +
                              ToText(kek.id)});
    }
  }
  for (const FloorRecord& floor : inspection.trust->rows.floors) {
    if (floor.secrets < floor.seal) {
      findings.push_back(
          {Severity::kWarning, "key_states",
           "scope '" + Printable(floor.scope) +
               "': not every secret was sealed again since a compromise was declared",
           "rowseal jobs run goes on; what fails is to be restored, or deleted"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "key_states", "no KEK is suspended or compromised", {}});
  }
  return {};
}

// A KEK that seals no more should wrap nothing either: whoever has it has those DEKs.
Result<void> CheckKekUse(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const KekRecord& kek : inspection.trust->rows.keks) {
    const bool is_past = kek.state == KeyState::kDeactivated || kek.state == KeyState::kCompromised;
    if (kek.purpose != KekPurpose::kWrap || !is_past) {
      continue;
    }
    ROWSEAL_ASSIGN(const DekGroup wrapped,
                   ReadDekGroup(inspection.connection,
                                "SELECT count(*), min(project_id), min(created_at)"
                                " FROM rowseal.dek WHERE kek_id = $1",
                                {kek.id.value}));
    if (wrapped.count > 0) {
      findings.push_back(
          {Severity::kWarning, "kek_use",
           Named(kek) + " is " + std::string(ToText(kek.state)) + " and still wraps " +
               Counted(wrapped.count, "DEK") + ", first of project '" +
               Printable(wrapped.first_project) + "'",
           kek.state == KeyState::kCompromised ? WayOut(kek) : "rowseal kek rewrap"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "kek_use", "no deactivated KEK wraps a DEK", {}});
  }
  return {};
}

Result<void> CheckKeyTimes(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  FindFutureKek(inspection, findings);
  ROWSEAL_TRY(FindFutureDeks(inspection, findings));
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "key_times", "no key was made in the future", {}});
  }
  return {};
}

}  // namespace rowseal
