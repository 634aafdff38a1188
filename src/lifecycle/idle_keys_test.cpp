// Opened keys have an expanded form in plain heap: those that nobody uses must not stay there.
#include <chrono>
#include <memory>

#include <rowseal/jobs.h>

#include "client/session.h"
#include "store/calls/dek_active.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class IdleKeys : public ::testing::Test {
 protected:
  IdleKeys() {
    keyring().UseClock([this] { return now_; });
    Must(Put(client_, "used", "name", "one"));
    Must(Put(client_, "idle", "name", "two"));
  }

  Keyring& keyring() { return SessionOf(client_).keyring(); }

  DekRecord ActiveDek(std::string_view project) {
    return Must(Ask(ConnectionOf(client_),
                    DekActive::Request{Project(project), DekPurpose::kSecret}))
        ->dek;
  }
  // What the keyring alone holds: it expires when the key is wiped.
  std::weak_ptr<const Dek> Held(std::string_view project) {
    return Must(keyring().OpenDek(ActiveDek(project)));
  }

  TestStore store_;
  Client client_ = store_.Open();
  std::chrono::steady_clock::time_point now_{};
};

TEST_F(IdleKeys, DekThatIsNotUsedForTenMinutesGoesAtTheNextCall) {
  const std::weak_ptr<const Dek> used = Held("used");
  const std::weak_ptr<const Dek> idle = Held("idle");
  now_ += Keyring::kDekIdleTime - std::chrono::milliseconds(1);
  EXPECT_EQ(Must(Get(client_, "used", "name")), "one");
  EXPECT_FALSE(idle.expired());
  now_ += std::chrono::milliseconds(1);
  EXPECT_EQ(Must(Get(client_, "used", "name")), "one");
  EXPECT_TRUE(idle.expired());
  EXPECT_FALSE(used.expired());
  EXPECT_EQ(Must(Get(client_, "idle", "name")), "two");
}

TEST_F(IdleKeys, DekInUseStaysUntilItsUserIsDone) {
  std::shared_ptr<const Dek> user = Held("idle").lock();
  const std::weak_ptr<const Dek> idle = user;
  now_ += Keyring::kDekIdleTime;
  keyring().DropIdleDeks();
  EXPECT_FALSE(idle.expired());
  user.reset();
  EXPECT_TRUE(idle.expired());
}

TEST_F(IdleKeys, OneThatIsAskedForAgainLateIsNotOpenedAnew) {
  const std::weak_ptr<const Dek> late = Held("idle");
  now_ += 2 * Keyring::kDekIdleTime;
  EXPECT_EQ(Must(Get(client_, "idle", "name")), "two");
  EXPECT_FALSE(late.expired());
}

TEST_F(IdleKeys, MaintainDropsThemWithoutAnotherCall) {
  const std::weak_ptr<const Dek> idle = Held("idle");
  Must(Maintain(client_));
  EXPECT_FALSE(idle.expired());
  now_ += Keyring::kDekIdleTime;
  Must(Maintain(client_));
  EXPECT_TRUE(idle.expired());
}

TEST_F(IdleKeys, ForgetKeysWipesKeksAndDeksAndTheNextCallOpensThemAgain) {
  const std::weak_ptr<const Dek> dek = Held("used");
  const std::weak_ptr<const Kek> kek = Must(keyring().OpenKek(ActiveDek("used").kek));
  client_.ForgetKeys();
  EXPECT_TRUE(dek.expired());
  EXPECT_TRUE(kek.expired());
  EXPECT_EQ(Must(Get(client_, "used", "name")), "one");
  Must(Put(client_, "used", "name", "three"));
  EXPECT_EQ(Must(Get(client_, "used", "name")), "three");
}

}  // namespace
}  // namespace rowseal::testing
