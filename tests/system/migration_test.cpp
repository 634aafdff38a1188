// Moving the secrets of a live application, on both kinds of databases of apps: what is written,
// what the guard keeps and refuses, what is quarantined, and what a rollback gives back.
#include <atomic>
#include <map>
#include <thread>

#include "migration/canary.h"
#include "migration/json_path.h"
#include "migration/migration_plan.h"
#include "migration/online_migration.h"
#include "support/app_db.h"
#include "support/faulty_disk.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class Migration : public ::testing::TestWithParam<AppKind> {
 protected:
  MigrationManifest Manifest(std::vector<ColumnPlan> columns) const {
    return {"app", app_.Url(), std::move(columns)};
  }
  // A column of table `item` with the key `id` and the project in `project`.
  static ColumnPlan Sealed(const std::string& column, ContextKind context = ContextKind::kCell) {
    ColumnPlan plan;
    plan.table = "item";
    plan.keys = {"id"};
    plan.project.column = "project";
    plan.column = column;
    plan.label = "item." + column;
    plan.context = context;
    return plan;
  }
  static ColumnPlan Moved(const std::string& column, const std::string& rule, Leave leave) {
    ColumnPlan plan = Sealed(column);
    plan.mode = MigrationMode::kMove;
    plan.names = Must(NamingRule::Parse(rule));
    plan.leave = leave;
    return plan;
  }

  void MakeItems(int count, const std::string& type = "text") {
    app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, name text, secret " + type +
             ")");
    for (int id = 1; id <= count; ++id) {
      app_.Run("INSERT INTO item VALUES (" + std::to_string(id) + ", '" +
               (id % 3 == 0 ? "beta" : "acme") + "', 'n" + std::to_string(id) + "', 'plain " +
               std::to_string(id) + "')");
    }
  }
  std::string At(int id, const std::string& column = "secret") const {
    return app_.Run("SELECT " + column + " FROM item WHERE id = " + std::to_string(id));
  }

  ColumnReport RunOnce(const MigrationManifest& manifest) {
    RunMigrationReport report = Must(RunMigration(client_, manifest, {}, {}));
    return report.columns.front();
  }
  ColumnVerdict VerifyOnce(const MigrationManifest& manifest) {
    failures_.clear();
    return Must(VerifyMigration(client_, manifest,
                                [this](const MigrationFailure& failure) {
                                  failures_.push_back(failure.row + ": " + failure.message);
                                },
                                {}))
        .front();
  }
  std::string Opened(int id) {
    return TextOf(Must(client_.OpenValue(Project(At(id, "project")), Label("item.secret"), At(id),
                                         {std::to_string(id)})));
  }

  AppDb app_{GetParam()};
  TestStore store_;
  Client client_ = store_.Open();
  std::vector<std::string> failures_;
};

class PostgresMigration : public Migration {};

TEST_P(Migration, ValuesAreSealedInPlaceAndASecondRunChangesNothing) {
  MakeItems(20);
  app_.Run("UPDATE item SET secret = NULL WHERE id = 5");
  app_.Run("UPDATE item SET secret = '' WHERE id = 6");
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  const ColumnReport first = RunOnce(manifest);
  EXPECT_EQ(first.rows, 18);
  EXPECT_EQ(first.counts.plaintext, 0);
  EXPECT_EQ(first.counts.empty, 2);
  EXPECT_EQ(first.counts.originals, 18);
  for (const int id : {1, 7, 20}) {
    EXPECT_TRUE(At(id).starts_with("rs1."));
    EXPECT_EQ(Opened(id), "plain " + std::to_string(id));
  }
  EXPECT_EQ(app_.Run("SELECT count(*) FROM item WHERE secret IS NULL"), "1");
  const std::string before = app_.Run("SELECT secret FROM item ORDER BY id");
  EXPECT_EQ(RunOnce(manifest).rows, 0);
  EXPECT_EQ(app_.Run("SELECT secret FROM item ORDER BY id"), before);
  const ColumnVerdict verdict = VerifyOnce(manifest);
  EXPECT_EQ(verdict.opened, 18);
  EXPECT_EQ(verdict.changed + verdict.plaintext + verdict.failures, 0);
}

TEST_P(Migration, WhatTheAppWritesMeanwhileIsQueuedAndSealed) {
  MakeItems(4);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  app_.Run("UPDATE item SET secret = 'from an old release' WHERE id = 2");
  app_.Run("INSERT INTO item VALUES (9, 'acme', 'n9', 'inserted')");
  app_.Run("UPDATE item SET name = 'other' WHERE id = 3");  // holds no plaintext
  const ColumnReport again = RunOnce(manifest);
  EXPECT_EQ(again.rows, 2);
  EXPECT_EQ(again.counts.queued, 0);
  EXPECT_EQ(Opened(2), "from an old release");
  EXPECT_EQ(Opened(9), "inserted");
  EXPECT_EQ(VerifyOnce(manifest).failures, 0);
}

TEST_P(Migration, ARollbackGivesBackEveryByte) {
  MakeItems(12);
  app_.Run("UPDATE item SET secret = NULL WHERE id = 5");
  app_.Run("UPDATE item SET secret = 'ä \\ '' \" \n end' WHERE id = 6");
  const std::string before = app_.Run(
      "SELECT id || project || coalesce(secret, 'NULL') FROM item"
      " ORDER BY id");
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  const RunMigrationReport report = Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(report.columns.front().rows, 11);
  EXPECT_EQ(app_.Run("SELECT id || project || coalesce(secret, 'NULL') FROM item ORDER BY id"),
            before);
  app_.Run("UPDATE item SET secret = 'plain again' WHERE id = 1");  // no guard is left
  EXPECT_THAT(VerifyMigration(client_, manifest, [](const MigrationFailure&) {}, {}),
              FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(RunOnce(manifest).rows, 11);  // and it can be migrated anew
}

TEST_P(Migration, ARollbackKeepsWhatTheAppWroteSince) {
  MakeItems(4);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  const std::string sealed_by_app =
      Must(client_.SealValue(Project("acme"), Label("item.secret"), AsBytes("newer"), {"2"}));
  app_.Run("UPDATE item SET secret = '" + sealed_by_app + "' WHERE id = 2");
  app_.Run("UPDATE item SET secret = 'old release' WHERE id = 4");
  app_.Run("INSERT INTO item VALUES (8, 'acme', 'n8', '" +
           Must(client_.SealValue(Project("acme"), Label("item.secret"), AsBytes("added"), {"8"})) +
           "')");
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(app_.Run("SELECT secret FROM item ORDER BY id"),
            "plain 1\nnewer\nplain 3\nold release\nadded");
}

TEST_P(Migration, MovedValuesStandInTheStoreAndLeaveAMarkOfTheSameType) {
  MakeItems(6, "BYTES");
  app_.Run("UPDATE item SET secret = CAST(secret AS BYTES)");
  const MigrationManifest manifest = Manifest({Moved("secret", "crm/{name}", Leave::kMarker)});
  EXPECT_EQ(RunOnce(manifest).rows, 6);
  EXPECT_EQ(Must(Get(client_, "acme", "crm/n1")), "plain 1");
  EXPECT_EQ(Must(Get(client_, "beta", "crm/n3")), "plain 3");
  const std::string type = app_.OnPostgres() ? "pg_typeof(secret)" : "typeof(secret)";
  EXPECT_EQ(app_.Run("SELECT count(*) FROM item WHERE secret = " +
                     std::string(app_.OnPostgres() ? "convert_to('moved to rowseal', 'UTF8')"
                                                   : "CAST('moved to rowseal' AS BLOB)")),
            "6");
  const ColumnVerdict verdict = VerifyOnce(manifest);
  EXPECT_EQ(verdict.opened, 6);
  EXPECT_EQ(RunOnce(manifest).rows, 0);
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(app_.Run("SELECT count(*) FROM item WHERE secret = " +
                     std::string(app_.OnPostgres() ? "convert_to('plain ' || id, 'UTF8')"
                                                   : "CAST('plain ' || id AS BLOB)")),
            "6");
}

TEST_P(Migration, MovedValuesMayLeaveNothing) {
  MakeItems(3);
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kNull)});
  EXPECT_EQ(RunOnce(manifest).rows, 3);
  EXPECT_EQ(app_.Run("SELECT count(*) FROM item WHERE secret IS NULL"), "3");
  EXPECT_EQ(VerifyOnce(manifest).opened, 3);
  Must(Put(client_, "acme", "n2", "newer"));
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(app_.Run("SELECT secret FROM item ORDER BY id"), "plain 1\nnewer\nplain 3");
}

TEST_P(Migration, OldTextThatTheAppSavesAgainDoesNotOvertakeTheStore) {
  MakeItems(3);
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kMarker)});
  RunOnce(manifest);
  Must(Put(client_, "acme", "n1", "newer"));
  app_.Run("UPDATE item SET secret = 'plain 1', name = 'n1' WHERE id = 1");  // read before
  app_.Run("UPDATE item SET secret = 'typed in' WHERE id = 2");
  const ColumnReport report = RunOnce(manifest);
  EXPECT_EQ(report.rows, 2);
  EXPECT_EQ(report.write_backs, 1);
  EXPECT_EQ(Must(Get(client_, "acme", "n1")), "newer");
  EXPECT_EQ(Must(Get(client_, "acme", "n2")), "typed in");
  EXPECT_EQ(At(1), "moved to rowseal");
}

// A rule may give several rows one name. Where their values differ, one secret cannot hold both.
TEST_P(Migration, RowsOfOneNameWithDifferentValuesKeepTheirValues) {
  MakeItems(5);
  app_.Run("UPDATE item SET project = 'acme', name = 'shared' WHERE id <= 3");
  app_.Run("UPDATE item SET secret = 'plain 1' WHERE id = 3");  // a copy of row 1
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kNull)});
  const ColumnReport report = RunOnce(manifest);
  EXPECT_EQ(report.rows, 4);
  EXPECT_EQ(report.counts.plaintext, 1);
  EXPECT_EQ(At(2), "plain 2") << "its value is in no other place";
  EXPECT_EQ(Must(Get(client_, "acme", "shared")), "plain 1");
  const auto rows = Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)));
  const std::vector<QuarantinedRow> quarantined = Must(rows->Quarantined(10));
  ASSERT_EQ(quarantined.size(), 1U);
  EXPECT_EQ(quarantined[0].key, std::vector<std::string>{"2"});
  EXPECT_NE(quarantined[0].reason.find("'shared'"), std::string::npos);
  EXPECT_EQ(RunOnce(manifest).rows, 0);
  EXPECT_EQ(At(2), "plain 2");
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(app_.Run("SELECT secret FROM item ORDER BY id"),
            "plain 1\nplain 2\nplain 1\nplain 4\nplain 5");
}

// The same where the rows come in different runs.
TEST_P(Migration, ALaterRowOfANameThatIsTakenKeepsItsValue) {
  MakeItems(2);
  app_.Run("UPDATE item SET name = 'shared', project = 'acme'");
  app_.Run("UPDATE item SET secret = NULL WHERE id = 2");
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kMarker)});
  EXPECT_EQ(RunOnce(manifest).rows, 1);
  app_.Run("UPDATE item SET secret = 'other' WHERE id = 2");
  EXPECT_EQ(RunOnce(manifest).rows, 0);
  EXPECT_EQ(At(2), "other");
  EXPECT_EQ(Must(Get(client_, "acme", "shared")), "plain 1");
}

TEST_P(Migration, ARuleThatGivesTheValuesOfADocumentOneNameIsRefused) {
  app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, name text, doc " +
           std::string(app_.OnPostgres() ? "jsonb" : "text") + ")");
  ColumnPlan plan = Moved("doc", "{name}", Leave::kReference);
  plan.path = Must(ParseJsonPath("$.n[*].key"));
  EXPECT_THAT(RunMigration(client_, Manifest({plan}), {}, {}),
              FailsNaming(ErrorCode::kInvalidArgument, "many values in a row and one name"));
}

// Only the same value in the same place is old text that the app saved again.
TEST_P(Migration, ValuesThatTheAppExchangedAreNewValues) {
  app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, name text, doc " +
           std::string(app_.OnPostgres() ? "jsonb" : "text") + ")");
  app_.Run(R"(INSERT INTO item VALUES (1, 'acme', 'n', '{"k": [{"v": "a"}, {"v": "b"}]}'))");
  ColumnPlan plan = Moved("doc", "{name}/{path}", Leave::kReference);
  plan.path = Must(ParseJsonPath("$.k[*].v"));
  const MigrationManifest manifest = Manifest({plan});
  EXPECT_EQ(RunOnce(manifest).values, 2);
  const auto names = Must(client_.List(Project("acme")));
  ASSERT_EQ(names.size(), 2U);
  const std::string first = names[0].name.text();
  const std::string second = names[1].name.text();

  app_.Run(R"(UPDATE item SET doc = '{"k": [{"v": "b"}, {"v": "a"}]}' WHERE id = 1)");
  EXPECT_EQ(RunOnce(manifest).write_backs, 0);
  EXPECT_EQ(Must(Get(client_, "acme", first)), "b");
  EXPECT_EQ(Must(Get(client_, "acme", second)), "a");

  // One is old text, the other new: the new one is what a rollback gives back.
  Must(Put(client_, "acme", first, "newer"));
  app_.Run(R"(UPDATE item SET doc = '{"k": [{"v": "b"}, {"v": "typed in"}]}' WHERE id = 1)");
  const ColumnReport report = RunOnce(manifest);
  EXPECT_EQ(report.write_backs, 1);
  EXPECT_EQ(Must(Get(client_, "acme", first)), "newer");
  EXPECT_EQ(Must(Get(client_, "acme", second)), "typed in");
  Must(RollBackMigration(client_, manifest, {}, {}));
  const auto strings = Must(FindJsonStrings(At(1, "doc"), *plan.path));
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(TextOf(strings[0].text), "newer");
  EXPECT_EQ(TextOf(strings[1].text), "typed in");
}

TEST_P(Migration, RowsThatCannotBeMigratedAreNamedAndTheOthersAreDone) {
  MakeItems(6);
  app_.Run("UPDATE item SET project = NULL WHERE id = 2");
  Must(Put(client_, "acme", "n4", "somebody else's"));
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kMarker)});
  const ColumnReport report = RunOnce(manifest);
  EXPECT_EQ(report.rows, 4);
  EXPECT_EQ(report.counts.plaintext, 2);
  EXPECT_EQ(report.counts.left, 0);
  const auto rows = Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)));
  const std::vector<QuarantinedRow> quarantined = Must(rows->Quarantined(10));
  ASSERT_EQ(quarantined.size(), 2U);
  EXPECT_EQ(quarantined[0].key, std::vector<std::string>{"2"});
  EXPECT_NE(quarantined[0].reason.find("project is NULL"), std::string::npos);
  EXPECT_NE(quarantined[1].reason.find("'n4'"), std::string::npos);
  EXPECT_EQ(At(4), "plain 4");
  EXPECT_THAT(FinalizeMigration(client_, manifest, {}, {}), FailsWith(ErrorCode::kRefusedByState));
  app_.Run("UPDATE item SET project = 'acme' WHERE id = 2");
  app_.Run("UPDATE item SET name = 'n44' WHERE id = 4");
  EXPECT_EQ(RunOnce(manifest).rows, 2);
  EXPECT_TRUE(Must(rows->Quarantined(10)).empty());
}

TEST_P(Migration, ARowThatTheDatabaseRefusesIsFoundAndTheOthersAreDone) {
  app_.Run(
      "CREATE TABLE item (id integer PRIMARY KEY, project text, name text, secret text,"
      " CHECK (id <> 13 OR length(secret) < 100))");
  for (int id = 1; id <= 30; ++id) {
    app_.Run("INSERT INTO item VALUES (" + std::to_string(id) + ", 'acme', '', 'v')");
  }
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  EXPECT_EQ(RunOnce(manifest).rows, 29);
  EXPECT_EQ(At(13), "v");
  const auto rows = Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)));
  EXPECT_EQ(Must(rows->Quarantined(10)).size(), 1U);
}

TEST_P(Migration, StringsOfDocumentsAreSealedAndCopiesOpen) {
  app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, doc " +
           std::string(app_.OnPostgres() ? "jsonb" : "text") + ")");
  app_.Run(R"(INSERT INTO item VALUES (1, 'acme', '{"nodes": [{"url": "x", "headers":)"
           R"( {"authorization": "Bearer abc"}}, {"headers": {"authorization": "töken \" 2"}}],)"
           R"( "n": 1}'), (2, 'acme', '{"nodes": []}'))");
  ColumnPlan plan = Sealed("doc", ContextKind::kField);
  plan.path = Must(ParseJsonPath("$.nodes[*].headers.authorization"));
  const MigrationManifest manifest = Manifest({plan});
  const std::string before = At(1, "doc");
  const ColumnReport report = RunOnce(manifest);
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.values, 2);
  EXPECT_EQ(VerifyOnce(manifest).opened, 2);
  const std::string document = At(1, "doc");
  const auto strings = Must(FindJsonStrings(document, *plan.path));
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(
      TextOf(Must(client_.OpenValue(Project("acme"), Label("item.doc"), TextOf(strings[0].text)))),
      "Bearer abc");
  EXPECT_EQ(
      TextOf(Must(client_.OpenValue(Project("acme"), Label("item.doc"), TextOf(strings[1].text)))),
      "töken \" 2");
  app_.Run("INSERT INTO item SELECT 3, project, doc FROM item WHERE id = 1");
  EXPECT_EQ(RunOnce(manifest).rows, 0);
  EXPECT_EQ(VerifyOnce(manifest).opened, 4);
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(At(1, "doc"), before);
  EXPECT_EQ(At(3, "doc"), before);
}

TEST_P(Migration, APartOfAStringBecomesAReference) {
  app_.Run("CREATE TABLE item (id integer PRIMARY KEY, project text, name text, doc " +
           std::string(app_.OnPostgres() ? "jsonb" : "text") + ")");
  app_.Run(R"(INSERT INTO item VALUES (1, 'acme', 'crm', '{"auth": "Bearer abc", "x": 1}'),)"
           R"( (2, 'acme', 'no', '{"auth": "Basic abc"}'))");
  ColumnPlan plan = Moved("doc", "{name}_token", Leave::kReference);
  plan.path = Must(ParseJsonPath("$.auth"));
  plan.before = "Bearer ";
  const MigrationManifest manifest = Manifest({plan});
  const std::string before = At(1, "doc");
  EXPECT_EQ(RunOnce(manifest).rows, 1);
  EXPECT_EQ(TextOf(Must(FindJsonStrings(At(1, "doc"), *plan.path)).front().text),
            "Bearer {{secrets.crm_token}}");
  EXPECT_EQ(Must(Get(client_, "acme", "crm_token")), "abc");
  EXPECT_EQ(VerifyOnce(manifest).quarantined, 1);
  EXPECT_EQ(VerifyOnce(manifest).opened, 1);
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(At(1, "doc"), before);
}

// The values are those of test case 14 of McGrew and Viega's "The Galois/Counter Mode of
// Operation".
TEST_P(Migration, ValuesThatTheAppHadEncryptedAreOpenedFirst) {
  MakeItems(3);
  const std::string old =
      "000000000000000000000000:d0d1c8a799996bf0265b98b5d48ab919:cea7403d4d606b6e074ec5d3baf39d18";
  app_.Run("UPDATE item SET secret = '" + old + "'");
  const TempFolder folder;
  WriteFile(folder / "old.key", std::string(64, '0'));
  WriteFile(folder / "wrong.key", std::string(64, '1'));
  ColumnPlan plan = Sealed("secret");
  plan.source =
      Must(ParseSource({{"format", "node-gcm"}, {"key", "file:" + (folder / "old.key")}}));
  ColumnPlan wrong = plan;
  wrong.source =
      Must(ParseSource({{"format", "node-gcm"}, {"key", "file:" + (folder / "wrong.key")}}));

  EXPECT_EQ(RunOnce(Manifest({wrong})).rows, 0);
  const auto rows = Must(OpenAppRows(app_.Url(), ColumnOf(Manifest({wrong}), 1)));
  EXPECT_EQ(Must(rows->Quarantined(10)).size(), 3U);
  EXPECT_EQ(At(1), old);

  EXPECT_EQ(RunOnce(Manifest({plan})).rows, 3);
  EXPECT_EQ(Opened(1), std::string(16, '\0'));
  EXPECT_EQ(VerifyOnce(Manifest({plan})).opened, 3);
  const std::string sealed =
      Must(client_.SealValue(Project("acme"), Label("item.secret"), AsBytes("newer"), {"2"}));
  app_.Run("UPDATE item SET secret = '" + sealed + "' WHERE id = 2");
  EXPECT_EQ(VerifyOnce(Manifest({plan})).changed, 1);
  // What is newer cannot be written in the old format: it is named, and stays.
  EXPECT_THAT(RollBackMigration(client_, Manifest({plan}), {}, {}),
              FailsWith(ErrorCode::kIntegrity));
  EXPECT_EQ(At(1), old);
  EXPECT_EQ(At(2), sealed);
  EXPECT_EQ(At(3), old);
}

TEST_P(Migration, AProjectMayStandInAnotherTableOrBeFixed) {
  app_.Run("CREATE TABLE flow (id integer PRIMARY KEY, project text)");
  app_.Run("CREATE TABLE item (id integer PRIMARY KEY, flow_id integer, secret text)");
  app_.Run("INSERT INTO flow VALUES (7, 'acme'), (8, 'beta')");
  app_.Run("INSERT INTO item VALUES (1, 7, 'a'), (2, 8, 'b'), (3, NULL, 'c')");
  ColumnPlan plan = Sealed("secret");
  plan.project = {"", "project", "flow", "flow_id", "id"};
  EXPECT_EQ(RunOnce(Manifest({plan})).rows, 2);
  EXPECT_EQ(TextOf(Must(client_.OpenValue(Project("beta"), Label("item.secret"), At(2), {"2"}))),
            "b");
  Must(RollBackMigration(client_, Manifest({plan}), {}, {}));
  plan.project = {"system", "", "", "", ""};
  EXPECT_EQ(RunOnce(Manifest({plan})).rows, 3);
  EXPECT_EQ(TextOf(Must(client_.OpenValue(Project("system"), Label("item.secret"), At(3), {"3"}))),
            "c");
}

TEST_P(Migration, FinalizingRefusesPlaintextAndForgetsTheOriginals) {
  MakeItems(50);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  app_.Run("UPDATE item SET secret = 'last moment' WHERE id = 7");
  const FinalizeReport report = Must(FinalizeMigration(client_, manifest, {}, {}));
  EXPECT_EQ(report.columns.front().counts.plaintext, 0);
  EXPECT_EQ(report.searched_values, 42U);  // `plain 1` to `plain 9` are too short, but for one
  EXPECT_EQ(report.residue.found, 0);
  EXPECT_GT(report.residue.bytes, 0);
  EXPECT_EQ(Opened(7), "last moment");
  EXPECT_TRUE(app_.Refuses("UPDATE item SET secret = 'canary text' WHERE id = 1", "refused"));
  EXPECT_TRUE(app_.Refuses("INSERT INTO item VALUES (99, 'acme', '', 'canary text')", "refused"));
  app_.Run("UPDATE item SET name = 'other' WHERE id = 1");
  EXPECT_EQ(Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)))->Count()->originals, 0);
  EXPECT_THAT(RollBackMigration(client_, manifest, {}, {}), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_EQ(VerifyOnce(manifest).opened, 50);
}

// What finalizing then does not find was there to be found. SQLite overwrites what the migration
// deletes, so there is nothing to be found before.
TEST_P(Migration, ACanaryGoesFirstAndIsSeenWhenTheAppHasReadIt) {
  MakeItems(3);
  const MigrationManifest manifest =
      Manifest({Sealed("secret"), Moved("name", "name/{id}", Leave::kMarker)});
  Canary value = Must(Canary::Migrate(client_, manifest, 1, {"2"}, {}));
  EXPECT_TRUE(At(2).starts_with("rs1."));
  EXPECT_EQ(At(1), "plain 1");
  EXPECT_FALSE(Must(value.WasRead(client_)));
  Client app = store_.Open();
  EXPECT_EQ(TextOf(Must(app.OpenValue(Project("acme"), Label("item.secret"), At(2), {"2"}))),
            "plain 2");
  EXPECT_TRUE(Must(value.WasRead(client_)));

  Canary moved = Must(Canary::Migrate(client_, manifest, 2, {"3"}, {}));
  EXPECT_EQ(At(3, "name"), "moved to rowseal");
  EXPECT_EQ(moved.what(), "secret name/3 of project beta");
  Must(Put(client_, "beta", "another", "x"));
  EXPECT_EQ(Must(Get(app, "beta", "another")), "x");
  EXPECT_FALSE(Must(moved.WasRead(client_)));
  EXPECT_EQ(Must(Get(app, "beta", "name/3")), "n3");
  EXPECT_TRUE(Must(moved.WasRead(client_)));

  // Again: the row is migrated, and what was read before does not count.
  Canary again = Must(Canary::Migrate(client_, manifest, 2, {"3"}, {}));
  EXPECT_FALSE(Must(again.WasRead(client_)));
  EXPECT_THAT(Canary::Migrate(client_, manifest, 1, {"99"}, {}), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Canary::Migrate(client_, manifest, 1, {"1", "2"}, {}),
              FailsWith(ErrorCode::kInvalidArgument));
  app_.Run("INSERT INTO item VALUES (7, NULL, 'n7', 'of nobody')");
  EXPECT_THAT(Canary::Migrate(client_, manifest, 1, {"7"}, {}), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(At(7), "of nobody");
}

TEST_P(Migration, PausedItWaitsAndGoesOn) {
  MakeItems(6);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  EXPECT_THAT(PauseMigration(manifest, true), FailsWith(ErrorCode::kRefusedByState));
  Must(InstallGuards(client_, manifest, {}));
  Must(PauseMigration(manifest, true));
  std::atomic<bool> was_paused{false};
  RunMigrationOptions options;
  options.on_progress = [&](const ColumnReport& report) {
    was_paused = was_paused || report.is_paused;
    return true;
  };
  std::thread run([&] { Must(RunMigration(client_, manifest, options, {})); });
  while (!was_paused) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(At(1), "plain 1");
  Must(PauseMigration(manifest, false));
  run.join();
  EXPECT_EQ(Opened(1), "plain 1");
  EXPECT_EQ(VerifyOnce(manifest).opened, 6);

  // Stopped while it is paused, and rolled back behind a pause.
  Must(PauseMigration(manifest, true));
  options.on_progress = [](const ColumnReport& report) { return !report.is_paused; };
  EXPECT_TRUE(Must(RunMigration(client_, manifest, options, {})).stopped);
  EXPECT_TRUE(Must(RollBackMigration(client_, manifest, options, {})).stopped);
  Must(PauseMigration(manifest, false));
  Must(RollBackMigration(client_, manifest, options, {}));
  EXPECT_EQ(At(1), "plain 1");
}

TEST_P(Migration, WhatStoodReadableIsNamedBeforeItsOriginalIsDeleted) {
  MakeItems(4);
  app_.Run("UPDATE item SET secret = NULL WHERE id = 2");
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kMarker)});
  RunOnce(manifest);
  app_.Run("INSERT INTO item VALUES (9, 'acme', 'n9', NULL)");
  FinalizeOptions options;
  options.before_deletion = [] { return Fail(ErrorCode::kUnavailable, "the disk is full"); };
  EXPECT_THAT(FinalizeMigration(client_, manifest, options, {}),
              FailsWith(ErrorCode::kUnavailable));
  std::string named;
  options.on_exposed = [&](const ReadableRow& secret) -> Result<void> {
    named += secret.project + "/" + secret.row.front() + "=" + secret.secrets.front() + " ";
    return {};
  };
  options.before_deletion = {};
  const FinalizeReport report = Must(FinalizeMigration(client_, manifest, options, {}));
  EXPECT_EQ(named, "acme/1=n1 beta/3=n3 acme/4=n4 ");
  EXPECT_EQ(report.exposed, 3);
  for (const ColumnSummary& column : Must(client_.Columns())) {
    EXPECT_EQ(column.state, ColumnState::kRemoved) << column.label.text();
  }
  EXPECT_EQ(Must(FinalizeMigration(client_, manifest, options, {})).exposed, 0);  // and again
  EXPECT_GE(report.elsewhere.size(), 2U);
}

// The app's own migration may make a table anew: the guard is put in place again.
TEST_P(Migration, ATableThatWasMadeAnewIsGuardedAndMigratedAgain) {
  MakeItems(3);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  app_.Run("DROP TABLE item");
  MakeItems(5);
  EXPECT_EQ(RunOnce(manifest).rows, 5);
  app_.Run("UPDATE item SET secret = 'again' WHERE id = 4");
  EXPECT_EQ(RunOnce(manifest).rows, 1);
  EXPECT_EQ(Opened(4), "again");
  EXPECT_EQ(VerifyOnce(manifest).failures, 0);
}

TEST_P(PostgresMigration, OldValuesStandInTheFilesUntilTheyAreScrubbed) {
  MakeItems(50);
  app_.Run("CREATE INDEX item_secret ON item (secret); ANALYZE item");
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  app_.Run("CHECKPOINT");
  std::vector<SecretBytes> values;
  values.push_back(Must(SecretBytes::CopyOf(AsBytes("plain 12"))));
  const auto rows = Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)));
  ResidueSearch before(values);
  const Residue residue = Must(rows->Search(before));
  EXPECT_TRUE(residue.in_files);
  EXPECT_GE(residue.found, 3);  // the table, the index, the statistics
  app_.Run("DROP INDEX item_secret");
  EXPECT_EQ(Must(FinalizeMigration(client_, manifest, {}, {})).residue.found, 0);
}

TEST_P(Migration, ThePlanNamesWhatStandsInTheWay) {
  MakeItems(3);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  const auto plan = [&] {
    const MigrationPlan all = Must(PlanMigration(manifest));
    std::map<std::string, ObstacleWeight> obstacles;
    for (const Obstacle& obstacle : all.columns.front().obstacles) {
      obstacles[obstacle.text.substr(0, obstacle.text.find(' ', obstacle.text.find(' ') + 1))] =
          obstacle.weight;
    }
    EXPECT_EQ(all.columns.front().counts.rows, 3);
    return obstacles;
  };
  EXPECT_TRUE(plan().empty());
  app_.Run("CREATE TABLE log (id integer)");
  if (app_.OnPostgres()) {
    app_.Run(
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RETURN NEW; END$$;"
        "CREATE TRIGGER note BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION noted();"
        "CREATE VIEW shown AS SELECT secret FROM item;"
        "CREATE MATERIALIZED VIEW copied AS SELECT secret FROM item;"
        "ALTER TABLE item REPLICA IDENTITY FULL; CREATE PUBLICATION changes FOR TABLE item;"
        "ALTER TABLE item ADD CONSTRAINT short CHECK (length(secret) < 9999)");
  } else {
    app_.Run("CREATE TRIGGER note AFTER UPDATE ON item BEGIN INSERT INTO log VALUES (1); END");
  }
  app_.Run("CREATE INDEX item_secret ON item (secret)");
  std::map<std::string, ObstacleWeight> found = plan();
  EXPECT_EQ(found.at("trigger note"), ObstacleWeight::kToAccept);
  EXPECT_EQ(found.at("index item_secret"), ObstacleWeight::kToAccept);
  if (app_.OnPostgres()) {
    EXPECT_EQ(found.at("view public.shown"), ObstacleWeight::kNote);
    EXPECT_EQ(found.at("materialized view"), ObstacleWeight::kToAccept);
    EXPECT_EQ(found.at("replica identity"), ObstacleWeight::kToAccept);
    EXPECT_EQ(found.at("publication changes"), ObstacleWeight::kToAccept);
    EXPECT_EQ(found.at("constraint short"), ObstacleWeight::kToAccept);
  }
  app_.Run("DROP INDEX item_secret");
  app_.Run("CREATE UNIQUE INDEX item_once ON item (secret)");
  EXPECT_EQ(plan().at("unique index"), ObstacleWeight::kRefused);
  app_.Run("DROP INDEX item_once");
  const std::size_t before = plan().size();
  RunOnce(manifest);
  EXPECT_EQ(plan().size(), before);  // its own guard is none
}

TEST_P(PostgresMigration, PartitionsAreGuardedAndThoseAttachedLaterAreFound) {
  app_.Run(
      "CREATE TABLE item (id bigint, at date, project text, secret text,"
      " PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
      "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE item_2 PARTITION OF item FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');"
      "INSERT INTO item SELECT i, date '2026-01-01' + i, 'acme', 'plain ' || i"
      " FROM generate_series(1, 50) i");
  ColumnPlan plan = Sealed("secret");
  plan.keys = {"id", "at"};
  const MigrationManifest manifest = Manifest({plan});
  EXPECT_EQ(RunOnce(manifest).rows, 50);
  app_.Run(
      "CREATE TABLE item_3 (LIKE item INCLUDING ALL);"
      "INSERT INTO item_3 VALUES (0, '2026-03-05', 'acme', 'attached');"
      "ALTER TABLE item ATTACH PARTITION item_3 FOR VALUES FROM ('2026-03-01') TO"
      " ('2026-04-01');"
      "SET session_replication_role = replica;"  // as restores and subscribers write
      "UPDATE item SET secret = 'written past' WHERE id = 7;"
      "INSERT INTO item VALUES (99, '2026-03-06', 'acme', 'new')");
  EXPECT_EQ(app_.Run("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'rowseal%' AND"
                     " tgenabled <> 'A'"),
            "0");
  EXPECT_EQ(app_.Run("SELECT count(*) FROM rowseal_migration.queued_row"), "2");
  EXPECT_EQ(RunOnce(manifest).rows, 3);
  EXPECT_EQ(VerifyOnce(manifest).failures, 0);
  EXPECT_EQ(Must(FinalizeMigration(client_, manifest, {}, {})).residue.found, 0);
  EXPECT_TRUE(
      app_.Refuses("INSERT INTO item VALUES (100, '2026-03-07', 'acme', 'new')", "refused"));
}

TEST_P(Migration, HostileNamesAreNames) {
  const std::string table = R"("it""em'; x")";
  app_.Run("CREATE TABLE " + table +
           R"( ("i d" integer PRIMARY KEY, "pro'ject" text, "se""cret" text))");
  app_.Run("INSERT INTO " + table + " VALUES (1, 'acme', 'v')");
  ColumnPlan plan = Sealed("se\"cret");
  plan.table = app_.OnPostgres() ? "public." + table : "it\"em'; x";
  plan.keys = {"i d"};
  plan.project.column = "pro'ject";
  plan.label = "hostile";
  EXPECT_EQ(RunOnce(Manifest({plan})).rows, 1);
  app_.Run("UPDATE " + table + R"( SET "se""cret" = 'again')");
  EXPECT_EQ(RunOnce(Manifest({plan})).rows, 1);
  Must(RollBackMigration(client_, Manifest({plan}), {}, {}));
  EXPECT_EQ(app_.Run(R"(SELECT "se""cret" FROM )" + table), "again");
}

// Somebody edits the journal: what does not open as its row's is named, and nothing wrong is
// written.
TEST_P(Migration, OriginalsThatWereChangedOrSwappedAreRefusedAndTheOthersGivenBack) {
  MakeItems(5);
  const MigrationManifest manifest = Manifest({Moved("secret", "{name}", Leave::kMarker)});
  RunOnce(manifest);
  const std::string table = app_.OnPostgres() ? "rowseal_migration.original_" + manifest.name + "_1"
                                              : std::string("rowseal_migration_original");
  const auto key = [&](int id) {
    return app_.OnPostgres() ? "k0 = " + std::to_string(id)
                             : "key = 'i" + std::to_string(id) + ";'";
  };
  const auto sealed = [&](int id) {
    return app_.Run("SELECT sealed FROM " + table + " WHERE " + key(id));
  };
  const auto set = [&](int id, const std::string& text) {
    app_.Run("UPDATE " + table + " SET sealed = '" + text + "' WHERE " + key(id));
  };
  const std::string second = sealed(2);
  const std::string fourth = sealed(4);
  set(2, fourth);  // of the same project
  set(4, second);
  std::string damaged = sealed(5);
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  set(5, damaged);
  const ColumnVerdict verdict = VerifyOnce(manifest);
  EXPECT_EQ(failures_.size(), 3U);
  EXPECT_EQ(verdict.failures, 3);
  EXPECT_THAT(RollBackMigration(client_, manifest, {}, {}), FailsWith(ErrorCode::kIntegrity));
  EXPECT_EQ(app_.Run("SELECT secret FROM item ORDER BY id"),
            "plain 1\nmoved to rowseal\nplain 3\nmoved to rowseal\nmoved to rowseal");
  EXPECT_EQ(Must(Get(client_, "acme", "n2")), "plain 2");  // and the value stands in the store
  EXPECT_EQ(Must(Get(client_, "acme", "n5")), "plain 5");
}

TEST_P(Migration, SealedValuesThatWereSwappedAreRefused) {
  MakeItems(3);
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  RunOnce(manifest);
  const std::string first = At(1);
  app_.Run("UPDATE item SET secret = '" + At(2) + "' WHERE id = 1");
  app_.Run("UPDATE item SET secret = '" + first + "' WHERE id = 2");
  EXPECT_EQ(VerifyOnce(manifest).failures, 2);
  EXPECT_THAT(FinalizeMigration(client_, manifest, {}, {}), FailsWith(ErrorCode::kRefusedByState));
}

TEST_P(Migration, ValuesOfTenMegabytesGoAndLargerOnesAreNamed) {
  const auto text = [&](const std::string& size) {
    return app_.OnPostgres() ? "repeat('x', " + size + ")"
                             : "replace(printf('%." + size + "c', 'x'), ' ', 'x')";
  };
  MakeItems(3);
  app_.Run("UPDATE item SET secret = " + text("10485760") + " WHERE id = 1");
  app_.Run("UPDATE item SET secret = " + text("17825792") + " WHERE id = 2");
  const MigrationManifest manifest = Manifest({Sealed("secret")});
  EXPECT_EQ(RunOnce(manifest).rows, 2);
  EXPECT_EQ(Opened(1).size(), 10485760U);
  const auto rows = Must(OpenAppRows(manifest.database, ColumnOf(manifest, 1)));
  const std::vector<QuarantinedRow> quarantined = Must(rows->Quarantined(10));
  ASSERT_EQ(quarantined.size(), 1U);
  EXPECT_NE(quarantined.front().reason.find("16 MiB"), std::string::npos);
  Must(RollBackMigration(client_, manifest, {}, {}));
  EXPECT_EQ(app_.Run("SELECT length(secret) FROM item WHERE id <= 2 ORDER BY id"),
            "10485760\n17825792");
}

// At every write of the app's file: the run says so, nothing is half-done, and the next one ends
// it.
TEST(SqliteMigration, AFullDiskLosesNothingAndTheNextRunGoesOn) {
  bool failed = true;
  int refused = 0;
  for (std::size_t write = 0; failed; write += StepOr(7)) {
    SCOPED_TRACE("full from write " + std::to_string(write));
    const AppDb app(AppKind::kSqlite);
    app.Run("CREATE TABLE item (id integer PRIMARY KEY, secret text)");
    app.Run("INSERT INTO item VALUES (1, 'plain 1'), (2, 'plain 2'), (3, 'plain 3')");
    const TestStore store;
    ColumnPlan plan;
    plan.table = "item";
    plan.keys = {"id"};
    plan.project.fixed = "system";
    plan.column = "secret";
    plan.label = "item.secret";
    plan.context = ContextKind::kCell;
    const MigrationManifest manifest{"app", app.Url(), {plan}};
    {
      Client client = store.Open();
      Must(client.AddColumn(Label("item.secret"), ContextKind::kCell));
      Must(client.AddColumn(Label("migration.app"), ContextKind::kCell));
      Must(
          client.SealValue(Project("system"), Label("item.secret"), AsBytes("makes a key"), {"0"}));
      FaultyDisk disk;
      disk.FailFrom(write, DiskFault::kFull);
      const Result<RunMigrationReport> run = RunMigration(client, manifest, {}, {});
      failed = disk.Heal();
      if (!run) {
        ++refused;
        EXPECT_TRUE(run.error().code == ErrorCode::kResourceExhausted ||
                    run.error().code == ErrorCode::kUnavailable)
            << run.error().message;
      }
    }
    Client client = store.Open();
    const RunMigrationReport again = Must(RunMigration(client, manifest, {}, {}));
    EXPECT_EQ(again.columns.front().counts.originals, 3);
    for (int id = 1; id <= 3; ++id) {
      const std::string number = std::to_string(id);
      EXPECT_EQ(TextOf(Must(client.OpenValue(
                    Project("system"), Label("item.secret"),
                    app.Run("SELECT secret FROM item WHERE id = " + number), {number}))),
                "plain " + number);
    }
  }
  EXPECT_GT(refused, 1);
}

INSTANTIATE_TEST_SUITE_P(Apps, PostgresMigration, ::testing::Values(AppKind::kPostgres),
                         [](const auto&) { return "Postgres"; });

INSTANTIATE_TEST_SUITE_P(Apps, Migration, ::testing::Values(AppKind::kSqlite, AppKind::kPostgres),
                         [](const auto& named) {
                           return named.param == AppKind::kSqlite ? "Sqlite" : "Postgres";
                         });

}  // namespace
}  // namespace rowseal::testing
