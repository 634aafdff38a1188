#include "migration/scan/scan.h"

#include <algorithm>
#include <span>

#include "migration/scan/judgement.h"
#include "migration/scan/name_class.h"

namespace rowseal {
namespace {

bool HoldsValues(const CatalogueColumn& column) {
  return column.content == ContentKind::kText || column.content == ContentKind::kBytes ||
         column.content == ContentKind::kJson;
}

class Scanner {
 public:
  Scanner(AppCatalogue& catalogue, const std::vector<CatalogueTable>& tables)
      : catalogue_(catalogue), tables_(tables) {}

  Result<SampledTable> Sample(const CatalogueTable& table, std::vector<ScanGap>& gaps) {
    SampledTable sampled{table, {}};
    sampled.columns.resize(table.columns.size());
    std::vector<std::size_t> columns;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (!HoldsValues(table.columns[i])) {
        continue;
      }
      if (!table.columns[i].readable) {
        gaps.push_back(
            {table.name + ", column " + table.columns[i].name, "the login may not read it"});
        continue;
      }
      columns.push_back(i);
    }
    if (columns.empty()) {
      return sampled;
    }
    for (const std::size_t column : columns) {
      sampled.columns[column].emplace();
    }
    ROWSEAL_TRY(SampleColumns(sampled, columns, gaps));
    for (const std::size_t column : columns) {
      ROWSEAL_TRY(LookForRareValues(sampled, column, gaps));
    }
    return sampled;
  }

 private:
  // Reads groups of columns, each behind those that tell about the row.
  Result<void> SampleColumns(SampledTable& sampled, std::vector<std::size_t> columns,
                             std::vector<ScanGap>& gaps) {
    const CatalogueTable& table = sampled.table;
    const std::optional<std::size_t> project = ProjectColumnOf(table);
    const std::optional<std::size_t> name = NameColumnOf(table);
    std::vector<std::size_t> before;
    for (const std::optional<std::size_t>& column : {project, name}) {
      if (column && std::ranges::find(before, *column) == before.end()) {
        before.push_back(*column);
        std::erase(columns, *column);
      }
    }
    bool is_first = true;
    for (std::span<const std::size_t> left(columns); !left.empty() || is_first; is_first = false) {
      const auto group = left.first(std::min(kMostSampledColumns - before.size(), left.size()));
      left = left.subspan(group.size());
      std::vector<std::size_t> read = before;
      read.insert(read.end(), group.begin(), group.end());
      RowFacts row;
      const auto count = [&](std::size_t column, const SampledValue& value) {
        if (column == project) {
          row.has_project = value.state != SampledValue::State::kNull;
        }
        if (column == name) {
          row.name_tells = ClassifyName(AsText(value.bytes)) == NameClass::kTelling;
        }
        const bool was_counted = !is_first && std::ranges::find(before, column) != before.end();
        std::optional<ColumnSample>& sample = sampled.columns[column];
        return sample && !was_counted ? sample->Add(value, row) : Result<void>();
      };
      ROWSEAL_ASSIGN(const bool was_read,
                     Run(table.name, gaps, count, [&](const AppCatalogue::Visitor& visit) {
                       return catalogue_.Sample(table, read, visit);
                     }));
      if (!was_read) {
        return {};
      }
    }
    return {};
  }

  // In a table of names and values, the column that says what each value is.
  static std::optional<std::size_t> NameColumnOf(const CatalogueTable& table) {
    const auto holds_values = [](const CatalogueColumn& column) {
      return HoldsValues(column) && IsValueName(column.name);
    };
    const auto name = std::ranges::find_if(table.columns, [](const CatalogueColumn& column) {
      return column.content == ContentKind::kText && column.readable && IsNameName(column.name);
    });
    return std::ranges::any_of(table.columns, holds_values) && name != table.columns.end()
               ? std::optional(static_cast<std::size_t>(name - table.columns.begin()))
               : std::nullopt;
  }

  // The column that is NULL where a row has no project, if it can be.
  std::optional<std::size_t> ProjectColumnOf(const CatalogueTable& table) const {
    const ProjectRule rule = FindProjectRule(table, tables_);
    const std::string& name = rule.join_table.empty() ? rule.column : rule.join_on;
    const auto found = std::ranges::find(table.columns, name, &CatalogueColumn::name);
    if (!rule.may_be_null || found == table.columns.end() || !found->readable) {
      return std::nullopt;
    }
    return static_cast<std::size_t>(found - table.columns.begin());
  }

  // A column that few rows fill is empty in a sample of a large table.
  Result<void> LookForRareValues(SampledTable& sampled, std::size_t column,
                                 std::vector<ScanGap>& gaps) {
    const CatalogueTable& table = sampled.table;
    const ColumnSample& sample = *sampled.columns[column];
    const bool is_empty = sample.values().total() == 0 && sample.documents() == 0;
    const std::string& name = table.columns[column].name;
    if (!is_empty || sample.rows() == 0 ||
        WhatColumnSays(table.base_name, name) != NameSays::kSecrets) {
      return {};
    }
    const auto count = [&](std::size_t, const SampledValue& value) {
      return sampled.columns[column]->Add(value);
    };
    ROWSEAL_TRY(
        Run(table.name + ", column " + name, gaps, count, [&](const AppCatalogue::Visitor& visit) {
          return catalogue_.SampleGiven(table, column, visit);
        }));
    return {};
  }

  // Reads and counts; false: the statement failed, which leaves a gap. Only a lost database ends
  // the scan.
  template <class Count, class Read>
  static Result<bool> Run(const std::string& place, std::vector<ScanGap>& gaps, const Count& count,
                          const Read& read) {
    Result<void> counted;
    const Result<void> done = read([&](std::size_t column, const SampledValue& value) {
      if (counted) {
        counted = count(column, value);
      }
    });
    ROWSEAL_TRY(counted);
    if (!done && done.error().code != ErrorCode::kPartial) {
      return tl::unexpected(done.error());
    }
    if (!done) {
      gaps.push_back({place, done.error().message});
    }
    return done.has_value();
  }

  AppCatalogue& catalogue_;
  const std::vector<CatalogueTable>& tables_;
};

}  // namespace

std::int64_t ScanReport::CountOf(Proposal::Verdict verdict) const noexcept {
  return std::ranges::count(proposals, verdict, &Proposal::verdict);
}

Result<ScanReport> ScanDatabase(
    AppCatalogue& catalogue,
    const std::function<void(std::int64_t done, std::int64_t total)>& on_progress) {
  ROWSEAL_ASSIGN(const std::vector<CatalogueTable> tables, catalogue.Tables());
  ScanReport report;
  Scanner scanner(catalogue, tables);
  ProposalMaker maker(tables);
  for (const CatalogueTable& table : tables) {
    if (on_progress) {
      on_progress(report.tables, std::ssize(tables));
    }
    if (!table.unreadable.empty()) {
      report.gaps.push_back({table.name, table.unreadable});
      continue;
    }
    ROWSEAL_ASSIGN(const SampledTable sampled, scanner.Sample(table, report.gaps));
    ++report.tables;
    for (Proposal& proposal : maker.Propose(sampled)) {
      report.proposals.push_back(std::move(proposal));
    }
  }
  return report;
}

}  // namespace rowseal
