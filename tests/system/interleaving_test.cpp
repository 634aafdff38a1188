// Two operations of two processes, interleaved at every statement: each schedule gives what one of
// the two orders one after the other gives, every value written opens, and verify finds nothing.
#include <array>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "support/interleaving_connection.h"
#include "support/outcome.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

/// Call is one operation; it returns its outcome as text.
using Call = std::function<std::string(Client&)>;

Call PutCall(std::string project, std::string name, std::string value,
             PutRule rule = PutRule::kCreateOrAddVersion) {
  return [=](Client& client) {
    return Outcome(client.Put(Project(project), {Named(name), AsBytes(value), {}, {}, rule}));
  };
}
Call GetCall(std::string project, std::string name) {
  return [=](Client& client) { return Outcome(Get(client, project, name)); };
}
Call GetVersionCall(std::string project, std::string name, std::int64_t version) {
  return [=](Client& client) { return Outcome(Get(client, project, name, version)); };
}
Call DeleteCall(std::string project, std::string name) {
  return [=](Client& client) { return Outcome(client.Delete(Project(project), Named(name))); };
}
Call RenameCall(std::string project, std::string name, std::string new_name) {
  return [=](Client& client) {
    return Outcome(client.Rename(Project(project), Named(name), Named(new_name)));
  };
}
Call ExpireCall(std::string project, std::string name, std::optional<std::int64_t> version) {
  return [=](Client& client) {
    return Outcome(client.Expire(Project(project), Named(name),
                                 version ? std::optional(SecretVersion{*version}) : std::nullopt,
                                 Timestamp(std::chrono::hours(24 * 365 * 200))));
  };
}
Call RollbackCall(std::string project, std::string name, std::int64_t version) {
  return [=](Client& client) {
    return Outcome(client.Rollback(Project(project), Named(name), SecretVersion{version}));
  };
}
Call RotateCall() {
  return [](Client& client) { return Outcome(RotateKek(client)); };
}
// Whoever finds a job held by the other leaves it to it, so that no schedule waits for ever.
Call DekRotateCall(std::optional<std::string> project) {
  return [=](Client& client) {
    const auto rotation =
        RotateDeks(client, project ? std::optional(Project(*project)) : std::optional<ProjectId>());
    if (!rotation) {
      return std::string(ErrorName(rotation.error().code));
    }
    RunJobsOptions options;
    options.share_percent = 100;
    const auto report = RunJobs(client, options);
    return report ? "DEKs rotated, " + std::to_string(report->failed) + " failed"
                  : std::string(ErrorName(report.error().code));
  };
}
// The sealed text is random; what counts is that it opens.
Call SealCall(std::string project) {
  return [=](Client& client) {
    const auto text = client.SealValue(Project(project), Label("field"), AsBytes("value"));
    if (!text) {
      return Outcome(text.error().code);
    }
    const auto value = client.OpenValue(Project(project), Label("field"), *text);
    return value ? TextOf(*value) : "does not open: " + value.error().message;
  };
}
Call ColumnCall(std::string label, ContextKind context) {
  return [=](Client& client) { return Outcome(client.AddColumn(Label(label), context)); };
}
Call BatchCall(std::string project, std::vector<std::string> names, std::string value, Batch batch,
               PutRule rule = PutRule::kCreateOrAddVersion) {
  return [=](Client& client) {
    std::vector<PutItem> items;
    for (const std::string& name : names) {
      items.push_back({Named(name), AsBytes(value), {}, {}, rule});
    }
    return Outcome(client.PutBatch(Project(project), items, batch));
  };
}

struct Pair {
  std::string name;
  Call first;
  Call second;
  std::size_t max_switches = std::numeric_limits<std::size_t>::max();
};

std::ostream& operator<<(std::ostream& out, const Pair& pair) { return out << pair.name; }

// Whether the clients have read before, so that they know versions and the active DEK.
enum class Memory { kCold, kWarm };

class Interleaved : public ::testing::TestWithParam<std::tuple<Memory, Pair>> {
 protected:
  // The store that every schedule begins with: two secrets in `acme`, none in `new`.
  Interleaved() {
    Client client = start_.Open();
    Must(Put(client, "acme", "name", "one"));
    Must(Put(client, "acme", "name", "two"));
    Must(Put(client, "acme", "other", "three"));
    Must(client.AddColumn(Label("field"), ContextKind::kField));
    Must(client.SealValue(Project("acme"), Label("field"), AsBytes("x")));
  }

  struct Party {
    explicit Party(const TestStore& store, Memory memory) {
      auto owned = std::make_unique<InterleavingConnection>(OpenTestConnection(store.path()));
      connection = owned.get();
      client.emplace(Must(store.Connect(std::move(owned))));
      if (memory == Memory::kWarm) {
        Must(Get(*client, "acme", "name"));
        Must(Put(*client, "acme", "warm", "x"));
      }
    }
    InterleavingConnection* connection;
    std::optional<Client> client;
  };

  // Everything that stands in the store, by name; each value opens.
  static std::string State(const TestStore& store) {
    Client client = store.Open();
    std::string state;
    for (const std::string project : {"acme", "new"}) {
      for (const SecretSummary& summary : Must(client.List(Project(project)))) {
        state += project + "/" + summary.name.text() + ":";
        for (const VersionSummary& version :
             Must(client.Versions(Project(project), summary.name))) {
          const auto got = client.Get(Project(project), summary.name, version.version);
          state += " " + std::to_string(version.version.value) + "=" +
                   (got ? TextOf(got->value) : got.error().message) +
                   (version.expires_at ? " expires" : "");
        }
        state += "; ";
      }
    }
    for (const KekSummary& kek : Must(ListKeks(client))) {
      state += "kek " + ToText(kek.id) + " " + std::string(ToText(kek.state)) + "; ";
    }
    for (const ColumnSummary& column : Must(client.Columns())) {
      state += column.label.text() + " " + std::string(ToText(column.context)) + "; ";
    }
    // A rotation leaves nothing under an old key, whatever was written meanwhile, and calls a key
    // drained only when it is.
    Intruder intruder(store.path());
    state += "stale " +
             std::to_string(intruder.Integer(
                 "SELECT count(*) FROM secret_version v JOIN dek d ON d.project_id = v.project_id"
                 " AND d.id = v.dek_id WHERE d.state <> 'active' OR d.drained_at IS NOT NULL")) +
             "; ";
    for (const VerifyFailure& failure : VerifyFailures(client)) {
      state += "VERIFY " + FailureText(failure);
    }
    return state;
  }

  std::string Serial(const Call& first, const Call& second, bool swapped, Memory memory) const {
    const TestStore store = start_.Copy();
    std::string a;
    std::string b;
    {
      Party one(store, memory);
      Party two(store, memory);
      if (swapped) {
        b = second(*two.client);
        a = first(*one.client);
      } else {
        a = first(*one.client);
        b = second(*two.client);
      }
    }
    return a + " | " + b + " | " + State(store);
  }

  TestStore start_;
};

// A schedule takes fifty times as long on a server: there the other operation stands behind every
// statement of the first, and a soak run also switches back.
std::size_t MostSwitches() {
  return TestsPostgres() && !IsSoak() ? 1 : std::numeric_limits<std::size_t>::max();
}

TEST_P(Interleaved, GiveTheOutcomeOfOneOrder) {
  const auto& [memory, pair] = GetParam();
  const std::set<std::string> serial = {Serial(pair.first, pair.second, false, memory),
                                        Serial(pair.first, pair.second, true, memory)};
  for (const std::string& outcome : serial) {
    ASSERT_EQ(outcome.find("VERIFY"), std::string::npos) << outcome;
  }
  std::optional<Interleaving::Choices> choices = Interleaving::Choices();
  std::size_t schedules = 0;
  std::set<std::string> seen;
  const TestStore store = start_.Copy();
  const TestStore::Tables beginning = start_.Snapshot();
  while (choices) {
    store.Rewind(beginning);
    std::array<std::string, 2> outcomes;
    Interleaving::Choices made;
    {
      Party one(store, memory);
      Party two(store, memory);
      Interleaving interleaving;
      one.connection->Attach(&interleaving, 0);
      two.connection->Attach(&interleaving, 1);
      made = interleaving.Run(*choices, {[&] { outcomes[0] = pair.first(*one.client); },
                                         [&] { outcomes[1] = pair.second(*two.client); }});
      one.connection->Attach(nullptr, 0);
      two.connection->Attach(nullptr, 1);
    }
    const std::string outcome = outcomes[0] + " | " + outcomes[1] + " | " + State(store);
    seen.insert(outcome);
    EXPECT_TRUE(serial.contains(outcome))
        << "schedule " << ::testing::PrintToString(made) << " gave\n  " << outcome
        << "\nbut one after the other gives\n  " << *serial.begin() << "\n  " << *serial.rbegin();
    if (HasFailure()) {
      return;
    }
    ++schedules;
    choices = Interleaving::Next(std::move(made), std::min(pair.max_switches, MostSwitches()));
  }
  RecordProperty("schedules", static_cast<int>(schedules));
  std::printf("%zu schedules, %zu of %zu outcomes\n", schedules, seen.size(), serial.size());
  EXPECT_GE(schedules, 2U);
}

// The other operation stands behind every statement of the long one; a soak run also switches back
// and forth.
std::size_t Switches() { return IsSoak() ? 3 : 1; }

const Pair kPairs[] = {
    {"PutPutNewName", PutCall("new", "name", "a"), PutCall("new", "name", "b")},
    {"PutPutNewDek", PutCall("new", "name", "a"), PutCall("new", "another", "b")},
    {"PutPutExisting", PutCall("acme", "name", "a"), PutCall("acme", "name", "b")},
    {"CreateCreate", PutCall("new", "name", "a", PutRule::kCreateOnly),
     PutCall("new", "name", "b", PutRule::kCreateOnly)},
    {"PutGet", PutCall("acme", "name", "a"), GetCall("acme", "name")},
    {"PutGetNew", PutCall("new", "name", "a"), GetCall("new", "name")},
    {"PutDelete", PutCall("acme", "name", "a"), DeleteCall("acme", "name")},
    {"PutRotate", PutCall("acme", "name", "a"), RotateCall()},
    {"PutNewRotate", PutCall("new", "name", "a"), RotateCall()},
    {"PutRename", PutCall("acme", "name", "a"), RenameCall("acme", "name", "renamed")},
    {"PutRenameToIt", PutCall("acme", "taken", "a"), RenameCall("acme", "name", "taken")},
    {"PutExpire", PutCall("acme", "name", "a"), ExpireCall("acme", "name", {})},
    {"PutRollback", PutCall("acme", "name", "a"), RollbackCall("acme", "name", 1)},
    {"GetRotate", GetCall("acme", "name"), RotateCall()},
    {"GetDelete", GetCall("acme", "name"), DeleteCall("acme", "name")},
    {"GetRename", GetCall("acme", "name"), RenameCall("acme", "name", "renamed")},
    {"GetExpire", GetVersionCall("acme", "name", 1), ExpireCall("acme", "name", 1)},
    {"SealRotate", SealCall("acme"), RotateCall()},
    {"SealNewRotate", SealCall("new"), RotateCall()},
    {"SealSealNewDek", SealCall("new"), SealCall("new")},
    {"SealPutNewDek", SealCall("new"), PutCall("new", "name", "a")},
    {"RotateRotate", RotateCall(), RotateCall()},
    {"RotateRename", RotateCall(), RenameCall("acme", "name", "renamed")},
    {"RotateExpire", RotateCall(), ExpireCall("acme", "name", {})},
    {"RotateRollback", RotateCall(), RollbackCall("acme", "name", 1)},
    {"RenameRename", RenameCall("acme", "name", "renamed"), RenameCall("acme", "other", "renamed")},
    {"RenameBack", RenameCall("acme", "name", "renamed"), RenameCall("acme", "renamed", "name")},
    {"RenameDelete", RenameCall("acme", "name", "renamed"), DeleteCall("acme", "name")},
    {"RenameExpire", RenameCall("acme", "name", "renamed"), ExpireCall("acme", "name", 1)},
    {"DeleteDelete", DeleteCall("acme", "name"), DeleteCall("acme", "name")},
    {"RollbackDelete", RollbackCall("acme", "name", 1), DeleteCall("acme", "name")},
    {"RollbackRename", RollbackCall("acme", "name", 1), RenameCall("acme", "name", "renamed")},
    {"RollbackRollback", RollbackCall("acme", "name", 1), RollbackCall("acme", "name", 2)},
    {"BatchPut", BatchCall("acme", {"name", "fresh"}, "a", Batch::kEachAlone),
     PutCall("acme", "name", "b")},
    {"AllOrNoneBatch", BatchCall("acme", {"fresh", "name"}, "a", Batch::kAllOrNone),
     BatchCall("acme", {"name", "fresh"}, "b", Batch::kAllOrNone)},
    {"CreateAllOrNone",
     BatchCall("acme", {"fresh", "fresh2"}, "a", Batch::kAllOrNone, PutRule::kCreateOnly),
     PutCall("acme", "fresh2", "b")},
    {"BatchDelete", BatchCall("acme", {"name", "other"}, "a", Batch::kAllOrNone),
     DeleteCall("acme", "other")},
    {"ResealPut", DekRotateCall("acme"), PutCall("acme", "name", "a"), Switches()},
    {"ResealPutNew", DekRotateCall("acme"), PutCall("acme", "fresh", "a"), Switches()},
    {"ResealGet", DekRotateCall("acme"), GetCall("acme", "name"), Switches()},
    {"ResealRollback", DekRotateCall("acme"), RollbackCall("acme", "name", 1), Switches()},
    {"ResealRename", DekRotateCall("acme"), RenameCall("acme", "name", "renamed"), Switches()},
    {"ResealDelete", DekRotateCall("acme"), DeleteCall("acme", "name"), Switches()},
    {"ResealExpire", DekRotateCall("acme"), ExpireCall("acme", "name", 1), Switches()},
    {"ResealBatch", DekRotateCall("acme"),
     BatchCall("acme", {"name", "fresh"}, "a", Batch::kAllOrNone), Switches()},
    {"ResealSeal", DekRotateCall("acme"), SealCall("acme"), Switches()},
    {"ResealKekRotate", DekRotateCall("acme"), RotateCall(), Switches()},
    {"ResealReseal", DekRotateCall("acme"), DekRotateCall("acme"), Switches()},
    {"ResealAllPut", DekRotateCall({}), PutCall("acme", "name", "a"), Switches()},
    {"ResealAllReseal", DekRotateCall({}), DekRotateCall("acme"), Switches()},
    {"ColumnColumn", ColumnCall("new", ContextKind::kField), ColumnCall("new", ContextKind::kCell)},
};

INSTANTIATE_TEST_SUITE_P(Operations, Interleaved,
                         ::testing::Combine(::testing::Values(Memory::kCold, Memory::kWarm),
                                            ::testing::ValuesIn(kPairs)),
                         [](const auto& test) {
                           return std::get<1>(test.param).name +
                                  (std::get<0>(test.param) == Memory::kCold ? "Cold" : "Warm");
                         });

using Replacing = void (*)(Client&);

void Rotate(Client& client) { Must(RotateKek(client)); }
void DeclareActiveCompromised(Client& client) {
  Must(DeclareCompromised(client, Must(Status(client)).active_kek));
}

/// RotatingNeighbour has another client replace the KEK when a certain statement is about to be
/// run.
class RotatingNeighbour final : public Connection {
 public:
  RotatingNeighbour(std::unique_ptr<Connection> inner, Client& other, Replacing replace = Rotate)
      : inner_(std::move(inner)), other_(other), replace_(replace) {}

  /// RotateBefore does so before the next `times` statements of this kind.
  void RotateBefore(Procedure procedure, int times) {
    procedure_ = procedure;
    times_ = times;
  }

  Result<Rows> Execute(const Statement& statement) override {
    if (times_ > 0 && statement.procedure == procedure_) {
      --times_;
      replace_(other_);
    }
    return inner_->Execute(statement);
  }
  Result<void> Begin(TransactionKind kind) override { return inner_->Begin(kind); }
  Result<void> Commit() override { return inner_->Commit(); }
  void Rollback() noexcept override { inner_->Rollback(); }

 private:
  std::unique_ptr<Connection> inner_;
  Client& other_;
  Replacing replace_;
  Procedure procedure_ = Procedure::kSql;
  int times_ = 0;
};

// One rotation makes the trusted set stale; the next comes before it has been loaded again, so that
// the row read is then older than the set.
class RotationsWhileKeysAreLoadedAgain : public ::testing::TestWithParam<Replacing> {};

INSTANTIATE_TEST_SUITE_P(By, RotationsWhileKeysAreLoadedAgain,
                         ::testing::Values(Rotate, DeclareActiveCompromised), [](const auto& test) {
                           return test.param == Rotate ? "Rotating" : "DeclaringCompromised";
                         });

TEST_P(RotationsWhileKeysAreLoadedAgain, DisturbNoCall) {
  TestStore store;
  Client other = store.Open();
  Must(other.AddColumn(Label("field"), ContextKind::kField));
  Must(Put(other, "acme", "name", "value"));
  const std::string sealed =
      Must(other.SealValue(Project("acme"), Label("field"), AsBytes("value")));
  auto owned =
      std::make_unique<RotatingNeighbour>(OpenTestConnection(store.path()), other, GetParam());
  RotatingNeighbour& connection = *owned;
  Client client = Must(store.Connect(std::move(owned)));
  const std::function<void()> calls[] = {
      [&] { EXPECT_EQ(Must(Get(client, "acme", "name")), "value"); },
      [&] {
        EXPECT_EQ(TextOf(Must(client.OpenValue(Project("acme"), Label("field"), sealed))), "value");
      },
      [&] { Must(Put(client, "acme", "another", "value")); },
      [&] { Must(Put(client, "new", "name", "value")); },
      [&] { Must(client.SealValue(Project("acme"), Label("field"), AsBytes("value"))); },
  };
  for (const auto& call : calls) {
    GetParam()(other);
    connection.RotateBefore(Procedure::kTrustLoad, 2);
    EXPECT_NO_THROW(call());
  }
  store.ExpectClean();
}

TEST(RotationsWhileTheFirstDekIsMade, DisturbNoPut) {
  TestStore store;
  Client other = store.Open();
  auto owned = std::make_unique<RotatingNeighbour>(OpenTestConnection(store.path()), other);
  RotatingNeighbour& connection = *owned;
  Client client = Must(store.Connect(std::move(owned)));
  connection.RotateBefore(Procedure::kDekInsert, 12);
  EXPECT_THAT(Put(client, "new", "name", "value"), Succeeds());
  EXPECT_EQ(Must(Get(client, "new", "name")), "value");
  store.ExpectClean();
}

}  // namespace
}  // namespace rowseal::testing
