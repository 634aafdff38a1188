#include "support/model.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "support/outcome.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using Call = Change::Call;

// Calls by how often they come.
constexpr Call kCalls[] = {Call::kPut,       Call::kPut,         Call::kPut,       Call::kPut,
                           Call::kPut,       Call::kPutBatch,    Call::kPutBatch,  Call::kRollback,
                           Call::kRollback,  Call::kRename,      Call::kRename,    Call::kExpire,
                           Call::kExpire,    Call::kDelete,      Call::kAddColumn, Call::kAddColumn,
                           Call::kSeal,      Call::kSeal,        Call::kSeal,      Call::kSeal,
                           Call::kRotateKek, Call::kRemoveColumn};

std::string AnyValue(Random& random) {
  std::string value(random.OneIn(10) ? random.Below(5000) : random.Below(70), '\0');
  for (char& byte : value) {
    byte = static_cast<char>(random.Below(256));
  }
  return value;
}

std::optional<Timestamp> AnyExpiry(Random& random, Timestamp now) {
  return random.OneIn(5) ? std::optional(now + std::chrono::seconds(random.Below(100)))
                         : std::nullopt;
}

Change::Item AnyItem(Random& random, std::string name, Timestamp now) {
  const std::optional<SecretKind> kinds[] = {
      {}, {}, {}, {}, SecretKind::kWebhook, SecretKind::kWorkflow};
  Change::Item item{
      std::move(name), AnyValue(random), random.Pick(kinds), AnyExpiry(random, now), {}};
  if (random.OneIn(6)) {
    item.rule = PutRule::kCreateOnly;
  }
  return item;
}

PutItem ViewOf(const Change::Item& item) {
  return {Named(item.name), AsBytes(item.value), item.kind, item.expires_at, item.rule};
}

// Long values are told apart by their hash, so that a failure can be read.
std::string ValueText(ByteView value) {
  constexpr std::size_t kShown = 12;
  return ToHex(value.first(std::min(value.size(), kShown))) + "… " + std::to_string(value.size()) +
         " #" + std::to_string(std::hash<std::string_view>{}(AsText(value)));
}

std::string KindText(SecretKind kind) { return std::string(ToText(kind)); }

std::string VersionText(SecretVersion version, const std::optional<Timestamp>& expires_at,
                        const std::string& value) {
  return "  @" + std::to_string(version.value) + " " + value +
         (expires_at ? " until " + ToRfc3339(*expires_at) : "") + "\n";
}

std::string ColumnText(const std::string& label, ContextKind context, bool active) {
  return label + " " + std::string(ToText(context)) + (active ? "\n" : " removed\n");
}

}  // namespace

Names Names::Prefixed(const std::string& prefix) {
  Names names;
  for (int i = 0; i < 5; ++i) {
    names.secrets.push_back("n" + std::to_string(i));
  }
  for (int i = 0; i < 3; ++i) {
    names.projects.push_back(prefix + "project" + std::to_string(i));
    names.columns.push_back(prefix + "column" + std::to_string(i));
  }
  return names;
}

Change AnyChange(Random& random, const Names& names, Timestamp now) {
  Change change;
  change.call = random.Pick(kCalls);
  change.project = random.Pick(names.projects);
  change.name = random.Pick(names.secrets);
  switch (change.call) {
    case Call::kPut:
      change.items.push_back(AnyItem(random, change.name, now));
      break;
    case Call::kPutBatch:
      for (const std::string& name : names.secrets) {
        if (random.OneIn(2)) {
          change.items.push_back(AnyItem(random, name, now));
        }
      }
      change.batch = random.OneIn(2) ? Batch::kAllOrNone : Batch::kEachAlone;
      break;
    case Call::kRollback:
      change.version = SecretVersion{1 + static_cast<std::int64_t>(random.Below(4))};
      break;
    case Call::kRename:
      change.new_name = random.Pick(names.secrets);
      break;
    case Call::kExpire:
      if (random.OneIn(2)) {
        change.version = SecretVersion{1 + static_cast<std::int64_t>(random.Below(6))};
      }
      change.expires_at = AnyExpiry(random, now);
      break;
    case Call::kAddColumn:
    case Call::kRemoveColumn:
    case Call::kSeal:
      change.name = random.Pick(names.columns);
      change.context = random.OneIn(2) ? ContextKind::kField : ContextKind::kCell;
      if (change.context == ContextKind::kCell) {
        change.row = {std::to_string(random.Below(3))};
      }
      change.value = AnyValue(random);
      break;
    case Call::kDelete:
    case Call::kRotateKek:
      break;
  }
  return change;
}

Performed Perform(Client& client, const Change& change) {
  const ProjectId project = Project(change.project);
  switch (change.call) {
    case Call::kPut:
      return {Outcome(client.Put(project, ViewOf(change.items.front()))), {}};
    case Call::kPutBatch: {
      std::vector<PutItem> items;
      for (const Change::Item& item : change.items) {
        items.push_back(ViewOf(item));
      }
      return {Outcome(client.PutBatch(project, items, change.batch)), {}};
    }
    case Call::kRollback:
      return {Outcome(client.Rollback(project, Named(change.name), *change.version)), {}};
    case Call::kRename:
      return {Outcome(client.Rename(project, Named(change.name), Named(change.new_name))), {}};
    case Call::kExpire:
      return {
          Outcome(client.Expire(project, Named(change.name), change.version, change.expires_at)),
          {}};
    case Call::kDelete:
      return {Outcome(client.Delete(project, Named(change.name))), {}};
    case Call::kAddColumn:
      return {Outcome(client.AddColumn(Label(change.name), change.context)), {}};
    case Call::kRemoveColumn:
      return {Outcome(client.RemoveColumn(Label(change.name))), {}};
    case Call::kSeal: {
      const Result<std::string> sealed =
          client.SealValue(project, Label(change.name), AsBytes(change.value), change.row);
      return sealed ? Performed{"done", *sealed} : Performed{Outcome(sealed), {}};
    }
    case Call::kRotateKek: {
      // The new KEK's id depends on who else rotated.
      const Result<RotationReport> report = RotateKek(client);
      return {report && report->failures.empty() ? "done" : Outcome(report), {}};
    }
  }
  return {};
}

void Model::Hold(const Change& change, std::string sealed) {
  if (!sealed.empty()) {
    sealed_.push_back({change.project, change.name, change.row, std::move(sealed), change.value});
  }
}

const Model::Secret* Model::Find(const std::string& project, const std::string& name) const {
  const auto& secrets = Secrets(project);
  const auto found = secrets.find(name);
  return found == secrets.end() ? nullptr : &found->second;
}

const std::map<std::string, Model::Secret>& Model::Secrets(const std::string& project) const {
  static const std::map<std::string, Secret> kNone;
  const auto found = projects_.find(project);
  return found == projects_.end() ? kNone : found->second;
}

const Model::Column* Model::FindColumn(const std::string& label) const {
  const auto found = columns_.find(label);
  return found == columns_.end() ? nullptr : &found->second;
}

std::string Model::Apply(const Change& change, Timestamp now) {
  switch (change.call) {
    case Call::kPut: {
      const Change::Item& item = change.items.front();
      const std::optional<ErrorCode> failure = PutFails(change.project, item);
      return failure ? Outcome(*failure) : ApplyPut(change.project, item);
    }
    case Call::kPutBatch:
      return ApplyBatch(change);
    case Call::kRollback:
      return ApplyRollback(change, now);
    case Call::kRename:
      return ApplyRename(change);
    case Call::kExpire:
      return ApplyExpire(change);
    case Call::kDelete:
      return projects_[change.project].erase(change.name) != 0 ? "done"
                                                               : Outcome(ErrorCode::kNotFound);
    case Call::kAddColumn:
    case Call::kRemoveColumn:
      return ApplyColumn(change);
    case Call::kSeal: {
      const Column* column = FindColumn(change.name);
      if (column == nullptr || !column->active) {
        return Outcome(ErrorCode::kNotFound);
      }
      return column->context == change.context ? "done" : Outcome(ErrorCode::kInvalidArgument);
    }
    case Call::kRotateKek:
      ++rotations_;
      return "done";
  }
  return {};
}

std::optional<ErrorCode> Model::PutFails(const std::string& project,
                                         const Change::Item& item) const {
  const Secret* secret = Find(project, item.name);
  const bool refused = secret != nullptr && (item.rule == PutRule::kCreateOnly ||
                                             (item.kind && *item.kind != secret->kind));
  return refused ? std::optional(ErrorCode::kConflict) : std::nullopt;
}

std::string Model::ApplyPut(const std::string& project, const Change::Item& item) {
  const auto [found, is_new] = projects_[project].try_emplace(item.name);
  Secret& secret = found->second;
  if (is_new) {
    secret.kind = item.kind.value_or(SecretKind::kWorkflow);
  }
  secret.versions[secret.next_version] = {item.value, item.expires_at};
  return Outcome(SecretVersion{secret.next_version++});
}

std::string Model::ApplyBatch(const Change& change) {
  bool any_fails = false;
  for (const Change::Item& item : change.items) {
    any_fails = any_fails || PutFails(change.project, item);
  }
  std::string outcome;
  for (const Change::Item& item : change.items) {
    std::optional<ErrorCode> failure = PutFails(change.project, item);
    if (change.batch == Batch::kAllOrNone && any_fails) {
      failure = ErrorCode::kConflict;
    }
    outcome += (failure ? Outcome(*failure) : ApplyPut(change.project, item)) + " ";
  }
  return outcome;
}

std::string Model::ApplyRollback(const Change& change, Timestamp now) {
  const Secret* secret = Find(change.project, change.name);
  if (secret == nullptr || !secret->versions.contains(change.version->value)) {
    return Outcome(ErrorCode::kNotFound);
  }
  const Version old = secret->versions.at(change.version->value);
  if (old.expires_at && *old.expires_at <= now) {
    return Outcome(ErrorCode::kRefusedByState);
  }
  return ApplyPut(change.project, {change.name, old.value, {}, old.expires_at, {}});
}

std::string Model::ApplyRename(const Change& change) {
  auto& secrets = projects_[change.project];
  if (!secrets.contains(change.name)) {
    return Outcome(ErrorCode::kNotFound);
  }
  if (change.name != change.new_name && secrets.contains(change.new_name)) {
    return Outcome(ErrorCode::kConflict);
  }
  auto node = secrets.extract(change.name);
  node.key() = change.new_name;
  secrets.insert(std::move(node));
  return "done";
}

std::string Model::ApplyExpire(const Change& change) {
  auto& secrets = projects_[change.project];
  const auto secret = secrets.find(change.name);
  if (secret == secrets.end()) {
    return Outcome(ErrorCode::kNotFound);
  }
  const auto version = secret->second.versions.find(
      change.version ? change.version->value : secret->second.next_version - 1);
  if (version == secret->second.versions.end()) {
    return Outcome(ErrorCode::kNotFound);
  }
  version->second.expires_at = change.expires_at;
  return "done";
}

std::string Model::ApplyColumn(const Change& change) {
  const auto column = columns_.find(change.name);
  if (change.call == Call::kRemoveColumn) {
    if (column == columns_.end()) {
      return Outcome(ErrorCode::kNotFound);
    }
    column->second.active = false;
    return "done";
  }
  if (column != columns_.end() && column->second.context != change.context) {
    return Outcome(ErrorCode::kConflict);
  }
  columns_[change.name] = {change.context, true};
  return "done";
}

std::string Model::State(Timestamp now) const {
  std::string state;
  for (const std::string& project : names_.projects) {
    for (const auto& [name, secret] : Secrets(project)) {
      state += project + "/" + name + " " + KindText(secret.kind) + "\n";
      for (const auto& [number, version] : secret.versions) {
        const bool expired = version.expires_at && *version.expires_at <= now;
        state += VersionText(
            SecretVersion{number}, version.expires_at,
            expired ? Outcome(ErrorCode::kRefusedByState) : ValueText(AsBytes(version.value)));
      }
    }
  }
  for (const auto& [label, column] : columns_) {
    state += ColumnText(label, column.context, column.active);
  }
  return state;
}

std::string StateOf(Client& client, const Names& names) {
  std::string state;
  for (const std::string& project : names.projects) {
    for (const SecretSummary& summary : Must(client.List(Project(project)))) {
      state += project + "/" + summary.name.text() + " " + KindText(summary.kind) + "\n";
      std::vector<VersionSummary> versions =
          Must(client.Versions(Project(project), summary.name)).TakeReadable();
      for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
        const Result<Secret> got = client.Get(Project(project), summary.name, version->version);
        state += VersionText(version->version, version->expires_at,
                             got ? ValueText(got->value.Reveal()) : Outcome(got.error().code));
      }
    }
  }
  for (const ColumnSummary& column : Must(client.Columns())) {
    for (const std::string& label : names.columns) {
      if (label == column.label.text()) {
        state += ColumnText(label, column.context, column.state == ColumnState::kActive);
      }
    }
  }
  return state;
}

void ExpectOpens(Client& client, const SealedInApp& sealed) {
  const Result<SecretBytes> value =
      client.OpenValue(Project(sealed.project), Label(sealed.label), sealed.text, sealed.row);
  ASSERT_THAT(value, Succeeds());
  EXPECT_EQ(TextOf(*value), sealed.value);
}

}  // namespace rowseal::testing
