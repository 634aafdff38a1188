// Bundles of wrapped keys: what they hold, what fits, and what is refused.
#include <rowseal/key_bundle.h>
#include <rowseal/lifecycle.h>

#include "lifecycle/key_rows.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsNaming;
using testing::FailsWith;
using testing::Must;
using testing::Put;
using testing::TestStore;

class Bundles : public ::testing::Test {
 protected:
  Bundles() {
    Client client = store_.Open();
    for (const char* project : {"p1", "p2", "p\u00e4 3"}) {
      Must(Put(client, project, "name", "CANARY value"));
    }
    Must(RotateKek(client));
  }
  KeyBundle Export() const {
    Client client = store_.Open();
    return Must(ExportKeys(client));
  }

  TestStore store_;
};

TEST_F(Bundles, HoldEveryKeyAndFitTheirStore) {
  const KeyBundle bundle = Export();
  EXPECT_EQ(bundle.deks, 3);
  EXPECT_EQ(bundle.keks, 3);  // the integrity key, the old one and the new one
  EXPECT_EQ(bundle.text.find("CANARY"), std::string::npos);
  const KeySet kept = Must(CheckKeysOfBundle(store_.Options(), bundle.text));
  EXPECT_EQ(kept.epoch, bundle.epoch);
  EXPECT_EQ(kept.keks_opened, 3);
  EXPECT_EQ(kept.deks_opened, 3);
  EXPECT_TRUE(kept.failures.empty());
  const KeySet needed = Must(CheckKeysOfStore(store_.Options()));
  EXPECT_EQ(needed.deks_opened, 3);
  EXPECT_TRUE(Must(KeysNotIn(needed, kept)).empty());
  Client client = store_.Open();
  const Listing<AuditEntry> log = Must(client.AuditLog(Must(ProjectId::Parse("system"))));
  ASSERT_FALSE(log.empty());
  EXPECT_EQ(log.front().action, "keys.export");
}

TEST_F(Bundles, ThatAreOlderNameWhatTheyLack) {
  const KeyBundle bundle = Export();
  {
    Client client = store_.Open();
    Must(Put(client, "p4", "name", "x"));
    Must(RotateKek(client));
  }
  const KeySet kept = Must(CheckKeysOfBundle(store_.Options(), bundle.text));
  EXPECT_EQ(kept.deks_opened, 3) << "an old bundle opens by its own rows";
  const std::vector<std::string> missing =
      Must(KeysNotIn(Must(CheckKeysOfStore(store_.Options())), kept));
  ASSERT_EQ(missing.size(), 1U);
  EXPECT_TRUE(missing.front().starts_with("p4/"));
}

TEST_F(Bundles, OfAnotherStoreAndWithAnotherRootAreRefused) {
  const KeyBundle bundle = Export();
  const TestStore other(TestStore::Keys::kOwn);
  EXPECT_THAT(CheckKeysOfBundle(other.Options(), bundle.text),
              FailsWith(ErrorCode::kRootKeyMismatch));
  EXPECT_THAT(KeysNotIn(Must(CheckKeysOfStore(other.Options())),
                        Must(CheckKeysOfBundle(store_.Options(), bundle.text))),
              FailsNaming(ErrorCode::kIntegrity, "two installations"));
}

// Every line taken away, doubled or changed, and every end cut off.
TEST_F(Bundles, ThatWereChangedAreRefused) {
  const std::string text = Export().text;
  const StoreOptions options = store_.Options();
  std::vector<std::size_t> lines = {0};
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    lines.push_back(at + 1);
  }
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const std::string line = text.substr(lines[i], lines[i + 1] - lines[i]);
    SCOPED_TRACE(line);
    std::string without = text;
    without.erase(lines[i], line.size());
    EXPECT_FALSE(CheckKeysOfBundle(options, without));
    std::string doubled = text;
    doubled.insert(lines[i], line);
    EXPECT_FALSE(CheckKeysOfBundle(options, doubled));
    std::string changed = text;
    char& last = changed[lines[i + 1] - 2];
    last = last == '1' ? '2' : '1';
    EXPECT_FALSE(CheckKeysOfBundle(options, changed));
    EXPECT_FALSE(CheckKeysOfBundle(options, text.substr(0, lines[i] + line.size() / 2)));
  }
  for (const char* junk : {"", "\n", "rowseal keys 2\n", "rowseal keys 2\nend\tb00\n", "SQLite"}) {
    EXPECT_THAT(CheckKeysOfBundle(options, junk), FailsWith(ErrorCode::kIntegrity));
  }
}

TEST_F(Bundles, GiveLostKeysBack) {
  const KeyBundle bundle = Export();
  testing::Intruder intruder(store_.path());
  const std::vector<Row> versions = intruder.Table("secret_version");
  intruder.Run("DELETE FROM secret_version");
  intruder.Run("DELETE FROM dek WHERE project_id <> 'p2'");
  Client client = store_.Open();
  Must(Put(client, "p1", "later", "under another key"));
  const RestoredKeys report = Must(RestoreKeys(client, bundle.text));
  EXPECT_EQ(report.restored, 2);
  EXPECT_EQ(report.there, 1);
  EXPECT_TRUE(report.refused.empty());
  intruder.Restore("secret_version", versions);
  EXPECT_EQ(Must(testing::Get(client, "p1", "name")), "CANARY value");
  EXPECT_EQ(Must(testing::Get(client, "p2", "name")), "CANARY value");
  EXPECT_EQ(Must(RestoreKeys(client, bundle.text)).restored, 0);  // again: nothing is lacking
  std::string changed = bundle.text;
  changed[changed.size() / 2] ^= 1;
  EXPECT_FALSE(RestoreKeys(client, changed));
  const TestStore other_store(TestStore::Keys::kOwn);
  Client other = other_store.Open();
  EXPECT_THAT(RestoreKeys(other, bundle.text), FailsWith(ErrorCode::kIntegrity));
}

TEST(KeyRowText, GivesEveryValueBack) {
  const Row row = {Null{},        std::int64_t{-5}, std::string("a\tb\n%c\x7f ä"),
                   Bytes{0, 255}, std::string(),    Bytes()};
  const std::string line = RowText("name", row);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(Must(ParseRow(line)), row);
  for (const char* bad :
       {"x\t", "x\ti", "x\ti5a", "x\tbzz", "x\tb0", "x\tt%g0", "x\tt%0", "x\t-1", "x\tq"}) {
    EXPECT_THAT(ParseRow(bad), FailsWith(ErrorCode::kIntegrity)) << bad;
  }
}

}  // namespace
}  // namespace rowseal
