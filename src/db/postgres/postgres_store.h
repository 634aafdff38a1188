#pragma once

#include <memory>
#include <string>

#include <rowseal/error.h>
#include <rowseal/install.h>

#include "db/postgres/postgres_connection.h"
#include "db/postgres/postgres_format.h"
#include "store/schema/upgrade.h"

namespace rowseal {

/// A PostgreSQL store is the schema `rowseal` of a database, beside an app's own tables.

/// OpenPostgresStore connects to a store of this release's format. Errors: those of
/// PostgresConnection::Open, kNotFound (no schema, or no keys in it), kNewerSchema, kOlderSchema.
Result<std::unique_ptr<PostgresConnection>> OpenPostgresStore(const std::string& url,
                                                              const PostgresOptions& options = {});

/// AppProjects is the app's table of projects as the catalogue has it.
struct AppProjects {
  std::string table;              ///< SCHEMA.TABLE, quoted for SQL; empty: none
  std::string schema;             ///< quoted for SQL
  std::string key;                ///< quoted for SQL
  std::string key_name;           ///< the same as the catalogue has it
  std::string key_type = "text";  ///< integer, bigint, uuid or text; text without a table
  std::string view;               ///< the metadata view's SCHEMA.NAME, quoted; empty: none
};

/// FindProjects looks the table and its key up. Errors: kInvalidArgument (no such table or column,
/// a key of another type).
Result<AppProjects> FindProjects(PostgresConnection& connection, const InstallOptions& install);

/// InstallSql gives the statements that make roles, schema, tables and functions, to be run in one
/// transaction by a login that may create roles and schemas. Holds no key and no secret.
std::string InstallSql(const AppProjects& projects, const InstallOptions& install);

/// ReadProjects gives the table that the store was installed for. Errors: kNotFound (no keys yet),
/// kConflict (it is gone).
Result<AppProjects> ReadProjects(PostgresConnection& connection);

/// ProjectExistsBody gives the body of the function that looks into that table.
std::string ProjectExistsBody(const AppProjects& projects);

/// MemberProjectsBody gives the body of the function that the metadata view asks which projects to
/// show: those of the table for which `condition`, SQL that the installer gave, is true.
std::string MemberProjectsBody(const AppProjects& projects, const std::string& condition);

/// UpgradeSql gives the statements from a format to this release's; empty when there are none.
std::string UpgradeSql(int from_format, const AppProjects& projects);

/// OnlyTagsAreOld tells whether the tables are those of this release, because somebody ran the
/// printed SQL, and only tags and MACs are still to be made.
Result<bool> OnlyTagsAreOld(PostgresConnection& connection);

/// CreatePostgresSchema makes the schema where it is missing, in the open transaction. Errors:
/// kInvalidArgument (the database is not UTF-8, the login may not), kNewerSchema, kOlderSchema.
Result<void> CreatePostgresSchema(PostgresConnection& connection, const AppProjects& projects,
                                  const InstallOptions& install);

/// HasProjectOfItsName tells whether the app's table has a project `system`, which is Rowseal's
/// name for the app's own secrets: its users would be given those.
Result<bool> HasProjectOfItsName(PostgresConnection& connection, const AppProjects& projects);

/// UpgradePostgresStore brings a store to this release's format in one transaction and returns the
/// number of steps. Errors: kNotFound, kNewerSchema, those of `renew`.
Result<int> UpgradePostgresStore(const std::string& url, const TagRenewal& renew);

}  // namespace rowseal
