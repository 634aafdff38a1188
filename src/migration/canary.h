#pragma once

#include <set>
#include <string>
#include <vector>

#include <rowseal/client.h>

#include "migration/manifest.h"

namespace rowseal {

/// Canary is one row that is migrated before all others, to see whether the app can read it.
class Canary final {
 public:
  /// Migrate puts the guards in place and migrates the row of `key` in the manifest's column
  /// `number`, counted from 1; a row that was migrated already stays as it is. Errors: kNotFound
  /// (no such row, or it holds nothing), kConflict (it was quarantined: the message says why), the
  /// client's, AppRows's.
  static Result<Canary> Migrate(Client& client, const MigrationManifest& manifest,
                                std::size_t number, const std::vector<std::string>& key,
                                const Access& access);

  /// WasRead tells whether somebody has read the row's secret, or opened a value of its column and
  /// project, since it was migrated: by the audit log, which has an entry before a value is given
  /// out. Errors: the client's.
  Result<bool> WasRead(Client& client);

  /// What to read: `secret crm/1 of project acme`, `a value of users.totp of project acme`.
  const std::string& what() const noexcept { return what_; }

 private:
  Canary(ProjectId project, std::string action, std::string object, std::string what)
      : project_(std::move(project)),
        action_(std::move(action)),
        object_(std::move(object)),
        what_(std::move(what)) {}

  ProjectId project_;
  std::string action_;  // empty: any
  std::string object_;  // a part of the entry's
  std::string what_;
  std::set<std::string> known_;  // entries from before
};

}  // namespace rowseal
