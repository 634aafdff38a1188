#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/client.h>

#include "migration/manifest.h"
#include "migration/row_content.h"
#include "migration/value_sealer.h"
#include "store/app_rows.h"

namespace rowseal {

/// MigratedBatch is what one transaction on the app's table did.
struct MigratedBatch {
  std::size_t seen = 0;          ///< rows, or keys of the queue
  std::int64_t rows = 0;         ///< written
  std::int64_t values = 0;       ///< sealed or moved in them
  std::int64_t write_backs = 0;  ///< of them: old text that the app had read before and saved again
  std::int64_t quarantined = 0;  ///< rows
  std::string position;          ///< behind the last row
};

/// ColumnMigrator migrates one column, a batch at a time. A batch is one transaction on the app's
/// database: killed anywhere, it is done or not done. What is moved stands in Rowseal's table
/// before that transaction commits, so that a value is never in neither; a batch that is done again
/// finds it there and compares. Not thread-safe; several processes may migrate one column.
class ColumnMigrator final {
 public:
  /// Errors: the client's, CheckManifest's.
  static Result<ColumnMigrator> Make(Client& client, const MigrationManifest& manifest,
                                     std::size_t number, std::unique_ptr<AppRows> rows,
                                     Access access);

  /// MigrateNext migrates the next rows behind `position`, and MigrateQueued those that the guard
  /// kept. Rows that cannot be migrated are quarantined with the reason. Errors: kUnavailable and
  /// kResourceExhausted (nothing was changed: retry), the client's.
  Result<MigratedBatch> MigrateNext(const std::string& position, std::size_t limit);
  Result<MigratedBatch> MigrateQueued(std::size_t limit);

  /// MigrateKey migrates the one row of a key if it holds plaintext, and gives it as it is then,
  /// with its original. Errors: kNotFound (no such row), kConflict (it cannot be migrated).
  Result<MigratingRow> MigrateKey(const std::vector<std::string>& key);

  AppRows& rows() noexcept { return *rows_; }
  const ColumnPlan& plan() const noexcept { return plan_; }
  const MigratedColumn& column() const noexcept { return column_; }
  ValueSealer& originals() noexcept { return originals_; }

  /// ForgetLabel removes the label under which originals are sealed, once none is left.
  static Result<void> ForgetLabel(Client& client, const MigrationManifest& manifest,
                                  const Access& access);

  /// OriginalKey is the row key under which a row's original is sealed.
  std::vector<std::string> OriginalKey(const std::vector<std::string>& key) const;
  /// OpenOriginal gives what the row held before it was migrated.
  Result<SecretBytes> OpenOriginal(const ProjectId& project, const std::vector<std::string>& key,
                                   const Original& original);
  /// OpenOriginals opens those of many rows, by their positions; rows without one, or without a
  /// project, are left out.
  enum class Originals : std::uint8_t { kAll, kKeptBeside };
  Result<std::map<std::string, Result<SecretBytes>>> OpenOriginals(
      const std::vector<MigratingRow>& rows, Originals which = Originals::kAll);
  /// StandsForItself tells whether the column's own sealed value is the original.
  static bool StandsForItself(const Original& original);
  /// decoder opens what the app had encrypted; null where it had not.
  const ValueDecoder* decoder() const noexcept { return decoder_ ? &*decoder_ : nullptr; }
  /// Sealer seals the column's values; none where they are moved.
  ValueSealer* sealer() noexcept { return sealer_ ? &*sealer_ : nullptr; }

 private:
  struct Item {
    MigratingRow row;
    std::optional<ProjectId> project;
    std::vector<FoundValue> values;
    std::vector<std::string> names;  // move: of the values
    std::vector<bool> written_back;  // move: the store keeps what it has
    std::string reason;              // why it is quarantined; empty: it is written
  };

  ColumnMigrator(Client& client, ColumnPlan plan, MigratedColumn column,
                 std::unique_ptr<AppRows> rows, ValueSealer originals, Access access)
      : client_(&client),
        plan_(std::move(plan)),
        column_(std::move(column)),
        rows_(std::move(rows)),
        originals_(std::move(originals)),
        access_(std::move(access)) {}

  Result<MigratingRow> LockOne(const std::vector<std::string>& key);
  template <class Lock>
  Result<MigratedBatch> MigrateLocked(std::size_t limit, Lock lock);
  Result<MigratedBatch> MigrateRows(std::vector<MigratingRow> rows);
  Result<Item> Examine(MigratingRow row) const;
  Result<void> StoreMoved(std::vector<Item>& items);
  Result<void> StoreOfProject(const ProjectId& project, std::vector<Item*>& items);
  Result<void> SettleDifference(Item& item, std::size_t value, const SecretName& name);
  Result<RowWrite> MakeWrite(Item& item);
  Result<MigratedBatch> QuarantineOne(const QuarantinedRow& row);

  Client* client_;
  ColumnPlan plan_;
  MigratedColumn column_;
  std::unique_ptr<AppRows> rows_;
  std::optional<ValueSealer> sealer_;
  std::optional<ValueDecoder> decoder_;
  ValueSealer originals_;
  Access access_;
};

}  // namespace rowseal
