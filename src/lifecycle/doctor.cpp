#include <algorithm>
#include <array>

#include "base/closed_set.h"
#include "lifecycle/doctor_checks.h"

namespace rowseal {
namespace {

struct Check {
  std::string_view name;
  Result<void> (*run)(const Inspection& inspection, Findings& findings);
};

// Every check of an open store, in the order in which their findings are shown. What is added to a
// store later reports here by a check of its own.
constexpr std::array kChecks = {
    Check{"epoch", CheckEpoch},
    Check{"roots", CheckRootRows},
    Check{"recovery_drill", CheckRecoveryDrills},
    Check{"kek_age", CheckKekAge},
    Check{"key_states", CheckKeyStates},
    Check{"kek_use", CheckKekUse},
    Check{"key_times", CheckKeyTimes},
    Check{"dek_age", CheckDekAge},
    Check{"dek_use", CheckDekUse},
    Check{"drained", CheckDrained},
    Check{"columns", CheckColumns},
    Check{"jobs", CheckJobs},
    Check{"policies", CheckPolicies},
};

}  // namespace

std::string_view ToText(Severity severity) noexcept {
  constexpr ClosedSet<Severity, 3> kSeverities{{"ok", "warning", "error"}};
  return kSeverities.TextOf(severity);
}

Result<DekGroup> ReadDekGroup(Connection& connection, std::string_view sql,
                              std::vector<Param> params) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(sql, std::move(params))));
  if (answer.rows.size() != 1) {
    return Fail(ErrorCode::kInternal, "a count gave no row");
  }
  RowReader reader(answer.rows.front());
  DekGroup group;
  group.count = reader.Integer();
  if (group.count > 0) {
    group.first_project = reader.Text();
    group.at = reader.Time();
  }
  ROWSEAL_TRY(reader.status());
  return group;
}

std::string Counted(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::int64_t DaysSince(Timestamp then, Timestamp now) {
  return std::max<std::int64_t>(0,
                                std::chrono::duration_cast<std::chrono::days>(now - then).count());
}

Result<std::vector<Finding>> Diagnose(Client& client) {
  return ReadTrusted(client, [](TrustedRead& read) -> Result<Findings> {
    ROWSEAL_ASSIGN(const Timestamp now, read.Now());
    const Inspection inspection{read.connection(), read.session(), read.session().keyring().trust(),
                                now, read};
    Findings findings;
    for (const Check& check : kChecks) {
      if (const Result<void> done = check.run(inspection, findings); !done) {
        const Error& error = done.error();
        if (error.code != ErrorCode::kIntegrity) {
          return tl::unexpected(error);
        }
        findings.push_back({Severity::kError, std::string(check.name), error.message,
                            error.hint.empty()
                                ? "rowseal verify names every row that does not stand"
                                : error.hint});
      }
    }
    return findings;
  });
}

}  // namespace rowseal
