#include <array>
#include <chrono>

#include <rowseal/lifecycle.h>

#include "base/clock.h"
#include "client/session.h"

namespace rowseal {
namespace {

// Clocks of machines that share a store differ by seconds; rows that are further ahead were written
// by a clock that was wrong, or this one is.
constexpr std::chrono::minutes kClockTolerance{5};

// What the checks look at: one read transaction, with the trusted rows of its moment.
struct Inspection {
  Connection& connection;
  const Keyring& keyring;
  std::shared_ptr<const TrustSet> trust;
  Timestamp now;
};

using Findings = std::vector<Finding>;

Result<void> CheckRootRows(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const RootRecord& root : inspection.trust->rows.roots) {
    if (inspection.keyring.Provider(root.id) == nullptr) {
      findings.push_back({Severity::kWarning, "roots",
                          "root " + ToText(root.id) + " (" + root.uri + ") was not given here",
                          "give every root of the store (--root, several times): a rotation needs"
                          " them all; if nobody has it any more, it is to be replaced"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "roots", "every root of the store was given", {}});
  }
  return {};
}

Result<void> CheckKekAge(const Inspection& inspection, Findings& findings) {
  const KekRecord* active = inspection.trust->ActiveKek(kDefaultScope);
  if (active == nullptr) {
    findings.push_back({Severity::kError, "kek_age", "no KEK is active: new projects cannot seal",
                        "resume the suspended KEK, or rotate"});
    return {};
  }
  const auto age =
      std::chrono::duration_cast<std::chrono::days>(inspection.now - active->created_at);
  const std::string named =
      "the active KEK " + ToText(active->id) + " is " + std::to_string(age.count()) + " days old";
  if (age >= kKekAgeToRotate) {
    findings.push_back({Severity::kWarning, "kek_age", named, "rowseal kek rotate"});
  } else {
    findings.push_back({Severity::kOk, "kek_age", named, {}});
  }
  return {};
}

Result<void> CheckKeyStates(const Inspection& inspection, Findings& findings) {
  const std::size_t before = findings.size();
  for (const KekRecord& kek : inspection.trust->rows.keks) {
    const std::string named = "KEK " + ToText(kek.id) + " is " + std::string(ToText(kek.state));
    if (kek.state == KeyState::kSuspended) {
      findings.push_back({Severity::kWarning, "key_states",
                          named + ": what its DEKs sealed does not open", "resume it when it may"});
    } else if (kek.state == KeyState::kCompromised) {
      findings.push_back({Severity::kWarning, "key_states", named,
                          "rotate it, and change the secrets themselves where they were issued"});
    }
  }
  if (findings.size() == before) {
    findings.push_back({Severity::kOk, "key_states", "no KEK is suspended or compromised", {}});
  }
  return {};
}

Result<Timestamp> NewestDek(Connection& connection) {
  ROWSEAL_ASSIGN(
      Rows rows,
      connection.Execute(Statement::Sql("SELECT coalesce(max(created_at), 0) FROM rowseal.dek")));
  if (rows.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "a maximum gave no row");
  }
  RowReader reader(rows.rows.front());
  const Timestamp newest(std::chrono::microseconds(reader.Integer()));
  ROWSEAL_TRY(reader.status());
  return newest;
}

Result<void> CheckKeyTimes(const Inspection& inspection, Findings& findings) {
  ROWSEAL_ASSIGN(Timestamp newest, NewestDek(inspection.connection));
  for (const RootRecord& root : inspection.trust->rows.roots) {
    newest = std::max(newest, root.created_at);
  }
  for (const KekRecord& kek : inspection.trust->rows.keks) {
    newest = std::max(newest, kek.created_at);
  }
  if (newest > inspection.now + kClockTolerance) {
    findings.push_back({Severity::kWarning, "key_times",
                        "a key was made in the future, at " + ToRfc3339(newest),
                        "compare this machine's clock with another one; one of them was wrong"});
  } else {
    findings.push_back({Severity::kOk, "key_times", "no key was made in the future", {}});
  }
  return {};
}

// Every check of an open store, in the order in which their findings are shown. What is added to a
// store later reports here by a check of its own: keys that are drained and wait, jobs that do not
// come to their end, ages and counts that a policy sets (CheckKekAge then asks the policy instead
// of kKekAgeToRotate).
constexpr std::array kChecks = {CheckRootRows, CheckKekAge, CheckKeyStates, CheckKeyTimes};

}  // namespace

std::string_view ToText(Severity severity) noexcept {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

Result<std::vector<Finding>> Diagnose(Client& client) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(session.LoadTrust(connection));
  const Inspection inspection{connection, session.keyring(), session.keyring().trust(),
                              session.Now()};
  Findings findings;
  for (const auto check : kChecks) {
    ROWSEAL_TRY(check(inspection, findings));
  }
  return findings;
}

}  // namespace rowseal
