#include "lifecycle/policies.h"

#include <array>
#include <charconv>

#include <rowseal/policy.h>

#include "base/encoding.h"
#include "client/change.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::int64_t kLongest = 100LL * 365 * 24 * 3600;  // seconds

struct PolicyRow {
  Policy policy;
  std::string_view name;
  std::string_view default_value;
  bool may_be_never;
  bool may_be_nothing;  // 0s
  std::string_view meaning;
};

constexpr std::array kPolicies = {
    PolicyRow{Policy::kKekMaxAge, "kek.max_age", "365d", true, false,
              "a KEK older than this is due for rotation"},
    PolicyRow{Policy::kDekMaxAge, "dek.max_age", "730d", true, false,
              "a DEK older than this is due for rotation"},
    PolicyRow{Policy::kRotationMinInterval, "rotation.min_interval", "24h", false, true,
              "no two due rotations of a kind follow closer than this"},
    PolicyRow{Policy::kValueSettleTime, "value.settle_time", "24h", false, true,
              "how long an app may take to store a value that it sealed"},
    PolicyRow{Policy::kDestroyWait, "destroy.wait", "7d", false, true,
              "a KEK or a retired project's keys wait so long to be destroyed"},
    PolicyRow{Policy::kDekDestroyAfter, "dek.destroy_after", "7d", true, true,
              "a DEK under which nothing stands is destroyed after this"},
    PolicyRow{Policy::kBackupKept, "backup.kept", "never", true, true,
              "how long backups of the store are kept; never: it is not known"},
};

// From the smallest to the largest.
constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits = {
    {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 24 * 3600}}};

const PolicyRow* FindPolicy(std::string_view name) {
  for (const PolicyRow& row : kPolicies) {
    if (row.name == name) {
      return &row;
    }
  }
  return nullptr;
}

Result<std::optional<std::string>> StoredText(Connection& connection, std::string_view name) {
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT substr(value, 1, 256) FROM rowseal.policy WHERE name = $1",
                     {std::string(name)})));
  if (answer.rows.empty()) {
    return std::nullopt;
  }
  return TextAt(answer.rows.front(), 0);
}

}  // namespace

Result<PolicyDuration> ParsePolicyDuration(std::string_view text) {
  if (text == "never") {
    return PolicyDuration();
  }
  std::int64_t number = -1;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr + 1 == end && text.front() != '-') {
    for (const auto& [unit, seconds] : kUnits) {
      if (*read.ptr == unit && number <= kLongest / seconds) {
        return PolicyDuration(std::chrono::seconds(number * seconds));
      }
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a duration",
              "write a whole number and s, m, h or d, as 90d; an age may also be never");
}

Result<PolicyDuration> ReadPolicy(Connection& connection, Policy policy) {
  const PolicyRow& row = kPolicies[static_cast<std::size_t>(policy)];
  ROWSEAL_ASSIGN(const std::optional<std::string> stored, StoredText(connection, row.name));
  Result<PolicyDuration> duration =
      ParsePolicyDuration(stored ? std::string_view(*stored) : row.default_value);
  if (!duration || (!*duration && !row.may_be_never)) {
    return Fail(ErrorCode::kIntegrity,
                "policy " + std::string(row.name) + " holds '" + Printable(stored.value_or("")) +
                    "', which is no duration",
                "set it again: rowseal policy set");
  }
  return duration;
}

Result<PolicyDuration> ReadPolicyOrNever(Connection& connection, Policy policy) {
  Result<PolicyDuration> duration = ReadPolicy(connection, policy);
  if (!duration && duration.error().code == ErrorCode::kIntegrity) {
    return PolicyDuration();
  }
  return duration;
}

std::string_view PolicyName(Policy policy) noexcept {
  return kPolicies[static_cast<std::size_t>(policy)].name;
}

std::string ToText(PolicyDuration duration) {
  if (!duration) {
    return "never";
  }
  const std::int64_t seconds = duration->count();
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (seconds % unit->second == 0 && (seconds != 0 || unit->second == 1)) {
      return std::to_string(seconds / unit->second) + unit->first;
    }
  }
  return "";
}

Result<Listing<PolicySetting>> Policies(Client& client) {
  return ReadStore(client, [](StoreRead& store) -> Result<Listing<PolicySetting>> {
    Listing<PolicySetting> settings;
    for (const PolicyRow& row : kPolicies) {
      const Result<PolicyDuration> duration = ReadPolicy(store.connection(), row.policy);
      if (!duration && duration.error().code != ErrorCode::kIntegrity) {
        return tl::unexpected(duration.error());
      }
      ROWSEAL_ASSIGN(const std::optional<std::string> stored,
                     StoredText(store.connection(), row.name));
      if (!duration) {
        settings.unreadable.push_back({"policy " + std::string(row.name),
                                       "'" + Printable(stored.value_or("")) +
                                           "' is no duration; set it again: rowseal policy set " +
                                           ShellWord(row.name) + " VALUE"});
        continue;
      }
      settings.push_back({std::string(row.name), stored.value_or(std::string(row.default_value)),
                          !stored.has_value(), std::string(row.meaning)});
    }
    return settings;
  });
}

Result<void> SetPolicy(Client& client, std::string_view name, std::string_view value,
                       const Access& access) {
  const PolicyRow* row = FindPolicy(name);
  if (row == nullptr) {
    return Fail(ErrorCode::kNotFound, "there is no policy '" + Printable(name) + "'",
                "rowseal policy get lists them");
  }
  ROWSEAL_ASSIGN(const PolicyDuration duration, ParsePolicyDuration(value));
  const bool is_age_of_nothing = !row->may_be_nothing && duration && duration->count() == 0;
  if ((!duration && !row->may_be_never) || is_age_of_nothing) {
    return Fail(ErrorCode::kInvalidArgument,
                "policy " + std::string(name) + " cannot be " + std::string(value),
                "give a duration, as 24h");
  }
  return ChangeStore(client, access, [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(const Timestamp now, change.Now());
    ROWSEAL_TRY(change.connection().Execute(
        Statement::Sql("INSERT INTO rowseal.policy (name, value, changed_at) VALUES ($1, $2, $3)"
                       " ON CONFLICT (name) DO UPDATE SET value = excluded.value,"
                       " changed_at = excluded.changed_at",
                       {std::string(name), std::string(value), ToMicros(now)})));
    ROWSEAL_TRY(change.Audit("policy.set", std::string(name) + " " + std::string(value)));
    return {};
  });
}

}  // namespace rowseal
