#pragma once

#include <cstdint>
#include <string_view>

namespace rowseal {

// What the name of a column, a table or a member of a JSON object says of the values in it.

/// NameClass is what a column's or member's name says of its values.
enum class NameClass : std::uint8_t {
  kTelling,     ///< they are secrets: `api_key`, `clientSecret`, `totp`
  kHash,        ///< they are digests or the like: `checksum`, `etag`
  kIdentifier,  ///< they name or describe something: `secret_id`, `token_type`, `created_at`
  kPlain,       ///< nothing
};

NameClass ClassifyName(std::string_view name);

/// HoldsSecretsByName tells whether a table, an object or an array is called after secrets
/// (`secrets`, `credentials`, `api_keys`), so that a `value` in it is one.
bool HoldsSecretsByName(std::string_view name);

/// IsValueName tells whether a name says only that it holds the value of something: `value`,
/// `data`.
bool IsValueName(std::string_view name);

/// IsNameName tells whether a name says that it holds the name of something: `name`, `key`.
bool IsNameName(std::string_view name);

/// IsProjectName tells whether a column holds a tenant by its name: `project_id`, `tenantId`.
bool IsProjectName(std::string_view name);

/// IsProjectTableName tells whether a table is one of tenants: `projects`, `organizations`.
bool IsProjectTableName(std::string_view name);

}  // namespace rowseal
