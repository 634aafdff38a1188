// Rows of DEKs that somebody without a key put into the store or changed there.
#include <rowseal/key_destruction.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr const char* kJunkId = "0193a6d0-0000-7000-8000-00000000000a";

class UnreadableDeks : public ::testing::Test {
 protected:
  UnreadableDeks() : intruder_(store_.path()) {
    Client client = store_.Open();
    Must(Put(client, "acme", "name", "value"));
    Must(Put(client, "other", "name", "value"));
  }

  // A copy of acme's DEK, changed by `set`, under another id.
  void Plant(const std::string& project, const std::string& purpose, const std::string& set) {
    intruder_.Run(
        "INSERT INTO dek (project_id, id, kek_id, purpose, suite, state, revision, check_value,"
        " wrapped_key, row_tag, created_at, born_epoch) SELECT $1, $2, kek_id, $3, suite, state,"
        " revision, check_value, wrapped_key, row_tag, created_at, born_epoch FROM dek WHERE "
        "project_id = 'acme'"
        " AND purpose = 'secret'",
        {project, std::string(kJunkId), purpose});
    if (!set.empty()) {
      intruder_.Run("UPDATE dek SET " + set + " WHERE id = $1", {std::string(kJunkId)});
    }
  }
  std::int64_t Deks() { return intruder_.Integer("SELECT count(*) FROM dek"); }

  TestStore store_;
  Intruder intruder_;
};

TEST_F(UnreadableDeks, AStoreAsRowsealMadeItHasNone) {
  Client client = store_.Open();
  EXPECT_TRUE(Must(FindUnreadableDeks(client)).empty());
  EXPECT_TRUE(Must(DiscardDeks(client)).empty());
}

TEST_F(UnreadableDeks, EachKindIsNamedSkippedAndDiscardedWithEvidence) {
  struct Junk {
    std::string project;
    std::string purpose;
    std::string set;
  };
  const std::vector<Junk> kinds = {
      {"fresh", "secret", ""},                // its tag is another row's
      {"fresh", "junk1", ""},                 // no purpose
      {"acme", "value", "state = 'broken'"},  // no state
      {"fresh", "secret", "suite = 9"},
      {"fresh", "secret", "wrapped_key = x'00'"},
      {"fresh", "secret", "row_tag = x''"},
      {"fresh", "secret", "check_value = x''"},
      {"fresh", "secret", "revision = -1"},
      {"fresh", "secret", "created_at = -9223372036854775807"},
  };
  for (const Junk& junk : kinds) {
    const std::string shown = junk.purpose + " " + junk.set;
    Plant(junk.project, junk.purpose, junk.set);
    const std::int64_t before = Deks();
    Client client = store_.Open();
    const RotationReport rotated = Must(RotateKek(client));
    EXPECT_EQ(rotated.rewrapped, 2) << shown << ": the rest is done";
    EXPECT_EQ(Must(Get(client, "acme", "name")), "value");
    const auto found = Must(FindUnreadableDeks(client));
    ASSERT_EQ(found.size(), 1U) << shown;
    EXPECT_EQ(found.front().id, kJunkId);
    EXPECT_FALSE(found.front().why.empty());
    EXPECT_FALSE(found.front().discarded);
    EXPECT_EQ(Deks(), before);
    EXPECT_FALSE(VerifyFailures(client).empty()) << shown;

    EXPECT_TRUE(Must(DiscardDeks(client, Project("other"))).empty());
    const auto discarded = Must(DiscardDeks(client, std::nullopt, {"keeper", "ticket 7"}));
    ASSERT_EQ(discarded.size(), 1U) << shown;
    EXPECT_TRUE(discarded.front().discarded);
    EXPECT_EQ(Deks(), before - 1);
    EXPECT_TRUE(VerifyFailures(client).empty()) << shown;
    const AuditEntry entry = Must(client.AuditLog(Project(junk.project), 1)).front();
    EXPECT_EQ(entry.action, "dek.discard");
    EXPECT_EQ(entry.object, kJunkId);
    const auto evidence = Must(ListDestroyedDeks(client));
    ASSERT_EQ(evidence.size(), 1U);
    EXPECT_EQ(evidence.front().evidence.purpose, junk.purpose);
    EXPECT_EQ(evidence.front().evidence.reason, "ticket 7");
    intruder_.Run("DELETE FROM destroyed_key");
    Must(Put(client, junk.project, "fresh", "value"));
    Must(client.Delete(Project(junk.project), Named("fresh")));
    intruder_.Run("DELETE FROM dek WHERE project_id = 'fresh'");
  }
}

// A row that was changed may be mended from a backup, and then opens what stands under it.
TEST_F(UnreadableDeks, OneThatAVersionNamesStays) {
  const Bytes tag = intruder_.Blob("SELECT row_tag FROM dek WHERE project_id = 'acme'");
  intruder_.Run("UPDATE dek SET row_tag = x'00' WHERE project_id = 'acme'");
  Client client = store_.Open();
  const auto kept = Must(DiscardDeks(client));
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_FALSE(kept.front().discarded);
  EXPECT_EQ(kept.front().versions, 1);
  intruder_.Run("UPDATE dek SET row_tag = $1 WHERE project_id = 'acme'", {tag});
  EXPECT_EQ(Must(Get(client, "acme", "name")), "value");
  EXPECT_TRUE(Must(FindUnreadableDeks(client)).empty());
}

}  // namespace
}  // namespace rowseal::testing
