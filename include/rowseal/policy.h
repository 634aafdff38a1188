#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>

namespace rowseal {

/// Policies say when keys are due. They stand in the store, so that all processes follow the same,
/// and are not trusted: who can write the database can delay a rotation, which `doctor` shows.
///
/// `kek.max_age` (365d) and `dek.max_age` (730d; SP 800-57 5.3.6: up to two years): a key older
/// than this is due for rotation. `rotation.min_interval` (24h): no two due rotations of a kind
/// follow closer. `value.settle_time` (24h): how long an app may take to store a value that it
/// sealed. `destroy.wait` (7d): how long a KEK or a retired project's keys wait to be destroyed.
/// `dek.destroy_after` (7d): when a DEK under which nothing stands is destroyed. `backup.kept`
/// (never): how long backups of the store are kept.
///
/// A value is a whole number and `s`, `m`, `h` or `d`; an age may also be `never`.
struct PolicySetting {
  std::string name;
  std::string value;
  bool is_default = true;
  std::string meaning;
};

/// Policies lists all policies as they are in force.
Result<Listing<PolicySetting>> Policies(Client& client);

/// SetPolicy changes one. Errors: kNotFound (no such policy), kInvalidArgument (its value).
Result<void> SetPolicy(Client& client, std::string_view name, std::string_view value,
                       const Access& access = {});

}  // namespace rowseal
