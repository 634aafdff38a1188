#pragma once

#include <rowseal/connection.h>
#include <rowseal/error.h>

#include "store/columns.h"

namespace rowseal {

/// TrustGatherer makes records of the trusted rows of one moment, however they came. They are
/// claims until a Keyring adopts them.
class TrustGatherer final {
 public:
  /// Take reads one row of `table`; `read` reads any of the five records' fields. Errors:
  /// kIntegrity, naming the row and the column.
  template <class Read>
  Result<void> Take(std::string_view table, Read read) {
    if (table == kTableOf<InstallationRecord>) {
      ++installations_;
      return Check(read(trust_.installation), trust_.installation);
    }
    if (table == kTableOf<RootRecord>) {
      RootRecord& root = trust_.roots.emplace_back();
      return Check(read(root), root);
    }
    if (table == kTableOf<KekRecord>) {
      KekRecord& kek = trust_.keks.emplace_back();
      return Check(read(kek), kek);
    }
    if (table == kTableOf<WrappingRecord>) {
      WrappingRecord& wrapping = trust_.wrappings.emplace_back();
      return Check(read(wrapping), wrapping);
    }
    if (table == kTableOf<FloorRecord>) {
      FloorRecord& floor = trust_.floors.emplace_back();
      return Check(read(floor), floor);
    }
    return OfNoTable(table);
  }
  /// Finish errors: kIntegrity (no installation, or a row that came twice).
  Result<TrustRows> Finish() &&;

 private:
  static Result<void> Check(const Defect& defect, const InstallationRecord& record);
  static Result<void> Check(const Defect& defect, const RootRecord& record);
  static Result<void> Check(const Defect& defect, const KekRecord& record);
  static Result<void> Check(const Defect& defect, const WrappingRecord& record);
  static Result<void> Check(const Defect& defect, const FloorRecord& record);
  static Result<void> OfNoTable(std::string_view table);

  TrustRows trust_;
  int installations_ = 0;
};

/// ParseTrustRows reads rows of a bundle of keys or of a dump: each the table's name, then its
/// columns in their order.
Result<TrustRows> ParseTrustRows(Rows rows);

/// TrustCells gives such rows.
std::vector<Row> TrustCells(const TrustRows& trust);

/// Statements that write trusted rows; they run inside a write transaction that verified the set
/// and ends with UpdateInstallation.
Result<void> InsertRoot(Connection& connection, const RootRecord& record);
Result<void> InsertKek(Connection& connection, const KekRecord& record);
Result<void> InsertWrapping(Connection& connection, const WrappingRecord& record);
/// WriteFloor inserts a scope's floors, or raises those that stand there.
Result<void> WriteFloor(Connection& connection, const FloorRecord& record);
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
