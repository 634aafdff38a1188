#include "store/calls/trust_load.h"

#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::size_t kFirstText = 1 + TrustLoad::kNumbers;
constexpr std::size_t kFirstBytes = kFirstText + TrustLoad::kTexts;
constexpr std::size_t kColumns = kFirstBytes + TrustLoad::kBytes;

std::size_t FirstOf(CellType type) {
  switch (type) {
    case CellType::kInteger:
    case CellType::kBoolean:
      return 1;
    case CellType::kText:
    case CellType::kUuid:
      return kFirstText;
    case CellType::kBytes:
      return kFirstBytes;
  }
  return kColumns;
}

// Takes a record's columns from a row of the common shape.
class ByType final {
 public:
  explicit ByType(Row& row) : row_(row) {}
  Value* Next(CellType type) {
    std::size_t& taken = taken_[FirstOf(type)];
    return &row_[FirstOf(type) + taken++];
  }

 private:
  Row& row_;
  std::array<std::size_t, kColumns + 1> taken_{};
};

Value* NextCell(ByType& row, CellType wanted) { return row.Next(wanted); }

template <class Record>
std::string SelectSql(std::string_view prefix) {
  std::array<std::string, kColumns> columns;
  columns.fill("NULL");
  columns[0] = "'" + std::string(kTableOf<Record>) + "'";
  std::array<std::size_t, kColumns> taken{};
  ForEachCell<Record>([&](const CellInfo& cell) {
    const std::size_t first = FirstOf(cell.type);
    columns[first + taken[first]++] = cell.name;
  });
  std::string sql;
  for (const std::string& column : columns) {
    sql += (sql.empty() ? "SELECT " : ", ") + column;
  }
  return sql + " FROM " + std::string(prefix) + std::string(kTableOf<Record>);
}

}  // namespace

std::string OldTrustLoadSql(std::string_view prefix) {
  return SelectSql<InstallationRecord>(prefix) + " UNION ALL " + SelectSql<RootRecord>(prefix) +
         " UNION ALL " + SelectSql<KekRecord>(prefix) + " UNION ALL " +
         SelectSql<WrappingRecord>(prefix);
}

std::string TrustLoadSql(std::string_view prefix) {
  return OldTrustLoadSql(prefix) + " UNION ALL " + SelectSql<FloorRecord>(prefix);
}

Result<TrustRows> Decode(const TrustLoad::Request& /*request*/, Rows rows) {
  TrustGatherer gatherer;
  for (Row& row : rows.rows) {
    if (row.size() != kColumns) {
      return WrongAnswer(TrustLoad::kName, {}, "a row has other columns than were asked for");
    }
    ByType cells(row);
    ROWSEAL_TRY(
        gatherer.Take(TextAt(row, 0), [&](auto& record) { return ReadFields(cells, record); }));
  }
  return std::move(gatherer).Finish();
}

}  // namespace rowseal
