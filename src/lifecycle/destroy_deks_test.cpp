// When a DEK of values may go: no row of the store needs it, so the scans of the app's columns
// decide, and each of the moments that they are compared with counts to the microsecond.
#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>
#include <rowseal/policy.h>

#include "base/clock.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::int64_t kHour = 3'600'000'000;  // microseconds

class IdleValueDek : public ::testing::Test {
 protected:
  IdleValueDek() {
    for (const char* label : {"first", "second"}) {
      Must(client_.AddColumn(Label(label), ContextKind::kField));
    }
    Must(client_.SealValue(Project("acme"), Label("first"), AsBytes("value")));
    Must(SetPolicy(client_, "dek.destroy_after", "1h"));
    Must(RotateDeks(client_, Project("acme")));
    old_ = intruder_.Text("SELECT id FROM dek WHERE state = 'deactivated'");
    Note("first", 0);
    Note("second", 0);
  }

  // Times are told from the moment at which the DEK's wait ended, three hours ago.
  std::int64_t AtEndOfWait(std::int64_t microseconds) const {
    return now_ - 3 * kHour + microseconds;
  }
  void Drained(std::int64_t microseconds) {
    intruder_.Run("UPDATE dek SET drained_at = $1 WHERE id = $2",
                  {AtEndOfWait(microseconds) - kHour, old_});
  }
  void Note(const std::string& label, std::int64_t microseconds) {
    intruder_.Run("UPDATE sealed_column SET scanned_at = $1 WHERE label = $2",
                  {AtEndOfWait(microseconds), label});
  }

  Result<void> Destroy() {
    return DestroyDek(client_, Project("acme"), Must(ParseUuid<DekId>(old_)));
  }
  // It stays, whether it is asked for or is due.
  void ExpectStays(const std::string& why) {
    EXPECT_THAT(Destroy(), FailsNaming(ErrorCode::kRefusedByState, why));
    EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 0);
    EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM dek WHERE id = $1", {old_}), 1);
  }

  TestStore store_;
  Intruder intruder_{store_.path()};
  Client client_ = store_.Open();
  std::string old_;
  const std::int64_t now_ = SystemClock().time_since_epoch().count();
};

TEST_F(IdleValueDek, StaysWhereAScanBeganBeforeTheEndOfItsWait) {
  Drained(0);
  Note("second", -1);
  ExpectStays("not every registered column was scanned");
  Note("first", -1);
  Note("second", 0);
  ExpectStays("not every registered column was scanned");
  intruder_.Run("UPDATE sealed_column SET scanned_at = NULL WHERE label = 'first'");
  ExpectStays("not every registered column was scanned");
  Note("first", 0);
  Must(Destroy());
}

TEST_F(IdleValueDek, IsDueWhereEveryScanBeganAtTheEndOfItsWait) {
  Drained(0);
  EXPECT_EQ(Must(DestroyDueKeys(client_)).deks, 1);
  EXPECT_EQ(intruder_.Integer("SELECT count(*) FROM dek WHERE id = $1", {old_}), 0);
}

TEST_F(IdleValueDek, StaysWhileItWaitsAndWhileItIsNotDrained) {
  ExpectStays("is not drained");
  Drained(4 * kHour);
  Note("first", 5 * kHour);
  Note("second", 5 * kHour);
  ExpectStays("may be destroyed from");
}

TEST_F(IdleValueDek, WhatWasDestroyedIsInTheLogAndInTheEvidence) {
  Drained(0);
  Must(Destroy());
  EXPECT_EQ(intruder_.Text("SELECT object FROM audit_log WHERE action = 'dek.destroy'"), old_);
  EXPECT_EQ(intruder_.Text("SELECT census FROM destroyed_key"),
            "needed by no value that the scans of all registered columns found");
  EXPECT_THAT(Destroy(), FailsWith(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace rowseal::testing
