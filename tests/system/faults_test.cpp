// A statement, a commit or a write to the disk fails, or the process is killed, at every place
// where that can happen: nothing is half-done, what is said to be done is done, and the next call
// works.
#include <unistd.h>

#include <csignal>
#include <cstdio>
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
#include "support/child_process.h"
#include "support/faulty_connection.h"
#include "support/faulty_disk.h"
#include "support/soak.h"
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

constexpr std::size_t kStep = 7;  // one system call in seven is a place to kill at

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
    before_ = State(client);
  }
  void SetUp() override { after_ = StateAfter(GetParam()); }

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
    for (const KekSummary& kek : Must(ListKeks(client))) {
      state += "kek " + ToText(kek.id) + " " + std::string(ToText(kek.state)) + "; ";
    }
    for (const ColumnSummary& column : Must(client.Columns())) {
      state += column.label.text() + (column.state == ColumnState::kActive ? "; " : " removed; ");
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

  // A process that worked on `store` was killed, and had said in `journal` that it was done.
  void ExpectWholeAfterKill(const TestStore& store, const Journal& journal) const {
    const std::string state = State(store);
    if (journal.Lines().empty()) {
      EXPECT_TRUE(state == before_ || state == after_) << state;
    } else {
      EXPECT_EQ(state, after_);
    }
    store.ExpectClean();
    const std::string content = store.Content();
    EXPECT_EQ(Must(InitStore(store.Options())), InitOutcome::kExisted);
    EXPECT_EQ(State(store), state);
    EXPECT_EQ(store.Content(), content);
    Client client = store.Open();
    EXPECT_THAT(Put(client, "acme", "next", "works"), Succeeds());
    EXPECT_THAT(RotateKek(client), Succeeds());
    EXPECT_EQ(Must(Get(client, "acme", "next")), "works");
    if (state == before_) {
      EXPECT_THAT(GetParam().run(client), Succeeds());
    }
  }

  TestStore start_;
  std::string before_;
  std::string after_;
};

TEST_P(Faults, OfOneStatementOrCommitLeaveNothingHalfDone) {
  const Change& change = GetParam();
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
      auto owned = std::make_unique<FaultyConnection>(OpenTestConnection(store.path()));
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
        EXPECT_EQ(state, before_);
      } else {
        EXPECT_TRUE(state == before_ || state == after_) << state;
      }
      // The client whose call failed goes on.
      EXPECT_EQ(State(client), state);
      EXPECT_THAT(Put(client, "acme", "next", "works"), Succeeds());
      EXPECT_THAT(RotateKek(client), Succeeds());
      EXPECT_EQ(Must(Get(client, "acme", "next")), "works");
      if (state == before_) {
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
          EXPECT_TRUE(state == before_ || (state == after_ && code == ErrorCode::kInDoubt))
              << state;
          EXPECT_EQ(State(client), state);
          EXPECT_THAT(Put(client, "acme", "next", "works"), Succeeds());
        } else {
          EXPECT_EQ(State(store), after_);
        }
      }
      store.ExpectClean();
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_P(Faults, KillAtEveryStatementLeavesTheOldStateOrTheNew) {
  for (const Fault fault : {Fault::kNotDone, Fault::kDone}) {
    bool killed = true;
    for (std::size_t call = 0; killed; ++call) {
      SCOPED_TRACE("killed at call " + std::to_string(call) +
                   (fault == Fault::kDone ? " when done" : ""));
      const TestStore store = CopyOfStart();
      const Journal journal(store.folder() / "journal");
      ChildProcess child([&] {
        auto owned = std::make_unique<FaultyConnection>(OpenTestConnection(store.path()));
        FaultyConnection& connection = *owned;
        Client client = Must(store.Connect(std::move(owned)));
        connection.DieAt(call, fault);
        Must(GetParam().run(client));
        journal.Write("done");
      });
      const int status = child.Wait();
      killed = status == -SIGKILL;
      ASSERT_EQ(status, killed ? -SIGKILL : 0);
      ExpectWholeAfterKill(store, journal);
      ASSERT_FALSE(HasFailure());
    }
  }
}

// With a neighbour, SQLite's index of the log lives on as the killed process left it; without, the
// next process makes it anew from the log.
TEST_P(Faults, KillAtSystemCallsLeavesTheOldStateOrTheNew) {
  if (!CanStopAtSystemCalls()) {
    GTEST_SKIP() << "this machine lets no process trace its children";
  }
  // Where only some places are tried, they are others for each call.
  const std::size_t first_call = Random(GetParam().name.size()).Below(StepOr(kStep));
  std::size_t kills = 0;
  for (const bool has_neighbour : {false, true}) {
    std::optional<std::string> killed_at = "begin";
    for (std::size_t call = first_call; killed_at; call += StepOr(kStep)) {
      const TestStore store = CopyOfStart();
      const Journal journal(store.folder() / "journal");
      const Journal neighbours(store.folder() / "neighbour");
      std::optional<ChildProcess> neighbour;
      if (has_neighbour) {
        neighbour.emplace([&] {
          Client client = store.Open();
          Must(Status(client));
          neighbours.Write("open");
          pause();
        });
        ASSERT_TRUE(neighbour->Await([&] { return !neighbours.Lines().empty(); }));
      }
      killed_at = KillBeforeSystemCall(call, [&](const std::function<void()>& begin) {
        Client client = store.Open();
        begin();
        Must(GetParam().run(client));
        journal.Write("done");
      });
      SCOPED_TRACE("killed before system call " + std::to_string(call) + ", " +
                   killed_at.value_or("none") + (has_neighbour ? ", beside another" : ""));
      ExpectWholeAfterKill(store, journal);
      ASSERT_FALSE(HasFailure());
      kills += killed_at ? 1 : 0;
    }
  }
  std::printf("%zu kills\n", kills);
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
    auto owned = std::make_unique<FaultyConnection>(OpenTestConnection(store.path()));
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
        ROWSEAL_ASSIGN(const TrustRows rows, MakeInstallation({*root, SystemClock()}));
        ROWSEAL_TRY(WriteInstallation(connection, rows, "tester"));
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
