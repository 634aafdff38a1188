// Somebody who can write the database, but holds no key, edits the rows that decide trust: refused
// with `integrity` before a key is wrapped, the row named.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "client/session.h"
#include "keys/keyring.h"
#include "roots/root_registry.h"
#include "store/trust_rows.h"
#include "support/counting_root.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// A store that has seen a rotation: KEK 1 is deactivated, KEK 2 makes tags, KEK 3 is active.
class TrustRowsTest : public ::testing::Test {
 protected:
  TrustRowsTest() : intruder_(store_.path()), live_(Connect()) {
    Must(Put(live_, "p1", "name", "one"));
    Must(Put(live_, "p2", "name", "two"));
    Must(live_.AddColumn(Label("field"), ContextKind::kField));
    Must(live_.AddColumn(Label("cell"), ContextKind::kCell));
    sealed_ = Must(live_.SealValue(Project("p1"), Label("field"), AsBytes("value")));
    Must(RotateKek(live_));
    wraps_before_ = root_->wraps();
  }

  Result<Client> TryConnect() {
    if (!root_) {
      root_ = std::make_shared<CountingRoot>(Must(OpenRoot("file:" + store_.root_path())));
    }
    return Client::Connect(OpenTestConnection(store_.path()), {root_},
                           {.actor = "tester", .observer = {}, .clock = {}});
  }
  Client Connect() { return Must(TryConnect()); }

  std::string DekOf(const std::string& project) {
    return intruder_.Text("SELECT id FROM dek WHERE project_id = $1 AND purpose = 'secret'",
                          {project});
  }

  // A process that starts and one that runs refuse to rotate, and no root wraps anything.
  void ExpectSetRefused(ErrorCode code, const std::string& named) {
    EXPECT_THAT(TryConnect(), FailsNaming(code, named));
    EXPECT_THAT(store_.TryOpen(), FailsNaming(code, named));
    EXPECT_THAT(RotateKek(live_), FailsNaming(code, named));
    EXPECT_EQ(root_->wraps(), wraps_before_) << "a key was wrapped for a set that does not stand";
  }

  void ExpectGetRefused(const std::string& project, const std::string& named) {
    EXPECT_THAT(Get(live_, project, "name"), FailsNaming(ErrorCode::kIntegrity, named));
    Client fresh = Connect();
    EXPECT_THAT(Get(fresh, project, "name"), FailsNaming(ErrorCode::kIntegrity, named));
    EXPECT_THAT(Put(fresh, project, "other", "value"), ::testing::Not(Succeeds()));
  }

  TestStore store_;
  Intruder intruder_;
  std::shared_ptr<CountingRoot> root_;
  Client live_;
  std::string sealed_;
  int wraps_before_ = 0;
};

struct Edit {
  std::string name;
  std::vector<std::string> sql;
  std::string named;
  ErrorCode code = ErrorCode::kIntegrity;
};

std::ostream& operator<<(std::ostream& out, const Edit& edit) { return out << edit.name; }

class EditedSet : public TrustRowsTest, public ::testing::WithParamInterface<Edit> {};

TEST_P(EditedSet, IsRefusedBeforeAnythingIsWrapped) {
  const std::string before = store_.Content();
  for (const std::string& sql : GetParam().sql) {
    intruder_.Run(sql);
  }
  ASSERT_NE(store_.Content(), before) << "the attack changed nothing";
  ExpectSetRefused(GetParam().code, GetParam().named);
}

const std::string kRoot = "row 1 of root_key";
const std::string kSet = "installation.trust_tag";

INSTANTIATE_TEST_SUITE_P(
    Roots, EditedSet,
    ::testing::Values(
        Edit{"uri", {"UPDATE root_key SET uri = 'file:/tmp/evil.key'"}, kRoot},
        Edit{"scope", {"UPDATE root_key SET scope = 'p1'"}, kRoot},
        Edit{"public_part", {"UPDATE root_key SET public_part = x'00'"}, kRoot},
        Edit{"state", {"UPDATE root_key SET state = 'deactivated'"}, kRoot},
        Edit{"unknown_state", {"UPDATE root_key SET state = 'trusted'"}, kRoot},
        Edit{"revision", {"UPDATE root_key SET revision = 2"}, kRoot},
        Edit{"tag_cut", {"UPDATE root_key SET row_tag = x''"}, kRoot},
        Edit{"fingerprint", {"UPDATE root_key SET fingerprint = zeroblob(32)"}, kRoot},
        Edit{"deleted", {"DELETE FROM root_key"}, "row 1 of root_key is missing"},
        Edit{
            "added",
            {"INSERT INTO root_key SELECT 2, 'file:/tmp/evil.key', scope, zeroblob(32), x'', state,"
             " 1, zeroblob(40), created_at FROM root_key"},
            "row 2 of root_key"},
        Edit{
            "added_with_a_copied_tag",
            {"INSERT INTO root_key SELECT 2, uri, scope, fingerprint, public_part, state, revision,"
             " row_tag, created_at FROM root_key"},
            "row 2 of root_key"},
        Edit{"renumbered",
             {"UPDATE root_key SET id = 2", "UPDATE kek_wrapping SET root_id = 2"},
             "of KEK 2 by root 2"}),
    [](const auto& edit) { return edit.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Keks, EditedSet,
    ::testing::Values(
        Edit{"scope", {"UPDATE kek SET scope = 'p1' WHERE id = 3"}, "row 3 of kek"},
        Edit{"purpose", {"UPDATE kek SET purpose = 'integrity' WHERE id = 1"}, "row 1 of kek"},
        Edit{"unknown_purpose", {"UPDATE kek SET purpose = 'any' WHERE id = 1"}, "row 1 of kek"},
        Edit{"suite", {"UPDATE kek SET suite = 2 WHERE id = 1"}, "row 1 of kek"},
        Edit{"deactivated_to_active",
             {"UPDATE kek SET state = 'deactivated' WHERE id = 3",
              "UPDATE kek SET state = 'active' WHERE id = 1"},
             "of kek"},
        Edit{"suspended", {"UPDATE kek SET state = 'suspended' WHERE id = 3"}, "row 3 of kek"},
        Edit{"resumes_to", {"UPDATE kek SET resumes_to = 'active' WHERE id = 1"}, "row 1 of kek"},
        Edit{"revision", {"UPDATE kek SET revision = 1 WHERE id = 1"}, "row 1 of kek"},
        Edit{"check_value",
             {"UPDATE kek SET check_value = zeroblob(32) WHERE id = 3"},
             "row 3 of kek"},
        Edit{"tags_exchanged",
             {"UPDATE kek SET row_tag = (SELECT row_tag FROM kek k WHERE k.id = 4 - kek.id)"
              " WHERE id IN (1, 3)"},
             "row 1 of kek"},
        Edit{"deleted", {"DELETE FROM kek WHERE id = 1"}, kSet},
        Edit{"deleted_with_its_wrapping",
             {"DELETE FROM kek_wrapping WHERE kek_id = 1", "DELETE FROM kek WHERE id = 1"},
             kSet},
        Edit{
            "added",
            {"INSERT INTO kek SELECT 9, scope, purpose, suite, 'deactivated', NULL, 1, check_value,"
             " row_tag, created_at, NULL, NULL FROM kek WHERE id = 1"},
            "row 9 of kek"}),
    [](const auto& edit) { return edit.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Wrappings, EditedSet,
    ::testing::Values(
        Edit{"exchanged",
             {"UPDATE kek_wrapping SET kek_id = 9 WHERE kek_id = 1",
              "UPDATE kek_wrapping SET kek_id = 1 WHERE kek_id = 3",
              "UPDATE kek_wrapping SET kek_id = 3 WHERE kek_id = 9"},
             "wrapping of KEK 1 by root 1"},
        Edit{"secret_of_another",
             {"UPDATE kek_wrapping SET secret = (SELECT secret FROM kek_wrapping w WHERE w.kek_id ="
              " 1) WHERE kek_id = 3"},
             "wrapping of KEK 3 by root 1"},
        Edit{"key_of_another",
             {"UPDATE kek_wrapping SET key = (SELECT key FROM kek_wrapping w WHERE w.kek_id = 1)"
              " WHERE kek_id = 3"},
             "wrapping of KEK 3 by root 1"},
        Edit{"deleted", {"DELETE FROM kek_wrapping WHERE kek_id = 1"}, kSet},
        Edit{"of_the_integrity_key_deleted",
             {"DELETE FROM kek_wrapping WHERE kek_id = 2"},
             "integrity key"},
        Edit{
            "added_for_another_root",
            {"INSERT INTO kek_wrapping SELECT kek_id, 2, secret, key FROM kek_wrapping WHERE kek_id"
             " = 3"},
            kSet},
        Edit{"added_for_no_kek",
             {"INSERT INTO kek_wrapping SELECT 9, root_id, secret, key FROM kek_wrapping WHERE"
              " kek_id = 3"},
             kSet},
        Edit{"all_deleted", {"DELETE FROM kek_wrapping"}, "integrity key"}),
    [](const auto& edit) { return edit.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Installation, EditedSet,
    ::testing::Values(
        Edit{
            "id", {"UPDATE installation SET id = '00000000-0000-4000-8000-000000000000'"}, "KEK 2"},
        Edit{"id_malformed", {"UPDATE installation SET id = 'x'"}, ""},
        Edit{"epoch_raised", {"UPDATE installation SET epoch = epoch + 1"}, kSet},
        Edit{"epoch_lowered", {"UPDATE installation SET epoch = epoch - 1"}, kSet},
        Edit{"next_kek_id", {"UPDATE installation SET next_kek_id = 3"}, kSet},
        Edit{"next_root_id", {"UPDATE installation SET next_root_id = 1"}, kSet},
        Edit{"integrity_kek_is_another", {"UPDATE installation SET integrity_kek_id = 1"}, "row 1"},
        Edit{"integrity_kek_is_none", {"UPDATE installation SET integrity_kek_id = 9"}, "KEK 9"},
        Edit{"projects_table", {"UPDATE installation SET projects_table = 'p'"}, kSet},
        Edit{"project_key_type", {"UPDATE installation SET project_key_type = 'uuid'"}, kSet},
        Edit{"trust_tag", {"UPDATE installation SET trust_tag = zeroblob(40)"}, kSet},
        Edit{"deleted", {"DELETE FROM installation"}, "no installation row"}),
    [](const auto& edit) { return edit.param.name; });

// A root of ours whose fingerprint the intruder writes into the store's row is asked to unwrap,
// which fails, and never to wrap.
TEST_F(TrustRowsTest, RootRedirectedToAnotherConfiguredRootWrapsNothing) {
  WriteFile(store_.folder() / "other.key", ReadFile(TestStore(TestStore::Keys::kOwn).root_path()));
  const auto other =
      std::make_shared<CountingRoot>(Must(OpenRoot("file:" + store_.folder() / "other.key")));
  const Bytes fingerprint(other->fingerprint().begin(), other->fingerprint().end());
  intruder_.Run("UPDATE root_key SET fingerprint = $1, uri = $2",
                {fingerprint, std::string(other->uri())});
  EXPECT_THAT(Client::Connect(OpenTestConnection(store_.path()), {root_, other},
                              {.actor = "tester", .observer = {}, .clock = {}}),
              FailsWith(ErrorCode::kIntegrity));
  EXPECT_EQ(other->wraps(), 0);
  EXPECT_EQ(root_->wraps(), wraps_before_);
}

// The root named by the store alone is a file that would be read if anybody followed it.
TEST_F(TrustRowsTest, RootNamedOnlyByTheStoreIsNeverOpened) {
  const std::string evil = store_.folder() / "evil.key";
  const TestStore evil_store(TestStore::Keys::kOwn);
  WriteFile(evil, ReadFile(evil_store.root_path()), 0644);  // opening it would say `exposed`
  intruder_.Run("UPDATE root_key SET uri = $1", {"file:" + evil});
  ExpectSetRefused(ErrorCode::kIntegrity, kRoot);
  const auto evil_root = Must(OpenRoot("file:" + evil_store.root_path()));
  intruder_.Run("UPDATE root_key SET fingerprint = $1",
                {Bytes(evil_root->fingerprint().begin(), evil_root->fingerprint().end())});
  ExpectSetRefused(ErrorCode::kIntegrity, kRoot);
}

// Somebody who holds a KEK that wraps, which opens DEKs and no more, makes every tag with it.
TEST_F(TrustRowsTest, TagsMadeWithAKekThatWrapsAreRefused) {
  const KekId leaked{3};
  TrustRows rows = Must(Ask(*OpenTestConnection(store_.path()), TrustLoad::Request{}));
  const IntegrityKey forger(rows.installation.id, Must(SessionOf(live_).keyring().OpenKek(leaked)));
  rows.installation.integrity_kek = leaked;
  for (RootRecord& root : rows.roots) {
    root.row_tag = Must(forger.Tag(root));
    intruder_.Run("UPDATE root_key SET row_tag = $2 WHERE id = $1", {root.id.value, root.row_tag});
  }
  for (KekRecord& kek : rows.keks) {
    kek.row_tag = Must(forger.Tag(kek));
    intruder_.Run("UPDATE kek SET row_tag = $2 WHERE id = $1", {kek.id.value, kek.row_tag});
  }
  intruder_.Run("UPDATE installation SET integrity_kek_id = $1, trust_tag = $2",
                {leaked.value, Must(forger.TrustTag(rows))});
  ExpectSetRefused(ErrorCode::kIntegrity, "row 3 of kek, whose purpose is wrap");
  intruder_.Run("UPDATE kek SET purpose = 'integrity', state = 'deactivated' WHERE id = 3");
  ExpectSetRefused(ErrorCode::kIntegrity, "wrapping of KEK 3 by root 1");
}

// --- DEKs ----------------------------------------------------------------------------------------

class EditedDek : public TrustRowsTest, public ::testing::WithParamInterface<Edit> {};

TEST_P(EditedDek, IsRefusedByNameAndOtherProjectsOpen) {
  const std::string id = DekOf("p1");
  for (const std::string& sql : GetParam().sql) {
    intruder_.Run(sql + " WHERE project_id = 'p1' AND purpose = 'secret'");
  }
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(GetParam().code, id));
  Client fresh = Connect();
  EXPECT_THAT(Get(fresh, "p1", "name"), FailsNaming(GetParam().code, id));
  EXPECT_THAT(Get(live_, "p2", "name"), Succeeds());
  EXPECT_THAT(Get(fresh, "p2", "name"), Succeeds());
  bool named = false;
  for (const VerifyFailure& failure : VerifyFailures(fresh)) {
    named = named || (failure.failure == FailureClass::kKey && failure.row == "dek p1/" + id);
  }
  EXPECT_TRUE(named);
}

INSTANTIATE_TEST_SUITE_P(
    Deks, EditedDek,
    ::testing::Values(Edit{"purpose", {"UPDATE dek SET purpose = 'digest'"}, ""},
                      Edit{"unknown_state", {"UPDATE dek SET state = 'any'"}, ""},
                      Edit{"state_suspended", {"UPDATE dek SET state = 'suspended'"}, ""},
                      Edit{"state_deactivated", {"UPDATE dek SET state = 'deactivated'"}, ""},
                      Edit{"state_compromised", {"UPDATE dek SET state = 'compromised'"}, ""},
                      Edit{"state_destroyed", {"UPDATE dek SET state = 'destroyed'"}, ""},
                      Edit{"suite", {"UPDATE dek SET suite = 2"}, ""},
                      Edit{"revision_raised", {"UPDATE dek SET revision = 2"}, ""},
                      Edit{"revision_lowered", {"UPDATE dek SET revision = 0"}, ""},
                      Edit{"back_under_the_old_kek", {"UPDATE dek SET kek_id = 1"}, ""},
                      Edit{"under_the_integrity_key", {"UPDATE dek SET kek_id = 2"}, ""},
                      Edit{"under_no_kek", {"UPDATE dek SET kek_id = 9"}, ""}),
    [](const auto& edit) { return edit.param.name; });

// Wrapped by somebody who holds the integrity key: it opens, but that KEK is not there to wrap.
TEST_F(TrustRowsTest, DekWrappedUnderTheIntegrityKeyIsRefused) {
  const std::string id = DekOf("p1");
  std::vector<Row> answer = intruder_.Run(
      "SELECT id, kek_id, purpose, suite, state, revision, check_value, wrapped_key, row_tag,"
      " created_at, born_epoch, 1, row_tag FROM dek WHERE id = $1",
      {id});
  RowReader reader(answer.front());
  const DekRecord record = Must(ReadDek(Project("p1"), reader)).dek;
  const InstallationId installation = SessionOf(live_).installation();
  const auto wrapping = Must(SessionOf(live_).keyring().OpenKek(record.kek));
  const auto integrity = Must(SessionOf(live_).keyring().OpenKek(KekId{2}));
  const Dek dek = Must(UnwrapDek(record, *wrapping, installation));
  intruder_.Run("UPDATE dek SET kek_id = 2, wrapped_key = $2 WHERE id = $1",
                {id, Must(WrapDek(dek, record, *integrity, installation))});
  ExpectGetRefused("p1", id);
  Client fresh = Connect();
  const std::vector<VerifyFailure> failures = VerifyFailures(fresh);
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.front().row, "dek p1/" + id);
  EXPECT_THAT(failures.front().message, ::testing::HasSubstr("whose purpose is integrity"));
}

TEST_F(TrustRowsTest, DekRowOfAnotherProjectIsRefused) {
  intruder_.Run("DELETE FROM dek WHERE project_id = 'p1' AND purpose = 'secret'");
  intruder_.Run("UPDATE dek SET project_id = 'p1' WHERE project_id = 'p2'");
  const std::string id = DekOf("p1");
  intruder_.Run("UPDATE secret_version SET dek_id = $1 WHERE project_id = 'p1'", {id});
  ExpectGetRefused("p1", id);
}

// Revisions move with states: 1 is the row as made, 2 the same key deactivated, with a tag that
// stands.
TEST_F(TrustRowsTest, OlderRevisionOfADekIsRefusedByAProcessThatSawTheNewer) {
  const std::vector<Row> revision_1 = intruder_.Table("dek");
  std::vector<Row> answer = intruder_.Run(
      "SELECT d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision, d.check_value, "
      "d.wrapped_key,"
      " d.row_tag, d.created_at, d.born_epoch, k.revision, k.row_tag FROM dek d JOIN kek k ON k.id "
      "= d.kek_id"
      " WHERE d.project_id = 'p1' AND d.purpose = 'secret'");
  RowReader reader(answer.front());
  DekRecord record = Must(ReadDek(Project("p1"), reader)).dek;
  record.state = KeyState::kDeactivated;
  record.revision = Revision{2};
  intruder_.Run("UPDATE dek SET state = 'deactivated', revision = 2, row_tag = $2 WHERE id = $1",
                {ToText(record.id), Must(SessionOf(live_).integrity()->Tag(record))});
  ASSERT_THAT(Get(live_, "p1", "name"), Succeeds());
  intruder_.Restore("dek", revision_1);
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(ErrorCode::kIntegrity, ToText(record.id)));
  EXPECT_THAT(Get(live_, "p2", "name"), Succeeds());
}

// --- columns -------------------------------------------------------------------------------------

class EditedColumn : public TrustRowsTest, public ::testing::WithParamInterface<Edit> {};

TEST_P(EditedColumn, IsRefusedByName) {
  for (const std::string& sql : GetParam().sql) {
    intruder_.Run(sql);
  }
  const std::string named = "'field' of sealed_column";
  Client fresh = Connect();
  for (Client* client : {&live_, &fresh}) {
    EXPECT_THAT(client->OpenValue(Project("p1"), Label("field"), sealed_),
                FailsNaming(ErrorCode::kIntegrity, named));
    EXPECT_THAT(client->SealValue(Project("p1"), Label("field"), AsBytes("x")),
                FailsNaming(ErrorCode::kIntegrity, named));
    const std::string unread = "column 'field'";
    EXPECT_THAT(CheckAllRead(Must(client->Columns()).unreadable),
                FailsNaming(ErrorCode::kIntegrity, unread));
    EXPECT_THAT(client->RemoveColumn(Label("field")), FailsNaming(ErrorCode::kIntegrity, unread));
    EXPECT_THAT(client->AddColumn(Label("field"), ContextKind::kField),
                FailsNaming(ErrorCode::kIntegrity, unread));
  }
  bool reported = false;
  for (const VerifyFailure& failure : VerifyFailures(live_)) {
    reported = reported || failure.failure == FailureClass::kTrustRow;
  }
  EXPECT_TRUE(reported);
}

INSTANTIATE_TEST_SUITE_P(
    Columns, EditedColumn,
    ::testing::Values(
        Edit{"context", {"UPDATE sealed_column SET context = 'cell' WHERE label = 'field'"}, ""},
        Edit{"unknown_context",
             {"UPDATE sealed_column SET context = 'any' WHERE label = 'field'"},
             ""},
        Edit{"state", {"UPDATE sealed_column SET state = 'removed' WHERE label = 'field'"}, ""},
        Edit{"id",
             {"UPDATE sealed_column SET id = '00000000-0000-4000-8000-000000000000' WHERE label ="
              " 'field'"},
             ""},
        Edit{"revision", {"UPDATE sealed_column SET revision = 7 WHERE label = 'field'"}, ""},
        Edit{"label_of_another",
             {"DELETE FROM sealed_column WHERE label = 'field'",
              "UPDATE sealed_column SET label = 'field'"},
             ""}),
    [](const auto& edit) { return edit.param.name; });

// --- older rows put back -------------------------------------------------------------------------

class ReplayTest : public TrustRowsTest {
 protected:
  std::vector<std::vector<Row>> Save(const std::vector<std::string>& tables) {
    std::vector<std::vector<Row>> saved;
    for (const std::string& table : tables) {
      saved.push_back(intruder_.Table(table));
    }
    return saved;
  }
  void PutBack(const std::vector<std::string>& tables, const std::vector<std::vector<Row>>& saved) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
      intruder_.Restore(tables[i], saved[i]);
    }
  }
  std::vector<std::string> Verified() {
    Client fresh = Connect();
    std::vector<std::string> failures;
    for (const VerifyFailure& failure : VerifyFailures(fresh)) {
      failures.push_back(std::string(ToText(failure.failure)) + " " + failure.row);
    }
    return failures;
  }
  // Version 1 of p1's secret opens, but is not what was written last: no verb releases it, or seals
  // it again, which would make it so; and verify goes on naming it.
  enum class Beside { kNothing, kItsSecret };
  void ExpectNothingTrustsVersion1(const std::string& name, Beside beside = Beside::kNothing) {
    const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
    std::vector<std::string> named{"replay secret_version p1/" + id + "/1"};
    if (beside == Beside::kItsSecret) {
      named.insert(named.begin(), "replay secret p1/" + id);
    }
    const std::vector<Row> rows = intruder_.Table("secret_version");
    const Timestamp later = std::chrono::floor<std::chrono::microseconds>(
        std::chrono::system_clock::now() + std::chrono::hours(1));
    EXPECT_EQ(Verified(), named);
    Client fresh = Connect();
    for (Client* client : {&live_, &fresh}) {
      const auto refused = FailsNaming(ErrorCode::kIntegrity, "written last");
      EXPECT_THAT(Get(*client, "p1", name, 1), refused);
      EXPECT_THAT(client->Rollback(Project("p1"), Named(name), SecretVersion{1}), refused);
      EXPECT_THAT(client->Expire(Project("p1"), Named(name), SecretVersion{1}, later), refused);
      EXPECT_THAT(client->Rename(Project("p1"), Named(name), Named("another")), refused);
    }
    EXPECT_EQ(intruder_.Table("secret_version"), rows);
    Must(RotateDeks(live_, Project("p1")));
    EXPECT_EQ(Must(RunJobs(live_)).failed, 1);
    EXPECT_EQ(Verified(), named);
  }
  static std::string MissingVersion(const std::string& secret, std::int64_t version) {
    return "missing secret_version p1/" + secret + "/" + std::to_string(version);
  }
  const std::vector<std::string> set_ = {"installation", "root_key",    "kek",
                                         "kek_wrapping", "scope_floor", "dek"};
};

TEST_F(ReplayTest, OldSetOfKeysIsRefusedByAProcessThatSawTheNewer) {
  const auto old_set = Save(set_);
  Must(RotateKek(live_));
  PutBack(set_, old_set);
  EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, "from epoch 3 to 2"));
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(ErrorCode::kIntegrity, "from epoch 3 to 2"));
  EXPECT_THAT(Put(live_, "p9", "new", "x"), FailsNaming(ErrorCode::kIntegrity, "from epoch 3"));
  EXPECT_THAT(live_.OpenValue(Project("p1"), Label("field"), sealed_),
              FailsNaming(ErrorCode::kIntegrity, "from epoch 3 to 2"));
}

// --- states put back -----------------------------------------------------------------------------

TEST_F(ReplayTest, SuspendedKekMadeActiveAgainIsRefused) {
  const auto before = Save({"kek"});
  Must(SuspendKek(live_, KekId{3}));
  intruder_.Run("UPDATE kek SET state = 'active', resumes_to = NULL WHERE id = 3");
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(ErrorCode::kRefusedByState, "KEK 3"))
      << "a process that holds the set goes by it";
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, "row 3 of kek"));
  EXPECT_THAT(ResumeKek(live_, KekId{3}), FailsNaming(ErrorCode::kIntegrity, "row 3 of kek"));
  PutBack({"kek"}, before);  // the row as it was, with its tag
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(ErrorCode::kIntegrity, kSet));
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, kSet));
}

TEST_F(ReplayTest, CompromisedKekMadeActiveAgainIsRefused) {
  const auto before = Save({"kek"});
  Must(DeclareCompromised(live_, KekId{3}));
  const auto after = Save({"kek"});
  intruder_.Run("UPDATE kek SET state = 'deactivated' WHERE id = 4");
  intruder_.Run("UPDATE kek SET state = 'active' WHERE id = 3");
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, "of kek"));
  EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, "of kek"));
  PutBack({"kek"}, after);
  EXPECT_THAT(store_.TryOpen(), Succeeds());
  PutBack({"kek"}, before);
  EXPECT_THAT(store_.TryOpen(), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(ReplayTest, DestroyedKekPutBackIsRefused) {
  const auto before = Save({"kek", "kek_wrapping"});
  Must(SetPolicy(live_, "destroy.wait", "0s"));
  ASSERT_TRUE(Must(DestroyKek(live_, KekId{1})).destroyed);
  PutBack({"kek", "kek_wrapping"}, before);
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, kSet));
  EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, kSet));
}

TEST_F(ReplayTest, WholeSetFromBeforeADestructionIsRefusedByAProcessThatSawIt) {
  const auto old_set = Save(set_);
  Must(SetPolicy(live_, "destroy.wait", "0s"));
  Must(DestroyKek(live_, KekId{1}));
  PutBack(set_, old_set);
  EXPECT_THAT(Get(live_, "p1", "name"), Succeeds()) << "its KEK is as it was";
  EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, "from epoch 3 to 2"));
  EXPECT_THAT(store_.TryOpen(), Succeeds());  // a limit that docs/threat-model.md states
}

// One old DEK row opens again: a limit that docs/threat-model.md states. Where the evidence stands,
// verify names it.
TEST_F(ReplayTest, DestroyedDekPutBackIsNamedByVerify) {
  const auto before = Save({"dek", "secret_version"});
  const std::string id = DekOf("p1");
  Must(RotateDeks(live_, Project("p1")));
  Must(RunJobs(live_));
  Must(SetPolicy(live_, "dek.destroy_after", "0s"));
  ASSERT_EQ(Must(DestroyDueKeys(live_)).deks, 1);
  ASSERT_TRUE(Verified().empty());
  PutBack({"dek", "secret_version"}, before);
  const std::vector<std::string> failures = Verified();
  EXPECT_THAT(failures, ::testing::Contains("replay dek p1/" + id));
}

// A destruction goes by what is tagged and by the foreign keys, never by the notes alone.
TEST_F(ReplayTest, NotesThatSomebodyWroteDestroyNothingThatIsNeeded) {
  intruder_.Run("UPDATE kek SET destroy_at = 1, compromised_at = 1");
  intruder_.Run("UPDATE dek SET drained_at = 1");
  const DestructionReport report = Must(DestroyDueKeys(live_));
  EXPECT_EQ(report.keks, std::vector<KekId>{KekId{1}}) << "deactivated, and nothing needs it";
  EXPECT_EQ(report.deks, 0);
  intruder_.Run("UPDATE dek SET state = 'deactivated', purpose = 'digest'");
  const DestructionReport again = Must(DestroyDueKeys(live_));
  EXPECT_EQ(again.deks, 0);
  EXPECT_FALSE(again.failures.empty()) << "a changed row is named";
}

TEST_F(ReplayTest, OldKekRowsWithoutTheirSetAreRefused) {
  const auto old_set = Save(set_);
  Must(RotateKek(live_));
  intruder_.Restore("kek", old_set[2]);
  EXPECT_THAT(store_.TryOpen(), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(Get(live_, "p1", "name"), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(ReplayTest, OlderRowOfAVersionPutBackIsRefusedNamedAndNotSealedAgain) {
  const auto old = Save({"secret_version"});
  const Timestamp later =
      Must(live_.Get(Project("p1"), Named("name"))).created_at + std::chrono::hours(1000);
  Must(live_.Expire(Project("p1"), Named("name"), {}, later));
  ASSERT_TRUE(Verified().empty());
  PutBack({"secret_version"}, old);  // without its expiry again
  ExpectNothingTrustsVersion1("name");
}

// Every verb that would open it, or seal it again and so make it what was written last.
TEST_F(ReplayTest, RowFromBeforeARotationPutBackIsRefused) {
  const auto old = Save({"secret_version", "dek"});
  Must(RotateDeks(live_, Project("p1")));
  Must(RunJobs(live_));
  PutBack({"secret_version"}, old);
  ExpectNothingTrustsVersion1("name");
}

TEST_F(ReplayTest, OldNameWithItsRowsPutBackIsRefused) {
  const auto old = Save({"secret", "secret_version"});
  Must(live_.Rename(Project("p1"), Named("name"), Named("renamed")));
  ASSERT_TRUE(Verified().empty());
  PutBack({"secret", "secret_version"}, old);
  ExpectNothingTrustsVersion1("name", Beside::kItsSecret);
}

TEST_F(ReplayTest, OldVersionRowUnderANewNameIsRefused) {
  const auto old = Save({"secret_version"});
  Must(live_.Rename(Project("p1"), Named("name"), Named("renamed")));
  PutBack({"secret_version"}, old);
  EXPECT_THAT(Get(live_, "p1", "renamed"), FailsNaming(ErrorCode::kIntegrity, "'renamed'"));
}

TEST_F(ReplayTest, DeletedNewestVersionIsRefusedAndNamed) {
  Must(Put(live_, "p1", "name", "newer"));
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1 AND version = 2", {id});
  Client fresh = Connect();
  for (Client* client : {&live_, &fresh}) {
    EXPECT_THAT(Get(*client, "p1", "name"), FailsNaming(ErrorCode::kIntegrity, "'name'"));
    EXPECT_EQ(Must(Get(*client, "p1", "name", 1)), "one");
  }
  EXPECT_EQ(Verified(), std::vector<std::string>{MissingVersion(id, 2)});
}

TEST_F(ReplayTest, DeletedOlderVersionIsNamed) {
  Must(Put(live_, "p1", "name", "two"));
  Must(Put(live_, "p1", "name", "three"));
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1 AND version = 2", {id});
  EXPECT_EQ(Must(Get(live_, "p1", "name")), "three");
  EXPECT_EQ(Verified(), std::vector<std::string>{MissingVersion(id, 2)});
}

// The put makes the newest version, the counter and the log agree again.
TEST_F(ReplayTest, DeletedNewestVersionIsNamedAfterTheNextPut) {
  Must(Put(live_, "p1", "name", "two"));
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1 AND version = 2", {id});
  Must(Put(live_, "p1", "name", "three"));
  EXPECT_EQ(Verified(), std::vector<std::string>{MissingVersion(id, 2)});
}

TEST_F(ReplayTest, DeletedVersionsAreNamedOnEveryPageAndOnce) {
  for (int version = 2; version <= 600; ++version) {  // more than two pages
    Must(Put(live_, "p1", "name", "again"));
  }
  Must(live_.Rename(Project("p1"), Named("name"), Named("renamed")));
  ASSERT_TRUE(Verified().empty());
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  std::vector<std::string> expected;
  for (const std::int64_t version : {1, 256, 257, 512, 599}) {
    intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1 AND version = $2",
                  {id, version});
    expected.push_back(MissingVersion(id, version));
  }
  EXPECT_EQ(Verified(), expected);
}

TEST_F(ReplayTest, VersionDeletedWithItsMacAndEntriesIsNamed) {
  Must(Put(live_, "p1", "name", "two"));
  Must(Put(live_, "p1", "name", "three"));
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  for (const std::string table : {"version_mac", "secret_version"}) {
    intruder_.Run("DELETE FROM " + table + " WHERE secret_id = $1 AND version = 2", {id});
  }
  intruder_.Run("DELETE FROM audit_log");
  EXPECT_EQ(Verified(), std::vector<std::string>{MissingVersion(id, 2)});
}

// The counter is set back too: the secret's MAC says how far it had come.
TEST_F(ReplayTest, SecretPutBackToAnOlderVersionIsRefused) {
  const auto old = Save({"secret", "secret_version", "version_mac"});
  Must(Put(live_, "p1", "name", "newer"));
  PutBack({"secret", "secret_version", "version_mac"}, old);
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Client fresh = Connect();
  const auto refused = FailsNaming(ErrorCode::kIntegrity, "written last");
  for (Client* client : {&live_, &fresh}) {
    EXPECT_THAT(Get(*client, "p1", "name"), FailsWith(ErrorCode::kIntegrity));
  }
  EXPECT_THAT(Get(fresh, "p1", "name"), refused);
  EXPECT_THAT(Get(fresh, "p1", "name", 1), refused);
  EXPECT_THAT(Put(fresh, "p1", "name", "newest"), refused) << "that would make it look proven";
  EXPECT_EQ(Verified(), std::vector<std::string>{"replay secret p1/" + id});
}

// Every row of one secret, consistently older: a limit that docs/threat-model.md states. A process
// that saw the newer version refuses it.
TEST_F(ReplayTest, WholeSecretPutBackIsRefusedByAProcessThatSawTheNewer) {
  const std::vector<std::string> tables = {"secret", "secret_version", "version_mac", "secret_mac"};
  const auto old = Save(tables);
  Must(Put(live_, "p1", "name", "newer"));
  PutBack(tables, old);
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Client fresh = Connect();
  EXPECT_THAT(Get(live_, "p1", "name"), FailsNaming(ErrorCode::kIntegrity, id));
  EXPECT_EQ(Must(Get(fresh, "p1", "name")), "one");
  EXPECT_TRUE(Verified().empty());
}

TEST_F(ReplayTest, VersionWithoutItsMacIsRefused) {
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Must(Put(live_, "p1", "name", "two"));
  intruder_.Run("DELETE FROM version_mac WHERE secret_id = $1 AND version = 1", {id});
  EXPECT_EQ(Must(Get(live_, "p1", "name")), "two");
  ExpectNothingTrustsVersion1("name");
}

TEST_F(ReplayTest, SecretWithoutItsMacIsRefusedUntilItIsDeleted) {
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  intruder_.Run("DELETE FROM secret_mac WHERE secret_id = $1", {id});
  Client fresh = Connect();
  const auto refused = FailsNaming(ErrorCode::kIntegrity, "written last");
  EXPECT_THAT(Get(fresh, "p1", "name"), refused);
  EXPECT_THAT(Put(fresh, "p1", "name", "two"), refused);
  EXPECT_THAT(fresh.Rename(Project("p1"), Named("name"), Named("another")), refused);
  EXPECT_THAT(fresh.Expire(Project("p1"), Named("name"), {}, {}), refused);
  EXPECT_EQ(Verified(), std::vector<std::string>{"replay secret p1/" + id});
  Must(fresh.Delete(Project("p1"), Named("name")));
  Must(Put(fresh, "p1", "name", "anew"));
  EXPECT_TRUE(Verified().empty());
}

// A put that goes by what this process saw before is told how the secret stands now.
TEST_F(ReplayTest, APutAfterAnothersRenameAndBackIsForTheSecretAsItIs) {
  Client other = Connect();
  for (int round = 0; round < 3; ++round) {
    Must(Put(live_, "p1", "name", "mine"));
    Must(other.Rename(Project("p1"), Named("name"), Named("away")));
    Must(other.Rename(Project("p1"), Named("away"), Named("name")));
    Must(Put(live_, "p1", "name", "next"));
    EXPECT_EQ(Must(Get(other, "p1", "name")), "next");
  }
  EXPECT_TRUE(Verified().empty());
}

// Each field that the secret's MAC covers, changed by itself.
TEST_F(ReplayTest, EveryChangedFieldOfASecretIsRefusedAndNamed) {
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Must(Put(live_, "p1", "name", "two"));
  for (const std::string set :
       {"name = 'other'", "kind = 'webhook'", "next_version = 9", "lowest_version = 2",
        "created_at = created_at + 1", "attributes = 'x'"}) {
    const auto old = Save({"secret"});
    intruder_.Run("UPDATE secret SET " + set + " WHERE id = $1", {id});
    Client fresh = Connect();
    const std::string name = set.starts_with("name") ? "other" : "name";
    EXPECT_THAT(Get(fresh, "p1", name, 2), FailsWith(ErrorCode::kIntegrity)) << set;
    EXPECT_THAT(Put(fresh, "p1", name, "three"), FailsWith(ErrorCode::kIntegrity)) << set;
    EXPECT_FALSE(Verified().empty()) << set;
    PutBack({"secret"}, old);
    EXPECT_TRUE(Verified().empty()) << set;
  }
}

TEST_F(ReplayTest, DeletedSecretIsNamedByVerifyUnlessSomebodyDeletedIt) {
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Must(live_.Delete(Project("p2"), Named("name")));
  ASSERT_TRUE(Verified().empty());
  for (const std::string table : {"version_mac", "secret_version", "secret_mac", "secret"}) {
    intruder_.Run("DELETE FROM " + table + " WHERE project_id = 'p1'");
  }
  EXPECT_THAT(Get(live_, "p1", "name"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Verified(), std::vector<std::string>{"missing secret p1/" + id});
}

TEST_F(ReplayTest, DeletedSecretPutBackIsNamedByVerify) {
  const std::vector<std::string> tables = {"secret", "secret_version", "version_mac", "secret_mac"};
  const auto old = Save(tables);
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  Must(live_.Delete(Project("p1"), Named("name")));
  ASSERT_TRUE(Verified().empty());
  PutBack(tables, old);
  EXPECT_EQ(Verified().size(), 1U);
}

TEST_F(ReplayTest, VersionWithAChangedMacIsRefused) {
  const std::string id = intruder_.Text("SELECT id FROM secret WHERE project_id = 'p1'");
  intruder_.Run("UPDATE version_mac SET mac = zeroblob(40) WHERE secret_id = $1", {id});
  ExpectNothingTrustsVersion1("name");
  intruder_.Run("UPDATE version_mac SET mac = zeroblob(400000) WHERE secret_id = $1", {id});
  ExpectNothingTrustsVersion1("name");
}

// A webhook's overlap counts from the time at which the newer version was made.
TEST_F(ReplayTest, VersionWithAChangedTimeIsRefused) {
  intruder_.Run("UPDATE secret_version SET created_at = created_at + 1 WHERE project_id = 'p1'");
  ExpectNothingTrustsVersion1("name");
}

// --- several roots -------------------------------------------------------------------------------

// Root 1 and its spare, root 2, open everything but p1, which opens with root 3 alone (KEK 3).
class SeveralRootsTest : public ::testing::Test {
 protected:
  SeveralRootsTest() : intruder_(store_.path()), live_(store_.Open()) {
    Must(Put(live_, "p1", "name", "one"));
    Must(Put(live_, "p2", "name", "two"));
    spare_ = NewKey("spare.key");
    own_ = NewKey("p1.key");
    Must(AddRoot(live_, {spare_}));
    before_own_ = intruder_.Table("dek");
    Must(AddRoot(live_, {own_, "p1"}));
  }

  std::string NewKey(const std::string& name) {
    Must(CreateRootKey(store_.folder() / name));
    return "file:" + (store_.folder() / name);
  }
  Result<Client> OpenWith(std::vector<std::string> roots) {
    StoreOptions options = store_.Options();
    options.roots = std::move(roots);
    return OpenStore(options);
  }
  // Nobody opens, whichever roots they hold.
  void ExpectSetRefused(const std::string& named) {
    const std::string first = "file:" + store_.root_path();
    for (const std::vector<std::string>& roots :
         {std::vector{first}, std::vector{spare_}, std::vector{first, spare_, own_}}) {
      EXPECT_THAT(OpenWith(roots), FailsNaming(ErrorCode::kIntegrity, named));
    }
    EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, named));
    EXPECT_THAT(AddRoot(live_, {NewKey("late.key")}), FailsNaming(ErrorCode::kIntegrity, named));
  }

  TestStore store_;
  Intruder intruder_;
  Client live_;
  std::string spare_;
  std::string own_;
  std::vector<Row> before_own_;  // the table dek as it stood before p1 had a root
};

class EditedRoots : public SeveralRootsTest, public ::testing::WithParamInterface<Edit> {};

TEST_P(EditedRoots, AreRefused) {
  const std::string before = store_.Content();
  for (const std::string& sql : GetParam().sql) {
    intruder_.Run(sql);
  }
  ASSERT_NE(store_.Content(), before) << "the attack changed nothing";
  ExpectSetRefused(GetParam().named);
}

INSTANTIATE_TEST_SUITE_P(
    SeveralRoots, EditedRoots,
    ::testing::Values(Edit{"spare_redirected",
                           {"UPDATE root_key SET uri = 'file:/tmp/evil.key' WHERE id = 2"},
                           "row 2 of root_key"},
                      Edit{"own_kek_moved_to_default",
                           {"UPDATE kek SET scope = 'default', state = 'deactivated' WHERE id = 3"},
                           "row 3 of kek"},
                      Edit{"own_kek_moved_to_another_project",
                           {"UPDATE kek SET scope = 'p2' WHERE id = 3"},
                           "row 3 of kek"},
                      Edit{"own_root_moved_to_default",
                           {"UPDATE root_key SET scope = 'default' WHERE id = 3"},
                           "row 3 of root_key"},
                      Edit{"default_kek_moved_to_the_project",
                           {"UPDATE kek SET scope = 'p2' WHERE id = 1"},
                           "row 1 of kek"},
                      Edit{"wrappings_exchanged_between_roots",
                           {"UPDATE kek_wrapping SET root_id = 4 WHERE kek_id = 1 AND root_id = 1",
                            "UPDATE kek_wrapping SET root_id = 1 WHERE kek_id = 1 AND root_id = 2",
                            "UPDATE kek_wrapping SET root_id = 2 WHERE kek_id = 1 AND root_id = 4"},
                           "KEK 1 by root"},
                      Edit{"own_kek_wrapped_for_the_default_root",
                           {"INSERT INTO kek_wrapping SELECT 3, 1, secret, key FROM kek_wrapping"
                            " WHERE kek_id = 1 AND root_id = 1"},
                           ""},
                      Edit{"spare_without_a_wrapping",
                           {"DELETE FROM kek_wrapping WHERE kek_id = 1 AND root_id = 2"},
                           kSet},
                      Edit{"own_root_deleted",
                           {"DELETE FROM kek_wrapping WHERE root_id = 3",
                            "DELETE FROM root_key WHERE id = 3"},
                           kSet},
                      Edit{"spare_marked_compromised",
                           {"UPDATE root_key SET state = 'compromised' WHERE id = 2"},
                           "row 2 of root_key"}),
    [](const auto& edit) { return edit.param.name; });

// Rows that stood there once, tags and all: the set of today does not hold them.
TEST_F(SeveralRootsTest, RemovedRootPutBackIsRefused) {
  const std::vector<Row> roots = intruder_.Table("root_key");
  const std::vector<Row> wrappings = intruder_.Table("kek_wrapping");
  Must(RemoveRoot(live_, RootId{2}, RootChange::kCarryOut));
  intruder_.Restore("root_key", roots);
  intruder_.Restore("kek_wrapping", wrappings);
  EXPECT_THAT(OpenWith({spare_}), FailsNaming(ErrorCode::kIntegrity, kSet));
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, kSet));
  EXPECT_THAT(RotateKek(live_), FailsNaming(ErrorCode::kIntegrity, kSet));
}

TEST_F(SeveralRootsTest, CompromisedRootPutBackIsRefused) {
  const std::vector<Row> roots = intruder_.Table("root_key");
  const std::vector<Row> wrappings = intruder_.Table("kek_wrapping");
  Must(MarkRootCompromised(live_, RootId{2}, RootChange::kCarryOut));
  intruder_.Restore("root_key", roots);
  EXPECT_THAT(OpenWith({spare_}), FailsWith(ErrorCode::kIntegrity));
  intruder_.Restore("kek_wrapping", wrappings);
  EXPECT_THAT(OpenWith({spare_}), FailsNaming(ErrorCode::kIntegrity, kSet));
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, kSet));
}

// No tag covers a DEK's wrapping, so its old row verifies; it would open p1 without p1's root.
TEST_F(SeveralRootsTest, ProjectsOldDekUnderTheDefaultKekIsRefused) {
  intruder_.Restore("dek", before_own_);
  const auto refused = FailsNaming(ErrorCode::kIntegrity, "of scope 'default'");
  EXPECT_THAT(Get(live_, "p1", "name"), refused);
  EXPECT_THAT(Put(live_, "p1", "name", "other"), ::testing::Not(Succeeds()));
  Client without = Must(store_.TryOpen());
  EXPECT_THAT(Get(without, "p1", "name"), refused);
  EXPECT_EQ(Must(Get(without, "p2", "name")), "two");
  // The same key under the project's KEK is what stood there: a rewrap brings it back.
  RunJobsOptions rewrap;
  rewrap.jobs = {Must(StartRewrap(live_, {}, "p1"))};
  EXPECT_EQ(Must(RunJobs(live_, rewrap)).failed, 0);
  EXPECT_EQ(Must(Get(live_, "p1", "name")), "one");
}

// Another project's DEK under the project's KEK, wrapped by somebody who holds both keys.
TEST_F(SeveralRootsTest, AnotherProjectsDekUnderTheProjectsKekIsRefused) {
  std::vector<Row> answer = intruder_.Run(
      "SELECT id, kek_id, purpose, suite, state, revision, check_value, wrapped_key, row_tag,"
      " created_at, born_epoch, 1, row_tag FROM dek WHERE project_id = 'p2'");
  RowReader reader(answer.front());
  const DekRecord record = Must(ReadDek(Project("p2"), reader)).dek;
  const InstallationId installation = SessionOf(live_).installation();
  const Dek dek =
      Must(UnwrapDek(record, *Must(SessionOf(live_).keyring().OpenKek(record.kek)), installation));
  const Bytes wrapped =
      Must(WrapDek(dek, record, *Must(SessionOf(live_).keyring().OpenKek(KekId{3})), installation));
  intruder_.Run("UPDATE dek SET kek_id = 3, wrapped_key = $2 WHERE id = $1",
                {ToText(record.id), wrapped});
  Client fresh = Must(OpenWith({"file:" + store_.root_path(), own_}));
  EXPECT_THAT(Get(fresh, "p2", "name"), FailsNaming(ErrorCode::kIntegrity, "of scope 'p1'"));
}

// --- a set without its installation --------------------------------------------------------------

TEST_F(TrustRowsTest, InitMakesNoNewKeysWhereOldOnesWereHidden) {
  for (const std::vector<std::string>& hidden :
       {std::vector<std::string>{"installation"},
        std::vector<std::string>{"installation", "root_key"},
        std::vector<std::string>{"installation", "root_key", "kek_wrapping", "kek", "scope_floor"},
        std::vector<std::string>{"installation", "root_key", "kek_wrapping", "kek", "scope_floor",
                                 "dek"}}) {
    TestStore store;
    {
      Client client = store.Open();
      Must(Put(client, "p1", "name", "one"));
    }
    Intruder intruder(store.path());
    for (const std::string& table : hidden) {
      intruder.Run("DELETE FROM " + table);
    }
    std::filesystem::remove(store.root_path());
    const std::string before = store.ContentWithAudit();
    EXPECT_THAT(InitStore(store.Options()), ::testing::Not(Succeeds())) << hidden.back();
    EXPECT_FALSE(std::filesystem::exists(store.root_path())) << hidden.back();
    EXPECT_EQ(store.ContentWithAudit(), before);
  }
}

}  // namespace
}  // namespace rowseal::testing
