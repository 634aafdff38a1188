// Random logs of operations through two clients of one store, against a model of a few maps: every
// answer, and in the end everything that is stored, is what the model says.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/model.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kOperations = 300;
constexpr std::size_t kLogs = 20;

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
    Compare();
    store_.ExpectClean();
  }

 private:
  Client& AnyClient() { return *clients_[random_.Below(clients_.size())]; }

  void Reconnect(std::optional<Client>& client) {
    StoreOptions options = store_.Options();
    options.client.clock = [this] { return now_; };
    client.emplace(Must(OpenStore(options)));
  }

  const std::string& AnyProject() { return random_.Pick(names_.projects); }
  const std::string& AnyName() { return random_.Pick(names_.secrets); }

  void Step() {
    switch (random_.Below(20)) {
      case 0:
      case 1:
      case 2:
        return DoGet();
      case 3:
        return DoGetBatch();
      case 4:
        return DoList();
      case 5:
      case 6:
        return DoOpen();
      case 7:
        return Reconnect(clients_[random_.Below(clients_.size())]);
      default:
        return DoChange();
    }
  }

  void DoChange() {
    const Change change = AnyChange(random_, names_, now_);
    const Performed performed = Perform(AnyClient(), change);
    EXPECT_EQ(performed.outcome, model_.Apply(change, now_));
    model_.Hold(change, performed.sealed);
  }

  std::optional<ErrorCode> GetFails(const std::string& project, const SecretRef& ref) {
    const Model::Secret* secret = model_.Find(project, ref.name.text());
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
    const Model::Secret& secret = *model_.Find(project, ref.name.text());
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

  void DoList() {
    const std::string project = AnyProject();
    const std::string after = random_.OneIn(2) ? "" : AnyName();
    const auto limit = static_cast<std::int64_t>(1 + random_.Below(5));
    const auto listed = AnyClient().List(Project(project), after, limit);
    ASSERT_THAT(listed, Succeeds());
    const auto& secrets = model_.Secrets(project);
    auto expected = secrets.upper_bound(after);
    for (const SecretSummary& summary : *listed) {
      ASSERT_NE(expected, secrets.end());
      EXPECT_EQ(summary.name.text(), expected->first);
      EXPECT_EQ(summary.kind, expected->second.kind);
      EXPECT_EQ(summary.newest.value, expected->second.next_version - 1);
      EXPECT_EQ(summary.versions, static_cast<std::int64_t>(expected->second.versions.size()));
      ++expected;
    }
    EXPECT_TRUE(static_cast<std::int64_t>(listed->size()) == limit || expected == secrets.end());
  }

  void DoOpen() {
    if (!model_.sealed().empty()) {
      ExpectOpens(AnyClient(), random_.Pick(model_.sealed()));
    }
  }

  void Compare() {
    Client& client = *clients_[0];
    EXPECT_EQ(StateOf(client, names_), model_.State(now_));
    for (const SealedInApp& sealed : model_.sealed()) {
      ExpectOpens(client, sealed);
    }
    EXPECT_EQ(Must(ListKeks(client)).size(), 1 + model_.rotations());
  }

  TestStore store_;
  Random random_;
  Timestamp now_{std::chrono::seconds(1'700'000'000)};
  std::array<std::optional<Client>, 2> clients_;
  const Names names_ = Names::Prefixed("");
  Model model_{names_};
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
