// An older copy of a store is put in its place: it is noticed on every machine that had seen the
// newer one, values go on opening, nothing else goes on, and nobody is alarmed without cause.
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <rowseal/key_states.h>
#include <rowseal/lifecycle.h>

#include "client/epoch_anchor.h"
#include "client/session.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsNaming;
using testing::FailsWith;
using testing::Get;
using testing::Intruder;
using testing::Label;
using testing::Must;
using testing::Project;
using testing::Put;
using testing::Random;
using testing::Scaled;
using testing::TempFolder;
using testing::TestStore;
using testing::TextOf;

class RolledBack : public ::testing::Test {
 protected:
  using Copy = std::vector<std::vector<Row>>;

  RolledBack() {
    Client client = Open("");
    Must(Put(client, "p1", "name", "value"));
    Must(client.AddColumn(Label("column"), ContextKind::kField));
    sealed_ = Must(client.SealValue(Project("p1"), Label("column"), AsBytes("sealed")));
  }

  Client Open(const std::string& machine) {
    StoreOptions options = store_.Options();
    options.client.observer = observer_;
    options.client.state_folder = machine.empty() ? "" : folder_ / machine;
    return Must(OpenStore(options));
  }
  std::uint64_t Noticed() const { return observer_->Value(Counter::kRollbacksNoticed); }

  Copy TakeCopy() {
    Copy copy;
    for (const std::string& table : tables_) {
      copy.push_back(intruder_.Table(table));
    }
    return copy;
  }
  // Put back as a restore does it: the rows of keys as they were, with the values under them.
  void PutBack(const Copy& copy) {
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      intruder_.Restore(tables_[i], copy[i]);
    }
  }

  // Values open; whatever would seal or change a key is refused.
  void ExpectAlarm(Client& client) {
    EXPECT_TRUE(Must(Status(client)).rolled_back);
    EXPECT_EQ(Must(Get(client, "p1", "name")), "value");
    EXPECT_EQ(TextOf(Must(client.OpenValue(Project("p1"), Label("column"), sealed_))), "sealed");
    const auto is_refused = FailsNaming(ErrorCode::kRefusedByState, "an older copy of the store");
    EXPECT_THAT(Put(client, "p1", "name", "new"), is_refused);
    EXPECT_THAT(Put(client, "p1", "other", "new"), is_refused);
    EXPECT_THAT(Put(client, "p2", "of a new project", "new"), is_refused);
    EXPECT_THAT(client.SealValue(Project("p1"), Label("column"), AsBytes("new")), is_refused);
    EXPECT_THAT(RotateKek(client), is_refused);
    EXPECT_THAT(RotateDeks(client, Project("p1")), is_refused);
    EXPECT_THAT(SuspendKek(client, Must(Status(client)).active_kek), is_refused);
  }
  void ExpectNoAlarm(Client& client) {
    EXPECT_FALSE(Must(Status(client)).rolled_back);
    Must(Put(client, "p1", "other", "new"));
  }

  TestStore store_;
  Intruder intruder_{store_.path()};
  TempFolder folder_;
  std::shared_ptr<Observer> observer_ = std::make_shared<Observer>();
  std::string sealed_;
  const std::vector<std::string> tables_ = {"installation", "root_key",    "kek",
                                            "kek_wrapping", "scope_floor", "dek"};
};

TEST_F(RolledBack, OlderCopiesAreNoticedByEveryMachineThatSawTheNewer) {
  Random random(31);
  for (std::size_t round = 0; round < Scaled(5, 4); ++round) {
    std::vector<Copy> copies = {TakeCopy()};
    for (std::size_t event = 0; event <= random.Below(3); ++event) {
      Client client = Open("a");
      Must(RotateKek(client));
      copies.push_back(TakeCopy());
    }
    { Client other = Open("b"); }  // and keeps no client
    PutBack(copies[random.Below(copies.size() - 1)]);
    const std::uint64_t before = Noticed();
    {
      Client client = Open("a");
      ExpectAlarm(client);
      Client other = Open("b");
      ExpectAlarm(other);
      EXPECT_GE(Noticed(), before + 2);
      Must(AcceptRollback(client));
      ExpectNoAlarm(client);
    }
    Client again = Open("b");
    ExpectNoAlarm(again);
  }
}

TEST_F(RolledBack, WhereTheCallerChoseSoNothingOpensAnyMore) {
  const Copy copy = TakeCopy();
  StoreOptions options = store_.Options();
  options.client.state_folder = folder_ / "a";
  options.client.on_rollback = OnRollback::kRefuse;
  {
    Client client = Must(OpenStore(options));
    EXPECT_EQ(Must(Get(client, "p1", "name")), "value") << "no alarm, no refusal";
    Must(RotateKek(client));
  }
  PutBack(copy);
  Client client = Must(OpenStore(options));
  const auto is_refused = FailsNaming(ErrorCode::kRefusedByState, "an older copy of the store");
  EXPECT_THAT(Get(client, "p1", "name"), is_refused);
  EXPECT_THAT(client.OpenValue(Project("p1"), Label("column"), sealed_), is_refused);
  EXPECT_THAT(Put(client, "p1", "name", "new"), is_refused);
  EXPECT_EQ(Must(client.List(Project("p1"))).size(), 1U);
  Must(AcceptRollback(client));
  EXPECT_EQ(Must(Get(client, "p1", "name")), "value");
}

// The same root key opens another installation, so only what is kept outside tells them apart.
TEST_F(RolledBack, AnotherStoreInItsPlaceIsRefusedByWhoKnowsTheFirst) {
  const auto known = [&](const std::string& place, std::optional<InstallationId> installation) {
    StoreOptions options = store_.Options();
    options.client.state_folder = place.empty() ? "" : folder_ / "a";
    options.client.store_place = place;
    options.client.installation = installation;
    return options;
  };
  Client running = Must(OpenStore(known("here", {})));
  const InstallationId first = Must(Status(running)).installation;
  store_.MakeAnew();
  for (const StoreOptions& options : {known("here", {}), known("", first)}) {
    EXPECT_THAT(OpenStore(options), FailsNaming(ErrorCode::kIntegrity, ToText(first)));
  }
  Must(OpenStore(known("", {})));  // nothing is known
  // Whoever wants the new store says so, as the hint has it.
  const Result<Client> refused = OpenStore(known("here", {}));
  ASSERT_FALSE(refused);
  const std::string hint = refused.error().hint;
  std::filesystem::remove(hint.substr(hint.rfind(' ') + 1));
  Must(OpenStore(known("here", {})));
  Must(OpenStore(known("here", {})));

  // Its keys under a process that has the first one open. (A file that was replaced is another
  // one.)
  if (!testing::TestsPostgres()) {
    return;
  }
  Intruder other(store_.path());
  for (const char* table : {"installation", "root_key", "kek", "kek_wrapping", "scope_floor"}) {
    intruder_.Restore(table, other.Table(table));
  }
  EXPECT_THAT(Get(running, "p1", "name"), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(RolledBack, AStoreThatIsMadeAnewIsTheOneThatIsExpectedThen) {
  StoreOptions options = store_.Options();
  options.store = "sqlite:" + folder_ / "anew.db";
  options.client.state_folder = folder_ / "a";
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Must(InitStore(options)), InitOutcome::kCreated);
    Client client = Must(OpenStore(options));
    Must(Put(client, "p1", "name", "value"));
    for (const char* part : {"", "-wal", "-shm"}) {
      std::filesystem::remove(folder_ / (std::string("anew.db") + part));
    }
  }
}

// Whoever puts an older set back must not make a key good again that was taken out of use; nor does
// who accepts the copy, without a look at that key.
TEST_F(RolledBack, AKekThatWasSuspendedOrCompromisedStaysRefused) {
  const Copy copy = TakeCopy();
  const std::vector<Row> versions = intruder_.Table("secret_version");
  const std::vector<Row> macs = intruder_.Table("version_mac");
  KekId kek;
  for (const KeyState state : {KeyState::kSuspended, KeyState::kCompromised}) {
    const std::string machine(ToText(state));
    {
      Client client = Open(machine);
      kek = Must(Status(client)).active_kek;
      if (state == KeyState::kSuspended) {
        Must(SuspendKek(client, kek));
      } else {
        Must(DeclareCompromised(client, kek));
      }
    }
    intruder_.Restore("version_mac", {});
    intruder_.Restore("secret_version", {});
    PutBack(copy);
    intruder_.Restore("secret_version", versions);
    intruder_.Restore("version_mac", macs);
    Client client = Open(machine);
    EXPECT_TRUE(Must(Status(client)).rolled_back);
    const auto is_refused = FailsNaming(ErrorCode::kRefusedByState,
                                        "KEK " + ToText(kek) + " is " + std::string(ToText(state)));
    EXPECT_THAT(Get(client, "p1", "name"), is_refused);
    EXPECT_THAT(client.OpenValue(Project("p1"), Label("column"), sealed_), is_refused);
    Must(AcceptRollback(client));
    EXPECT_FALSE(Must(Status(client)).rolled_back);
    EXPECT_THAT(Get(client, "p1", "name"), FailsNaming(ErrorCode::kRefusedByState, "is suspended"));
    EXPECT_EQ(Must(ResumeKek(client, kek)), KeyState::kActive);
    EXPECT_EQ(Must(Get(client, "p1", "name")), "value");
    PutBack(copy);
  }
}

TEST(AnchorFile, KeepsWhichKeksAreRefused) {
  const TempFolder folder;
  const EpochAnchor anchor(folder / "state");
  const InstallationId installation{};
  EpochAnchor::State state{7, Bytes(40, 1), {}};
  for (const std::int64_t id : {1, 2, 3, 9}) {
    state.refused.emplace(KekId{id}, KeyState::kDestroyed);
  }
  state.refused.emplace(KekId{5}, KeyState::kSuspended);
  state.refused.emplace(KekId{6}, KeyState::kCompromised);
  Must(anchor.Raise(installation, state));
  EXPECT_EQ(Must(anchor.Read(installation))->refused, state.refused);
  Must(anchor.Raise(installation, {8, Bytes(40, 2), {}}));
  EXPECT_TRUE(Must(anchor.Read(installation))->refused.empty());
  std::ofstream(folder / "state/" + ToText(installation) + ".anchor")
      << "rowseal epoch anchor 1\n9 " << std::string(80, 'a') << " time 4:spoiled\n";
  EXPECT_THAT(anchor.Read(installation), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(RolledBack, TheAlarmStaysWhereTheAnchorIsLostBehindIt) {
  const Copy copy = TakeCopy();
  {
    Client client = Open("a");
    Must(RotateKek(client));
  }
  PutBack(copy);
  Client client = Open("a");
  ExpectAlarm(client);
  std::filesystem::remove_all(folder_ / "a");
  ExpectAlarm(client);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a")) << "nothing lower takes its place";
}

TEST_F(RolledBack, AStoreThatWentAnotherWayToTheSameEpochIsNoticed) {
  const Copy copy = TakeCopy();
  {
    Client client = Open("a");
    Must(RotateKek(client));
  }
  PutBack(copy);
  {
    Client elsewhere = Open("");  // a machine that keeps no anchor
    Must(RotateKek(elsewhere));
  }
  Client client = Open("a");
  ExpectAlarm(client);
}

TEST_F(RolledBack, AMachineThatLagsOrKeptNothingIsNotAlarmed) {
  {
    Client client = Open("a");
    Must(RotateKek(client));
    Must(RotateKek(client));
  }
  {
    Client elsewhere = Open("b");
    Must(RotateKek(elsewhere));
  }
  Client client = Open("a");
  ExpectNoAlarm(client);
  Client fresh = Open("c");
  ExpectNoAlarm(fresh);
  EXPECT_EQ(Noticed(), 0U);
}

TEST_F(RolledBack, WhereNoAnchorCanBeKeptWorkGoesOn) {
  std::ofstream(folder_ / "file") << "no folder";
  Client client = Open("file");
  ExpectNoAlarm(client);
  Must(RotateKek(client));
}

TEST_F(RolledBack, RestartsBesideRotationsRaiseNoAlarm) {
  std::atomic<bool> ends{false};
  std::thread rotator([&] {
    Client client = Open("shared");
    while (!ends) {
      Must(RotateKek(client));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::vector<std::thread> machines;
  for (int machine = 0; machine < 3; ++machine) {
    machines.emplace_back([&, machine] {
      for (std::size_t i = 0; i < Scaled(30, 40); ++i) {
        Client client = Open(machine == 0 ? "own" : "shared");
        EXPECT_EQ(Must(Get(client, "p1", "name")), "value");
        Must(Put(client, "p1", "of " + std::to_string(machine), "x"));
      }
    });
  }
  for (std::thread& machine : machines) {
    machine.join();
  }
  ends = true;
  rotator.join();
  EXPECT_EQ(Noticed(), 0U);
}

class Anchor : public ::testing::Test {
 protected:
  static EpochAnchor::State At(std::int64_t epoch, std::uint8_t byte = 7) {
    return {epoch, Bytes(32, byte)};
  }
  std::string Path() const { return folder_ / ("state/" + ToText(id_) + ".anchor"); }

  TempFolder folder_;
  EpochAnchor anchor_{folder_ / "state"};
  const InstallationId id_{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
};

TEST_F(Anchor, IsRaisedAndNeverLowered) {
  EXPECT_EQ(Must(anchor_.Read(id_)), std::nullopt);
  Must(anchor_.Raise(id_, At(5)));
  Must(anchor_.Raise(id_, At(4)));
  Must(anchor_.Raise(id_, At(5, 8)));
  EXPECT_EQ(Must(anchor_.Read(id_))->epoch, 5);
  EXPECT_EQ(Must(anchor_.Read(id_))->trust_tag, Bytes(32, 7));
  for (std::int64_t epoch = 6; epoch < 60; ++epoch) {
    Must(anchor_.Raise(id_, At(epoch)));
  }
  EXPECT_EQ(Must(anchor_.Read(id_))->epoch, 59);
  EXPECT_LT(std::filesystem::file_size(Path()), 3000U);
  struct stat file {};
  ASSERT_EQ(stat(Path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(Anchor, MalformedFilesAreNamedAndWrittenAnew) {
  Must(anchor_.Raise(id_, At(5)));
  for (const char* text : {"x", "rowseal epoch anchor 1\n", "rowseal epoch anchor 1\n5 abc\n",
                           "rowseal epoch anchor 1\n-5 00\n", "rowseal epoch anchor 2\n5 00\n"}) {
    std::ofstream(Path()) << text;
    EXPECT_THAT(anchor_.Read(id_), FailsWith(ErrorCode::kIntegrity)) << text;
    Must(anchor_.Raise(id_, At(3)));
    EXPECT_EQ(Must(anchor_.Read(id_))->epoch, 3);
  }
}

TEST_F(Anchor, OfManyWritersTheHighestStays) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::int64_t i = 1; i <= 50; ++i) {
        Must(EpochAnchor(folder_ / "state").Raise(id_, At(i * 4 + writer)));
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(Must(anchor_.Read(id_))->epoch, 203);
}

}  // namespace
}  // namespace rowseal
