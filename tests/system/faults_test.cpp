// A statement, a commit or a write to the disk fails, at every place where one can: nothing is
// half-done, what is said to be done is done, and the next call works.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "db/sqlite/sqlite_store.h"
#include "lifecycle/installation.h"
#include "roots/root_registry.h"
#include "support/faulty_connection.h"
#include "support/faulty_disk.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

/// Change is a call that changes the store, or reads from it.
struct Change {
  std::string name;
  std::function<Result<void>(Client&)> run;
};

std::ostream& operator<<(std::ostream& out, const Change& change) { return out << change.name; }

template <class T>
Result<void> Forget(Result<T> result) {
  if (!result) {
    return tl::unexpected(std::move(result).error());
  }
  return {};
}

// The outer result of a batch, or its first item's error.
template <class T>
Result<void> ForgetBatch(Result<std::vector<Result<T>>> result) {
  if (!result) {
    return tl::unexpected(std::move(result).error());
  }
  for (Result<T>& item : *result) {
    ROWSEAL_TRY(Forget(std::move(item)));
  }
  return {};
}

constexpr std::string_view kValue = "a value that fills more than one block of padding, to be sure";

const Change kChanges[] = {
    {"PutNew", [](Client& c) { return Forget(Put(c, "acme", "new", kValue)); }},
    {"PutNewDek", [](Client& c) { return Forget(Put(c, "fresh", "new", kValue)); }},
    {"PutExisting", [](Client& c) { return Forget(Put(c, "acme", "name", kValue)); }},
    {"PutLarge",
     [](Client& c) { return Forget(Put(c, "acme", "large", std::string(200'000, 'x'))); }},
    {"Batch",
     [](Client& c) {
       const std::vector<PutItem> items = {{Named("name"), AsBytes(kValue), {}, {}},
                                           {Named("b1"), AsBytes(kValue), {}, {}},
                                           {Named("b2"), AsBytes(kValue), {}, {}}};
       return ForgetBatch(c.PutBatch(Project("acme"), items, Batch::kAllOrNone));
     }},
    {"Rename",
     [](Client& c) { return c.Rename(Project("acme"), Named("name"), Named("renamed")); }},
    {"Expire",
     [](Client& c) {
       return c.Expire(Project("acme"), Named("name"), SecretVersion{1},
                       Timestamp(std::chrono::hours(24 * 365 * 200)));
     }},
    {"Delete", [](Client& c) { return c.Delete(Project("acme"), Named("name")); }},
    {"Rollback",
     [](Client& c) {
       return Forget(c.Rollback(Project("acme"), Named("name"), SecretVersion{1}));
     }},
    {"Rotate", [](Client& c) { return Forget(RotateKek(c)); }},
    {"AddColumn", [](Client& c) { return c.AddColumn(Label("new"), ContextKind::kField); }},
    {"RemoveColumn", [](Client& c) { return c.RemoveColumn(Label("field")); }},
    {"Get", [](Client& c) { return Forget(Get(c, "acme", "name")); }},
    {"GetBatch",
     [](Client& c) {
       return ForgetBatch(c.GetBatch(Project("acme"), {{Named("name"), {}}, {Named("other"), {}}}));
     }},
    {"Seal",
     [](Client& c) { return Forget(c.SealValue(Project("acme"), Label("field"), AsBytes("x"))); }},
    {"Verify", [](Client& c) { return Forget(Verify(c, [](const VerifyFailure&) {})); }},
    {"Status", [](Client& c) { return Forget(Status(c)); }},
};

class Faults : public ::testing::TestWithParam<Change> {
 protected:
  Faults() {
    Client client = start_.Open();
    Must(Put(client, "acme", "name", "one"));
    Must(Put(client, "acme", "name", "two"));
    Must(Put(client, "acme", "other", "three"));
    Must(client.AddColumn(Label("field"), ContextKind::kField));
  }

  TestStore CopyOfStart() const {
    TestStore store;
    WriteFile(store.path(), ReadFile(start_.path()));
    WriteFile(store.root_path(), ReadFile(start_.root_path()));
    return store;
  }

  // What a user sees: each secret with its versions and values, the KEKs, the columns. A DEK that
  // was made for a put that then failed is no change.
  static std::string State(Client& client) {
    std::string state;
    for (const std::string project : {"acme", "fresh"}) {
      for (const SecretSummary& summary : Must(client.List(Project(project)))) {
        state += summary.name.text() + ":";
        for (const VersionSummary& version :
             Must(client.Versions(Project(project), summary.name))) {
          const std::string value =
              Must(Get(client, project, summary.name.text(), version.version.value));
          state += " " + std::to_string(version.version.value) + "=" + value.substr(0, 20) +
                   (version.expires_at ? " expires" : "");
        }
        state += "; ";
      }
    }
    for (const KeySummary& kek : Must(ListKeks(client))) {
      state += "kek " + kek.id + " " + kek.state + "; ";
    }
    for (const ColumnSummary& column : Must(client.Columns())) {
      state += column.label.text() + (column.active ? "; " : " removed; ");
    }
    return state;
  }
  static std::string State(const TestStore& store) {
    Client client = store.Open();
    return State(client);
  }

  std::string StateAfter(const Change& change) const {
    const TestStore store = CopyOfStart();
    Client client = store.Open();
    Must(change.run(client));
    return State(client);
  }

  TestStore start_;
};

TEST_P(Faults, OfOneStatementOrCommitLeaveNothingHalfDone) {
  const Change& change = GetParam();
  const std::string before = State(start_);
  const std::string after = StateAfter(change);
  struct Kind {
    ErrorCode code;
    Fault fault;
  };
  const Kind kinds[] = {{ErrorCode::kUnavailable, Fault::kNotDone},
                        {ErrorCode::kResourceExhausted, Fault::kNotDone},
                        {ErrorCode::kInDoubt, Fault::kDone},
                        {ErrorCode::kInDoubt, Fault::kNotDone}};
  std::size_t injected = 0;
  for (const Kind& kind : kinds) {
    bool failed = true;
    for (std::size_t call = 0; failed; ++call) {
      SCOPED_TRACE("call " + std::to_string(call) + " fails with " +
                   std::string(ErrorName(kind.code)) +
                   (kind.fault == Fault::kDone ? " when done" : ""));
      const TestStore store = CopyOfStart();
      auto owned = std::make_unique<FaultyConnection>(Must(SqliteConnection::Open(store.path())));
      FaultyConnection& connection = *owned;
      Client client = Must(store.Connect(std::move(owned)));
      connection.FailAt(call, kind.code, kind.fault);
      const Result<void> result = change.run(client);
      failed = connection.Heal();
      if (!failed) {
        ASSERT_THAT(result, Succeeds());
        break;
      }
      ++injected;
      ASSERT_THAT(result, FailsWith(kind.code));
      const std::string state = State(store);
      if (kind.fault == Fault::kNotDone) {
        EXPECT_EQ(state, before);
      } else {
        EXPECT_TRUE(state == before || state == after) << state;
      }
      // The client whose call failed goes on.
      EXPECT_EQ(State(client), state);
      EXPECT_THAT(Put(client, "acme", "next", "works"), Succeeds());
      EXPECT_THAT(RotateKek(client), Succeeds());
      EXPECT_EQ(Must(Get(client, "acme", "next")), "works");
      if (state == before) {
        EXPECT_THAT(change.run(client), Succeeds());
      }
      store.ExpectClean();
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GE(injected, std::size(kinds));
}

TEST_P(Faults, OfTheDiskAtEveryWriteLeaveTheOldStateOrTheNew) {
  const Change& change = GetParam();
  const std::string before = State(start_);
  const std::string after = StateAfter(change);
  for (const DiskFault fault : {DiskFault::kFull, DiskFault::kIoError}) {
    bool failed = true;
    for (std::size_t write = 0; failed; ++write) {
      SCOPED_TRACE("write " + std::to_string(write) +
                   (fault == DiskFault::kFull ? " finds the disk full" : " is an I/O error"));
      const TestStore store = CopyOfStart();
      FaultyDisk disk;
      {
        Client client = store.Open();
        disk.FailFrom(write, fault);
        const Result<void> result = change.run(client);
        failed = disk.Heal();
        if (!result) {
          const ErrorCode code = result.error().code;
          if (fault == DiskFault::kFull) {
            EXPECT_EQ(code, ErrorCode::kResourceExhausted) << result.error().message;
          } else {
            EXPECT_TRUE(code == ErrorCode::kUnavailable || code == ErrorCode::kInDoubt)
                << result.error().message;
          }
          const std::string state = State(store);
          EXPECT_TRUE(state == before || (state == after && code == ErrorCode::kInDoubt)) << state;
          EXPECT_EQ(State(client), state);
          EXPECT_THAT(Put(client, "acme", "next", "works"), Succeeds());
        } else {
          EXPECT_EQ(State(store), after);
        }
      }
      store.ExpectClean();
      ASSERT_FALSE(HasFailure());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, Faults, ::testing::ValuesIn(kChanges),
                         [](const auto& test) { return test.param.name; });

// Where each item stands alone, a failure behind the first statement is the failure of the items
// that were still open, and of no other.
TEST(FaultsOfBatches, AreThoseOfTheItemsThatWereNotStored) {
  bool failed = true;
  for (std::size_t call = 0; failed; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    TestStore store;
    {
      Client other = store.Open();
      Must(Put(other, "acme", "name", "not known to the client of the batch"));
    }
    auto owned = std::make_unique<FaultyConnection>(Must(SqliteConnection::Open(store.path())));
    FaultyConnection& connection = *owned;
    Client client = Must(store.Connect(std::move(owned)));
    const std::vector<PutItem> items = {{Named("b1"), AsBytes(kValue), {}, {}},
                                        {Named("name"), AsBytes(kValue), {}, {}},
                                        {Named("b2"), AsBytes(kValue), {}, {}}};
    connection.FailAt(call, ErrorCode::kUnavailable, Fault::kNotDone);
    const auto stored = client.PutBatch(Project("acme"), items, Batch::kEachAlone);
    failed = connection.Heal();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool said = stored && (*stored)[i];
      const auto got = Get(client, "acme", items[i].name.text());
      EXPECT_EQ(got && *got == kValue, said) << items[i].name.text();
      if (stored && !said) {
        EXPECT_THAT((*stored)[i], FailsWith(ErrorCode::kUnavailable));
      }
    }
    store.ExpectClean();
  }
}

TEST(FaultsOfInit, LeaveNoStoreOrAWholeOne) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kInDoubt}) {
    bool failed = true;
    for (std::size_t call = 0; failed; ++call) {
      SCOPED_TRACE("call " + std::to_string(call));
      TestStore store;
      std::filesystem::remove(store.path());
      const auto root = Must(OpenRoot("file:" + store.root_path()));
      FaultyConnection connection(Must(CreateSqliteStore(store.path())));
      const auto create = [&]() -> Result<void> {
        ROWSEAL_ASSIGN(Transaction transaction,
                       Transaction::Begin(connection, TransactionKind::kWrite));
        ROWSEAL_TRY(CreateInstallation(connection, *root, SystemClock(), "tester"));
        return transaction.Commit();
      };
      connection.FailAt(call, code, code == ErrorCode::kInDoubt ? Fault::kDone : Fault::kNotDone);
      const Result<void> result = create();
      failed = connection.Heal();
      if (failed) {
        ASSERT_THAT(result, FailsWith(code));
      } else {
        ASSERT_THAT(result, Succeeds());
      }
      ASSERT_THAT(InitStore(store.Options()), Succeeds());
      store.ExpectClean();
    }
  }
}

TEST(FaultsOfInit, OfTheDiskAtEveryWriteLeaveNoStoreOrAWholeOne) {
  for (const DiskFault fault : {DiskFault::kFull, DiskFault::kIoError}) {
    bool failed = true;
    for (std::size_t write = 0; failed; ++write) {
      SCOPED_TRACE("write " + std::to_string(write));
      TestStore store;
      std::filesystem::remove(store.path());
      std::filesystem::remove(store.root_path());
      FaultyDisk disk;
      disk.FailFrom(write, fault);
      const Result<InitOutcome> result = InitStore(store.Options());
      failed = disk.Heal();
      if (!failed) {
        ASSERT_THAT(result, Succeeds());
      }
      ASSERT_THAT(InitStore(store.Options()), Succeeds());
      store.ExpectClean();
    }
  }
}

// Nothing leaves before the entry that grants it has been committed.
TEST(FaultsOfReads, ReleaseNoValueWithoutAnEntryInTheLog) {
  TestStore store;
  std::string sealed;
  {
    Client client = store.Open();
    Must(Put(client, "acme", "name", "one"));
    Must(client.AddColumn(Label("field"), ContextKind::kField));
    sealed = Must(client.SealValue(Project("acme"), Label("field"), AsBytes("x")));
  }
  const auto entries = [&] {
    return Intruder(store.path()).Integer("SELECT count(*) FROM audit_log");
  };
  for (std::size_t write = 0; write < 8; ++write) {
    for (const DiskFault fault : {DiskFault::kFull, DiskFault::kIoError}) {
      FaultyDisk disk;
      Client client = store.Open();
      std::int64_t logged = entries();
      disk.FailFrom(write, fault);
      const bool got = Get(client, "acme", "name").has_value();
      disk.Heal();
      EXPECT_LE(got ? 1 : 0, entries() - logged);
      logged = entries();
      disk.FailFrom(write, fault);
      const bool opened = client.OpenValue(Project("acme"), Label("field"), sealed).has_value();
      disk.Heal();
      EXPECT_LE(opened ? 1 : 0, entries() - logged);
    }
  }
  store.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
