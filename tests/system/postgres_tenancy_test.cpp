// Who may do what on PostgreSQL, as docs/roles.md writes it, and what an app's tables have to do
// with it. Every login here is none of a superuser's.
#include <filesystem>
#include <map>
#include <set>

#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// An app as it is on Supabase: users' rights by auth.uid(), roles anon and authenticated, and a
// role that bypasses row-level security.
constexpr const char* kAppSql = R"sql(
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
  AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
CREATE TABLE public.projects (id KEYTYPE PRIMARY KEY, owner uuid NOT NULL);
ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.projects FOR SELECT TO authenticated USING (owner = auth.uid());
)sql";

constexpr const char* kAnn = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kBob = "bbbbbbbb-0000-4000-8000-000000000002";

class Tenancy : public ::testing::Test {
 protected:
  explicit Tenancy(const std::string& key_type = "text", bool metadata_view = true)
      : server_(PostgresServer::Shared()) {
    static const bool roles_are_made = [&] {
      server_.Run("postgres",
                  "CREATE ROLE installer LOGIN CREATEROLE; CREATE ROLE worker LOGIN;"
                  "CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE outsider LOGIN;"
                  "CREATE ROLE anon LOGIN; CREATE ROLE authenticated LOGIN;"
                  "CREATE ROLE service_role LOGIN BYPASSRLS");
      return true;
    }();
    static_cast<void>(roles_are_made);
    database_ = server_.CreateDatabase("template0", "installer");
    server_.Run("postgres", "GRANT CREATE ON DATABASE " + database_ + " TO installer");
    server_.Run(database_, "ALTER SCHEMA public OWNER TO installer");
    std::string sql = kAppSql;
    sql.replace(sql.find("KEYTYPE"), 7, key_type);
    server_.Run(database_, sql, "installer");
    if (metadata_view) {
      install_.metadata_view =
          MetadataView{"public.secret_metadata", "authenticated", "owner = auth.uid()"};
    }
    install_.projects = ProjectsTable{"public.projects", "id"};
  }
  ~Tenancy() override { server_.DropDatabase(database_); }

  void Install() {
    ASSERT_EQ(Must(InitStore(Options("installer"), install_)), InitOutcome::kCreated);
    server_.Run("postgres",
                "GRANT rowseal_service TO worker; GRANT rowseal_operator TO keeper;"
                "GRANT rowseal_auditor TO reader");
  }

  StoreOptions Options(const std::string& user) const {
    StoreOptions options;
    options.store = server_.Url(database_, user);
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = user;
    return options;
  }
  Client Open(const std::string& user) const { return Must(OpenStore(Options(user))); }

  std::string Run(const std::string& sql, const std::string& user) const {
    std::string text = server_.Run(database_, sql, user);
    while (text.ends_with('\n')) {
      text.pop_back();
    }
    return text;
  }
  // `allowed`, or why not.
  std::string Try(const std::string& sql, const std::string& user) const {
    try {
      Run("BEGIN; " + sql + "; ROLLBACK;", user);
      return "allowed";
    } catch (const std::exception& failure) {
      const std::string text = failure.what();
      return text.find("permission denied") != std::string::npos ||
                     text.find("must be owner") != std::string::npos
                 ? "denied"
                 : text;
    }
  }

  TempFolder folder_;
  PostgresServer& server_;
  std::string database_;
  InstallOptions install_;
};

class TwoTenants : public Tenancy {
 protected:
  TwoTenants() {
    Install();
    Run(std::string("INSERT INTO projects VALUES ('ann', '") + kAnn + "'), ('bob', '" + kBob + "')",
        "installer");
    Client client = Open("worker");
    Must(Put(client, "ann", "token", "CANARY-ann"));
    Must(Put(client, "bob", "token", "CANARY-bob"));
  }
};

// --- the matrix ---------------------------------------------------------------------------------

const std::vector<std::string> kTenantTables = {
    "dek",        "secret",    "secret_version",  "version_mac",
    "secret_mac", "audit_log", "retired_project", "destroyed_key"};
const std::vector<std::string> kReferenceTables = {"installation", "root_key",    "kek",
                                                   "kek_wrapping", "scope_floor", "sealed_column",
                                                   "policy",       "job",         "job_failure"};

// Each login, and the privileges on each table that docs/roles.md grants it.
std::string Granted(const std::string& user, const std::string& table) {
  const bool log = table == "audit_log" || table == "destroyed_key";
  if (user == "keeper") {
    return table == "schema_version" || table == "encrypted_secrets" ? "SELECT"
           : table == "destroyed_key"                                ? "SELECT INSERT"
           : log                                                     ? "SELECT"
           : table == "scope_floor"                                  ? "SELECT INSERT UPDATE"
                                    : "SELECT INSERT UPDATE DELETE";
  }
  return user == "reader" && log ? "SELECT" : "";
}

TEST_F(TwoTenants, EveryCellOfTheMatrixIsAsWritten) {
  std::vector<std::string> tables = kTenantTables;
  tables.insert(tables.end(), kReferenceTables.begin(), kReferenceTables.end());
  tables.insert(tables.end(), {"schema_version", "encrypted_secrets"});
  for (const std::string user :
       {"worker", "keeper", "reader", "outsider", "anon", "authenticated", "service_role"}) {
    for (const std::string& table : tables) {
      const std::string name = "rowseal." + table;
      const std::string column = Run("SELECT attname FROM pg_attribute WHERE attrelid = '" + name +
                                         "'::regclass AND attnum > 0 ORDER BY attnum LIMIT 1",
                                     "installer");
      std::map<std::string, std::string> statements = {
          {"SELECT", "SELECT count(*) FROM " + name},
          {"EXPLAIN", "EXPLAIN ANALYZE SELECT * FROM " + name},
      };
      if (table != "encrypted_secrets") {  // a view that nobody can write to
        statements["INSERT"] = "INSERT INTO " + name + " (" + column + ") SELECT " + column +
                               " FROM " + name + " WHERE false";
        statements["UPDATE"] =
            "UPDATE " + name + " SET " + column + " = " + column + " WHERE false";
        statements["DELETE"] = "DELETE FROM " + name + " WHERE false";
        statements["TRUNCATE"] = "TRUNCATE " + name + " CASCADE";
        statements["COPY"] = "COPY " + name + " TO STDOUT";
      }
      for (const auto& [privilege, sql] : statements) {
        const std::string needed =
            privilege == "COPY" || privilege == "EXPLAIN" ? "SELECT" : privilege;
        const bool granted = Granted(user, table).find(needed) != std::string::npos;
        EXPECT_EQ(Try(sql, user), granted ? "allowed" : "denied") << user << ": " << sql;
      }
    }
  }
}

TEST_F(TwoTenants, FunctionsAreForServicesAndOperatorsOnly) {
  const std::map<std::string, std::set<std::string>> callers = {
      {"SELECT rowseal.trust_load()", {"worker", "keeper"}},
      {"SELECT rowseal.secret_list('ann', '', 10)", {"worker", "keeper"}},
      {"SELECT rowseal.dek_active('ann', 'secret')", {"worker", "keeper"}},
      {"SELECT rowseal.store_format()", {"worker", "keeper", "reader"}},
      {"SELECT rowseal.project_exists('ann')", {"keeper"}},
      {"SELECT rowseal.enter_project('ann')", {}},
      {"SELECT rowseal.commit_durably()", {}},
  };
  for (const auto& [sql, allowed] : callers) {
    for (const std::string user :
         {"worker", "keeper", "reader", "outsider", "anon", "authenticated", "service_role"}) {
      EXPECT_EQ(Try(sql, user), allowed.contains(user) ? "allowed" : "denied")
          << user << ": " << sql;
    }
  }
}

// The owner of the tables sees one tenant, the one that is set, and none without.
TEST_F(TwoTenants, WithoutATenantEvenTheOwnerSeesNoRow) {
  for (const std::string& table : kTenantTables) {
    for (const std::string set : {"", "SET LOCAL rowseal.project = '';"}) {
      EXPECT_EQ(server_.Run(database_, "BEGIN; SET LOCAL ROLE rowseal_owner;" + set +
                                           "SELECT count(*) FROM rowseal." + table + "; COMMIT;"),
                "0\n")
          << table;
    }
  }
  EXPECT_EQ(server_.Run(database_,
                        "BEGIN; SET LOCAL ROLE rowseal_owner; SET LOCAL rowseal.project = 'ann';"
                        "SELECT DISTINCT project_id FROM rowseal.secret; COMMIT;"),
            "ann\n");
}

TEST_F(TwoTenants, ServicesAndOperatorsWorkWithTheirRolesAlone) {
  Client worker = Open("worker");
  EXPECT_EQ(Must(Get(worker, "ann", "token")), "CANARY-ann");
  Must(worker.Rename(Project("ann"), Named("token"), Named("renamed")));
  Must(worker.Expire(Project("ann"), Named("renamed"), {}, {}));
  Must(worker.Rollback(Project("ann"), Named("renamed"), SecretVersion{1}));
  EXPECT_EQ(Must(worker.List(Project("ann"))).size(), 1U);
  Must(worker.Delete(Project("bob"), Named("token")));
  EXPECT_THAT(RotateKek(worker), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(worker.AuditLog(Project("ann")), FailsWith(ErrorCode::kInvalidArgument));
  Client keeper = Open("keeper");
  Must(RotateKek(keeper));
  const DekRotation rotation = Must(RotateDeks(keeper, {}));
  EXPECT_EQ(Must(RunJobs(keeper, {})).failed, 0);
  EXPECT_TRUE(VerifyFailures(keeper).empty());
  EXPECT_EQ(Must(Get(worker, "ann", "renamed")), "CANARY-ann");
}

// --- the app's own users ------------------------------------------------------------------------

TEST_F(TwoTenants, UsersSeeTheMetadataOfTheirProjectsAndNothingElse) {
  const auto as = [&](const std::string& user, const std::string& sub, const std::string& sql) {
    return Run("BEGIN; SET LOCAL request.jwt.claim.sub = '" + sub + "'; " + sql + "; COMMIT;",
               user);
  };
  const std::string list = "SELECT project_id, name, newest_version FROM public.secret_metadata";
  EXPECT_EQ(as("authenticated", kAnn, list), "ann|token|1");
  EXPECT_EQ(as("authenticated", kBob, list), "bob|token|1");
  EXPECT_EQ(as("authenticated", "", list), "");
  EXPECT_EQ(Try(list, "anon"), "denied");
  EXPECT_EQ(Try("SELECT encrypted_data FROM rowseal.secret_version", "authenticated"), "denied");
  EXPECT_EQ(Try("INSERT INTO public.secret_metadata (name) VALUES ('x')", "authenticated"),
            Try("INSERT INTO public.secret_metadata (name) VALUES ('x')", "authenticated"));
  // The view names columns that its reader may read, and no more.
  EXPECT_EQ(Run("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid ="
                " 'public.secret_metadata'::regclass AND attnum > 0",
                "installer"),
            "project_id,id,name,kind,newest_version,created_at,updated_at,updated_by,expires_at");
}

// --- projects -----------------------------------------------------------------------------------

TEST_F(TwoTenants, AProjectMustStandInTheAppsTable) {
  Client client = Open("worker");
  EXPECT_THAT(Put(client, "nobody", "name", "value"),
              FailsNaming(ErrorCode::kNotFound, "not in the projects table"));
  EXPECT_THAT(Put(client, "system", "name", "value"), Succeeds());
}

TEST_F(TwoTenants, ADeletedProjectIsRetiredAndKeepsItsKeys) {
  Client client = Open("worker");
  Run("DELETE FROM projects WHERE id = 'ann'", "installer");
  EXPECT_THAT(Get(client, "ann", "token"), FailsNaming(ErrorCode::kRefusedByState, "retired"));
  EXPECT_THAT(Put(client, "ann", "token", "x"), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_EQ(Must(Get(client, "bob", "token")), "CANARY-bob");
  EXPECT_EQ(server_.Run(database_, "SELECT count(*) FROM rowseal.dek"), "2\n");
  Client keeper = Open("keeper");
  Must(RotateKek(keeper));
  Must(RotateDeks(keeper, {}));
  EXPECT_EQ(Must(RunJobs(keeper, {})).failed, 0);
  EXPECT_EQ(Must(keeper.AuditLog(Project("ann"), 10)).back().action, "put");
  Run(std::string("INSERT INTO projects VALUES ('ann', '") + kAnn + "')", "installer");
  EXPECT_EQ(Must(Get(client, "ann", "token")), "CANARY-ann");
}

// The app's row coming back takes no operator's word back; once the keys are gone, it is a new
// project.
TEST_F(TwoTenants, AProjectThatAnOperatorRetiredStaysSoUntilItsKeysAreGone) {
  const std::string ann = std::string("INSERT INTO projects VALUES ('ann', '") + kAnn + "')";
  Client client = Open("worker");
  Client keeper = Open("keeper");
  Must(RetireProject(keeper, Project("ann")));
  EXPECT_THAT(Get(client, "ann", "token"), FailsNaming(ErrorCode::kRefusedByState, "retired"));
  Run("DELETE FROM projects WHERE id = 'ann'", "installer");
  Run(ann, "installer");
  EXPECT_THAT(Get(client, "ann", "token"), FailsWith(ErrorCode::kRefusedByState));
  Must(CancelRetirement(keeper, Project("ann")));
  EXPECT_EQ(Must(Get(client, "ann", "token")), "CANARY-ann");
  Must(SetPolicy(keeper, "destroy.wait", "0s"));
  Must(RetireProject(keeper, Project("ann")));
  Run("DELETE FROM projects WHERE id = 'ann'", "installer");
  Must(CancelRetirement(keeper, Project("ann")));
  EXPECT_THAT(Get(client, "ann", "token"), FailsWith(ErrorCode::kRefusedByState))
      << "it is gone from the app's table";
  Must(RetireProject(keeper, Project("ann")));
  EXPECT_EQ(Must(Maintain(keeper, {})).jobs.failed, 0);
  EXPECT_EQ(server_.Run(database_, "SELECT count(*) FROM rowseal.dek WHERE project_id = 'ann'"),
            "0\n");
  Run(ann, "installer");
  EXPECT_THAT(Get(client, "ann", "token"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Put(client, "ann", "token", "anew"), Succeeds());
  EXPECT_EQ(Must(Get(client, "bob", "token")), "CANARY-bob");
}

TEST_F(TwoTenants, MaintainFindsProjectsThatNoTriggerSaw) {
  Run("DROP TRIGGER rowseal_project_deleted ON projects; DELETE FROM projects WHERE id = 'ann'",
      "installer");
  Client client = Open("worker");
  EXPECT_THAT(Get(client, "ann", "token"), Succeeds());
  Client keeper = Open("keeper");
  Must(Maintain(keeper, {}));
  EXPECT_THAT(Get(client, "ann", "token"), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_THAT(Get(client, "bob", "token"), Succeeds());
}

// --- installing ---------------------------------------------------------------------------------

TEST_F(TwoTenants, InitAgainChangesNothingAndOtherProjectsAreAConflict) {
  EXPECT_EQ(Must(InitStore(Options("installer"), install_)), InitOutcome::kExisted);
  EXPECT_EQ(Must(InitStore(Options("installer"))), InitOutcome::kExisted);
  InstallOptions other = install_;
  other.projects->key = "owner";
  EXPECT_THAT(InitStore(Options("installer"), other), FailsWith(ErrorCode::kConflict));
  EXPECT_EQ(Must(UpgradeStore(Options("installer"))), 0);
}

TEST_F(Tenancy, PrintedSqlMakesTheSchemaAndInitThenOnlyTheKeys) {
  const std::string sql = Must(PrintInstallSql(Options("installer"), install_));
  Run(sql, "installer");
  EXPECT_THAT(OpenStore(Options("installer")), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Must(InitStore(Options("installer"), install_)), InitOutcome::kCreated);
  EXPECT_EQ(Must(PrintUpgradeSql(Options("installer"))), "");
}

TEST_F(Tenancy, ALoginWithoutRightsIsToldWhatItNeeds) {
  const auto made = InitStore(Options("outsider"), {});
  ASSERT_THAT(made, FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_NE(made.error().hint.find("CREATEROLE"), std::string::npos) << made.error().hint;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "root.key"));
}

// Roles belong to the whole server: another database's login may have made them.
TEST_F(Tenancy, ALoginThatDidNotMakeTheRolesIsToldWhoCanGrantThem) {
  Install();
  const std::string other = server_.CreateDatabase("template0", "outsider");
  StoreOptions options = Options("outsider");
  options.store = server_.Url(other, "outsider");
  options.roots = {"file:" + (folder_ / "other.key")};
  const auto made = InitStore(options, {});
  ASSERT_THAT(made, FailsNaming(ErrorCode::kInvalidArgument, "role rowseal_owner"));
  const std::string roles = "rowseal_owner, rowseal_service, rowseal_operator, rowseal_auditor";
  EXPECT_NE(made.error().hint.find("GRANT " + roles), std::string::npos) << made.error().hint;
  server_.Run("postgres", "GRANT " + roles + " TO outsider");
  EXPECT_THAT(InitStore(options, {}), Succeeds());
  server_.Run("postgres", "REVOKE " + roles + " FROM outsider");
  server_.DropDatabase(other);
}

TEST_F(Tenancy, DatabasesThatAreNotUtf8AreRefused) {
  server_.Run("postgres", "DROP DATABASE " + database_);
  server_.Run("postgres", "CREATE DATABASE " + database_ +
                              " OWNER installer TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
  EXPECT_THAT(InitStore(Options("installer")), FailsNaming(ErrorCode::kInvalidArgument, "LATIN1"));
}

class KeyTypes : public Tenancy, public ::testing::WithParamInterface<std::string> {
 protected:
  KeyTypes() : Tenancy(GetParam(), false) {}
};

TEST_P(KeyTypes, ProjectsAreNamedByTheCanonicalTextOfTheirKey) {
  Install();
  const bool uuid = GetParam() == "uuid";
  const std::string id = uuid ? kBob : "42";
  Run("INSERT INTO projects VALUES ('" + id + "', '" + kAnn + "')", "installer");
  Client client = Open("worker");
  EXPECT_THAT(Put(client, id, "name", "value"), Succeeds());
  for (const std::string other :
       {uuid ? "BBBBBBBB-0000-4000-8000-000000000002" : "042", "x", "99999999999999999999"}) {
    EXPECT_THAT(Put(client, other, "name", "value"), FailsWith(ErrorCode::kNotFound)) << other;
  }
  EXPECT_EQ(Must(InitStore(Options("installer"), install_)), InitOutcome::kExisted);
}

INSTANTIATE_TEST_SUITE_P(Of, KeyTypes, ::testing::Values("integer", "bigint", "uuid", "text"));

// --- dumps --------------------------------------------------------------------------------------

TEST_F(TwoTenants, ASuperusersDumpIsWholeAndOpensNothingWithoutTheRootKey) {
  const auto dump = [&](const std::string& user, const std::vector<std::string>& flags) {
    std::vector<std::string> command = {"/usr/bin/pg_dump", "-n", "rowseal", "-n", "public"};
    command.insert(command.end(), flags.begin(), flags.end());
    command.push_back(server_.Url(database_, user));
    return RunProgram(command);
  };
  {
    Client keeper = Must(OpenStore(Options("keeper")));
    Must(DeclareCompromised(keeper, Must(Status(keeper)).active_kek));  // a floor stands in it too
    EXPECT_EQ(Must(RunJobs(keeper)).failed, 0);
  }
  // A role that row-level security applies to is refused, unless it asks for what it may see.
  EXPECT_NE(dump("keeper", {}).status, 0);
  const ProgramResult whole = dump("postgres", {});
  ASSERT_EQ(whole.status, 0) << whole.output;
  EXPECT_EQ(whole.output.find("CANARY"), std::string::npos);

  const auto restore = [&](const std::string& sql) {
    const std::string before = database_;
    const std::string copy = server_.CreateDatabase("template0", "installer");
    server_.Run(copy,
                "CREATE SCHEMA auth; CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql"
                " STABLE AS 'SELECT NULL::uuid'; DROP SCHEMA public");
    server_.Run(copy, sql);
    return copy;
  };
  const std::string copy = restore(whole.output);
  for (const std::string table : {"secret", "secret_version", "dek", "audit_log", "kek"}) {
    const std::string count = "SELECT count(*) FROM rowseal." + table;
    EXPECT_EQ(server_.Run(copy, count), server_.Run(database_, count)) << table;
  }
  StoreOptions options = Options("worker");
  options.store = server_.Url(copy, "worker");
  Client client = Must(OpenStore(options));
  EXPECT_EQ(Must(Get(client, "ann", "token")), "CANARY-ann");
  options.roots = {"file:" + (folder_ / "other.key")};
  Must(CreateRootKey(folder_ / "other.key"));
  EXPECT_THAT(OpenStore(options), FailsWith(ErrorCode::kRootKeyMismatch));
  server_.DropDatabase(copy);

  // The dump, a bundle of keys kept apart from it, and the root fit together.
  {
    Client keeper = Must(OpenStore(Options("keeper")));
    const KeyBundle bundle = Must(ExportKeys(keeper));
    const KeySet of_dump = Must(CheckKeysOfDump(Options("keeper"), whole.output));
    EXPECT_GE(of_dump.deks, 2);
    EXPECT_EQ(of_dump.deks_opened, of_dump.deks);
    EXPECT_EQ(of_dump.keks_opened, of_dump.keks);
    EXPECT_TRUE(
        Must(KeysNotIn(of_dump, Must(CheckKeysOfBundle(Options("keeper"), bundle.text)))).empty());
    std::string changed = whole.output;
    const std::size_t dek = changed.find("\tactive\t", changed.find("COPY rowseal.dek"));
    ASSERT_NE(dek, std::string::npos);
    changed.replace(dek + 1, 6, "suspended");
    EXPECT_EQ(Must(CheckKeysOfDump(Options("keeper"), changed)).deks_opened, of_dump.deks - 1);
    EXPECT_THAT(CheckKeysOfDump(Options("keeper"), whole.output.substr(0, dek)),
                FailsWith(ErrorCode::kIntegrity));
    EXPECT_THAT(CheckKeysOfDump(Options("keeper"), "SELECT 1;"), FailsWith(ErrorCode::kNotFound));
  }

  // The owner's dump with row-level security is empty of tenants, and doctor notices.
  server_.Run("postgres", "CREATE ROLE dumper LOGIN; GRANT rowseal_owner TO dumper");
  server_.Run(database_, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO dumper");
  const ProgramResult filtered = dump("dumper", {"--enable-row-security"});
  ASSERT_EQ(filtered.status, 0) << filtered.output;
  const std::string emptied = restore(filtered.output);
  EXPECT_EQ(server_.Run(emptied, "SELECT count(*) FROM rowseal.secret"), "0\n");
  options = Options("keeper");
  options.store = server_.Url(emptied, "keeper");
  bool noticed = false;
  for (const Finding& finding : Diagnose(options)) {
    noticed = noticed || (finding.check == "restored_rows" && finding.severity == Severity::kError);
  }
  EXPECT_TRUE(noticed);
  server_.DropDatabase(emptied);
  server_.Run(database_, "DROP OWNED BY dumper; DROP ROLE dumper");
}

// --- doctor -------------------------------------------------------------------------------------

TEST_F(TwoTenants, DoctorFindsEachDefectThatIsPlanted) {
  const auto worst = [&](const std::string& check) {
    Severity severity = Severity::kOk;
    for (const Finding& finding : Diagnose(Options("keeper"))) {
      if (finding.check == check) {
        severity = finding.severity;
      }
    }
    return severity;
  };
  struct Plant {
    std::string check;
    std::string make;
    std::string undo;
  };
  const std::vector<Plant> plants = {
      {"row_security", "ALTER TABLE rowseal.secret NO FORCE ROW LEVEL SECURITY",
       "ALTER TABLE rowseal.secret FORCE ROW LEVEL SECURITY"},
      {"row_policies", "CREATE POLICY open ON rowseal.secret USING (true)",
       "DROP POLICY open ON rowseal.secret"},
      {"owner", "ALTER ROLE rowseal_owner BYPASSRLS", "ALTER ROLE rowseal_owner NOBYPASSRLS"},
      {"ownership", "ALTER TABLE rowseal.policy OWNER TO postgres",
       "ALTER TABLE rowseal.policy OWNER TO rowseal_owner"},
      {"grants", "GRANT SELECT ON rowseal.secret_version TO anon",
       "REVOKE SELECT ON rowseal.secret_version FROM anon"},
      {"public_functions", "GRANT EXECUTE ON FUNCTION rowseal.trust_load() TO PUBLIC",
       "REVOKE EXECUTE ON FUNCTION rowseal.trust_load() FROM PUBLIC"},
      {"search_path", "ALTER FUNCTION rowseal.trust_load() RESET search_path",
       "ALTER FUNCTION rowseal.trust_load() SET search_path = pg_catalog, pg_temp"},
      {"server_logging", "ALTER ROLE keeper SET log_parameter_max_length_on_error = -1",
       "ALTER ROLE keeper RESET log_parameter_max_length_on_error"},
      {"tenants",
       "ALTER TABLE projects DISABLE TRIGGER USER; DELETE FROM projects WHERE id = 'bob'",
       "ALTER TABLE projects ENABLE TRIGGER USER; INSERT INTO projects VALUES ('bob', '" +
           std::string(kBob) + "')"},
  };
  for (const Plant& plant : plants) {
    EXPECT_EQ(worst(plant.check), Severity::kOk) << plant.check;
    server_.Run(database_, plant.make);
    EXPECT_NE(worst(plant.check), Severity::kOk) << plant.make;
    server_.Run(database_, plant.undo);
    EXPECT_EQ(worst(plant.check), Severity::kOk) << plant.undo;
  }
}

}  // namespace
}  // namespace rowseal::testing
