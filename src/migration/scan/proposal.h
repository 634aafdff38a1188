#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "migration/scan/column_sample.h"
#include "migration/scan/project_rule.h"
#include "store/app_catalogue.h"

namespace rowseal {

/// Proposal is what a scan says of one column, or of one path in its documents: what a manifest's
/// block holds, and why.
struct Proposal {
  enum class Verdict : std::uint8_t {
    kActive,    ///< migrated unless somebody takes it out
    kDoubtful,  ///< stands in the manifest commented out
    kSkipped,   ///< a comment only
  };
  enum class Mode : std::uint8_t { kMove, kValue };
  enum class Leave : std::uint8_t { kNull, kMarker };

  Verdict verdict = Verdict::kActive;
  std::string table;
  std::vector<std::string> keys;
  ProjectRule project;
  std::string column;
  std::string type;
  std::string path;  ///< empty: the whole column
  std::optional<Shape>
      cipher;  ///< encrypted by something else: where its key is, is to be filled in
  Mode mode = Mode::kValue;
  SecretKind kind = SecretKind::kWorkflow;    ///< of kMove
  std::string name_rule;                      ///< of kMove
  Leave leave = Leave::kMarker;               ///< of kMove
  std::string label;                          ///< of kValue
  ContextKind context = ContextKind::kField;  ///< of kValue
  std::int64_t rows = 0;                      ///< sampled
  std::int64_t values = 0;                    ///< in them, neither NULL nor empty
  std::int64_t matched = 0;                   ///< of these, what may be secrets
  std::vector<std::string> seen;              ///< how many values of which shape, masked
  std::vector<std::string> reasons;           ///< why it is not active
  std::vector<std::string> notes;             ///< what else to know
};

/// SampledTable is a table and what was seen in its columns; a column that was not sampled has
/// nothing.
struct SampledTable {
  CatalogueTable table;
  std::vector<std::optional<ColumnSample>> columns;  ///< as many as the table has
};

/// ProposalMaker turns samples into proposals, table by table. It remembers what it proposed: names
/// and labels of one table keep clear of another's.
class ProposalMaker final {
 public:
  explicit ProposalMaker(const std::vector<CatalogueTable>& tables);

  std::vector<Proposal> Propose(const SampledTable& sampled);

 private:
  Proposal Begin(const CatalogueTable& table, const CatalogueColumn& column);
  std::string FreeLabel(const CatalogueTable& table, const std::string& column);
  std::optional<Proposal> ProposeColumn(const SampledTable& sampled, std::size_t number);
  void ProposePaths(const SampledTable& sampled, std::size_t number, std::vector<Proposal>& out);
  void ChoosePlace(const SampledTable& sampled, const CatalogueColumn& column,
                   const ColumnSample& sample, Proposal& proposal);
  void ChooseMove(const CatalogueTable& table, const CatalogueColumn& column,
                  const std::string& name_rule, Proposal& proposal);
  void ChooseCell(const CatalogueTable& table, const CatalogueColumn& column,
                  const ColumnSample& sample, Proposal& proposal) const;

  const std::vector<CatalogueTable>& tables_;
  bool is_supabase_ = false;
  bool has_projects_ = false;                  ///< the app has a table of them
  std::map<std::string, std::string> labels_;  ///< the place that each is for
  bool has_moves_ = false;
};

}  // namespace rowseal
