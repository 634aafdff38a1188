// A real server on which somebody with the owner's rights replaced a function, or put a view in a
// table's place, that answers for another version. The rows are whole: only the question tells.
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class LyingServer : public ::testing::Test {
 protected:
  LyingServer() : database_(server_.CreateDatabase()) {
    StoreOptions options;
    options.store = server_.Url(database_);
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = "tester";
    Must(InitStore(options));
    client_.emplace(Must(OpenStore(options)));
    for (const std::string_view value : {"one", "two", "three"}) {
      Must(Put(*client_, "acme", "name", value));
    }
  }
  ~LyingServer() override {
    client_.reset();
    server_.DropDatabase(database_);
  }

  // Goes for the next statement of every session: a plan of the true function is made anew.
  void Replace(const std::string& versions) {
    server_.Run(database_, R"sql(
ALTER FUNCTION rowseal.secret_get RENAME TO true_get;
CREATE FUNCTION rowseal.secret_get(
  p_project text, p_names text[], p_versions bigint[], p_entry uuid, p_at bigint, p_actor text,
  p_reason text, p_action text, p_alone boolean)
RETURNS TABLE (
  secret_id uuid, kind text, next_version bigint, lowest_version bigint, secret_created_at bigint,
  attributes text, secret_write_count bigint, secret_mac bytea,
  version bigint, expires_at bigint, created_at bigint, nonce bytea, encrypted_data bytea,
  write_count bigint, mac bytea,
  dek_id uuid, kek_id bigint, purpose text, suite smallint, state text, revision bigint,
  check_value bytea, wrapped_key bytea, row_tag bytea, dek_created_at bigint, born_epoch bigint,
  kek_revision bigint, kek_row_tag bytea)
LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
  SELECT * FROM rowseal.true_get(p_project, p_names, )sql" +
                               versions + R"sql(, p_entry, p_at, p_actor,
                                 p_reason, p_action, p_alone) $$;
)sql");
  }

  TempFolder folder_;
  PostgresServer& server_ = PostgresServer::Shared();
  std::string database_;
  std::optional<Client> client_;
};

TEST_F(LyingServer, AReplacedFunctionThatGivesAnotherVersionIsRefused) {
  ASSERT_EQ(Must(Get(*client_, "acme", "name", 2)), "two");
  Replace("ARRAY[1::bigint]");
  EXPECT_EQ(Must(Get(*client_, "acme", "name", 1)), "one");
  EXPECT_THAT(Get(*client_, "acme", "name", 2), FailsNaming(ErrorCode::kIntegrity, "version 1"));
  EXPECT_THAT(Get(*client_, "acme", "name"), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(LyingServer, AViewThatGivesAnotherVersionIsRefused) {
  server_.Run(database_, R"sql(
ALTER TABLE rowseal.secret_version RENAME TO true_version;
CREATE VIEW rowseal.secret_version AS
  SELECT v.project_id, v.secret_id, n.version, v.dek_id, v.nonce, v.encrypted_data, v.expires_at,
         v.created_at, v.created_by
  FROM rowseal.true_version v CROSS JOIN (VALUES (1::bigint), (2), (3)) AS n (version)
  WHERE v.version = 1;
ALTER VIEW rowseal.secret_version OWNER TO rowseal_owner;
GRANT SELECT ON rowseal.secret_version TO rowseal_runner;
)sql");
  // What the view says about the version is what was asked: the context of the value is not.
  EXPECT_THAT(Get(*client_, "acme", "name", 2), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(Get(*client_, "acme", "name"), FailsWith(ErrorCode::kIntegrity));
}

}  // namespace
}  // namespace rowseal::testing
