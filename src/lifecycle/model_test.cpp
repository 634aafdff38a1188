// Random logs of operations through two clients of one store, against a model of a few maps: every
// answer, and in the end everything that is stored, is what the model says.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kOperations = 300;
constexpr std::size_t kLogs = 20;

struct ModelVersion {
  std::string value;
  std::optional<Timestamp> expires_at;
};

struct ModelSecret {
  SecretKind kind = SecretKind::kWorkflow;
  std::int64_t next_version = 1;
  std::map<std::int64_t, ModelVersion> versions;
};

struct ModelColumn {
  ContextKind context = ContextKind::kField;
  bool active = true;
};

struct SealedInApp {
  std::string project;
  std::string label;
  std::vector<std::string> row;
  std::string text;
  std::string value;
};

class RandomLog {
 public:
  explicit RandomLog(std::uint64_t seed) : random_(seed) {
    for (auto& client : clients_) {
      Reconnect(client);
    }
  }

  void Run(std::size_t operations) {
    for (std::size_t i = 0; i < operations && !::testing::Test::HasFailure(); ++i) {
      now_ += std::chrono::seconds(1);
      SCOPED_TRACE("operation " + std::to_string(i) + ", seed " + std::to_string(random_.seed()));
      Step();
    }
    CompareAll();
    store_.ExpectClean();
  }

 private:
  using Projects = std::map<std::string, std::map<std::string, ModelSecret>>;

  Client& AnyClient() { return *clients_[random_.Below(clients_.size())]; }

  void Reconnect(std::optional<Client>& client) {
    StoreOptions options = store_.Options();
    options.client.clock = [this] { return now_; };
    client.emplace(Must(OpenStore(options)));
  }

  std::string AnyProject() { return "p" + std::to_string(random_.Below(3)); }
  std::string AnyName() { return "n" + std::to_string(random_.Below(5)); }
  std::string AnyValue() {
    std::string value(random_.OneIn(10) ? random_.Below(5000) : random_.Below(70), '\0');
    for (char& byte : value) {
      byte = static_cast<char>(random_.Below(256));
    }
    return value;
  }
  std::optional<SecretKind> AnyKind() {
    const std::optional<SecretKind> kinds[] = {
        {}, {}, {}, {}, SecretKind::kWebhook, SecretKind::kWorkflow};
    return kinds[random_.Below(std::size(kinds))];
  }
  std::optional<Timestamp> AnyExpiry() {
    return random_.OneIn(5) ? std::optional(now_ + std::chrono::seconds(random_.Below(100)))
                            : std::nullopt;
  }

  ModelSecret* Find(const std::string& project, const std::string& name) {
    auto& secrets = projects_[project];
    const auto found = secrets.find(name);
    return found == secrets.end() ? nullptr : &found->second;
  }

  void Step() {
    switch (random_.Below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return DoPut();
      case 5:
      case 6:
        return DoPutBatch();
      case 7:
      case 8:
        return DoGet();
      case 9:
        return DoGetBatch();
      case 10:
        return DoRollback();
      case 11:
        return DoRename();
      case 12:
        return DoExpire();
      case 13:
        return DoDelete();
      case 14:
        return random_.OneIn(3) ? DoRotate() : DoList();
      case 15:
        return DoColumn();
      case 16:
      case 17:
        return DoSeal();
      case 18:
        return DoOpen();
      default:
        return Reconnect(clients_[random_.Below(clients_.size())]);
    }
  }

  // What the model says of a put, without doing it.
  std::optional<ErrorCode> PutFails(const std::string& project, const PutItem& item) {
    const ModelSecret* secret = Find(project, item.name.text());
    const bool refused = secret != nullptr && (item.rule == PutRule::kCreateOnly ||
                                               (item.kind && *item.kind != secret->kind));
    return refused ? std::optional(ErrorCode::kConflict) : std::nullopt;
  }

  std::int64_t ApplyPut(const std::string& project, const PutItem& item) {
    const bool is_new = Find(project, item.name.text()) == nullptr;
    ModelSecret& secret = projects_[project][item.name.text()];
    if (is_new) {
      secret.kind = item.kind.value_or(SecretKind::kWorkflow);
    }
    secret.versions[secret.next_version] = {std::string(AsText(item.value)), item.expires_at};
    return secret.next_version++;
  }

  void Expect(const Result<StoredSecret>& stored, std::optional<ErrorCode> failure,
              std::int64_t version) {
    if (failure) {
      EXPECT_THAT(stored, FailsWith(*failure));
      return;
    }
    ASSERT_THAT(stored, Succeeds());
    EXPECT_EQ(stored->version.value, version);
  }

  PutItem AnyItem(const std::string& name, const std::string& value) {
    return {Named(name), AsBytes(value), AnyKind(), AnyExpiry(),
            random_.OneIn(6) ? PutRule::kCreateOnly : PutRule::kCreateOrAddVersion};
  }

  void DoPut() {
    const std::string project = AnyProject();
    const std::string value = AnyValue();
    const PutItem item = AnyItem(AnyName(), value);
    const auto failure = PutFails(project, item);
    const Result<StoredSecret> stored = AnyClient().Put(Project(project), item);
    Expect(stored, failure, failure ? 0 : ApplyPut(project, item));
  }

  void DoPutBatch() {
    const std::string project = AnyProject();
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (int n = 0; n < 5; ++n) {
      if (random_.OneIn(2)) {
        names.push_back("n" + std::to_string(n));
        values.push_back(AnyValue());
      }
    }
    std::vector<PutItem> items;
    std::vector<std::optional<ErrorCode>> failures;
    bool any_fails = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      items.push_back(AnyItem(names[i], values[i]));
      failures.push_back(PutFails(project, items.back()));
      any_fails = any_fails || failures.back();
    }
    const Batch batch = random_.OneIn(2) ? Batch::kAllOrNone : Batch::kEachAlone;
    const auto stored = AnyClient().PutBatch(Project(project), items, batch);
    ASSERT_THAT(stored, Succeeds());
    ASSERT_EQ(stored->size(), items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (batch == Batch::kAllOrNone && any_fails) {
        failures[i] = ErrorCode::kConflict;
      }
      Expect((*stored)[i], failures[i], failures[i] ? 0 : ApplyPut(project, items[i]));
    }
  }

  std::optional<ErrorCode> GetFails(const std::string& project, const SecretRef& ref) {
    const ModelSecret* secret = Find(project, ref.name.text());
    if (secret == nullptr) {
      return ErrorCode::kNotFound;
    }
    const std::int64_t number = ref.version ? ref.version->value : secret->next_version - 1;
    const auto version = secret->versions.find(number);
    if (version == secret->versions.end()) {
      return ErrorCode::kNotFound;
    }
    const auto& expires = version->second.expires_at;
    return expires && *expires <= now_ ? std::optional(ErrorCode::kRefusedByState) : std::nullopt;
  }

  void Expect(const std::string& project, const SecretRef& ref, const Result<Secret>& got) {
    if (const auto failure = GetFails(project, ref)) {
      EXPECT_THAT(got, FailsWith(*failure));
      return;
    }
    ASSERT_THAT(got, Succeeds());
    const ModelSecret& secret = *Find(project, ref.name.text());
    const std::int64_t number = ref.version ? ref.version->value : secret.next_version - 1;
    EXPECT_EQ(got->version.value, number);
    EXPECT_EQ(got->kind, secret.kind);
    EXPECT_EQ(got->expires_at, secret.versions.at(number).expires_at);
    EXPECT_EQ(TextOf(got->value), secret.versions.at(number).value);
  }

  SecretRef AnyRef() {
    return {Named(AnyName()),
            random_.OneIn(2)
                ? std::nullopt
                : std::optional(SecretVersion{1 + static_cast<std::int64_t>(random_.Below(6))})};
  }

  void DoGet() {
    const std::string project = AnyProject();
    const SecretRef ref = AnyRef();
    Expect(project, ref, AnyClient().Get(Project(project), ref.name, ref.version));
  }

  void DoGetBatch() {
    const std::string project = AnyProject();
    std::vector<SecretRef> refs;
    for (std::size_t i = random_.Below(5); i > 0; --i) {
      refs.push_back(AnyRef());
    }
    const auto got = AnyClient().GetBatch(Project(project), refs);
    ASSERT_THAT(got, Succeeds());
    ASSERT_EQ(got->size(), refs.size());
    for (std::size_t i = 0; i < refs.size(); ++i) {
      Expect(project, refs[i], (*got)[i]);
    }
  }

  void DoRollback() {
    const std::string project = AnyProject();
    const SecretRef ref{Named(AnyName()),
                        SecretVersion{1 + static_cast<std::int64_t>(random_.Below(4))}};
    const auto failure = GetFails(project, ref);
    const auto stored = AnyClient().Rollback(Project(project), ref.name, *ref.version);
    std::int64_t version = 0;
    if (!failure) {
      const ModelVersion old = Find(project, ref.name.text())->versions.at(ref.version->value);
      version = ApplyPut(project, {ref.name, AsBytes(old.value), {}, old.expires_at});
    }
    Expect(stored, failure, version);
  }

  void DoRename() {
    const std::string project = AnyProject();
    const std::string name = AnyName();
    const std::string new_name = AnyName();
    const auto renamed = AnyClient().Rename(Project(project), Named(name), Named(new_name));
    auto& secrets = projects_[project];
    if (!secrets.contains(name)) {
      EXPECT_THAT(renamed, FailsWith(ErrorCode::kNotFound));
    } else if (name != new_name && secrets.contains(new_name)) {
      EXPECT_THAT(renamed, FailsWith(ErrorCode::kConflict));
    } else {
      EXPECT_THAT(renamed, Succeeds());
      auto node = secrets.extract(name);
      node.key() = new_name;
      secrets.insert(std::move(node));
    }
  }

  void DoExpire() {
    const std::string project = AnyProject();
    const SecretRef ref = AnyRef();
    const std::optional<Timestamp> expires_at = AnyExpiry();
    const auto done = AnyClient().Expire(Project(project), ref.name, ref.version, expires_at);
    ModelSecret* secret = Find(project, ref.name.text());
    const std::int64_t number = ref.version         ? ref.version->value
                                : secret == nullptr ? 0
                                                    : secret->next_version - 1;
    if (secret == nullptr || !secret->versions.contains(number)) {
      EXPECT_THAT(done, FailsWith(ErrorCode::kNotFound));
      return;
    }
    EXPECT_THAT(done, Succeeds());
    secret->versions[number].expires_at = expires_at;
  }

  void DoDelete() {
    const std::string project = AnyProject();
    const std::string name = AnyName();
    const auto done = AnyClient().Delete(Project(project), Named(name));
    if (projects_[project].erase(name) == 0) {
      EXPECT_THAT(done, FailsWith(ErrorCode::kNotFound));
    } else {
      EXPECT_THAT(done, Succeeds());
    }
  }

  void DoRotate() {
    const auto report = RotateKek(AnyClient());
    ASSERT_THAT(report, Succeeds());
    EXPECT_TRUE(report->failures.empty());
    ++rotations_;
  }

  void DoList() {
    const std::string project = AnyProject();
    const std::string after = random_.OneIn(2) ? "" : AnyName();
    const auto limit = static_cast<std::int64_t>(1 + random_.Below(5));
    const auto listed = AnyClient().List(Project(project), after, limit);
    ASSERT_THAT(listed, Succeeds());
    auto expected = projects_[project].upper_bound(after);
    for (const SecretSummary& summary : *listed) {
      ASSERT_NE(expected, projects_[project].end());
      EXPECT_EQ(summary.name.text(), expected->first);
      EXPECT_EQ(summary.kind, expected->second.kind);
      EXPECT_EQ(summary.newest.value, expected->second.next_version - 1);
      EXPECT_EQ(summary.versions, static_cast<std::int64_t>(expected->second.versions.size()));
      ++expected;
    }
    EXPECT_TRUE(static_cast<std::int64_t>(listed->size()) == limit ||
                expected == projects_[project].end());
  }

  std::string AnyLabel() { return "column" + std::to_string(random_.Below(3)); }

  void DoColumn() {
    const std::string label = AnyLabel();
    const auto known = columns_.find(label);
    if (random_.OneIn(4)) {
      const auto removed = AnyClient().RemoveColumn(Label(label));
      if (known == columns_.end()) {
        EXPECT_THAT(removed, FailsWith(ErrorCode::kNotFound));
      } else {
        EXPECT_THAT(removed, Succeeds());
        known->second.active = false;
      }
      return;
    }
    const ContextKind context = random_.OneIn(2) ? ContextKind::kField : ContextKind::kCell;
    const auto added = AnyClient().AddColumn(Label(label), context);
    if (known != columns_.end() && known->second.context != context) {
      EXPECT_THAT(added, FailsWith(ErrorCode::kConflict));
      return;
    }
    EXPECT_THAT(added, Succeeds());
    columns_[label] = {context, true};
  }

  void DoSeal() {
    const std::string label = AnyLabel();
    const auto column = columns_.find(label);
    const bool cell = column != columns_.end() && column->second.context == ContextKind::kCell;
    SealedInApp sealed{AnyProject(), label, {}, "", AnyValue()};
    if (cell) {
      sealed.row = {std::to_string(random_.Below(3))};
    }
    auto text = AnyClient().SealValue(Project(sealed.project), Label(label), AsBytes(sealed.value),
                                      sealed.row);
    if (column == columns_.end() || !column->second.active) {
      EXPECT_THAT(text, FailsWith(ErrorCode::kNotFound));
      return;
    }
    ASSERT_THAT(text, Succeeds());
    sealed.text = std::move(*text);
    sealed_.push_back(std::move(sealed));
  }

  void DoOpen() {
    if (sealed_.empty()) {
      return;
    }
    const SealedInApp& sealed = random_.Pick(sealed_);
    const auto value = AnyClient().OpenValue(Project(sealed.project), Label(sealed.label),
                                             sealed.text, sealed.row);
    ASSERT_THAT(value, Succeeds());
    EXPECT_EQ(TextOf(*value), sealed.value);
  }

  void CompareAll() {
    Client& client = *clients_[0];
    for (auto& [project, secrets] : projects_) {
      const auto listed = Must(client.List(Project(project)));
      EXPECT_EQ(listed.size(), secrets.size());
      for (auto& [name, secret] : secrets) {
        EXPECT_EQ(Must(client.Versions(Project(project), Named(name))).size(),
                  secret.versions.size());
        for (const auto& [number, version] : secret.versions) {
          const SecretRef ref{Named(name), SecretVersion{number}};
          Expect(project, ref, client.Get(Project(project), ref.name, ref.version));
        }
      }
    }
    for (const SealedInApp& sealed : sealed_) {
      EXPECT_EQ(TextOf(Must(client.OpenValue(Project(sealed.project), Label(sealed.label),
                                             sealed.text, sealed.row))),
                sealed.value);
    }
    EXPECT_EQ(Must(ListKeks(client)).size(), 1 + rotations_);
  }

  TestStore store_;
  Random random_;
  Timestamp now_{std::chrono::seconds(1'700'000'000)};
  std::array<std::optional<Client>, 2> clients_;
  Projects projects_;
  std::map<std::string, ModelColumn> columns_;
  std::vector<SealedInApp> sealed_;
  std::size_t rotations_ = 0;
};

TEST(Model, RandomLogsGiveTheAnswersOfTheModel) {
  for (std::size_t log = 0; log < Scaled(kLogs); ++log) {
    RandomLog(1000 + log).Run(kOperations);
    if (::testing::Test::HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace rowseal::testing
