#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/bytes.h>
#include <rowseal/error.h>

namespace rowseal {

/// ContentKind is what a column of an app's can hold.
enum class ContentKind : std::uint8_t {
  kText,
  kBytes,
  kJson,   ///< json or jsonb; JSON in a text column is kText
  kArray,  ///< of texts, or another type that holds several
  kOther,  ///< numbers, times and the like, in which no secret stands
};

/// CatalogueColumn is a column as an app's database describes it.
struct CatalogueColumn {
  std::string name;
  std::string type;  ///< for people
  ContentKind content = ContentKind::kOther;
  bool nullable = false;
  bool generated = false;
  bool readable = true;                    ///< the login may read it
  bool indexed = false;                    ///< the app searches by it
  bool checked = false;                    ///< a CHECK constraint speaks of it
  std::optional<std::int64_t> max_length;  ///< characters
};

/// CatalogueReference is a foreign key of one column.
struct CatalogueReference {
  std::string column;
  std::string table;  ///< as CatalogueTable::name
  std::string key;
};

/// CatalogueTable is a table of an app's; a partitioned one stands for its partitions.
struct CatalogueTable {
  std::string name;    ///< as SQL writes it: `public."Users"`; on SQLite, as the catalogue has it
  std::string schema;  ///< empty on SQLite
  std::string base_name;
  std::vector<CatalogueColumn> columns;
  std::vector<std::string> primary_key;               ///< in order; empty: none
  std::vector<std::vector<std::string>> unique_keys;  ///< over all rows, the primary key among them
  std::vector<CatalogueReference> references;
  std::string update_triggers;  ///< that an UPDATE fires, for people
  bool is_partitioned = false;
  std::string unreadable;  ///< why the login does not see all rows; empty: it does
};

/// SampledValue is what stands in one column of a sampled row.
struct SampledValue {
  enum class State : std::uint8_t { kNull, kGiven, kTooLarge };
  State state = State::kNull;
  ByteView bytes;  ///< the first part of long texts and bytes that are no JSON; ends with the
                   ///< call that shows it
  std::int64_t size = 0;  ///< of the whole value, in bytes
};

inline constexpr std::int64_t kMostSampledRows = 2000;  ///< a table
inline constexpr std::size_t kMostSampledColumns = 16;
inline constexpr std::int64_t kMostSampledBytes = 32 * 1024 * 1024;  ///< of all together
inline constexpr std::int64_t kLargestSampledValue = 1024 * 1024;    ///< bytes
inline constexpr std::int64_t kSampledPrefix = 4096;  ///< characters of a text that is no JSON

/// AppCatalogue tells what an app's database holds: its tables, and a sample of their rows. It
/// changes nothing, holds one table's sample open at a time, and no statement of it runs for long.
/// Not thread-safe.
/// Errors: kPartial (this table cannot be read, others may be: it was dropped, a statement took too
/// long), kUnavailable (the database is gone), kResourceExhausted. None holds a value.
class AppCatalogue {
 public:
  using Visitor = std::function<void(std::size_t column, const SampledValue& value)>;

  virtual ~AppCatalogue() = default;

  /// Tables gives the app's tables by name, without the database's own and Rowseal's.
  virtual Result<std::vector<CatalogueTable>> Tables() = 0;

  /// Sample shows rows of a readable table from all over it, at most kMostSampledRows: row by row
  /// the columns with the numbers in `columns`, at most kMostSampledColumns, in their order, none
  /// twice.
  virtual Result<void> Sample(const CatalogueTable& table, const std::vector<std::size_t>& columns,
                              const Visitor& visit) = 0;

  /// SampleGiven shows up to 200 values of a column that are not NULL, where Sample saw none.
  virtual Result<void> SampleGiven(const CatalogueTable& table, std::size_t column,
                                   const Visitor& visit) = 0;
};

}  // namespace rowseal
