#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

#include "store/json_path.h"
#include "store/residue.h"

namespace rowseal {

/// ProjectSource says which project a row belongs to: a fixed one, the one in a column of the row,
/// or the one in a column of the row of another table that it points to.
struct ProjectSource {
  std::string fixed;
  std::string column;
  std::string join_table;  ///< empty: `column` is the table's own
  std::string join_on;     ///< the column that points to it
  std::string join_key;    ///< what it points to
};

/// SettledRule says which texts are plaintext no more. NULL and the empty text never are plaintext;
/// an empty member says nothing.
struct SettledRule {
  std::string prefix;     ///< of sealed values
  std::string marker;     ///< the whole text
  std::string reference;  ///< a part of the text
};

/// MigratedColumn is a column of an app's table while its values are moved or sealed.
struct MigratedColumn {
  std::string migration;    ///< its journal's name
  std::int64_t number = 0;  ///< of the column in the migration
  std::string table;        ///< on PostgreSQL as SQL writes it
  std::vector<std::string> keys;
  ProjectSource project;
  std::string column;
  std::optional<JsonPath> path;  ///< the strings there are the values
  SettledRule settled;
  std::vector<std::string> name_columns;  ///< given with each row, to make names of
};

/// Guard is what a trigger does with plaintext that the app writes.
enum class Guard : std::uint8_t {
  kQueue,    ///< the row's key is kept for the next run
  kRefuse,   ///< the app's statement fails, without the value in its error
  kReverse,  ///< rows that hold what is no plaintext are kept, for a rollback under way
};

/// ToText and ParseGuard: the words that journals hold.
std::string_view ToText(Guard guard) noexcept;
std::optional<Guard> ParseGuard(std::string_view text) noexcept;

/// Original is what a row held before it was migrated, and what was written in its place.
struct Original {
  std::string sealed;                  ///< its content, sealed; one text
  std::optional<std::string> written;  ///< none: NULL; an empty text: the same as `sealed`
  std::vector<std::string> secrets;    ///< the names under which its values were stored
};

/// JoinNames and SplitNames: names of secrets as one text, a line each.
std::string JoinNames(const std::vector<std::string>& names);
std::vector<std::string> SplitNames(std::string_view lines);

/// MigratingRow is a row of the app's.
struct MigratingRow {
  std::vector<std::string> key;  ///< as canonical text, one part a key column
  std::string position;          ///< of this row, for the page behind it
  std::string project;
  std::string defect;  ///< why the row cannot be worked on; empty: it can
  bool is_null = false;
  SecretBytes content;
  std::vector<std::string> names;  ///< of `name_columns`; empty where NULL
  std::optional<Original> original;
};

/// RowWrite is a locked row's new content.
struct RowWrite {
  std::string position;
  std::string project;
  std::optional<SecretBytes> content;  ///< none: NULL; in one call all or none
  std::optional<Original> original;    ///< none: it is forgotten
};

struct QuarantinedRow {
  std::string position;
  std::vector<std::string> key;
  std::string reason;
};

/// Treatment is what becomes of a column's values.
enum class Treatment : std::uint8_t { kSealed, kEmptied, kMarked, kReferred };

/// ObstacleWeight says what an obstacle needs of the operator.
enum class ObstacleWeight : std::uint8_t {
  kNote,      ///< to be known
  kToAccept,  ///< something else changes with the values
  kRefused,   ///< the column cannot be treated so
};

std::string_view ToText(ObstacleWeight weight) noexcept;

/// Obstacle is something in the app's schema that a migration touches.
struct Obstacle {
  ObstacleWeight weight = ObstacleWeight::kNote;
  std::string text;
};

struct MigrationCounts {
  std::int64_t rows = 0;
  std::int64_t empty = 0;        ///< NULL, or an empty text
  std::int64_t plaintext = 0;    ///< hold something that is not settled
  std::int64_t left = 0;         ///< of them, those that are not quarantined
  std::int64_t originals = 0;    ///< kept
  std::int64_t queued = 0;       ///< keys that the guard kept
  std::int64_t quarantined = 0;  ///< rows that could not be migrated
  std::int64_t plaintext_bytes = 0;
};

/// Residue is what a search for values after a scrub came to.
struct Residue {
  std::int64_t found = 0;  ///< times that a value stands there still
  std::int64_t bytes = 0;  ///< searched in files
  bool in_files = false;   ///< the database's files could be read from here; else SQL was asked
};

enum class ScrubLocks : std::uint8_t { kBrief, kHeavy };

/// Which rows Lock gives.
enum class RowsToLock : std::uint8_t {
  kPlaintext,  ///< hold something that is not settled
  kMigrated,   ///< have an original, or hold something that was sealed or moved
};

/// AppRows reads and changes a migrated column in the app's own database, and keeps the journal of
/// the migration there: originals, queued keys, quarantined rows. It waits for no row that somebody
/// else has locked, so that it never stands in a circle with the app's transactions. Not
/// thread-safe.
///
/// Errors: kInvalidArgument (no such table or column, no right to it), kUnavailable,
/// kResourceExhausted, kConflict (a constraint of the app's).
class AppRows {
 public:
  virtual ~AppRows() = default;

  /// Inspect looks for what in the schema depends on the column; changes nothing.
  virtual Result<std::vector<Obstacle>> Inspect(Treatment treatment) = 0;

  /// Sample gives the content of some rows, at most `limit`, wherever they stand.
  virtual Result<std::vector<SecretBytes>> Sample(std::size_t limit) = 0;

  /// Install makes the journal and the guard, which queues; what is there already stays.
  virtual Result<void> Install() = 0;
  virtual Result<void> SetGuard(Guard guard) = 0;
  /// ReadGuard gives nothing where nothing was installed.
  virtual Result<std::optional<Guard>> ReadGuard() = 0;

  /// SetPaused and IsPaused: whether processes at work on this column wait between two batches.
  virtual Result<void> SetPaused(bool paused) = 0;
  virtual Result<bool> IsPaused() = 0;
  /// Uninstall removes the guard and what the journal holds of this column.
  virtual Result<void> Uninstall() = 0;

  virtual Result<void> Begin() = 0;
  virtual Result<void> Commit() = 0;
  virtual void Rollback() noexcept = 0;

  /// Lock gives the next rows behind `position` (empty: from the first) in the order of their keys,
  /// at most `limit` and about `bytes`, and locks them until the transaction ends. Rows that hold
  /// plaintext come without their originals, here and from LockQueued.
  virtual Result<std::vector<MigratingRow>> Lock(RowsToLock which, const std::string& position,
                                                 std::size_t limit, std::int64_t bytes) = 0;

  /// LockKey gives the one row of a key, as canonical text, with its original, and locks it;
  /// nothing where there is none.
  virtual Result<std::optional<MigratingRow>> LockKey(const std::vector<std::string>& key) = 0;

  /// LockQueued takes keys from the queue, and locks their rows where they fit `which`. `taken` is
  /// the number of keys; those of rows that somebody else has locked are queued again.
  struct Queued {
    std::vector<MigratingRow> rows;
    std::size_t taken = 0;
  };
  virtual Result<Queued> LockQueued(RowsToLock which, std::size_t limit) = 0;

  /// Write writes locked rows and their originals, and forgets that they were quarantined.
  virtual Result<void> Write(const std::vector<RowWrite>& writes) = 0;
  virtual Result<void> Quarantine(const std::vector<QuarantinedRow>& rows) = 0;

  /// Read gives rows that hold something or have an original, without a lock.
  virtual Result<std::vector<MigratingRow>> Read(const std::string& position, std::size_t limit,
                                                 std::int64_t bytes) = 0;
  virtual Result<MigrationCounts> Count() = 0;
  /// Quarantined lists rows, at most `limit`.
  virtual Result<std::vector<QuarantinedRow>> Quarantined(std::size_t limit) = 0;

  /// ReadOriginal gives what is kept of one row, within the transaction that locked it.
  virtual Result<std::optional<Original>> ReadOriginal(const std::string& position) = 0;

  /// ForgetOriginals deletes what is kept for a rollback, for good.
  virtual Result<void> ForgetOriginals() = 0;

  /// Scrub removes what changed rows leave behind in the database's files: old row versions, index
  /// entries, statistics. kBrief takes no lock that holds up readers or writers, and does less.
  /// Gives what it could not do, each as a sentence.
  virtual Result<std::vector<std::string>> Scrub(ScrubLocks locks) = 0;

  /// Search looks for values in what the column, its indexes and its statistics leave: in the
  /// database's files where this process can read them.
  virtual Result<Residue> Search(ResidueSearch& search) = 0;

  /// Elsewhere says where old content may stand that nothing cleans from here, and when it is gone:
  /// a sentence each.
  virtual Result<std::vector<std::string>> Elsewhere() = 0;
};

}  // namespace rowseal
