// Registered columns in an app's tables on PostgreSQL: what a DEK rotation does to them, and which
// places are refused.
#include <set>

#include "db/postgres/postgres_app_column.h"
#include "envelope/sealed_text.h"
#include "envelope/sealed_value.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class PostgresColumns : public ::testing::Test {
 protected:
  PostgresColumns() : server_(PostgresServer::Shared()), database_(server_.CreateDatabase()) {}
  ~PostgresColumns() override { server_.DropDatabase(database_); }

  std::string Run(const std::string& sql) const {
    std::string text = server_.Run(database_, sql);
    while (text.ends_with('\n')) {
      text.pop_back();
    }
    return text;
  }
  ColumnSource Place(const std::string& table, const std::string& column,
                     std::vector<std::string> keys = {"id"}) const {
    return {server_.Url(database_), table, column, std::move(keys), "project"};
  }
  static std::string Quoted(const std::string& text) { return "'" + text + "'"; }

  // How many sealed values in `texts` are not under an active DEK; each opens as `expected`.
  std::int64_t Stale(Client& client, const std::string& label, const std::string& text,
                     const std::string& expected, const std::vector<std::string>& row_key = {}) {
    Intruder intruder(store_.path());
    std::int64_t stale = 0;
    for (const SealedSpan& span : FindSealedValues(text)) {
      const std::string sealed = text.substr(span.offset, span.size);
      EXPECT_EQ(TextOf(Must(client.OpenValue(Project("acme"), Label(label), sealed, row_key))),
                expected);
      stale += intruder.Integer("SELECT count(*) FROM dek WHERE id = $1 AND state <> 'active'",
                                {ToText(Must(DecodeSealedValue(sealed)).dek)});
    }
    return stale;
  }

  TestStore store_;
  PostgresServer& server_;
  const std::string database_;
};

// A key is unique within one table, so a row of the parent and one of a child may share it.
TEST_F(PostgresColumns, OfTablesThatOthersInheritFromAreRefused) {
  Run("CREATE TABLE item (id bigint PRIMARY KEY, project text, content text)");
  Run("CREATE TABLE child () INHERITS (item)");
  EXPECT_THAT(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")),
              FailsNaming(ErrorCode::kInvalidArgument, "inherit"));
  Run("ALTER TABLE child ADD PRIMARY KEY (id)");
  EXPECT_TRUE(OpenPostgresAppColumn(server_.Url(database_), Place("child", "content")));
  Run("DROP TABLE child");
  EXPECT_TRUE(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
}

// A child that is made while a job has the table open: its rows are not the table's.
TEST_F(PostgresColumns, OnlyTheTableItselfIsReadAndChanged) {
  Run("CREATE TABLE item (id bigint PRIMARY KEY, project text, content text);"
      "INSERT INTO item VALUES (1, 'acme', 'rs1.parent')");
  const auto column = Must(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
  Run("CREATE TABLE child () INHERITS (item); INSERT INTO child VALUES (1, 'acme', 'rs1.child')");
  EXPECT_EQ(Must(column->Count()), 1);
  const std::vector<AppValue> values = Must(column->Read("", 10, 1'000'000));
  ASSERT_EQ(values.size(), 1U);
  EXPECT_EQ(values[0].text, "rs1.parent");
  EXPECT_EQ(Must(column->Replace({{values[0].position, "", "rs1.new"}})), std::vector<bool>{true});
  EXPECT_EQ(Run("SELECT string_agg(content, ' ' ORDER BY content) FROM item"), "rs1.child rs1.new");
  Run("DROP TABLE child, item");
}

// A cast to a type without its length would cut a key, and meet another row.
TEST_F(PostgresColumns, KeysKeepTheirLength) {
  for (const char* type : {"character(3)", "bit(3)", "varchar(3)", "numeric(3, 0)"}) {
    Run("CREATE TABLE item (id " + std::string(type) +
        " PRIMARY KEY, project text, content text);"
        "INSERT INTO item VALUES ('100', 'acme', 'rs1.a'), ('101', 'acme', 'rs1.b')" +
        (std::string(type).starts_with("bit") ? "" : ", ('1', 'acme', 'rs1.c')"));
    const auto column =
        Must(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
    for (const AppValue& value : Must(column->Read("", 10, 1'000'000))) {
      EXPECT_EQ(Must(column->Replace({{value.position, "", value.text + value.key.front()}})),
                std::vector<bool>{true})
          << type;
    }
    EXPECT_EQ(Run("SELECT count(*) FROM item WHERE content NOT LIKE 'rs1._' || trim(id::text)"),
              "0")
        << type;
    Run("DROP TABLE item");
  }
}

// The owner of a type may make casts of it, which every statement over the column would call.
TEST_F(PostgresColumns, OfTheApplicationsOwnTypesAreRefused) {
  Run("CREATE TYPE mine AS ENUM ('a'); CREATE DOMAIN part AS bigint;"
      "CREATE DOMAIN plain AS part;"
      "CREATE SCHEMA fake; CREATE TYPE fake.text AS ENUM ('a');"
      "CREATE ROLE type_owner; ALTER TYPE mine OWNER TO type_owner;"
      "ALTER TYPE fake.text OWNER TO type_owner;"
      "CREATE TABLE by_mine (id mine PRIMARY KEY, project text, content text);"
      "CREATE TABLE of_mine (id bigint PRIMARY KEY, project mine, content text);"
      "CREATE TABLE in_fake (id bigint PRIMARY KEY, project text, content fake.text);"
      "CREATE TABLE by_plain (id plain PRIMARY KEY, project text, content text)");
  for (const char* table : {"by_mine", "of_mine", "in_fake"}) {
    EXPECT_THAT(OpenPostgresAppColumn(server_.Url(database_), Place(table, "content")),
                FailsNaming(ErrorCode::kInvalidArgument, "the application's own"))
        << table;
  }
  EXPECT_TRUE(OpenPostgresAppColumn(server_.Url(database_), Place("by_plain", "content")));
  Run("DROP TABLE by_mine, of_mine, in_fake, by_plain; DROP TYPE mine; DROP TYPE fake.text;"
      "DROP ROLE type_owner");
}

struct ColumnType {
  const char* name;
  const char* type;
  const char* before;  // what surrounds a sealed value in the row
  const char* behind;
};

class PostgresColumnTypes : public PostgresColumns,
                            public ::testing::WithParamInterface<ColumnType> {
 protected:
  // The content as text, whatever the column's type.
  std::string At(int id) const {
    return Run(std::string("SELECT ") +
               (std::string_view(GetParam().type) == "bytea" ? "convert_from(content, 'UTF8')"
                                                             : "content::text") +
               " FROM item WHERE id = " + std::to_string(id));
  }
};

TEST_P(PostgresColumnTypes, AreSealedAgainInPlaceAndNothingElseIsTouched) {
  Run("CREATE DOMAIN sealed AS text CHECK (value <> '')");
  Run(std::string("CREATE TABLE item (id bigint PRIMARY KEY, project text, content ") +
      GetParam().type + ", touched int DEFAULT 0)");
  Client client = store_.Open();
  Must(client.AddColumn(Label("content"), ContextKind::kCell, {}, Place("item", "content")));
  constexpr int kRows = 7;
  for (int id = 1; id <= kRows; ++id) {
    const std::string sealed =
        Must(client.SealValue(Project("acme"), Label("content"),
                              AsBytes("value " + std::to_string(id)), {std::to_string(id)}));
    Run("INSERT INTO item VALUES (" + std::to_string(id) + ", 'acme', " +
        Quoted(GetParam().before + sealed + GetParam().behind) + ")");
  }
  Run("INSERT INTO item VALUES (8, 'acme', NULL), (9, 'acme', " +
      Quoted(std::string(GetParam().before) + "plain" + GetParam().behind) + ")");
  const std::string untouched = Run("SELECT xmin, * FROM item WHERE id > 7 ORDER BY id");

  Must(RotateDeks(client, Project("acme")));
  const JobsReport report = Must(RunJobs(client));
  EXPECT_EQ(report.failed, 0);
  for (int id = 1; id <= kRows; ++id) {
    const std::string text = At(id);
    EXPECT_EQ(FindSealedValues(text).size(), 1U);
    EXPECT_EQ(Stale(client, "content", text, "value " + std::to_string(id), {std::to_string(id)}),
              0);
    EXPECT_TRUE(text.starts_with(GetParam().before) && text.ends_with(GetParam().behind)) << text;
  }
  EXPECT_EQ(Run("SELECT xmin, * FROM item WHERE id > 7 ORDER BY id"), untouched);
  EXPECT_EQ(Must(TakeCensus(client, CountFrom::kEveryRow)).front().values, kRows);

  const std::string before = Run("SELECT xmin, id FROM item ORDER BY id");
  EXPECT_EQ(Must(RunJobs(client)).failed, 0);
  EXPECT_EQ(Run("SELECT xmin, id FROM item ORDER BY id"), before) << "a second run changed rows";
}

INSTANTIATE_TEST_SUITE_P(
    Of, PostgresColumnTypes,
    ::testing::Values(ColumnType{"text", "text", "", ""},
                      ColumnType{"varchar", "varchar(300)", "", ""},
                      ColumnType{"domain", "sealed", "Bearer ", ""},
                      ColumnType{"bytea", "bytea", "", ""},
                      ColumnType{"json", "json", R"({"a":  ")", R"(", "b": [1.50]})"},
                      ColumnType{"jsonb", "jsonb", R"({"a": ")", R"(", "b": [1.50]})"}),
    [](const ::testing::TestParamInfo<ColumnType>& column) {
      return std::string(column.param.name);
    });

TEST_F(PostgresColumns, KeysOfSeveralColumnsOrderedByTheServerInManyBatches) {
  // The server's order of texts is a collation's, not that of bytes; partitions are one table.
  Run(R"(CREATE TABLE "Odd ""name" (project uuid NOT NULL, "K 1" text NOT NULL, k2 int NOT NULL,
         content text, PRIMARY KEY ("K 1", k2)) PARTITION BY LIST (k2);
         CREATE TABLE even PARTITION OF "Odd ""name" FOR VALUES IN (0, 2);
         CREATE TABLE odd PARTITION OF "Odd ""name" FOR VALUES IN (1, 3))");
  const std::string project = "11111111-2222-4333-8444-555555555555";
  Client client = store_.Open();
  ColumnSource place = Place(R"("Odd ""name")", "content", {"K 1", "k2"});
  Must(client.AddColumn(Label("odd"), ContextKind::kCell, {}, place));
  std::vector<std::vector<std::string>> keys;
  for (const std::string first : {"a", "B", "ä", "", "10", "9", "it''s", "z:1:"}) {
    for (int second = 0; second < 4; ++second) {
      const std::string key = first == "it''s" ? "it's" : first;
      keys.push_back({key, std::to_string(second)});
      Run(R"(INSERT INTO "Odd ""name" VALUES ('11111111-2222-4333-8444-555555555555', ')" + first +
          "', " + std::to_string(second) + ", " +
          Quoted(
              Must(client.SealValue(Project(project), Label("odd"), AsBytes(key), keys.back()))) +
          ")");
    }
  }
  Must(RotateDeks(client, Project(project)));
  EXPECT_EQ(Must(RunJobs(client)).failed, 0);

  std::unique_ptr<AppColumn> column = Must(OpenPostgresAppColumn(place.database, place));
  EXPECT_EQ(Must(column->Count()), 32);
  std::string position;
  std::set<std::vector<std::string>> seen;
  for (;;) {
    const std::vector<AppValue> page = Must(column->Read(position, 5, 1 << 20));
    if (page.empty()) {
      break;
    }
    EXPECT_LE(page.size(), 5U);
    for (const AppValue& value : page) {
      EXPECT_TRUE(seen.insert(value.key).second) << "a row came twice";
      EXPECT_EQ(
          TextOf(Must(client.OpenValue(Project(project), Label("odd"), value.text, value.key))),
          value.key.front());
    }
    position = page.back().position;
  }
  EXPECT_EQ(seen.size(), keys.size());
  EXPECT_EQ(Must(column->Read("", 100, 1)).size(), 1U) << "a page of few bytes holds a row";
  EXPECT_EQ(Intruder(store_.path()).Integer("SELECT count(*) FROM dek WHERE state = 'deactivated'"),
            1);
}

TEST_F(PostgresColumns, AnAppThatWritesMeanwhileWins) {
  Run("CREATE TABLE item (id int PRIMARY KEY, project text, content text, other int DEFAULT 0)");
  Run("INSERT INTO item SELECT i, 'acme', 'rs1.' || i FROM generate_series(1, 5) i");
  std::unique_ptr<AppColumn> column =
      Must(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
  const std::vector<AppValue> rows = Must(column->Read("", 100, 1 << 20));
  ASSERT_EQ(rows.size(), 5U);
  Run("UPDATE item SET content = 'rs1.newer' WHERE id = 2");
  Run("UPDATE item SET other = 1 WHERE id = 3");
  Run("DELETE FROM item WHERE id = 4");
  std::vector<AppChange> changes;
  for (const AppValue& row : rows) {
    changes.push_back({row.position, row.text, "rs1.resealed " + row.key.front()});
  }
  EXPECT_EQ(Must(column->Replace(changes)), (std::vector<bool>{true, false, false, false, true}));
  EXPECT_EQ(Run("SELECT string_agg(id || ' ' || content, ',' ORDER BY id) FROM item"),
            "1 rs1.resealed 1,2 rs1.newer,3 rs1.3,5 rs1.resealed 5");
  EXPECT_EQ(Must(column->Replace(changes)), std::vector<bool>(5, false));
  EXPECT_TRUE(Must(column->Replace({})).empty());
}

TEST_F(PostgresColumns, ARowWithoutAProjectAndAPositionThatWasChangedAreNamed) {
  Run("CREATE TABLE item (id int PRIMARY KEY, project text, content text)");
  Run("INSERT INTO item VALUES (1, NULL, 'rs1.x')");
  std::unique_ptr<AppColumn> column =
      Must(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
  EXPECT_EQ(Must(column->Read("", 10, 1 << 20)).front().defect, "its project is NULL");
  for (const std::string position : {"x", "1:1", "1:11:11:1", "9:1", "1:1-1:1", "1:1 1:1"}) {
    EXPECT_THAT(column->Read(position, 10, 1 << 20), FailsWith(ErrorCode::kIntegrity)) << position;
  }
}

TEST_F(PostgresColumns, PlacesThatAreNoneAreRefusedWhenTheyAreRegistered) {
  Run("CREATE TABLE item (id int PRIMARY KEY, project text, content text, number int,"
      " twice text GENERATED ALWAYS AS (content || content) STORED, part int, loose int);"
      "CREATE UNIQUE INDEX ON item (part) WHERE part > 0;"
      "CREATE UNIQUE INDEX ON item (loose);"
      "CREATE VIEW items AS SELECT * FROM item;"
      "CREATE TABLE hidden (id int PRIMARY KEY, project text, content text);"
      "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY");
  server_.Run("postgres", "DROP ROLE IF EXISTS columns_app; CREATE ROLE columns_app LOGIN");
  Run("GRANT ALL ON hidden TO columns_app");
  Client client = store_.Open();
  const auto add = [&](const ColumnSource& source) {
    return client.AddColumn(Label("new"), ContextKind::kCell, {}, source);
  };
  const auto expect_refused = [&](const ColumnSource& source, const std::string& why) {
    EXPECT_THAT(add(source), FailsNaming(ErrorCode::kInvalidArgument, why));
  };
  expect_refused(Place("nobody", "content"), "no table");
  expect_refused(Place("item; DROP TABLE item", "content"), "");
  expect_refused(Place("items", "content"), "not a table");
  expect_refused(Place("item", "nothing"), "no column");
  expect_refused(Place("item", "number"), "is of type integer");
  expect_refused(Place("item", "twice"), "generated");
  expect_refused(Place("item", "content", {"project"}), "neither its primary key nor unique");
  expect_refused(Place("item", "content", {"part"}), "neither its primary key nor unique");
  expect_refused(Place("item", "content", {"loose"}), "neither its primary key nor unique");
  expect_refused(Place("item", "content", {"id", "part"}), "neither its primary key nor unique");
  ColumnSource hidden = Place("hidden", "content");
  hidden.database = server_.Url(database_, "columns_app");
  expect_refused(hidden, "row-level security");
  ColumnSource with_password = Place("item", "content");
  with_password.database = "postgres://app:hunter2@127.0.0.1/app";
  const Result<void> refused = add(with_password);
  EXPECT_THAT(refused, FailsNaming(ErrorCode::kInvalidArgument, "holds a password"));
  EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);
  EXPECT_THAT(add(Place("item", "content")), Succeeds());
  Run("DROP OWNED BY columns_app");
  server_.Run("postgres", "DROP ROLE columns_app");
}

TEST_F(PostgresColumns, ATextTooLongForItsColumnIsAnErrorAndNotCut) {
  Run("CREATE TABLE item (id int PRIMARY KEY, project text, content varchar(8))");
  Run("INSERT INTO item VALUES (1, 'acme', 'rs1.x')");
  std::unique_ptr<AppColumn> column =
      Must(OpenPostgresAppColumn(server_.Url(database_), Place("item", "content")));
  const AppValue row = Must(column->Read("", 10, 1 << 20)).front();
  Result<std::vector<bool>> replaced =
      column->Replace({{row.position, row.text, "rs1.too long for it"}});
  EXPECT_FALSE(replaced) << "a text was cut to the column's length";
  EXPECT_EQ(Run("SELECT content FROM item"), "rs1.x");
  Run("ALTER TABLE item RENAME TO gone");
  EXPECT_THAT(column->Count(), FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace rowseal::testing
