#pragma once

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "keys/records.h"

namespace rowseal {

/// ParseTrustRows turns kTrustLoad's answer into records; they are claims until a Keyring adopts
/// them. Errors: kIntegrity (no installation, or a text outside a closed set).
Result<TrustRows> ParseTrustRows(Rows answer);

/// LoadTrustRows runs kTrustLoad.
Result<TrustRows> LoadTrustRows(Connection& connection);

/// ReadDek reads the twelve DEK columns of store/procedures.h and sets `kek_revision` and `kek_tag`
/// to those of its KEK's row.
struct DekAndKek {
  DekRecord dek;
  Revision kek_revision;
  Bytes kek_tag;
};
Result<DekAndKek> ReadDek(const ProjectId& project, RowReader& reader);

/// kColumnColumns are the columns of `sealed_column` that ReadColumn reads.
inline constexpr std::string_view kColumnColumns =
    "id, label, context, state, revision, row_tag, created_at, source_database, source_table,"
    " source_column, source_keys, source_project";
Result<ColumnRecord> ReadColumn(RowReader& reader);

/// JoinKeys writes key columns as `source_keys` holds them: separated by line feeds, which no name
/// has.
std::string JoinKeys(const std::vector<std::string>& keys);

/// Statements that write trusted rows; they run inside a write transaction that verified the set
/// and ends with UpdateInstallation.
Result<void> InsertRoot(Connection& connection, const RootRecord& record);
Result<void> InsertKek(Connection& connection, const KekRecord& record);
Result<void> InsertWrapping(Connection& connection, const WrappingRecord& record);
/// UpdateKekState writes state, resumes_to, revision and tag where the revision is `seen`.
/// Errors: kConflict when another writer was first.
Result<void> UpdateKekState(Connection& connection, const KekRecord& record, Revision seen);
/// DeleteKek deletes a KEK and its wrappings. Errors: kConflict when a DEK needs it.
Result<void> DeleteKek(Connection& connection, KekId id);
/// UpdateRootState writes state, revision and tag where the revision is `seen`. Errors: kConflict.
Result<void> UpdateRootState(Connection& connection, const RootRecord& record, Revision seen);
/// DeleteWrappingsOf removes what a root may open, and DeleteRoot its row where the revision is
/// `seen`. Errors: kConflict.
Result<void> DeleteWrappingsOf(Connection& connection, RootId root);
Result<void> DeleteRoot(Connection& connection, const RootRecord& record);
/// LockKeks locks the rows of a scope's KEKs: who adds or removes a root, and who makes or destroys
/// a KEK, wait for each other.
Result<void> LockKeks(Connection& connection, std::string_view scope);
Result<void> InsertInstallation(Connection& connection, const InstallationRecord& record);
Result<void> UpdateInstallation(Connection& connection, const InstallationRecord& record);

}  // namespace rowseal
