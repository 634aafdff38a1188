#include "migration/column_migrator.h"

#include <algorithm>
#include <map>

namespace rowseal {
namespace {

constexpr std::int64_t kBatchBytes = 4'000'000;
// Names of one statement to the store.
constexpr std::size_t kStoreBatch = 1000;

// What is wrong with one row; everything else stops the run.
bool IsOfOneRow(const Error& error) {
  return error.code == ErrorCode::kConflict || error.code == ErrorCode::kInvalidArgument ||
         error.code == ErrorCode::kIntegrity || error.code == ErrorCode::kRefusedByState ||
         error.code == ErrorCode::kNotFound;
}

std::string OriginalsLabel(const MigrationManifest& manifest) {
  return "migration." + manifest.name;
}

}  // namespace

Result<void> ColumnMigrator::ForgetLabel(Client& client, const MigrationManifest& manifest,
                                         const Access& access) {
  ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(OriginalsLabel(manifest)));
  const Result<void> removed = client.RemoveColumn(label, access);
  const bool was_gone = !removed && removed.error().code == ErrorCode::kNotFound;
  return was_gone ? Result<void>() : removed;
}

Result<ColumnMigrator> ColumnMigrator::Make(Client& client, const MigrationManifest& manifest,
                                            std::size_t number, std::unique_ptr<AppRows> rows,
                                            Access access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  const ColumnPlan& plan = manifest.columns[number - 1];
  ROWSEAL_ASSIGN(ValueSealer originals,
                 ValueSealer::Make(client, OriginalsLabel(manifest), ContextKind::kCell, access));
  ColumnMigrator migrator(client, plan, ColumnOf(manifest, number), std::move(rows),
                          std::move(originals), std::move(access));
  if (plan.mode == MigrationMode::kValue) {
    ROWSEAL_ASSIGN(ValueSealer sealer,
                   ValueSealer::Make(client, plan.label, plan.context, migrator.access_));
    migrator.sealer_.emplace(std::move(sealer));
  }
  if (plan.source) {
    ROWSEAL_ASSIGN(ValueDecoder decoder, ValueDecoder::Open(*plan.source));
    migrator.decoder_.emplace(std::move(decoder));
  }
  return migrator;
}

std::vector<std::string> ColumnMigrator::OriginalKey(const std::vector<std::string>& key) const {
  std::vector<std::string> row_key = {std::to_string(column_.number)};
  row_key.insert(row_key.end(), key.begin(), key.end());
  return row_key;
}

Result<SecretBytes> ColumnMigrator::OpenOriginal(const ProjectId& project,
                                                 const std::vector<std::string>& key,
                                                 const Original& original) {
  // A column's own sealed value stands for the original where that was the value alone.
  const bool is_value = StandsForItself(original);
  ValueSealer& sealer = is_value ? *sealer_ : originals_;
  ROWSEAL_ASSIGN(
      Client::OpenedValues opened,
      sealer.Open(project, {{original.sealed, is_value ? key : OriginalKey(key)}}, access_));
  return std::move(opened.front());
}

bool ColumnMigrator::StandsForItself(const Original& original) {
  return original.written && original.written->empty();
}

Result<std::map<std::string, Result<SecretBytes>>> ColumnMigrator::OpenOriginals(
    const std::vector<MigratingRow>& rows, Originals which) {
  std::map<std::pair<ProjectId, bool>, std::vector<const MigratingRow*>> groups;
  for (const MigratingRow& row : rows) {
    Result<ProjectId> project = ProjectId::Parse(row.project);
    if (row.original && project) {
      const bool is_value = StandsForItself(*row.original);
      if (is_value && which == Originals::kKeptBeside) {
        continue;
      }
      groups[{std::move(*project), is_value}].push_back(&row);
    }
  }
  std::map<std::string, Result<SecretBytes>> opened;
  for (const auto& [group, of_group] : groups) {
    const auto& [project, is_value] = group;
    std::vector<ValueToOpen> values;
    for (const MigratingRow* const row : of_group) {
      values.push_back({row->original->sealed, is_value ? row->key : OriginalKey(row->key)});
    }
    ValueSealer& sealer = is_value ? *sealer_ : originals_;
    ROWSEAL_ASSIGN(Client::OpenedValues of_project,
                   sealer.Open(project, std::move(values), access_));
    for (std::size_t i = 0; i < of_group.size(); ++i) {
      opened.emplace(of_group[i]->position, std::move(of_project[i]));
    }
  }
  return opened;
}

Result<MigratedBatch> ColumnMigrator::MigrateNext(const std::string& position, std::size_t limit) {
  return MigrateLocked(limit, [&](std::size_t rows) -> Result<AppRows::Queued> {
    AppRows::Queued locked;
    ROWSEAL_ASSIGN(locked.rows, rows_->Lock(RowsToLock::kPlaintext, position, rows, kBatchBytes));
    locked.taken = locked.rows.size();
    return locked;
  });
}

Result<MigratedBatch> ColumnMigrator::MigrateQueued(std::size_t limit) {
  return MigrateLocked(
      limit, [&](std::size_t keys) { return rows_->LockQueued(RowsToLock::kPlaintext, keys); });
}

Result<MigratingRow> ColumnMigrator::LockOne(const std::vector<std::string>& key) {
  ROWSEAL_ASSIGN(std::optional<MigratingRow> row, rows_->LockKey(key));
  if (!row) {
    return Fail(ErrorCode::kNotFound, TextOf(plan_) + " has no row of that key",
                "the key's parts stand in the order of the manifest's keys");
  }
  return std::move(*row);
}

Result<MigratingRow> ColumnMigrator::MigrateKey(const std::vector<std::string>& key) {
  const auto migrate = [&]() -> Result<MigratingRow> {
    ROWSEAL_ASSIGN(MigratingRow row, LockOne(key));
    const bool was_migrated = row.original.has_value();
    const bool is_empty = row.content.empty();
    ROWSEAL_ASSIGN(const Item item, Examine(std::move(row)));
    if (item.values.empty() && was_migrated) {
      return LockOne(key);
    }
    if (is_empty) {
      return Fail(ErrorCode::kNotFound, TextOf(plan_) + " holds nothing in the row of that key",
                  "choose a row that holds a secret");
    }
    if (!item.reason.empty()) {
      return Fail(ErrorCode::kConflict, "the row cannot be migrated: " + item.reason,
                  "choose another row, or mend this one");
    }
    std::vector<MigratingRow> rows;
    ROWSEAL_ASSIGN(rows.emplace_back(), LockOne(key));
    ROWSEAL_ASSIGN(const MigratedBatch batch, MigrateRows(std::move(rows)));
    if (batch.quarantined > 0) {
      return Fail(ErrorCode::kConflict, "the row cannot be migrated",
                  "rowseal migrate run without --canary names the reason");
    }
    return LockOne(key);
  };
  ROWSEAL_TRY(rows_->Begin());
  Result<MigratingRow> row = migrate();
  if (!row) {
    rows_->Rollback();
    return row;
  }
  ROWSEAL_TRY(rows_->Commit());
  return row;
}

// A row that the database refuses is found by smaller and smaller batches, and then quarantined in
// place of being written.
template <class Lock>
Result<MigratedBatch> ColumnMigrator::MigrateLocked(std::size_t limit, Lock lock) {
  std::optional<QuarantinedRow> refused;
  while (true) {
    ROWSEAL_TRY(rows_->Begin());
    Result<AppRows::Queued> locked = lock(limit);
    const std::string first =
        locked && !locked->rows.empty() ? locked->rows.front().position : std::string();
    const bool is_refused = refused && refused->position == first;
    Result<MigratedBatch> batch = !locked      ? tl::unexpected(locked.error())
                                  : is_refused ? QuarantineOne(*refused)
                                               : MigrateRows(std::move(locked->rows));
    if (batch) {
      batch->seen = locked->taken;
      ROWSEAL_TRY(rows_->Commit());
      return batch;
    }
    rows_->Rollback();
    if (!IsOfOneRow(batch.error()) || first.empty() || is_refused) {
      return batch;
    }
    if (limit == 1) {
      refused = {first, {}, batch.error().message};
    }
    limit = std::max<std::size_t>(1, limit / 8);
  }
}

Result<MigratedBatch> ColumnMigrator::QuarantineOne(const QuarantinedRow& row) {
  ROWSEAL_TRY(rows_->Quarantine({row}));
  MigratedBatch batch;
  batch.quarantined = 1;
  batch.position = row.position;
  return batch;
}

Result<ColumnMigrator::Item> ColumnMigrator::Examine(MigratingRow row) const {
  Item item{std::move(row), {}, {}, {}, {}, {}};
  if (!item.row.defect.empty()) {
    item.reason = item.row.defect;
    return item;
  }
  Result<ProjectId> project = ProjectId::Parse(item.row.project);
  if (!project) {
    item.reason = project.error().message;
    return item;
  }
  item.project = std::move(*project);
  Result<std::vector<FoundValue>> values =
      FindValues(plan_, column_.settled, decoder(), item.row.content);
  if (!values) {
    if (!IsOfOneRow(values.error())) {
      return tl::unexpected(std::move(values).error());
    }
    item.reason = values.error().message;
    return item;
  }
  item.values = std::move(*values);
  if (item.values.empty()) {
    item.reason = "the database finds plaintext in it where Rowseal finds none";
  }
  for (const FoundValue& value : item.values) {
    if (!value.defect.empty()) {
      item.reason = value.defect;
    }
  }
  if (plan_.mode == MigrationMode::kMove && item.reason.empty()) {
    for (const FoundValue& value : item.values) {
      item.names.push_back(plan_.names.Make(item.row.names, value.place));
      if (const Result<SecretName> name = SecretName::Parse(item.names.back()); !name) {
        item.reason = name.error().message;
      }
    }
    item.written_back.assign(item.values.size(), false);
  }
  return item;
}

Result<MigratedBatch> ColumnMigrator::MigrateRows(std::vector<MigratingRow> rows) {
  MigratedBatch batch;
  batch.seen = rows.size();
  std::vector<Item> items;
  for (MigratingRow& row : rows) {
    ROWSEAL_ASSIGN(Item item, Examine(std::move(row)));
    items.push_back(std::move(item));
  }
  if (plan_.mode == MigrationMode::kMove) {
    ROWSEAL_TRY(StoreMoved(items));
  }
  std::vector<RowWrite> writes;
  std::vector<QuarantinedRow> quarantined;
  for (Item& item : items) {
    batch.position = item.row.position;
    if (item.reason.empty()) {
      Result<RowWrite> write = MakeWrite(item);
      if (write) {
        writes.push_back(std::move(*write));
        ++batch.rows;
        batch.values += static_cast<std::int64_t>(item.values.size());
        batch.write_backs += std::ranges::count(item.written_back, true);
        continue;
      }
      if (!IsOfOneRow(write.error())) {
        return tl::unexpected(std::move(write).error());
      }
      item.reason = write.error().message;
    }
    quarantined.push_back({item.row.position, item.row.key, item.reason});
  }
  batch.quarantined = static_cast<std::int64_t>(quarantined.size());
  ROWSEAL_TRY(rows_->Write(writes));
  ROWSEAL_TRY(rows_->Quarantine(quarantined));
  return batch;
}

Result<void> ColumnMigrator::StoreMoved(std::vector<Item>& items) {
  std::map<ProjectId, std::vector<Item*>> by_project;
  for (Item& item : items) {
    if (item.reason.empty() && !item.values.empty()) {
      by_project[*item.project].push_back(&item);
    }
  }
  for (auto& [project, of_project] : by_project) {
    const Result<void> stored = StoreOfProject(project, of_project);
    if (!stored && !IsOfOneRow(stored.error())) {
      return stored;
    }
    if (!stored) {
      for (Item* const item : of_project) {  // the project is retired, or not known to the app
        item->reason = stored.error().message;
      }
    }
  }
  return {};
}

Result<void> ColumnMigrator::StoreOfProject(const ProjectId& project, std::vector<Item*>& items) {
  // Rows may share a name where they hold the same value: documents are copied.
  std::map<std::string, const FoundValue*> first;
  std::vector<std::pair<std::string, const FoundValue*>> wanted;
  for (Item* const item : items) {
    for (std::size_t i = 0; i < item->values.size(); ++i) {
      const auto [known, is_new] = first.emplace(item->names[i], &item->values[i]);
      if (is_new) {
        wanted.emplace_back(item->names[i], &item->values[i]);
      } else if (!known->second->value.EqualsInConstantTime(item->values[i].value)) {
        item->reason = "its secret's name '" + item->names[i] + "' is that of another row";
      }
    }
  }
  std::map<std::string, Error> differs;
  for (std::size_t from = 0; from < wanted.size(); from += kStoreBatch) {
    const std::size_t to = std::min(from + kStoreBatch, wanted.size());
    std::vector<PutItem> puts;
    for (std::size_t i = from; i < to; ++i) {
      ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(wanted[i].first));
      puts.push_back({std::move(name),
                      wanted[i].second->value.Reveal(),
                      plan_.kind,
                      {},
                      PutRule::kCreateOnly});
    }
    ROWSEAL_ASSIGN(const Client::Stored stored,
                   client_->PutBatch(project, puts, Batch::kEachAlone, access_));
    // A put is sent only if it opens again. What was there before may be the same value.
    std::vector<std::size_t> refused;
    std::vector<SecretRef> refs;
    for (std::size_t i = 0; i < stored.size(); ++i) {
      if (!stored[i] && stored[i].error().code == ErrorCode::kConflict) {
        refused.push_back(i);
        refs.push_back({puts[i].name, {}});
      } else if (!stored[i]) {
        differs.emplace(wanted[from + i].first, stored[i].error());
      }
    }
    if (refs.empty()) {
      continue;
    }
    ROWSEAL_ASSIGN(const Client::Secrets kept, client_->GetBatch(project, refs, access_));
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto& [name, value] = wanted[from + refused[i]];
      const bool is_same = kept[i] && kept[i]->value.EqualsInConstantTime(value->value) &&
                           kept[i]->kind == plan_.kind;
      if (!is_same) {
        differs.emplace(name, kept[i] ? stored[refused[i]].error() : kept[i].error());
      }
    }
  }
  for (Item* const item : items) {
    for (std::size_t i = 0; i < item->values.size() && item->reason.empty(); ++i) {
      const auto different = differs.find(item->names[i]);
      if (different == differs.end()) {
        continue;
      }
      if (different->second.code != ErrorCode::kConflict) {
        return tl::unexpected(different->second);
      }
      ROWSEAL_ASSIGN(const SecretName name, SecretName::Parse(item->names[i]));
      ROWSEAL_TRY(SettleDifference(*item, i, name));
    }
  }
  return {};
}

// The secret is there with another value. If this row was moved before, the app wrote again: either
// what it had read before the move, which the store has overtaken, or something new.
Result<void> ColumnMigrator::SettleDifference(Item& item, std::size_t value,
                                              const SecretName& name) {
  if (!item.row.original) {
    ROWSEAL_ASSIGN(item.row.original, rows_->ReadOriginal(item.row.position));
  }
  const std::optional<Original>& original = item.row.original;
  const bool was_moved =
      original && std::ranges::find(original->secrets, name.text()) != original->secrets.end();
  if (!was_moved) {
    item.reason = "there is a secret '" + name.text() + "' already, with another value or kind";
    return {};
  }
  ROWSEAL_ASSIGN(const SecretBytes before, OpenOriginal(*item.project, item.row.key, *original));
  ROWSEAL_ASSIGN(const std::vector<FoundValue> old,
                 FindValues(plan_, column_.settled, decoder(), before));
  const FoundValue& now = item.values[value];
  item.written_back[value] = std::ranges::any_of(old, [&](const FoundValue& then) {
    return then.place == now.place && then.value.EqualsInConstantTime(now.value);
  });
  if (item.written_back[value]) {
    return {};
  }
  ROWSEAL_TRY(client_->Put(*item.project, {name, now.value.Reveal(), plan_.kind, {}}, access_));
  ROWSEAL_ASSIGN(const Secret kept, client_->Get(*item.project, name, {}, access_));
  if (!kept.value.EqualsInConstantTime(now.value)) {
    return Fail(ErrorCode::kUnavailable, "secret '" + name.text() + "' was changed meanwhile",
                "retry");
  }
  return {};
}

Result<RowWrite> ColumnMigrator::MakeWrite(Item& item) {
  const bool is_move = plan_.mode == MigrationMode::kMove;
  std::vector<Replacement> replacements;
  std::string only_sealed;
  for (std::size_t i = 0; i < item.values.size(); ++i) {
    const FoundValue& value = item.values[i];
    std::string text;
    if (!is_move) {
      ROWSEAL_ASSIGN(text, sealer_->Seal(*item.project, item.row.key, value.value));
      only_sealed = text;
    } else {
      text = plan_.leave == Leave::kReference ? ReferenceTo(plan_, item.names[i])
                                              : std::string(kMovedMarker);
    }
    ROWSEAL_ASSIGN(SecretBytes replaced, SecretBytes::CopyOf(AsBytes(text)));
    replacements.push_back({value.offset, value.size, std::move(replaced)});
  }
  RowWrite write;
  write.position = item.row.position;
  write.project = item.project->text();
  Original& original = write.original.emplace();
  if (!(is_move && plan_.leave == Leave::kNull)) {
    ROWSEAL_ASSIGN(write.content, ReplaceValues(plan_, item.row.content, replacements));
  }
  const bool only_write_backs =
      !item.written_back.empty() &&
      std::ranges::find(item.written_back, false) == item.written_back.end();
  if (only_write_backs) {
    original = *item.row.original;  // what was there before stays so
    return write;
  }
  original.secrets = item.names;
  if (!is_move && !plan_.path && !decoder_) {
    original.sealed = std::move(only_sealed);  // stands for itself
    original.written.emplace();
    return write;
  }
  ROWSEAL_ASSIGN(original.sealed,
                 originals_.Seal(*item.project, OriginalKey(item.row.key), item.row.content));
  if (write.content) {
    original.written = AsText(write.content->Reveal());
  }
  return write;
}

}  // namespace rowseal
