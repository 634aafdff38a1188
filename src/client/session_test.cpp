#include "client/session.h"

#include "client/get_operation.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// One session that several operations use at once, each on a connection of its own.
class SharedSession : public ::testing::Test {
 protected:
  SharedSession() {
    Must(Put(client_, "acme", "n", "value"));
    Must(session_.LoadTrust(*connection_));
  }

  GetOperation Get() {
    return {session_, Project("acme"), {SecretRef{Named("n"), {}}}, {"tester", ""}};
  }

  // Runs one statement without feeding its rows: what another thread does comes in between.
  Rows Ask(GetOperation& operation) { return Must(connection_->Execute(*operation.Next())); }

  static std::string ValueOf(GetOperation operation) {
    return TextOf(Must(std::move(Must(std::move(operation).Take()).front())).value);
  }

  TestStore store_;
  Client client_ = store_.Open();
  std::unique_ptr<Connection> connection_ = Must(store_.OpenConnection());
  Session session_{{Must(store_.Root())}, {"tester", {}, {}}};
};

TEST_F(SharedSession, TrustReadBeforeAnotherThreadAdoptedNewerIsNoRollback) {
  Must(RotateKek(client_));
  GetOperation slow = Get();
  slow.Feed(Ask(slow));          // under a KEK that is not known yet
  const Rows older = Ask(slow);  // the trusted rows, as they stand now
  Must(RotateKek(client_));

  GetOperation quick = Get();
  RunOperation(*connection_, quick);
  EXPECT_EQ(ValueOf(std::move(quick)), "value");
  const std::int64_t newest = session_.keyring().epoch();

  slow.Feed(older);
  ASSERT_FALSE(slow.Next());
  EXPECT_EQ(ValueOf(std::move(slow)), "value");
  EXPECT_EQ(session_.keyring().epoch(), newest);
}

TEST_F(SharedSession, TrustOlderThanWhatWasHeldBeforeItWasReadIsRefused) {
  const Rows older = Must(connection_->Execute(AskTrust()));
  Must(RotateKek(client_));
  Must(session_.LoadTrust(*connection_));
  EXPECT_THAT(session_.AdoptTrust(older, session_.Floor()),
              FailsNaming(ErrorCode::kIntegrity, "went back from epoch"));
}

}  // namespace
}  // namespace rowseal::testing
