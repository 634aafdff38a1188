#pragma once

#include <optional>
#include <string>

namespace rowseal {

/// ProjectsTable names the app's table of projects (tenants), on PostgreSQL: a project must stand
/// there before a secret is stored for it, and one that is deleted there is retired. The key is an
/// integer, bigint, uuid or text column; its text is the project's id.
struct ProjectsTable {
  std::string table;  ///< `schema.table`, written as in SQL
  std::string key = "id";
};

/// MetadataView is a view for the app's own users that lists the secrets of their projects: names,
/// kinds, versions and times, never ciphertext or keys. It reads with its reader's own rights
/// (`security_invoker`).
struct MetadataView {
  std::string name;     ///< `schema.view`, written as in SQL
  std::string role;     ///< who may read it, for example `authenticated`
  std::string members;  ///< SQL condition on the projects table's columns: the reader's projects
};

/// InstallOptions is what an installation beside an app's tables on PostgreSQL knows of the app.
struct InstallOptions {
  std::optional<ProjectsTable> projects;  ///< none: any project may be named
  std::optional<MetadataView> metadata_view;
};

}  // namespace rowseal
