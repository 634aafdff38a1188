// `rowseal scan` on a real server: what it finds in an app of several tenants with row-level
// security, partitions and hostile names, and what it says where it cannot look.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/postgres/postgres_connection.h"
#include "support/paths.h"
#include "support/postgres_server.h"

namespace rowseal::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Tokens are put together by the server, so that scanners of repositories do not find them here.
constexpr const char* kWorkflowEngine = R"sql(
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('app.user', true), '')::uuid $$;
CREATE TABLE projects (id uuid PRIMARY KEY, owner uuid NOT NULL, name text NOT NULL);
CREATE TABLE secrets (id uuid PRIMARY KEY, project_id uuid NOT NULL REFERENCES projects,
  key text NOT NULL, value_encrypted bytea NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, key));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER secrets_touch BEFORE UPDATE ON secrets FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE workflow_definitions (id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects, slug text NOT NULL, version int NOT NULL,
  definition jsonb NOT NULL, UNIQUE (project_id, slug, version));
CREATE VIEW workflows AS SELECT DISTINCT ON (project_id, slug) * FROM workflow_definitions
  ORDER BY project_id, slug, version DESC;
CREATE TABLE workflow_events (id bigint, run_id uuid NOT NULL, ts timestamptz, type text NOT NULL,
  payload jsonb NOT NULL, PRIMARY KEY (id, ts)) PARTITION BY RANGE (ts);
CREATE TABLE workflow_events_2026_01 PARTITION OF workflow_events
  FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE workflow_events_2026_02 PARTITION OF workflow_events
  FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (owner = auth.uid());
CREATE POLICY own ON secrets
  USING (project_id IN (SELECT id FROM projects WHERE owner = auth.uid()));
INSERT INTO projects SELECT ('00000000-0000-4000-8000-00000000000' || i)::uuid, gen_random_uuid(),
  'Project ' || i FROM generate_series(1, 3) i;
INSERT INTO secrets (id, project_id, key, value_encrypted)
  SELECT gen_random_uuid(), p.id, k.key, convert_to(k.value, 'UTF8') FROM projects p,
  (VALUES ('STRIPE_KEY', 'sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc'),
          ('GITHUB_TOKEN', 'gh' || 'p_16C7e42F292c6912E7710c838347Ae178B4a'),
          ('DB_PASSWORD', 'correct!Horse7')) k(key, value);
INSERT INTO workflow_definitions
  SELECT gen_random_uuid(), p.id, 'order-flow', v, jsonb_build_object('nodes', jsonb_build_array(
    jsonb_build_object('id', gen_random_uuid(), 'url', 'https://api.example.com/v1/orders',
      'headers', jsonb_build_object('authorization', 'Bearer ' || md5(v::text) || md5('x' || v),
        'content-type', 'application/json',
        'X-Api-Key', encode(sha256(v::text::bytea), 'base64')),
      'body', '{"amount": 1, "api_key": "sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc"}'),
    jsonb_build_object('id', gen_random_uuid(), 'url', 'https://user:hunter22@hooks.example.com/in',
      'headers', jsonb_build_object('authorization', 'Bearer {{secrets.STRIPE_KEY}}'),
      'description', 'Tell the warehouse that an order came in')))
  FROM projects p, generate_series(1, 4) v;
INSERT INTO workflow_events
  SELECT n, gen_random_uuid(), '2026-01-20'::timestamptz + n * interval '1 hour', 'request',
    jsonb_build_object('headers', jsonb_build_object(
      'x-signature', encode(sha256(n::text::bytea), 'hex'),
      'authorization', 'Basic ' || encode(convert_to('user:s3cret' || n, 'UTF8'), 'base64')),
      'email', 'a@example.com')
  FROM generate_series(1, 500) n;
)sql";

constexpr const char* kPlainTables = R"sql(
CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE, totp text, password text NOT NULL);
INSERT INTO users SELECT i, 'u' || i || '@example.com',
  CASE WHEN i % 3 = 0 THEN 'JBSWY3DPEHPK3PXP' END,
  '$2b$12$' || left(encode(sha512(i::text::bytea), 'base64'), 53) FROM generate_series(1, 60) i;
CREATE TABLE integrations (id bigint PRIMARY KEY, token varchar(64) NOT NULL);
INSERT INTO integrations
  SELECT i, 'gh' || 'p_' || left(md5(i::text) || md5('x' || i), 36) FROM generate_series(1, 9) i;
CREATE TABLE settings (key text PRIMARY KEY, value text);
INSERT INTO settings VALUES ('site_name', 'Acme'), ('smtp_password', 'hunter22!Zx'),
  ('stripe_key', 'sk_' || 'live_4eC39HqLyjWDarjtT1zdp7dc'), ('motd', 'Welcome to all of you');
CREATE TABLE "od""d 'Täble
x" ("k""ey" text PRIMARY KEY, "api ""key
{x}" text);
INSERT INTO "od""d 'Täble
x" SELECT 'a' || i, 'AK' || 'IA' || upper(left(md5(i::text), 16)) FROM generate_series(1, 5) i;
CREATE TABLE without_key (webhook_secret text);
INSERT INTO without_key VALUES ('whs' || 'ec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
CREATE DOMAIN short_text AS varchar(40) CHECK (length(value) > 3);
CREATE TABLE odd_types (id int PRIMARY KEY, tokens text[], api_key short_text, both_secret text);
INSERT INTO odd_types SELECT i, ARRAY['a', 'b'], left(md5(i::text), 32), md5('y' || i)
  FROM generate_series(1, 5) i;
CREATE INDEX ON odd_types (lower(both_secret));
)sql";

std::string Contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class PostgresScan : public ::testing::Test {
 protected:
  PostgresScan() : server_(PostgresServer::Shared()), database_(server_.CreateDatabase()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "rowseal-scan-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~PostgresScan() override {
    server_.DropDatabase(database_);
    std::filesystem::remove_all(folder_);
  }

  void Run(const std::string& sql) const { server_.Run(database_, sql); }

  ProgramResult Scan(const std::string& user = "postgres",
                     const std::vector<std::string>& more = {"--force"}) const {
    std::vector<std::string> command = {ROWSEAL_CLI_PATH, "scan",
                                        "--database",     server_.Url(database_, user),
                                        "--output",       manifest()};
    command.insert(command.end(), more.begin(), more.end());
    return RunProgram(command);
  }
  std::string manifest() const { return folder_ / "app.toml"; }
  std::string Text() const { return Contents(manifest()); }

  // The block of a column, from its heading to the next empty line.
  std::string Block(const std::string& heading) const {
    const std::string text = Text();
    const std::size_t at = text.find("# " + heading);
    return at == std::string::npos ? "no such block" : text.substr(at, text.find("\n\n", at) - at);
  }

  PostgresServer& server_;
  const std::string database_;
  std::filesystem::path folder_;
};

TEST_F(PostgresScan, ProposesForAWorkflowEngine) {
  Run(kWorkflowEngine);
  const ProgramResult result = Scan();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("tables: 4, likely: 6, doubtful: 0, left out: 0"));
  EXPECT_THAT(Block("public.secrets, column value_encrypted"),
              AllOf(HasSubstr("9 of 9 values in 9 sampled rows"), HasSubstr("3 × Stripe key"),
                    HasSubstr("fires: secrets_touch"),
                    HasSubstr("\n[[column]]\ntable = \"public.secrets\"\nkeys = [\"id\"]\n"
                              "project = { column = \"project_id\" }\n"
                              "column = \"value_encrypted\"\nformat = \"plain\"\nmode = \"move\"\n"
                              "kind = \"workflow\"\nname_rule = \"{key}\"\nleave = \"marker\"")));
  for (const char* path : {"$.nodes[*].headers.authorization", "$.nodes[*].headers[\"X-Api-Key\"]",
                           "$.nodes[*].url", "$.nodes[*].body"}) {
    EXPECT_THAT(
        Block(std::string("public.workflow_definitions, column definition (jsonb), strings at ") +
              path),
        AllOf(HasSubstr("\n[[column]]\n"), HasSubstr("project = { column = \"project_id\" }"),
              HasSubstr("label = \"public.workflow_definitions.definition\""),
              HasSubstr("context = \"field\"")))
        << path;
  }
  EXPECT_THAT(Block("public.workflow_events, column payload (jsonb), strings at "
                    "$.headers.authorization"),
              AllOf(HasSubstr("500 of 500"), HasSubstr("\nkeys = [\"id\", \"ts\"]\n"),
                    HasSubstr("all rows go to project system")));
  EXPECT_THAT(Text(), AllOf(Not(HasSubstr("public.workflows,")), Not(HasSubstr("2026_01")),
                            Not(HasSubstr("x-signature"))));
}

TEST_F(PostgresScan, ProposesForPlainTables) {
  Run(kPlainTables);
  const ProgramResult result = Scan();
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(Block("public.users, column totp"),
              AllOf(HasSubstr("20 of 20 values in 60 sampled rows"), HasSubstr("\n[[column]]\n"),
                    HasSubstr("mode = \"value\""), HasSubstr("context = \"cell\""),
                    HasSubstr("project = { fixed = \"system\" }")));
  EXPECT_THAT(Block("public.users, column password"),
              AllOf(HasSubstr("60 × password hash"), Not(HasSubstr("[[column]]"))));
  EXPECT_THAT(Block("public.integrations, column token"),
              AllOf(HasSubstr("takes 64 characters"), HasSubstr("\n# [[column]]\n")));
  EXPECT_THAT(Block("public.settings, column value"),
              AllOf(HasSubstr("only some"), HasSubstr("\n# name_rule = \"{key}\"")));
  EXPECT_THAT(Block("public.without_key"), HasSubstr("no primary key"));
  EXPECT_THAT(Block("public.odd_types, column tokens"), HasSubstr("holds several values"));
  EXPECT_THAT(Block("public.odd_types, column api_key"),
              AllOf(HasSubstr("CHECK"), HasSubstr("takes 40 characters")));
  EXPECT_THAT(Block("public.odd_types, column both_secret"), HasSubstr("an index covers"));
  EXPECT_THAT(Text(),
              HasSubstr("\n[[column]]\ntable = \"public.\\\"od\\\"\\\"d 'Täble\\u000ax\\\"\"\n"
                        "keys = [\"k\\\"ey\"]\nproject = { fixed = \"system\" }\n"
                        "column = \"api \\\"key\\u000a{x}\"\n"));
}

TEST_F(PostgresScan, AFreshManifestIsMigratedAsItIs) {
  Run(kWorkflowEngine);
  Run(kPlainTables);
  ASSERT_EQ(Scan().status, 0);
  const auto rowseal = [&](std::vector<std::string> command) {
    command.insert(command.begin(),
                   {ROWSEAL_CLI_PATH, "--store", "sqlite:" + (folder_ / "store.db").string(),
                    "--root", "file:" + (folder_ / "root.key").string()});
    return RunProgram(command);
  };
  ASSERT_EQ(rowseal({"init"}).status, 0);
  const ProgramResult plan = rowseal({"migrate", "plan", manifest()});
  EXPECT_EQ(plan.status, 0) << plan.output;
  EXPECT_THAT(plan.output, Not(HasSubstr("refused:")));
  const ProgramResult run = rowseal({"migrate", "run", manifest(), "--yes", "--readers-deployed"});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_EQ(
      rowseal({"secret", "get", "00000000-0000-4000-8000-000000000002", "DB_PASSWORD"}).output,
      "correct!Horse7");
  EXPECT_EQ(server_.Run(database_,
                        "SELECT DISTINCT convert_from(value_encrypted, 'UTF8') FROM"
                        " secrets"),
            "moved to rowseal\n");
  EXPECT_EQ(server_.Run(database_,
                        "SELECT count(*) FROM workflow_events WHERE"
                        " payload #>> '{headers,authorization}' LIKE 'rs1.%'"),
            "500\n");
  EXPECT_EQ(server_.Run(database_, "SELECT count(*) FROM users WHERE totp LIKE 'rs1.%'"), "20\n");
  // A scan of what was migrated offers none of it again.
  const ProgramResult again = Scan();
  EXPECT_THAT(again.output, HasSubstr("likely: 0"));
  for (const char* block :
       {"public.users, column totp", "public.secrets, column value_encrypted"}) {
    EXPECT_THAT(Block(block), HasSubstr("sealed or moved by Rowseal already"));
  }
}

TEST_F(PostgresScan, ALoginThatDoesNotSeeAllRowsIsToldSo) {
  Run(kWorkflowEngine);
  Run("CREATE TABLE shared (id int PRIMARY KEY, note text, api_key text);"
      "INSERT INTO shared VALUES (1, 'a note of mine', 'none at all');"
      "DO $$ BEGIN CREATE ROLE scan_app LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;"
      "GRANT SELECT ON secrets, projects TO scan_app; GRANT SELECT (id, note) ON shared TO "
      "scan_app");
  const ProgramResult result = Scan("scan_app");
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("public.secrets: row-level security would hide rows"),
                    HasSubstr("public.workflow_events: the login may not read it"),
                    HasSubstr("public.shared, column api_key: the login may not read it"),
                    HasSubstr("were not seen")));
  EXPECT_THAT(Text(), AllOf(HasSubstr("NOT EVERYTHING WAS SEEN"),
                            HasSubstr("public.secrets: row-level security"),
                            HasSubstr("in the rest"), Not(HasSubstr("[[column]]\ntable"))));
}

TEST_F(PostgresScan, AnEmptyDatabaseIsNotFoundAndLeavesAManifest) {
  const ProgramResult result = Scan();
  EXPECT_EQ(result.status, 3) << result.output;
  EXPECT_THAT(Text(),
              AllOf(HasSubstr("version = 1\n"), HasSubstr("Nothing that looks like a secret")));
}

TEST_F(PostgresScan, TheManifestIsPrivateAndNothingIsOverwritten) {
  Run(kPlainTables);
  EXPECT_EQ(Scan("postgres", {}).status, 0);
  struct stat found {};
  ASSERT_EQ(stat(manifest().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  const std::string before = Text();
  const ProgramResult again = Scan("postgres", {});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.output, HasSubstr("is there already"));
  EXPECT_EQ(Text(), before);
  EXPECT_EQ(Scan().status, 0);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(PostgresScan, NoValueLeavesTheProgram) {
  Run(kWorkflowEngine);
  Run(kPlainTables);
  const ProgramResult result = Scan("postgres", {"--force", "--json", "--log", "debug"});
  for (const std::string& told : {result.output, Text()}) {
    for (const char* value : {"4eC39HqLyj", "16C7e42F", "correct!", "hunter22", "JBSWY3DP",
                              "s3cret", "MfKQ9r8G", "$2b$12$", "Welcome to all"}) {
      EXPECT_THAT(told, Not(HasSubstr(value)));
    }
  }
}

TEST_F(PostgresScan, LargeTablesAndValuesAreSampledWithinBounds) {
  Run("CREATE TABLE calls (id bigint PRIMARY KEY, rare_token text, body text, picture bytea,"
      " doc jsonb);"
      "INSERT INTO calls SELECT i, CASE WHEN i % 20000 = 7 THEN md5(i::text) END,"
      " CASE WHEN i % 9 = 0 THEN 'a few words of text' END, NULL, NULL FROM"
      " generate_series(1, 60000) i;"
      "INSERT INTO calls VALUES (-1, NULL, repeat('x ', 4000000), convert_to(repeat('y', 3000000),"
      " 'UTF8'), jsonb_build_object('password', repeat('z', 2000000)));"
      "CREATE TABLE documents (id bigint PRIMARY KEY, doc jsonb NOT NULL);"
      "INSERT INTO documents SELECT i, jsonb_build_object('pad', repeat('long text ', 50000),"
      " 'apiKey', md5(i::text)) FROM generate_series(1, 150) i; VACUUM ANALYZE calls");
  const ProgramResult result = Scan("postgres", {"--force", "--json"});
  ASSERT_EQ(result.status, 0) << result.output;
  const nlohmann::json report = nlohmann::json::parse(result.output);
  ASSERT_EQ(report["columns"].size(), 2U) << report;
  EXPECT_EQ(report["columns"][0]["column"], "rare_token");
  EXPECT_EQ(report["columns"][0]["verdict"], "active");
  EXPECT_EQ(report["columns"][1]["path"], "$.apiKey");
  const int documents = report["columns"][1]["sampled"];
  EXPECT_GT(documents, 10);
  EXPECT_LT(documents, 100) << "32 MiB hold fewer";
}

TEST_F(PostgresScan, NewRowsOfLargePartitionedTablesAreSampledAsOldOnesAre) {
  Run("CREATE TABLE calls (id bigint, day int, headers jsonb NOT NULL, PRIMARY KEY (id, day))"
      " PARTITION BY RANGE (day);"
      "CREATE TABLE calls_1 PARTITION OF calls FOR VALUES FROM (0) TO (5);"
      "CREATE TABLE calls_2 PARTITION OF calls FOR VALUES FROM (5) TO (99) PARTITION BY RANGE "
      "(day);"
      "CREATE TABLE calls_3 PARTITION OF calls_2 FOR VALUES FROM (5) TO (99);"
      "INSERT INTO calls SELECT i, i / 20000, CASE WHEN i > 160000"
      " THEN jsonb_build_object('apiKey', md5(i::text)) ELSE '{}' END FROM"
      " generate_series(1, 199999) i");
  const ProgramResult result = Scan("postgres", {"--force", "--json"});
  ASSERT_EQ(result.status, 0) << result.output;
  const nlohmann::json report = nlohmann::json::parse(result.output);
  EXPECT_EQ(report["tables"], 1);
  ASSERT_EQ(report["columns"].size(), 1U) << report;
  const int sampled = report["columns"][0]["sampled"];
  const int found = report["columns"][0]["values"];
  EXPECT_GT(sampled, 1500);
  EXPECT_LE(sampled, 2000);
  EXPECT_GT(found, sampled / 10);  // a fifth of the rows has one
  EXPECT_LT(found, sampled / 2);
}

TEST_F(PostgresScan, ALockedTableIsNamedAndTheOthersAreRead) {
  Run(kPlainTables);
  Run("CREATE TABLE locked (id int PRIMARY KEY, token text)");
  const auto holder = PostgresConnection::Open(server_.Url(database_));
  ASSERT_TRUE(holder);
  ASSERT_TRUE((*holder)->Begin(TransactionKind::kWrite));
  ASSERT_TRUE((*holder)->ExecuteScript("LOCK TABLE public.locked"));
  const ProgramResult result = Scan();
  (*holder)->Rollback();
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("public.locked: "));
  EXPECT_THAT(Block("public.users, column totp"), HasSubstr("20 of 20"));
}

TEST_F(PostgresScan, WhatCannotBeScannedIsRefused) {
  const auto scan = [&](const std::string& database) {
    return RunProgram({ROWSEAL_CLI_PATH, "scan", "--database", database, "--output", manifest()});
  };
  EXPECT_THAT(scan("postgres://u:hunter22@127.0.0.1/x").output,
              AllOf(HasSubstr("holds a password"), Not(HasSubstr("hunter22"))));
  EXPECT_EQ(scan(server_.Url("no_such_database")).status, 2);
  EXPECT_EQ(scan("mysql://x").status, 2);
  EXPECT_EQ(scan("sqlite:" + (folder_ / "none.db").string()).status, 2);
  EXPECT_FALSE(std::filesystem::exists(manifest()));
}

}  // namespace
}  // namespace rowseal::testing
