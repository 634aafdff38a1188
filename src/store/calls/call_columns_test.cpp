// What the calls and tables are said to hold is what the stores' schemas hold.
#include <map>

#include <gtest/gtest.h>

#include "store/calls/all_calls.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string SqliteType(CellType type) {
  switch (type) {
    case CellType::kInteger:
    case CellType::kBoolean:
      return "INTEGER";
    case CellType::kText:
    case CellType::kUuid:
      return "TEXT";
    case CellType::kBytes:
      return "BLOB";
  }
  return {};
}

std::string PostgresType(CellType type) {
  switch (type) {
    case CellType::kInteger:
      return "bigint";
    case CellType::kBoolean:
      return "boolean";
    case CellType::kText:
      return "text";
    case CellType::kUuid:
      return "uuid";
    case CellType::kBytes:
      return "bytea";
  }
  return {};
}

// Small numbers are kept in smaller types, and read as the same.
std::string WholeNumber(const std::string& type) {
  return type == "smallint" || type == "integer" ? "bigint" : type;
}

class CallColumns : public ::testing::Test {
 protected:
  std::map<std::string, std::string> TypesOf(std::string_view table) {
    const std::string sql =
        TestsPostgres() ? "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
                          " WHERE attrelid = ('rowseal.' || $1)::regclass AND attnum > 0"
                        : "SELECT name, type FROM pragma_table_info($1)";
    std::map<std::string, std::string> types;
    for (const Row& row : intruder_.Run(sql, {std::string(table)})) {
      types[TextAt(row, 0)] = WholeNumber(TextAt(row, 1));
    }
    return types;
  }

  template <class Record>
  void CheckTable() {
    const std::map<std::string, std::string> types = TypesOf(kTableOf<Record>);
    ForEachCell<Record>([&](const CellInfo& cell) {
      const auto found = types.find(std::string(cell.name));
      ASSERT_NE(found, types.end()) << kTableOf<Record> << "." << cell.name;
      EXPECT_EQ(found->second, TestsPostgres() ? PostgresType(cell.type) : SqliteType(cell.type))
          << kTableOf<Record> << "." << cell.name;
    });
  }

  TestStore store_;
  Intruder intruder_{store_.path()};
};

TEST_F(CallColumns, AreThoseOfTheTables) {
  CheckTable<InstallationRecord>();
  CheckTable<RootRecord>();
  CheckTable<KekRecord>();
  CheckTable<WrappingRecord>();
  CheckTable<DekRecord>();
  CheckTable<ColumnRecord>();
}

// A name in SQL may have the table's before it: `dek_id` is the id of a DEK.
bool IsNamed(const std::string& name, std::string_view cell) {
  return name == cell || name.ends_with("_" + std::string(cell));
}

template <class Record>
std::vector<CellInfo> CellsOfRecord() {
  std::vector<CellInfo> cells;
  ForEachCell<Record>([&](const CellInfo& cell) { cells.push_back(cell); });
  return cells;
}

// Arguments and result columns come as lines of their names and types.
void Compare(const std::string& function, const std::vector<CellInfo>& cells,
             const std::vector<std::string>& names, const std::vector<std::string>& types) {
  ASSERT_EQ(names.size(), cells.size()) << function;
  ASSERT_EQ(types.size(), cells.size()) << function;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    EXPECT_TRUE(IsNamed(names[i], cells[i].name))
        << function << ": " << names[i] << " is not " << cells[i].name;
    EXPECT_EQ(WholeNumber(types[i]), PostgresType(cells[i].type) + (cells[i].is_array ? "[]" : ""))
        << function << ": " << names[i];
  }
}

TEST_F(CallColumns, AreThoseOfTheFunctions) {
  if (!TestsPostgres()) {
    return;  // SQLite has no functions: what its calls give is compared where it is read
  }
  ForEachCall([&]<class Call>(CallIs<Call>) {
    const std::string function(Call::kName);
    if (Call::kProcedure == Procedure::kDekRewrap) {
      return;  // a statement of its own
    }
    const std::vector<Row> rows = intruder_.Run(
        "SELECT (SELECT coalesce(string_agg(p.proargnames[i], E'\\n' ORDER BY i), '')"
        "   FROM generate_series(1, p.pronargs) AS i),"
        " (SELECT coalesce(string_agg(format_type(p.proargtypes[i - 1], NULL), E'\\n'"
        "   ORDER BY i), '') FROM generate_series(1, p.pronargs) AS i),"
        " (SELECT coalesce(string_agg(p.proargnames[i], E'\\n' ORDER BY i), '')"
        "   FROM generate_series(p.pronargs + 1, cardinality(p.proallargtypes)) AS i),"
        " (SELECT coalesce(string_agg(format_type(p.proallargtypes[i], NULL), E'\\n'"
        "   ORDER BY i), '') FROM generate_series(p.pronargs + 1,"
        "   cardinality(p.proallargtypes)) AS i)"
        " FROM pg_proc p WHERE p.pronamespace = 'rowseal'::regnamespace AND p.proname = $1",
        {function});
    ASSERT_EQ(rows.size(), 1U) << function;
    std::vector<CellInfo> asked = CellsOfRecord<typename Call::Request>();
    if (Call::kEffect == Effect::kLogsRead) {
      asked.push_back({"alone", CellType::kBoolean, false, false, {}});
    }
    Compare(function, asked, Lines(TextAt(rows.front(), 0)), Lines(TextAt(rows.front(), 1)));
    if constexpr (!std::is_void_v<typename Call::Row>) {
      if (Call::kProcedure != Procedure::kClock) {  // it gives a value, not a row
        Compare(function, CellsOfRecord<typename Call::Row>(), Lines(TextAt(rows.front(), 2)),
                Lines(TextAt(rows.front(), 3)));
      }
    }
  });
}

}  // namespace
}  // namespace rowseal::testing
