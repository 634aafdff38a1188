#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "migration/naming_rule.h"
#include "migration/source_manifest.h"
#include "store/app_rows.h"
#include "store/json_path.h"

namespace rowseal {

/// MigrationMode says where a column's values go.
enum class MigrationMode : std::uint8_t {
  kMove,   ///< into Rowseal's own table
  kValue,  ///< they stay, sealed
};

/// Leave says what a moved value leaves in its place.
enum class Leave : std::uint8_t { kNull, kMarker, kReference };

/// kMovedMarker is what Leave::kMarker leaves.
inline constexpr std::string_view kMovedMarker = "moved to rowseal";

/// ColumnPlan is one column of a migration, as its manifest says it.
struct ColumnPlan {
  std::string table;
  std::vector<std::string> keys;
  ProjectSource project;
  std::string column;
  std::optional<JsonPath> path;
  std::optional<ValueSource> source;  ///< none: the values are plaintext
  MigrationMode mode = MigrationMode::kValue;

  SecretKind kind = SecretKind::kWorkflow;  ///< move
  NamingRule names;                         ///< move
  Leave leave = Leave::kMarker;             ///< move
  /// Move: what stands before and behind the secret in its string (`Bearer `, nothing).
  std::string before;
  std::string behind;

  std::string label;                          ///< value: the registered column
  ContextKind context = ContextKind::kField;  ///< value
};

/// MigrationManifest is a whole migration.
struct MigrationManifest {
  std::string name;      ///< names the journal: a letter, then letters, digits and _; at most 40
  std::string database;  ///< of the app; without a password
  std::vector<ColumnPlan> columns;
};

/// CheckManifest refuses what can never be carried out. Errors: kInvalidArgument, naming the
/// column.
Result<void> CheckManifest(const MigrationManifest& manifest);

/// ColumnOf is the app's side of a column. `number` counts from 1.
MigratedColumn ColumnOf(const MigrationManifest& manifest, std::size_t number);

/// TextOf names a column for people: `public.users.totp`, with its path.
std::string TextOf(const ColumnPlan& plan);

}  // namespace rowseal
