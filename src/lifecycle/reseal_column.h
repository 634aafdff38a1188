#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/active_dek.h"
#include "client/session.h"
#include "envelope/sealed_value.h"
#include "jobs/job_body.h"
#include "store/app_column.h"

namespace rowseal {

/// ResealColumn seals the values of one registered column that are not under their project's active
/// DEK again, in place in the app's database: a column's whole text, and sealed values within a
/// larger text, such as strings of a JSON document. An app that writes a row meanwhile wins, and
/// the row is looked at again. A scan that read every row without a failure is noted at the column;
/// enough of them mark `value` DEKs as drained.
class ResealColumn final : public JobBody {
 public:
  ResealColumn(Session& session, ColumnId column, JobId job)
      : session_(session), column_id_(column), job_(job) {}

  Result<std::int64_t> Count(TrustedRead& read) override;
  Result<void> Read(TrustedRead& read, const std::string& position,
                    const BatchLimit& limit) override;
  Result<void> Work() override;
  bool WritesAlone() const override { return positions_.empty(); }
  Result<BatchOutcome> Write(Change& change) override;

 private:
  // A sealed value within a row's text that is to be sealed again.
  struct Stale {
    std::size_t offset;
    std::size_t size;
    SealedValue value;
    DekAndKek dek;
  };
  struct Item {
    AppValue row;
    ProjectId project;
    std::vector<Stale> stale;
    ActiveDekOperation::Active active;
  };

  Result<void> OpenColumn(const TrustedRead& read);
  Result<std::vector<Stale>> FindStale(Connection& connection, const ProjectId& project,
                                       const AppValue& row);
  Result<std::optional<DekAndKek>> FindDek(Connection& connection, const ProjectId& project,
                                           DekId id);
  Result<std::optional<DekAndKek>> ReadDekRow(Connection& connection, const ProjectId& project,
                                              const std::string& id);
  Result<void> ReadRow(Connection& connection, AppValue row);
  Result<std::string> Reseal(const Item& item) const;
  Result<bool> IsGone(Connection& connection, const ProjectId& project);
  Result<void> EndDrained(Connection& connection);
  Result<void> NoteScan(Change& change);
  void Refuse(const AppValue& row, std::string_view why);

  Session& session_;
  const ColumnId column_id_;
  const JobId job_;
  std::optional<ColumnRecord> column_;
  std::unique_ptr<AppColumn> place_;

  Timestamp began_{};                   // when the first row was read
  std::string start_;                   // of this batch
  std::vector<std::string> positions_;  // of the rows read
  std::vector<Item> items_;
  std::map<std::pair<ProjectId, std::string>, std::optional<DekAndKek>> deks_;  // of this batch
  std::map<ProjectId, Result<std::optional<ActiveDekOperation::Active>>> active_;
  std::set<std::pair<ProjectId, DekId>> found_stale_;
  std::optional<std::string> missed_;           // the first row that the app changed meanwhile
  std::map<ProjectId, std::int64_t> resealed_;  // values, by project
  std::vector<JobFailure> failures_;
};

}  // namespace rowseal
