// A row of the keys that changed under a running process: what is read under it is refused, and the
// refusal is in the log, in the events and in the counters.
#include <algorithm>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class RefusedReads : public ::testing::Test {
 protected:
  RefusedReads() {
    StoreOptions options = store_.Options();
    options.client.observer = observer_;
    client_.emplace(Must(OpenStore(options)));
    Must(Put(*client_, "acme", "name", "value"));
    Must(client_->AddColumn(Label("field"), ContextKind::kField));
    sealed_ = Must(client_->SealValue(Project("acme"), Label("field"), AsBytes("sealed")));
    Must(Get(*client_, "acme", "name"));
    Must(client_->OpenValue(Project("acme"), Label("field"), sealed_));
  }

  std::vector<std::string> Outcomes(const std::string& action) {
    std::vector<std::string> outcomes;
    for (const Row& row :
         intruder_.Run("SELECT outcome FROM audit_log WHERE action = $1 ORDER BY id", {action})) {
      outcomes.push_back(TextAt(row, 0));
    }
    return outcomes;
  }

  // Both reads are refused, and each adds its outcome behind the entry that granted it.
  void ExpectRefused() {
    const std::uint64_t refused = observer_->Value(Counter::kOpensRefused);
    EXPECT_THAT(Get(*client_, "acme", "name"), FailsWith(ErrorCode::kIntegrity));
    EXPECT_THAT(Outcomes("get"), ::testing::ElementsAre("granted", "granted", "integrity"));
    const std::string object = intruder_.Text(
        "SELECT object FROM audit_log WHERE action = 'get' AND outcome = 'integrity'");
    EXPECT_EQ(object, intruder_.Text("SELECT id FROM secret") + "@1");
    EXPECT_EQ(observer_->Value(Counter::kOpensRefused), refused + 1);
    EXPECT_THAT(client_->OpenValue(Project("acme"), Label("field"), sealed_),
                FailsWith(ErrorCode::kIntegrity));
    EXPECT_THAT(Outcomes("open"), ::testing::ElementsAre("granted", "granted", "integrity"));
    EXPECT_EQ(observer_->Value(Counter::kOpensRefused), refused + 2);
  }

  TestStore store_;
  Intruder intruder_{store_.path()};
  std::shared_ptr<Observer> observer_ = std::make_shared<Observer>();
  std::optional<Client> client_;
  std::string sealed_;
};

// The revision says that nothing changed; the tag says that something did.
TEST_F(RefusedReads, AKekOfTheSameRevisionWithAnotherTagIsReadAgainAndRefused) {
  intruder_.Run("UPDATE kek SET row_tag = zeroblob(length(row_tag)) WHERE purpose = 'wrap'");
  ExpectRefused();
}

TEST_F(RefusedReads, ADekOfTheSameRevisionWithAnotherTagIsRefusedAlsoWhereItIsHeld) {
  intruder_.Run("UPDATE dek SET row_tag = zeroblob(length(row_tag))");
  ExpectRefused();
}

TEST_F(RefusedReads, ATrustedSetThatIsRefusedMeanwhileRefusesTheReadAndIsLogged) {
  {
    Client other = store_.Open();
    Must(RotateKek(other));
  }
  intruder_.Run("UPDATE installation SET trust_tag = zeroblob(length(trust_tag))");
  ExpectRefused();
}

// Inside, 0 asks for the newest: nobody is given that by a number that was left out or calculated.
TEST_F(RefusedReads, AVersionBelowOneIsNoneInEveryCallThatTakesOne) {
  const auto refused = FailsWith(ErrorCode::kInvalidArgument);
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    const SecretVersion version{number};
    EXPECT_THAT(client_->Get(Project("acme"), Named("name"), version), refused);
    EXPECT_THAT(client_->GetBatch(Project("acme"), {{Named("name"), {}}, {Named("name"), version}}),
                refused);
    EXPECT_THAT(client_->Rollback(Project("acme"), Named("name"), version), refused);
    EXPECT_THAT(client_->Expire(Project("acme"), Named("name"), version, {}), refused);
  }
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM secret_version"), 1);
  EXPECT_THAT(Outcomes("get"), ::testing::ElementsAre("granted"));
  EXPECT_THAT(Outcomes("rollback"), ::testing::IsEmpty());
}

}  // namespace
}  // namespace rowseal::testing
