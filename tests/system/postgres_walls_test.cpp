// What a login of the server can do with Rowseal's functions, triggers and tables, and what doctor
// says of a store that somebody changed. Nobody here is a superuser but the server's own login.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "db/postgres/journal_functions.h"
#include "db/postgres/postgres_app_rows.h"
#include "db/postgres/postgres_store.h"
#include "db/postgres/store_catalogue.h"
#include "support/paths.h"
#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr const char* kOwnerId = "aaaaaaaa-0000-4000-8000-000000000001";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Run by an attacker: in schema SHADOWS stands, for each word of each function's body that names a
// type, a function or a table, and for each operator in it, something of the same name that calls a
// trap. The trap says in the server's log as whom it ran, unless that is the attacker.
constexpr const char* kShadowSql = R"sql(
CREATE FUNCTION SHADOWS.trap() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $trap$
BEGIN
  IF current_user::text <> 'ATTACKER' THEN
    RAISE WARNING 'TRAPPED: % runs code of ATTACKER', current_user;
  END IF;
  RETURN true;
END
$trap$;
DO $make$
DECLARE
  v_bodies text := (SELECT string_agg(p.prosrc, ' ') FROM pg_proc p JOIN pg_namespace n
                    ON n.oid = p.pronamespace WHERE n.nspname IN ('rowseal', 'rowseal_migration'));
  v_words text[] := ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(v_bodies, '[a-z_][a-z0-9_]*', 'g') m);
  v record;
  v_number integer := 0;
BEGIN
  FOR v IN SELECT t.typname FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace
           AND t.typtype = 'b' AND t.typelem = 0 AND t.typname = ANY (v_words) LOOP
    EXECUTE format('CREATE DOMAIN SHADOWS.%I AS pg_catalog.%I CHECK (SHADOWS.trap())', v.typname,
                   v.typname);
  END LOOP;
  FOR v IN
    SELECT p.proname, r.typname AS result,
           (SELECT string_agg(format('pg_catalog.%I', t.typname), ', ' ORDER BY a.ord)
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (oid, ord) JOIN pg_type t ON t.oid = a.oid)
             AS types,
           (SELECT string_agg('$' || a.ord, ', ' ORDER BY a.ord)
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (oid, ord)) AS arguments
    FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (v_words)
      AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0 AND r.typtype = 'b'
      AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) a JOIN pg_type t ON t.oid = a
                      WHERE t.typtype <> 'b')
  LOOP
    EXECUTE format('CREATE FUNCTION SHADOWS.%I(%s) RETURNS pg_catalog.%I LANGUAGE plpgsql'
                   ' SET search_path = pg_catalog, pg_temp AS $f$ BEGIN PERFORM SHADOWS.trap();'
                   ' RETURN pg_catalog.%I(%s); END $f$',
                   v.proname, v.types, v.result, v.proname, v.arguments);
  END LOOP;
  FOR v IN
    SELECT o.oprname, l.typname AS l, r.typname AS r, t.typname AS result FROM pg_operator o
    JOIN pg_type l ON l.oid = o.oprleft JOIN pg_type r ON r.oid = o.oprright
    JOIN pg_type t ON t.oid = o.oprresult
    WHERE position(o.oprname IN v_bodies) > 0 AND l.typtype = 'b' AND r.typtype = 'b'
      AND t.typtype = 'b' AND o.oprnamespace = 'pg_catalog'::regnamespace
  LOOP
    v_number := v_number + 1;
    EXECUTE format('CREATE FUNCTION SHADOWS.op_%s(pg_catalog.%I, pg_catalog.%I) RETURNS pg_catalog.%I'
                   ' LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$ BEGIN PERFORM'
                   ' SHADOWS.trap(); RETURN $1 OPERATOR(pg_catalog.%s) $2; END $f$',
                   v_number, v.l, v.r, v.result, v.oprname);
    EXECUTE format('CREATE OPERATOR SHADOWS.%s (LEFTARG = pg_catalog.%I, RIGHTARG = pg_catalog.%I,'
                   ' FUNCTION = SHADOWS.op_%s)', v.oprname, v.l, v.r, v_number);
  END LOOP;
  FOR v IN SELECT DISTINCT c.relname FROM pg_class c WHERE c.relname = ANY (v_words)
           AND c.relkind IN ('r', 'v') AND c.relnamespace IN (SELECT n.oid FROM pg_namespace n
             WHERE n.nspname IN ('rowseal', 'rowseal_migration', 'pg_catalog')) LOOP
    EXECUTE format('CREATE VIEW SHADOWS.%I AS SELECT SHADOWS.trap() AS trapped', v.relname);
  END LOOP;
END
$make$;
)sql";

// Calls each function that the login may call, with arguments made of their names and types, in two
// ways; what it answers does not matter here.
constexpr const char* kCallAllSql = R"sql(
DO $call$
DECLARE
  v record;
  v_action text;
BEGIN
  FOREACH v_action IN ARRAY ARRAY['get', 'rename'] LOOP
    FOR v IN
      SELECT p.proname,
        (SELECT string_agg(CASE
           WHEN a.name = 'p_project' THEN '''ann'''
           WHEN a.name = 'p_action' THEN quote_literal(v_action)
           WHEN a.name = 'p_outcome' THEN CASE v_action WHEN 'get' THEN '''integrity''' ELSE '''done''' END
           WHEN a.name = 'p_at' THEN 'rowseal.now_micros()'
           WHEN a.name = 'p_entry' THEN 'pg_catalog.gen_random_uuid()'
           WHEN a.name = 'p_purpose' THEN '''secret'''
           WHEN a.name IN ('p_check_value') THEN 'decode(repeat(''00'', 32), ''hex'')'
           WHEN a.name IN ('p_wrapped_key') THEN 'decode(repeat(''01'', 74), ''hex'')'
           WHEN a.name IN ('p_row_tag') THEN 'decode(repeat(''00'', 40), ''hex'')'
           ELSE CASE t.typname WHEN 'text' THEN '''token''' WHEN 'int8' THEN '1'
             WHEN 'bool' THEN 'false' WHEN 'uuid' THEN '''SECRET'''
             WHEN '_text' THEN '''{token}''' WHEN '_int8' THEN '''{1}'''
             WHEN '_uuid' THEN '''{SECRET}'''
             WHEN '_bytea' THEN 'ARRAY[decode(repeat(''00'', 48), ''hex'')]'
             ELSE 'NULL' END END || '::pg_catalog.' || t.typname, ', ' ORDER BY a.ord)
         FROM unnest(p.proargtypes::oid[], p.proargnames[:p.pronargs]) WITH ORDINALITY a (oid, name, ord)
         JOIN pg_catalog.pg_type t ON t.oid = a.oid) AS arguments
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = 'rowseal' AND p.prorettype <> 'trigger'::regtype
        AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY p.proname
    LOOP
      BEGIN
        EXECUTE format('SELECT rowseal.%I(%s)', v.proname, coalesce(v.arguments, ''));
      EXCEPTION WHEN others THEN NULL;
      END;
    END LOOP;
  END LOOP;
END
$call$;
)sql";

class Walls : public ::testing::Test {
 protected:
  Walls() : server_(PostgresServer::Shared()) {
    static const bool roles_are_made = [&] {
      server_.Run("postgres",
                  "CREATE ROLE mason LOGIN CREATEROLE; CREATE ROLE service LOGIN; CREATE ROLE keys"
                  " LOGIN; CREATE ROLE auditor LOGIN; CREATE ROLE app LOGIN; CREATE ROLE stranger"
                  " LOGIN; CREATE ROLE members");
      return true;
    }();
    static_cast<void>(roles_are_made);
    database_ = server_.CreateDatabase("template0", "mason");
    server_.Run(database_, "ALTER SCHEMA public OWNER TO mason");
    Run("CREATE TABLE projects (id text PRIMARY KEY, owner uuid NOT NULL);"
        "ALTER TABLE projects ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY all_of_them ON projects TO app USING (true);"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO app",
        "mason");
    install_.projects = ProjectsTable{"projects", "id"};
    install_.metadata_view = MetadataView{"secret_metadata", "members", "true"};
  }
  ~Walls() override { server_.DropDatabase(database_); }

  void Install() {
    ASSERT_EQ(Must(InitStore(Options("mason"), install_)), InitOutcome::kCreated);
    server_.Run("postgres",
                "GRANT rowseal_service TO service; GRANT rowseal_operator TO keys;"
                "GRANT rowseal_auditor TO auditor");
    Run("INSERT INTO projects VALUES ('ann', '" + std::string(kOwnerId) + "')", "mason");
  }

  StoreOptions Options(const std::string& user) const {
    StoreOptions options;
    options.store = server_.Url(database_, user);
    options.roots = {"file:" + (folder_ / "root.key")};
    options.client.actor = user;
    return options;
  }
  Client Open(const std::string& user) const { return Must(OpenStore(Options(user))); }

  std::string Run(const std::string& sql, const std::string& user = "postgres") const {
    std::string text = server_.Run(database_, sql, user);
    while (text.ends_with('\n')) {
      text.pop_back();
    }
    return text;
  }
  // The SQLSTATE of what fails, or `done`.
  std::string StateOf(const std::string& sql, const std::string& user) const {
    try {
      Run("\\set VERBOSITY sqlstate\n" + sql, user);
      return "done";
    } catch (const std::exception& failure) {
      const std::string text = failure.what();
      const std::size_t at = text.find("ERROR:  ");
      return at == std::string::npos ? text : text.substr(at + 8, 5);
    }
  }

  static std::string Shadows(const std::string& schema, const std::string& attacker) {
    return Replaced(Replaced(kShadowSql, "SHADOWS", schema), "ATTACKER", attacker);
  }
  // What `run` trapped.
  template <class Work>
  std::string Trapped(Work run) const {
    const std::size_t before = server_.ReadLog().size();
    run();
    const std::string log = server_.ReadLog().substr(before);
    const std::size_t at = log.find("TRAPPED");
    return at == std::string::npos ? std::string() : log.substr(at, log.find('\n', at) - at);
  }

  MigratedColumn Guarded() const {
    MigratedColumn column;
    column.migration = "walls";
    column.table = "hooks";
    column.keys = {"id"};
    column.project.fixed = "ann";
    column.column = "document";
    column.path = JsonPath{{JsonStep::Kind::kName, "token", 0}};
    column.settled.prefix = "rs1.";
    return column;
  }
  void MakeGuardedTable() {
    Run("CREATE TABLE hooks (id bigint PRIMARY KEY, document text);"
        "GRANT SELECT, INSERT, UPDATE ON hooks TO app",
        "mason");
    Must(Must(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()))->Install());
  }

  std::vector<CatalogueDifference> Differences() const {
    return Must(CompareStore(*Must(PostgresConnection::Open(server_.Url(database_)))));
  }

  TempFolder folder_;
  PostgresServer& server_;
  std::string database_;
  InstallOptions install_;
};

std::string Shown(const std::vector<CatalogueDifference>& differences) {
  std::string text;
  for (const CatalogueDifference& difference : differences) {
    text += difference.check + ": " + difference.message + "\n  do: " + difference.action + "\n";
  }
  return text;
}

// --- functions ----------------------------------------------------------------------------------

TEST_F(Walls, EveryFunctionHasAFixedPathAnOwnerWithFewRightsAndNoPublicCallers) {
  Install();
  MakeGuardedTable();
  EXPECT_EQ(Run("SELECT p.oid::regprocedure, p.proconfig FROM pg_proc p JOIN pg_namespace n"
                " ON n.oid = p.pronamespace WHERE (n.nspname LIKE 'rowseal%' OR"
                " pg_get_userbyid(p.proowner) LIKE 'rowseal%') AND (p.proconfig IS NULL OR"
                " p.proconfig[1] <> 'search_path=pg_catalog, pg_temp')"),
            "");
  EXPECT_EQ(Run("SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid ="
                " p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
                " WHERE n.nspname LIKE 'rowseal%' AND a.grantee = 0"),
            "");
  EXPECT_EQ(Run("SELECT p.oid::regprocedure, pg_get_userbyid(p.proowner) FROM pg_proc p"
                " WHERE p.pronamespace = 'rowseal'::regnamespace AND p.prosecdef AND"
                " pg_get_userbyid(p.proowner) <> CASE p.proname WHEN 'project_exists' THEN"
                " 'rowseal_projects' ELSE 'rowseal_runner' END"),
            "");
  // Of these roles neither owns a table, and one may read a column of the app's and nothing else.
  EXPECT_EQ(Run("SELECT c.oid::regclass FROM pg_class c WHERE pg_get_userbyid(c.relowner) IN"
                " ('rowseal_runner', 'rowseal_projects')"),
            "");
  EXPECT_EQ(
      Run("SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c WHERE c.relkind IN"
          " ('r', 'v') AND c.relnamespace IN ('rowseal'::regnamespace, 'public'::regnamespace)"
          " AND has_any_column_privilege('rowseal_projects', c.oid, 'SELECT, INSERT, UPDATE')"),
      "projects");
}

TEST_F(Walls, NoFunctionRunsWhatItsCallerShadows) {
  Install();
  Client client = Open("service");
  Must(Put(client, "ann", "token", "value"));
  const std::string secret = Run("SELECT id FROM rowseal.secret");
  const std::string calls = Replaced(kCallAllSql, "SECRET", secret);
  for (const std::string user : {"service", "keys", "auditor", "mason"}) {
    EXPECT_EQ(Trapped([&] { Run(Shadows("pg_temp", user) + calls, user); }), "") << user;
    Run("CREATE SCHEMA shadows; GRANT ALL ON SCHEMA shadows TO PUBLIC");
    EXPECT_EQ(
        Trapped([&] {
          Run(Shadows("shadows", user) + "SET search_path = shadows, pg_catalog, public;" + calls,
              user);
        }),
        "")
        << user;
    Run("DROP SCHEMA shadows CASCADE");
  }
  // The trap catches one that has the path of before.
  Run("ALTER FUNCTION rowseal.value_prepare SET search_path = ''");
  EXPECT_NE(Trapped([&] { Run(Shadows("pg_temp", "service") + calls, "service"); }), "");
}

// The paths of a login and of a database are for whoever may set them; a schema that others write
// to may stand in them.
TEST_F(Walls, MaintenanceFindsNothingThroughTheSessionsPath) {
  Install();
  MakeGuardedTable();
  Run("INSERT INTO hooks VALUES (1, '{\"token\": \"plain\"}')", "mason");
  Run("CREATE SCHEMA shadows; GRANT ALL ON SCHEMA shadows TO PUBLIC");
  Run(Shadows("shadows", "stranger") +
          "CREATE FUNCTION shadows.string_agg_step(text, name, text) RETURNS text LANGUAGE plpgsql"
          " AS $$ BEGIN PERFORM shadows.trap(); RETURN $1; END $$;"
          "CREATE AGGREGATE shadows.string_agg(name, text) (SFUNC = shadows.string_agg_step,"
          " STYPE = text)",
      "stranger");
  Run("ALTER DATABASE " + database_ + " SET search_path = shadows, pg_catalog, public");
  EXPECT_EQ(Trapped([&] {
              Client keeper = Open("keys");
              Must(Put(keeper, "ann", "token", "value"));
              Must(keeper.Rename(Project("ann"), Named("token"), Named("renamed")));
              Must(keeper.Expire(Project("ann"), Named("renamed"), {}, {}));
              EXPECT_EQ(Must(Get(keeper, "ann", "renamed")), "value");
              Must(keeper.Delete(Project("ann"), Named("renamed")));
              Must(RotateKek(keeper));
              Must(RotateDeks(keeper, {}));
              EXPECT_EQ(Must(RunJobs(keeper, {})).failed, 0);
              Must(Maintain(keeper, {}));
              EXPECT_TRUE(VerifyFailures(keeper).empty());
              Must(keeper.AuditLog(Project("ann")));
              for (const Finding& finding : Diagnose(Options("keys"))) {
                EXPECT_EQ(finding.message.find("could not be"), std::string::npos)
                    << finding.check << ": " << finding.message;
              }
              auto rows = Must(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()));
              EXPECT_EQ(Must(rows->Count()).plaintext, 1);
              Must(rows->Uninstall());
              Must(rows->Install());
            }),
            "");
}

TEST_F(Walls, TriggersOnTheAppsTablesRunNothingOfTheWriters) {
  Install();
  MakeGuardedTable();
  const std::string writes =
      "INSERT INTO public.hooks VALUES (1, '{\"token\": \"plain\"}'), (2, 'no json');"
      "UPDATE public.hooks SET document = '{\"token\": \"rs1.\"}' WHERE id = 1;"
      "INSERT INTO public.projects VALUES ('bob', '" +
      std::string(kOwnerId) +
      "');"
      "DELETE FROM public.projects WHERE id = 'ann'; DELETE FROM public.hooks;";
  Run("GRANT DELETE ON hooks TO app", "mason");
  const auto attack = [&] {
    return Trapped(
        [&] { Run("BEGIN;" + Shadows("pg_temp", "app") + writes + "ROLLBACK;", "app"); });
  };
  EXPECT_EQ(attack(), "");
  Run("CREATE SCHEMA shadows; GRANT ALL ON SCHEMA shadows TO PUBLIC");
  EXPECT_EQ(Trapped([&] {
              Run("BEGIN;" + Shadows("shadows", "app") + "SET search_path = shadows, pg_catalog;" +
                      writes + "ROLLBACK;",
                  "app");
            }),
            "");
}

// What the owner of the app's table can hang on it: casts of a column's type, policies, and what
// those leave behind for the end of the transaction.
constexpr const char* kOwnersTrapSql = R"sql(
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  IF current_user::text <> ALL (ARRAY['mason', 'rowseal_projects']) THEN
    RAISE WARNING 'TRAPPED: % runs code of mason', current_user;
  END IF;
  RETURN true; END $$;
CREATE TYPE evil AS ENUM ('x');
CREATE FUNCTION evil_json(evil) RETURNS json LANGUAGE plpgsql AS $$ BEGIN
  PERFORM public.trap(); RETURN '1'::json; END $$;
CREATE FUNCTION evil_text(evil) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  PERFORM public.trap(); RETURN 'x'; END $$;
CREATE CAST (evil AS json) WITH FUNCTION evil_json(evil);
CREATE CAST (evil AS text) WITH FUNCTION evil_text(evil);
ALTER TABLE projects ADD COLUMN e evil DEFAULT 'x',
  ADD COLUMN settings json DEFAULT '{"a": "\u0000"}';
CREATE TABLE bait (x int);
GRANT INSERT ON bait TO PUBLIC;
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM public.trap(); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER boom AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION boom();
CREATE FUNCTION lure() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  IF current_user = 'rowseal_projects' THEN
    INSERT INTO public.bait VALUES (1);
    EXECUTE 'DECLARE c' || nextval('public.lures') || ' CURSOR WITH HOLD FOR SELECT public.trap()';
  END IF;
  RETURN true; END $$;
CREATE SEQUENCE lures;
GRANT USAGE ON SEQUENCE lures TO PUBLIC;
DROP POLICY rowseal_projects ON projects;
CREATE POLICY lure ON projects USING (lure());
)sql";

TEST_F(Walls, NothingOfTheProjectsTablesOwnerRunsAsAnother) {
  Install();
  Run(kOwnersTrapSql, "mason");
  EXPECT_EQ(Trapped([&] {
              Run("INSERT INTO projects (id, owner) VALUES ('bob', '" + std::string(kOwnerId) +
                      "'), ('system', '" + std::string(kOwnerId) + "')",
                  "app");
              Client service = Open("service");
              Must(Put(service, "bob", "token", "value"));
              Run("DELETE FROM projects WHERE id IN ('bob', 'system')", "app");
              Client keeper = Open("keys");
              Must(Maintain(keeper, {}));
              Diagnose(Options("keys"));
            }),
            "");
  EXPECT_EQ(Run("SELECT count(*) > 0 FROM lures WHERE is_called"), "t") << "the policy was asked";
  EXPECT_EQ(Run("SELECT string_agg(project_id, ' ') FROM rowseal.retired_project"), "bob");
}

TEST_F(Walls, ATableWhoseKeyIsRenamedStillTakesAndGivesRows) {
  Install();
  Run("ALTER TABLE projects RENAME COLUMN id TO key", "mason");
  Run("INSERT INTO projects VALUES ('bob', '" + std::string(kOwnerId) +
          "'); DELETE FROM projects WHERE key = 'bob'",
      "app");
}

TEST_F(Walls, AJournalOfAnothersIsNotUsed) {
  Run("CREATE TABLE hooks (id bigint PRIMARY KEY, document text)", "mason");
  Run("CREATE SCHEMA rowseal_migration; GRANT ALL ON SCHEMA rowseal_migration TO PUBLIC;"
      "ALTER SCHEMA rowseal_migration OWNER TO stranger");
  const auto is_named = FailsNaming(ErrorCode::kIntegrity, "belongs to stranger");
  EXPECT_THAT(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()), is_named);
  EXPECT_THAT(OpenPostgresAppRows(server_.Url(database_), Guarded()), is_named);
  Run("ALTER SCHEMA rowseal_migration OWNER TO mason");
  Must(Must(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()))->Install());
  Run("CREATE TABLE rowseal_migration.more (a int)", "stranger");
  EXPECT_THAT(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()), is_named);
}

// A guard runs as who migrated, and the table's owner may give a column another type at any time.
TEST_F(Walls, AGuardCallsNoCastsOfTypesThatColumnsWereGivenLater) {
  Run("CREATE TABLE hooks (id bigint PRIMARY KEY, document text); ALTER TABLE hooks OWNER TO "
      "mason");
  Must(Must(OpenPostgresAppRows(server_.Url(database_), Guarded()))->Install());
  Run("CREATE TYPE own AS ENUM ('1');"
      "CREATE FUNCTION own_text(own) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE WARNING 'TRAPPED: % runs code of mason', current_user; RETURN '1'; END $$;"
      "CREATE CAST (own AS text) WITH FUNCTION own_text(own);"
      "ALTER TABLE hooks DROP CONSTRAINT hooks_pkey, ALTER id TYPE own USING '1'",
      "mason");
  std::string told;
  EXPECT_EQ(Trapped([&] {
              told =
                  Run("DO $$ BEGIN INSERT INTO hooks VALUES ('1', '{\"token\": \"plain\"}');"
                      "EXCEPTION WHEN SQLSTATE 'RS010' THEN RAISE NOTICE 'refused'; END $$;"
                      "SELECT count(*) FROM hooks",
                      "mason");
            }),
            "");
  EXPECT_EQ(told, "NOTICE:  refused\n0");
}

// Whoever may create a schema was there first: nothing in it is called, by no verb.
TEST_F(Walls, ASchemaOfAnothersIsNotCalled) {
  Run("CREATE SCHEMA rowseal; GRANT USAGE ON SCHEMA rowseal TO PUBLIC;"
      "CREATE FUNCTION rowseal.store_format() RETURNS TABLE (format integer, has_keys boolean)"
      " LANGUAGE plpgsql AS $$ BEGIN"
      " RAISE WARNING 'TRAPPED: % runs code of mason', current_user;"
      " RETURN QUERY SELECT 2, true; END $$",
      "mason");
  EXPECT_EQ(Trapped([&] {
              const auto is_named = FailsNaming(ErrorCode::kIntegrity, "belongs to 'mason'");
              EXPECT_THAT(OpenStore(Options("keys")), is_named);
              EXPECT_THAT(InitStore(Options("keys"), install_), is_named);
              EXPECT_THAT(UpgradeStore(Options("keys")), is_named);
              EXPECT_THAT(PrintUpgradeSql(Options("keys")), is_named);
              Diagnose(Options("keys"));
            }),
            "");
  Run("DROP SCHEMA rowseal CASCADE", "mason");
  Install();
  Run("ALTER FUNCTION rowseal.trust_load() OWNER TO stranger");
  EXPECT_THAT(OpenStore(Options("keys")),
              FailsNaming(ErrorCode::kIntegrity, "function trust_load, which belongs to stranger"));
}

// A login's or a database's setting decides what a backslash in a plain literal is.
TEST_F(Walls, FunctionsMeanTheSameUnderOtherSettings) {
  Install();
  Run("ALTER DATABASE " + database_ +
      " SET standard_conforming_strings = off;"
      "ALTER DATABASE " +
      database_ +
      " SET escape_string_warning = off;"
      "ALTER DATABASE " +
      database_ + " SET backslash_quote = on");
  Client service = Open("service");
  Must(Put(service, "ann", "token", "value"));
  EXPECT_EQ(Must(Get(service, "ann", "token")), "value");
  EXPECT_EQ(Run("SELECT count(*) FROM pg_proc WHERE pronamespace = 'rowseal'::regnamespace"
                " AND prosrc ~ ('(^|[^E])''[^'']*' || chr(92) || chr(92))"),
            "0")
      << "a backslash in a plain literal";
}

// A guard from before has an empty path. Doctor names it, and any verb of a migration ends it.
TEST_F(Walls, GuardsOfAnOlderReleaseAreNamedAndReplaced) {
  Install();
  MakeGuardedTable();
  const auto guards = [&] {
    for (const Finding& finding : Diagnose(Options("keys"))) {
      if (finding.check == "migration_guards") {
        return finding.severity == Severity::kOk ? std::string("ok") : finding.message;
      }
    }
    return std::string("missing");
  };
  EXPECT_EQ(guards(), "ok");
  Run("ALTER FUNCTION rowseal_migration.rowseal_guard_walls_0() SET search_path = '';"
      "GRANT EXECUTE ON FUNCTION rowseal_migration.rowseal_guard_walls_0() TO PUBLIC",
      "mason");
  const std::string write = "INSERT INTO public.hooks VALUES (1, '{\"token\": \"plain\"}');";
  const auto attack = [&] {
    return Trapped([&] { Run("BEGIN;" + Shadows("pg_temp", "app") + write + "ROLLBACK;", "app"); });
  };
  EXPECT_NE(attack(), "");
  EXPECT_NE(guards().find("rowseal_guard_walls_0 of mason"), std::string::npos) << guards();
  Must(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()));
  EXPECT_EQ(guards(), "ok");
  EXPECT_EQ(attack(), "");
}

// --- the catalogue ------------------------------------------------------------------------------

TEST_F(Walls, AFreshStoreIsAsTheReleaseSays) {
  Install();
  const auto connection = Must(PostgresConnection::Open(server_.Url(database_)));
  std::string facts;
  for (const CatalogueFact& fact :
       Must(ReadStoreCatalogue(*connection, Must(ReadProjects(*connection))))) {
    facts += fact.object + "\t" + fact.aspect + "\t" + fact.value + "\n";
  }
  if (const char* const path = std::getenv("ROWSEAL_WRITE_CATALOGUE"); path != nullptr) {
    std::ofstream(path) << "R\"list(" << facts << ")list\"\n";
  }
  EXPECT_EQ(facts, ExpectedCatalogue())
      << "ROWSEAL_WRITE_CATALOGUE=src/store/schema/postgres_catalogue.inc writes it anew";
  EXPECT_EQ(Shown(Differences()), "");
}

TEST_F(Walls, SoIsOneWithoutProjectsAndOneWithoutAView) {
  for (const bool has_projects : {true, false}) {
    install_.metadata_view.reset();
    if (!has_projects) {
      install_.projects.reset();
    }
    Must(InitStore(Options("mason"), install_));
    EXPECT_EQ(Shown(Differences()), "") << has_projects;
    Run("DROP SCHEMA rowseal CASCADE; DROP OWNED BY rowseal_projects");
  }
}

// The rows of that store are none that Rowseal wrote: its tables are what counts here.
const TagRenewal kRenewNothing = [](Connection&) { return Result<void>(); };

TEST_F(Walls, AnUpgradedStoreIsAsAFreshOne) {
  const auto read = [](const std::string& path) {
    std::ifstream file(std::string(ROWSEAL_SOURCE_DIR) + "/tests/golden_stores/format_1/" + path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string old = read("postgres.sql");
  ASSERT_FALSE(old.empty());
  Run("DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['owner', 'service', 'operator',"
      " 'auditor'] LOOP IF to_regrole('rowseal_' || name) IS NULL THEN EXECUTE 'CREATE ROLE "
      "rowseal_'"
      " || name; END IF; EXECUTE format('GRANT rowseal_%s TO mason', name); END LOOP; END $$");
  Run(old, "mason");
  EXPECT_NE(Run("SELECT count(*) FROM pg_proc WHERE pronamespace = 'rowseal'::regnamespace"
                " AND proconfig[1] = 'search_path=\"\"'"),
            "0");
  // What others hung on the tables would run with the upgrade's rights.
  for (const auto& [make, drop, named] :
       {std::tuple(
            "CREATE TRIGGER more BEFORE UPDATE ON rowseal.schema_version FOR EACH ROW EXECUTE"
            " FUNCTION suppress_redundant_updates_trigger()",
            "DROP TRIGGER more ON rowseal.schema_version", "trigger more"),
        std::tuple("CREATE RULE more AS ON UPDATE TO rowseal.schema_version DO ALSO NOTHING",
                   "DROP RULE more ON rowseal.schema_version", "rule more"),
        std::tuple("CREATE POLICY more ON rowseal.dek USING (true)",
                   "DROP POLICY more ON rowseal.dek", "policy more"),
        std::tuple("ALTER TABLE rowseal.policy ALTER value SET DEFAULT random()::text",
                   "ALTER TABLE rowseal.policy ALTER value DROP DEFAULT",
                   "default of column value")}) {
    Run(make);
    EXPECT_THAT(UpgradePostgresStore(Options("mason").store, kRenewNothing),
                FailsNaming(ErrorCode::kIntegrity, named))
        << make;
    Run(drop);
  }
  EXPECT_EQ(Must(UpgradePostgresStore(Options("mason").store, kRenewNothing)),
            PostgresFormat() - 1);
  EXPECT_EQ(Shown(Differences()), "");
  EXPECT_EQ(Must(PrintUpgradeSql(Options("mason"))), "");
}

// A real store of format 2, whose root key anybody has.
class UpgradedWalls : public Walls {
 protected:
  UpgradedWalls() {
    const std::string folder = std::string(ROWSEAL_SOURCE_DIR) + "/tests/golden_stores/format_2/";
    WriteFile(folder_ / "root.key", ReadFile(folder + "root.key"));
    Run("DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['owner', 'service', 'operator',"
        " 'auditor', 'runner', 'projects'] LOOP IF to_regrole('rowseal_' || name) IS NULL THEN"
        " EXECUTE 'CREATE ROLE rowseal_' || name; END IF; IF name = ANY (ARRAY['owner', 'service',"
        " 'operator', 'auditor']) THEN EXECUTE format('GRANT rowseal_%s TO mason', name); ELSE"
        " EXECUTE format('GRANT rowseal_%s TO rowseal_owner', name); END IF; END LOOP; END $$;"
        "DROP TABLE projects");
    Run(ReadFile(folder + "postgres.sql"));
    server_.Run("postgres", "GRANT rowseal_service TO service; GRANT rowseal_operator TO keys");
  }

  void ExpectUpgraded() {
    EXPECT_EQ(Shown(Differences()), "");
    Client client = Open("service");
    EXPECT_EQ(Must(Get(client, "acme", "GITHUB_TOKEN", 1)), "golden token one\n");
    EXPECT_EQ(Must(Get(client, "acme", "GITHUB_TOKEN", 2)), "golden token two");
    EXPECT_EQ(Must(Get(client, "acme", "GITHUB_TOKEN")), "golden token three");
    EXPECT_EQ(Must(Get(client, "acme", "stripe secret")), "stripe");
    EXPECT_EQ(Must(Get(client, "日本", "café")), "composed");
    EXPECT_EQ(TextOf(Must(client.OpenValue(
                  Project("acme"), Label("workflows.definition"),
                  "rs1.AQEBOznp-_dXSI2WbDXrZN-XfTh7XuxA-JfN2bJHQXgCi57YN7qt5CWB-mlk4b6xmLrvmcg9kvv"
                  "QSzZ7GhbYZq4e6pVMlQpuzY79XAdaYwpR-NLdWpYLU35GwA"))),
              "{\"a\": 1}");
    Must(Put(client, "acme", "GITHUB_TOKEN", "four"));
    Client keeper = Open("keys");
    EXPECT_TRUE(VerifyFailures(keeper).empty());
    Must(RotateDeks(keeper, {}));
    EXPECT_EQ(Must(RunJobs(keeper)).failed, 0);
    EXPECT_TRUE(VerifyFailures(keeper).empty());
    EXPECT_EQ(Must(Get(client, "acme", "GITHUB_TOKEN")), "four");
  }
};

TEST_F(UpgradedWalls, AStoreOfFormat2OpensToWhatWasWritten) {
  EXPECT_THAT(OpenStore(Options("service")), FailsWith(ErrorCode::kOlderSchema));
  EXPECT_EQ(Must(UpgradeStore(Options("mason"))), 1);
  ExpectUpgraded();
  EXPECT_EQ(Must(UpgradeStore(Options("mason"))), 0);
}

// Whoever owns the tables runs the SQL, and whoever holds the root does the rest.
TEST_F(UpgradedWalls, ThePrintedSqlAndThenUpgradeDoTheSame) {
  const std::string sql = Must(PrintUpgradeSql(Options("mason")));
  Run(sql, "mason");
  const auto half_way = FailsNaming(ErrorCode::kOlderSchema, "has format 2");
  EXPECT_THAT(OpenStore(Options("service")), half_way);
  EXPECT_EQ(Must(PrintUpgradeSql(Options("mason"))), "") << "it was run";
  EXPECT_EQ(Must(UpgradeStore(Options("keys"))), 1);
  ExpectUpgraded();
}

// What somebody changed before the upgrade gets no MAC, and looks proven by none afterwards.
TEST_F(UpgradedWalls, WhatWasChangedBeforeIsNamedAfterwards) {
  Run("UPDATE rowseal.secret_version SET encrypted_data = set_byte(encrypted_data, 0, 255 -"
      " get_byte(encrypted_data, 0)) WHERE project_id = '日本';"
      "UPDATE rowseal.secret SET next_version = 3 WHERE name = 'GITHUB_TOKEN';"
      "DELETE FROM rowseal.secret_version v USING rowseal.secret s WHERE s.id = v.secret_id"
      " AND s.name = 'GITHUB_TOKEN' AND v.version = 3;"
      "DELETE FROM rowseal.audit_item i USING rowseal.secret s WHERE s.id = i.secret_id"
      " AND s.name = 'stripe secret'");
  EXPECT_EQ(Must(UpgradeStore(Options("mason"))), 1);
  Client client = Open("service");
  for (const auto& [project, name] : {std::pair("日本", "café"), std::pair("acme", "GITHUB_TOKEN"),
                                      std::pair("acme", "stripe secret")}) {
    EXPECT_THAT(Get(client, project, name), FailsWith(ErrorCode::kIntegrity)) << name;
    EXPECT_THAT(Must(client.Versions(Project(project), Named(name))),
                ::testing::Not(::testing::IsEmpty()));
  }
  EXPECT_EQ(Must(Get(client, "acme", "expires")), "until 2099");
  Client keeper = Open("keys");
  EXPECT_GE(VerifyFailures(keeper).size(), 3U);
}

TEST_F(UpgradedWalls, AnotherRootUpgradesNothing) {
  std::filesystem::remove(folder_ / "root.key");
  Must(CreateRootKey(folder_ / "root.key"));
  EXPECT_THAT(UpgradeStore(Options("mason")), FailsWith(ErrorCode::kRootKeyMismatch));
  EXPECT_EQ(Run("SELECT format FROM rowseal.schema_version"), "2");
}

// Changed keys upgrade nothing: they would be given tags that stand.
TEST_F(UpgradedWalls, ChangedKeysUpgradeNothing) {
  for (const std::string change : {"UPDATE rowseal.kek SET state = 'active' WHERE id = 1 OR id = 2",
                                   "UPDATE rowseal.installation SET next_kek_id = 77",
                                   "DELETE FROM rowseal.kek_wrapping WHERE kek_id = 1"}) {
    const std::string sql = "BEGIN; " + change + "; COMMIT";
    Run("CREATE TABLE keep_kek AS SELECT * FROM rowseal.kek;"
        "CREATE TABLE keep_i AS SELECT * FROM rowseal.installation;"
        "CREATE TABLE keep_w AS SELECT * FROM rowseal.kek_wrapping");
    if (StateOf(sql, "postgres") == "done") {
      EXPECT_THAT(UpgradeStore(Options("mason")), FailsWith(ErrorCode::kIntegrity)) << change;
    }
    EXPECT_EQ(Run("SELECT format FROM rowseal.schema_version"), "2") << change;
    Run("SET session_replication_role = replica; DELETE FROM rowseal.kek_wrapping;"
        "INSERT INTO rowseal.kek_wrapping SELECT * FROM keep_w; DELETE FROM rowseal.kek;"
        "INSERT INTO rowseal.kek SELECT * FROM keep_kek; DELETE FROM rowseal.installation;"
        "INSERT INTO rowseal.installation SELECT * FROM keep_i;"
        "DROP TABLE keep_kek, keep_i, keep_w");
  }
  EXPECT_EQ(Must(UpgradeStore(Options("mason"))), 1);
}

TEST_F(Walls, DoctorNamesEachThingThatWasChanged) {
  Install();
  ASSERT_EQ(Shown(Differences()), "");
  struct Plant {
    std::string check;
    std::string named;
    std::string sql;
  };
  const std::string trust_load = "function rowseal.trust_load()";
  const std::vector<Plant> plants = {
      {"definitions", "function rowseal.now_micros(), body",
       "CREATE OR REPLACE FUNCTION rowseal.now_micros() RETURNS bigint LANGUAGE sql VOLATILE"
       " SET search_path = pg_catalog, pg_temp AS 'SELECT 1::bigint'"},
      {"definitions", "function rowseal.project_exists",
       "CREATE OR REPLACE FUNCTION rowseal.project_exists(p_project text) RETURNS boolean LANGUAGE"
       " plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
       " 'BEGIN RETURN true; END'"},
      {"ownership", trust_load, "ALTER FUNCTION rowseal.trust_load() OWNER TO mason"},
      {"search_path", trust_load, "ALTER FUNCTION rowseal.trust_load() RESET search_path"},
      {"search_path", trust_load, "ALTER FUNCTION rowseal.trust_load() SET search_path = ''"},
      {"definitions", trust_load, "ALTER FUNCTION rowseal.trust_load() SECURITY INVOKER"},
      {"public_functions", trust_load, "GRANT EXECUTE ON FUNCTION rowseal.trust_load() TO PUBLIC"},
      {"grants", trust_load, "GRANT EXECUTE ON FUNCTION rowseal.trust_load() TO app"},
      {"grants", trust_load,
       "REVOKE EXECUTE ON FUNCTION rowseal.trust_load() FROM rowseal_service"},
      {"grants", "table rowseal.audit_log",
       "GRANT INSERT ON rowseal.audit_log TO rowseal_operator"},
      {"grants", "table rowseal.dek", "GRANT SELECT (id) ON rowseal.dek TO app"},
      {"grants", "schema rowseal", "GRANT CREATE ON SCHEMA rowseal TO app"},
      {"grants", "schema rowseal",
       "ALTER DEFAULT PRIVILEGES IN SCHEMA rowseal GRANT SELECT ON TABLES TO app"},
      {"triggers", "trigger rowseal_project_deleted on public.projects",
       "ALTER TABLE projects DISABLE TRIGGER rowseal_project_deleted"},
      {"triggers", "trigger rowseal_project_inserted on public.projects is missing",
       "DROP TRIGGER rowseal_project_inserted ON projects"},
      {"triggers", "trigger extra on rowseal.secret",
       "CREATE TRIGGER extra BEFORE DELETE ON rowseal.secret FOR EACH ROW EXECUTE FUNCTION"
       " suppress_redundant_updates_trigger()"},
      {"triggers", "table rowseal.secret_version",
       "ALTER TABLE rowseal.secret_version DISABLE TRIGGER"
       " ALL"},
      {"row_security", "table rowseal.secret",
       "ALTER TABLE rowseal.secret DISABLE ROW LEVEL SECURITY"},
      {"row_security", "table rowseal.secret",
       "ALTER TABLE rowseal.secret NO FORCE ROW LEVEL SECURITY"},
      {"row_policies", "policy open on rowseal.secret",
       "CREATE POLICY open ON rowseal.secret USING (true)"},
      {"row_policies", "policy tenant on rowseal.secret",
       "ALTER POLICY tenant ON rowseal.secret USING (true)"},
      {"row_policies", "policy tenant on rowseal.dek is missing",
       "DROP POLICY tenant ON rowseal.dek"},
      {"definitions", "function rowseal.extra()",
       "CREATE FUNCTION rowseal.extra() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT "
       "1'"},
      {"definitions", "function rowseal.trust_load(p_all boolean)",
       "CREATE FUNCTION rowseal.trust_load(p_all boolean) RETURNS integer LANGUAGE sql AS 'SELECT "
       "1'"},
      {"definitions", "function public.elsewhere",
       "CREATE FUNCTION public.elsewhere() RETURNS integer LANGUAGE sql SECURITY DEFINER AS"
       " 'SELECT 1'; GRANT CREATE ON SCHEMA public TO rowseal_runner;"
       " ALTER FUNCTION public.elsewhere() OWNER TO rowseal_runner"},
      {"definitions", "table rowseal.extra", "CREATE TABLE rowseal.extra (id integer)"},
      {"definitions", "view rowseal.encrypted_secrets",
       "CREATE OR REPLACE VIEW rowseal.encrypted_secrets WITH (security_invoker = true) AS SELECT"
       " s.id, s.project_id, NULL::bytea AS encrypted_data, NULL::bytea AS nonce, 1::bigint AS "
       "kek_id"
       " FROM rowseal.secret s"},
      {"definitions", "table rowseal.dek, indexes", "DROP INDEX rowseal.dek_one_active"},
      {"definitions", "table rowseal.secret_version, constraints",
       "ALTER TABLE rowseal.secret_version DROP CONSTRAINT secret_version_project_id_dek_id_fkey"},
      {"definitions", "table rowseal.kek, columns",
       "ALTER TABLE rowseal.kek ADD COLUMN extra text"},
      {"definitions", "table rowseal.kek, rules",
       "CREATE RULE extra AS ON DELETE TO rowseal.kek DO INSTEAD NOTHING"},
      {"definitions", "type rowseal.text", "CREATE DOMAIN rowseal.text AS pg_catalog.text"},
      {"owner", "role rowseal_owner", "ALTER ROLE rowseal_owner LOGIN"},
      {"owner", "role rowseal_runner", "GRANT rowseal_runner TO app"},
      {"owner", "role rowseal_service", "GRANT rowseal_operator TO rowseal_service"},
      {"owner", "role rowseal_owner, members: 'app'", "GRANT rowseal_owner TO app"},
      {"owner", "role rowseal_owner, members: 'app, members'",
       "GRANT rowseal_owner TO members; GRANT members TO app"},
      {"owner", "role rowseal_runner, members: 'app'",
       "ALTER ROLE app NOINHERIT; GRANT rowseal_runner TO app"},
      {"owner", "role rowseal_operator, members: 'keys'",
       "GRANT rowseal_operator TO keys WITH ADMIN OPTION"},
      {"owner", "role rowseal_service, members: 'app'",
       "GRANT rowseal_service TO app WITH ADMIN OPTION"},
      {"server_rights", "role app has pg_read_all_data", "GRANT pg_read_all_data TO app"},
      {"server_rights", "role app has pg_write_all_data",
       "GRANT pg_write_all_data TO members; GRANT members TO app"},
      // Elsewhere, over Rowseal's tables or with its roles' rights.
      {"grants", "view public.all_rows",
       "CREATE VIEW public.all_rows AS SELECT * FROM rowseal.secret_version;"
       "ALTER VIEW public.all_rows OWNER TO rowseal_operator"},
      {"definitions", "public.all_rows",
       "CREATE VIEW public.all_rows AS SELECT * FROM rowseal.secret_version"},
      {"definitions", "view public.secret_metadata",
       "ALTER VIEW public.secret_metadata SET (security_invoker = false)"},
      {"definitions", "view public.secret_metadata",
       "CREATE OR REPLACE VIEW public.secret_metadata WITH (security_invoker = true) AS SELECT"
       " s.project_id, s.id, s.name, s.kind, 1::bigint AS newest_version, now() AS created_at,"
       " now() AS updated_at, ''::text AS updated_by, now() AS expires_at FROM rowseal.secret s"},
      {"definitions", "view public.all_rows",
       "CREATE VIEW public.all_rows WITH (security_invoker = true) AS SELECT * FROM rowseal.dek"},
      {"definitions", "view public.all_names",
       "CREATE VIEW public.all_names AS SELECT * FROM public.secret_metadata"},
      {"definitions", "view public.all_names",
       "CREATE MATERIALIZED VIEW public.all_names AS SELECT * FROM public.secret_metadata"},
      {"definitions", "function rowseal.member_projects(), body",
       "CREATE OR REPLACE FUNCTION rowseal.member_projects() RETURNS SETOF text LANGUAGE plpgsql"
       " STABLE SET search_path = pg_catalog, pg_temp AS"
       " 'BEGIN RETURN QUERY SELECT project_id FROM rowseal.secret; END'"},
      {"definitions", "function rowseal.trust_load(), how the planner takes it",
       "ALTER FUNCTION rowseal.trust_load() COST 1"},
      {"definitions", "publication p sends all tables", "CREATE PUBLICATION p FOR ALL TABLES"},
      {"definitions", "public.s", "CREATE STATISTICS public.s ON kek_id, state FROM rowseal.dek"},
      {"definitions", "operator family", "CREATE OPERATOR FAMILY rowseal.f USING btree"},
      {"event_triggers", "event trigger e runs public.watch() of app",
       "CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
       "GRANT CREATE ON SCHEMA public TO app; ALTER FUNCTION public.watch() OWNER TO app;"
       "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION public.watch()"},
      {"storage", "table rowseal.dek, storage: 'fillfactor=90 autovacuum_enabled=false'",
       "ALTER TABLE rowseal.dek SET (autovacuum_enabled = false)"},
      {"definitions", "table rowseal.dek, indexes",
       "ALTER INDEX rowseal.dek_pkey SET (fillfactor = 50)"},
      {"storage", "table rowseal.secret_version, storage",
       "ALTER TABLE rowseal.secret_version ALTER encrypted_data SET STORAGE MAIN"},
      {"storage", "table rowseal.secret_version, storage",
       "ALTER TABLE rowseal.secret_version ALTER encrypted_data SET COMPRESSION pglz"},
      {"grants", "table secret, rights were taken",
       "REVOKE SELECT ON rowseal.secret FROM rowseal_owner"},
      {"definitions", "public.child", "CREATE TABLE public.child () INHERITS (rowseal.policy)"},
      {"definitions", "rowseal.dek in publication p", "CREATE PUBLICATION p FOR TABLE rowseal.dek"},
      {"definitions", "in publication p", "CREATE PUBLICATION p FOR TABLES IN SCHEMA rowseal"},
      {"definitions", "collation rowseal.c", "CREATE COLLATION rowseal.c FROM \"C\""},
      {"grants", "public.bait",
       "CREATE TABLE public.bait (x int); GRANT INSERT ON public.bait TO rowseal_runner"},
      {"grants", "public.bait",
       "CREATE TABLE public.bait (x int); GRANT SELECT ON public.bait TO rowseal_projects"},
      {"definitions", "job_failure is UNLOGGED", "ALTER TABLE rowseal.job_failure SET UNLOGGED"},
      {"definitions", "dek sends whole rows", "ALTER TABLE rowseal.dek REPLICA IDENTITY FULL"},
      {"row_policies", "policy lure on the projects table",
       "ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;"
       "CREATE POLICY lure ON public.projects TO rowseal_projects USING (random() > 2)"},
      {"row_policies", "policy rowseal_projects",
       "ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;"
       "ALTER POLICY rowseal_projects ON public.projects USING (false)"},
      {"definitions", "session_replication_role of the database",
       "ALTER DATABASE " + database_ + " SET session_replication_role = replica"},
      {"definitions", "row_security of the database",
       "ALTER DATABASE " + database_ + " SET row_security = off"},
      {"definitions", "synchronous_commit of role rowseal_service",
       "ALTER ROLE rowseal_service SET synchronous_commit = off"},
      {"definitions", "row_security of role keys is set to 'off'",
       "ALTER ROLE keys SET row_security = off"},
      {"definitions", "default_transaction_read_only of role service is set to 'on'",
       "ALTER ROLE service IN DATABASE " + database_ + " SET default_transaction_read_only = on"},
      {"definitions", "session_replication_role of the database",
       "ALTER ROLE ALL SET session_replication_role = replica"},
      {"session_settings", "standard_conforming_strings of the database",
       "ALTER DATABASE " + database_ + " SET standard_conforming_strings = off"},
      {"session_settings", "search_path of the database",
       "ALTER DATABASE " + database_ + " SET search_path = shadows, pg_catalog"},
      {"session_settings", "log_statement of role service is set to 'all'",
       "ALTER ROLE service SET log_statement = 'all'"},
      {"session_settings", "session_preload_libraries of the database",
       "ALTER DATABASE " + database_ + " SET session_preload_libraries = 'auto_explain'"},
  };
  for (const Plant& plant : plants) {
    // One session: the plant and the look are one transaction, which is rolled back.
    auto connection = Must(PostgresConnection::Open(server_.Url(database_)));
    Must(connection->Begin(TransactionKind::kWrite));
    Must(connection->ExecuteScript("SET LOCAL search_path = public, pg_catalog;" + plant.sql +
                                   ";SET LOCAL search_path = pg_catalog, pg_temp"));
    const std::vector<CatalogueDifference> differences = Must(CompareStore(*connection));
    const bool is_named = std::any_of(
        differences.begin(), differences.end(), [&](const CatalogueDifference& difference) {
          return difference.check == plant.check && !difference.action.empty() &&
                 difference.message.find(plant.named) != std::string::npos;
        });
    EXPECT_TRUE(is_named) << plant.sql << "\n" << Shown(differences);
    connection->Rollback();
  }
  EXPECT_EQ(Shown(Differences()), "");
}

TEST_F(Walls, DoctorRaisesNoFalseAlarm) {
  // How names are shown, and what other logins have of their own.
  Run("ALTER DATABASE " + database_ + " SET quote_all_identifiers = on");
  Install();
  Run("ALTER ROLE app IN DATABASE " + database_ +
      " SET search_path = public;"
      "ALTER ROLE keys IN DATABASE " +
      database_ +
      " SET search_path = public;"
      "ALTER ROLE stranger IN DATABASE " +
      database_ + " SET log_statement = 'all'");
  Run("CREATE VIEW own_names WITH (security_invoker = true) AS SELECT name FROM secret_metadata",
      "mason");
  EXPECT_EQ(Shown(Differences()), "");
  for (const Finding& finding : Diagnose(Options("keys"))) {
    const bool is_of_the_test = finding.check == "data_checksums" || finding.check == "fsync" ||
                                finding.check == "root_place" || finding.check == "epoch";
    EXPECT_TRUE(is_of_the_test || finding.severity == Severity::kOk)
        << finding.check << ": " << finding.message;
  }
}

TEST_F(Walls, DoctorSaysToWhomRolesAndProjectsAreShown) {
  install_.metadata_view->members = "owner IS NOT NULL";
  Install();
  std::string members;
  for (const Finding& finding : Diagnose(Options("keys"))) {
    members += finding.check == "members" ? finding.message : "";
  }
  for (const std::string part :
       {"rowseal_owner to mason;", "rowseal_operator to keys, mason;", "rowseal_auditor to auditor",
        "rowseal_service to mason, service", "projects WHERE owner IS NOT NULL"}) {
    EXPECT_NE(members.find(part), std::string::npos) << part << "\n" << members;
  }
}

TEST_F(Walls, DoctorNamesSettingsOfTheSession) {
  Install();
  for (const auto& [setting, check] :
       {std::pair("session_replication_role%3Dreplica", "definitions"),
        std::pair("row_security%3Doff", "definitions"),
        std::pair("default_transaction_read_only%3Don", "definitions"),
        std::pair("standard_conforming_strings%3Doff", "session_settings")}) {
    const std::string url = server_.Url(database_);
    auto connection = Must(PostgresConnection::Open(
        url + (url.find('?') == std::string::npos ? "?" : "&") + "options=-c%20" + setting));
    const auto differences = Must(CompareStore(*connection));
    ASSERT_EQ(differences.size(), 1U) << setting << "\n" << Shown(differences);
    EXPECT_EQ(differences.front().check, check);
    EXPECT_EQ(differences.front().message.find(std::string(setting).substr(0, 12)), 0U)
        << Shown(differences);
  }
}

TEST_F(Walls, DoctorNamesAJournalOfSeveralOwners) {
  Install();
  MakeGuardedTable();
  const auto guards = [&] {
    std::string said;
    for (const Finding& finding : Diagnose(Options("keys"))) {
      said += finding.check == "migration_guards" && finding.severity == Severity::kError
                  ? finding.message
                  : "";
    }
    return said;
  };
  EXPECT_EQ(guards(), "");
  Run("CREATE TABLE rowseal_migration.more (a int); ALTER TABLE rowseal_migration.more OWNER TO"
      " stranger");
  EXPECT_NE(guards().find("table more of stranger"), std::string::npos) << guards();
}

// --- settings, locks and rows of others ---------------------------------------------------------

TEST_F(Walls, SettingsThatStopEveryCallAreNamedWithTheirStatement) {
  Install();
  Client service = Open("service");
  Must(Put(service, "ann", "token", "value"));
  const auto set = [&](const std::string& setting) {
    Run("ALTER ROLE service IN DATABASE " + database_ + " " + setting);
  };
  set("SET default_transaction_read_only = on");
  {
    Client caller = Open("service");
    const auto put = Put(caller, "ann", "token", "other");
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::kInvalidArgument) << put.error().message;
    EXPECT_NE(put.error().hint.find("RESET default_transaction_read_only"), std::string::npos)
        << put.error().hint;
  }
  EXPECT_EQ(Run("SELECT count(*) FROM rowseal.secret_version"), "1");
  set("RESET default_transaction_read_only");
  set("SET row_security = off");
  Client caller = Open("service");
  const auto got = Get(caller, "ann", "token");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().hint.find("RESET row_security"), std::string::npos)
      << got.error().message << got.error().hint;
  set("RESET row_security");
  EXPECT_EQ(Must(Get(service, "ann", "token")), "value");
}

TEST_F(Walls, AProjectNamedAsRowsealsOwnIsNamed) {
  Run("INSERT INTO projects VALUES ('system', '" + std::string(kOwnerId) + "')", "mason");
  EXPECT_THAT(InitStore(Options("mason"), install_),
              FailsNaming(ErrorCode::kConflict, "public.projects has a project 'system'"));
  EXPECT_EQ(Run("SELECT to_regnamespace('rowseal') IS NULL"), "t");
  Run("DELETE FROM projects", "mason");
  Install();
  const auto tenants = [&] {
    for (const Finding& finding : Diagnose(Options("keys"))) {
      if (finding.check == "tenants") {
        return (finding.severity == Severity::kError ? "error " : "") + finding.message;
      }
    }
    return std::string("missing");
  };
  Client service = Open("service");
  Must(Put(service, "system", "token", "the app's own"));
  Client keeper = Open("keys");
  Must(Maintain(keeper, {}));
  EXPECT_EQ(Must(Get(service, "system", "token")), "the app's own") << "it was not retired";
  EXPECT_EQ(tenants().find("error "), std::string::npos) << tenants();
  Run("INSERT INTO projects VALUES ('system', '" + std::string(kOwnerId) + "')", "app");
  EXPECT_NE(tenants().find("error table public.projects has a project 'system'"), std::string::npos)
      << tenants();
}

TEST_F(Walls, StoresAndJournalsThatSeveralMakeAtOnceAreMadeOnce) {
  Run("CREATE TABLE hooks (id bigint PRIMARY KEY, document text)", "mason");
  std::atomic<int> created = 0;
  std::atomic<int> existed = 0;
  std::atomic<int> installed = 0;
  std::vector<std::thread> makers;
  for (int i = 0; i < 4; ++i) {
    makers.emplace_back([&] {
      const auto made = InitStore(Options("mason"), install_);
      created += made && *made == InitOutcome::kCreated ? 1 : 0;
      existed += made && *made == InitOutcome::kExisted ? 1 : 0;
      auto rows = OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded());
      installed += rows && (*rows)->Install() ? 1 : 0;
    });
  }
  for (std::thread& maker : makers) {
    maker.join();
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(existed, 3);
  EXPECT_EQ(installed, 4);
  EXPECT_EQ(Shown(Differences()), "");
}

// Whoever may connect takes any advisory lock; those of changes of keys are rights on tables.
TEST_F(Walls, NoOtherLoginHoldsUpChangesOfKeysAndMigrations) {
  Install();
  MakeGuardedTable();
  const auto stranger = Must(PostgresConnection::Open(server_.Url(database_, "stranger")));
  for (const std::string number : {"5929183745021839214", "7239185240137"}) {
    Must(stranger->Execute(Statement::Sql("SELECT pg_advisory_lock(" + number + ")::text")));
  }
  Client keeper = Open("keys");
  Must(RotateKek(keeper));
  auto rows = Must(OpenPostgresAppRows(server_.Url(database_, "mason"), Guarded()));
  Must(rows->Uninstall());
  Must(rows->Install());

  for (const std::string user : {"stranger", "service", "auditor", "app"}) {
    for (const std::string mode : {"ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "ACCESS EXCLUSIVE"}) {
      EXPECT_EQ(
          StateOf("BEGIN; LOCK TABLE rowseal.installation IN " + mode + " MODE; ROLLBACK;", user),
          "42501")
          << user << " " << mode;
    }
  }
  // Operators still wait for one another, and readers and writers of rows for none.
  const auto connection = Must(PostgresConnection::Open(server_.Url(database_, "keys")));
  Must(connection->Begin(TransactionKind::kExclusive));
  Client service = Open("service");
  Must(Put(service, "ann", "token", "value"));
  EXPECT_EQ(Must(Get(service, "ann", "token")), "value");
  EXPECT_EQ(StateOf("SET lock_timeout = '50ms'; BEGIN;"
                    "LOCK TABLE rowseal.installation IN SHARE UPDATE EXCLUSIVE MODE;",
                    "keys"),
            "55P03");
  connection->Rollback();
}

TEST_F(Walls, ARowThatNamesNoProjectStopsNoMaintenance) {
  Install();
  Client keeper = Open("keys");
  Must(Put(keeper, "ann", "token", "value"));
  Run("INSERT INTO projects VALUES ('bob', '" + std::string(kOwnerId) + "')", "mason");
  Must(Put(keeper, "bob", "token", "value"));
  Run("ALTER TABLE projects DISABLE TRIGGER rowseal_project_deleted;"
      "DELETE FROM projects WHERE id = 'bob';"
      "INSERT INTO rowseal.dek SELECT (jsonb_populate_record(d, jsonb_build_object('project_id',"
      " E'bad\nname', 'id', gen_random_uuid()))).* FROM rowseal.dek d WHERE project_id = 'ann'");
  const MaintainReport report = Must(Maintain(keeper, {}));
  ASSERT_EQ(report.jobs.unreadable.size(), 1U);
  EXPECT_NE(report.jobs.unreadable.front().row.find("bad\\x0aname"), std::string::npos)
      << report.jobs.unreadable.front().row;
  EXPECT_EQ(Run("SELECT string_agg(project_id, ' ') FROM rowseal.retired_project"), "bob");
}

TEST_F(Walls, AJobOfAWrongKindStopsNoOther) {
  Install();
  Client keeper = Open("keys");
  Must(Put(keeper, "ann", "token", "value"));
  Must(RotateDeks(keeper, {}));
  for (const std::string kind : {"reseal-column", "destroy-project", "unknown"}) {
    Run("INSERT INTO rowseal.job SELECT (jsonb_populate_record(j, jsonb_build_object('id',"
        " '00000000-0000-7000-8000-000000000001', 'kind', '" +
        kind + "', 'object', E'2\n', 'state', 'ready'))).* FROM rowseal.job j LIMIT 1");
    Run("UPDATE rowseal.job SET state = 'ready' WHERE id::text NOT LIKE '00000000-%'");
    EXPECT_EQ(std::to_string(Must(ListJobs(keeper)).size()),
              Run("SELECT count(*) FROM rowseal.job WHERE state = 'ready'"))
        << kind;
    EXPECT_THAT(RunJobs(keeper, {}), FailsWith(ErrorCode::kIntegrity)) << kind;
    EXPECT_EQ(Run("SELECT count(*) FROM rowseal.job WHERE state <> 'done'"), "1") << kind;
    EXPECT_THAT(Maintain(keeper, {}), FailsWith(ErrorCode::kIntegrity)) << kind;
    Run("DELETE FROM rowseal.job WHERE id::text LIKE '00000000-%'");
  }
}

TEST_F(Walls, ARowThatWasChangedIsNamedForWhatItIs) {
  Install();
  Client service = Open("service");
  Must(Put(service, "ann", "token", "value"));
  Run("SET session_replication_role = replica; UPDATE rowseal.dek SET kek_id = 9");
  Client fresh = Open("service");
  EXPECT_THAT(Put(fresh, "ann", "token", "other"),
              FailsNaming(ErrorCode::kIntegrity, "its KEK 9 is not in the store"));
  EXPECT_THAT(Get(fresh, "ann", "token"),
              FailsNaming(ErrorCode::kIntegrity, "under KEK 9: this KEK is not in the store"));
  Run("UPDATE rowseal.root_key SET fingerprint = decode(repeat('00', 32), 'hex')");
  EXPECT_THAT(OpenStore(Options("service")),
              FailsNaming(ErrorCode::kIntegrity, "row 1 of root_key"));
}

// --- the log ------------------------------------------------------------------------------------

class Log : public Walls {
 protected:
  Log() {
    Install();
    Client client = Open("service");
    Must(Put(client, "ann", "token", "value"));
    secret_ = Run("SELECT id FROM rowseal.secret");
    now_ = Run("SELECT rowseal.now_micros()");
  }
  std::string Get(const std::string& name, const std::string& entry, const std::string& at) const {
    return "SELECT count(*) FROM rowseal.secret_get('ann', '{" + name + "}', '{0}', '" + entry +
           "', " + at + ", 'a', '', 'get', false);";
  }
  std::string Append(const std::string& entry, const std::string& actor, const std::string& action,
                     const std::string& outcome, const std::string& object) const {
    return "SELECT rowseal.audit_append('ann', '" + entry + "', " + now_ + ", '" + actor +
           "', '', '" + action + "', '" + outcome + "', '" + object + "');";
  }
  std::string ReadVersion() const {
    return "SELECT version FROM rowseal.secret_version_read('ann', '" + secret_ + "', 1);";
  }
  std::string Entries(const std::string& condition) const {
    return Run(
        "SELECT action || ' ' || outcome FROM rowseal.audit_log WHERE project_id = 'ann' AND " +
        condition + " ORDER BY id");
  }

  std::string secret_;
  std::string now_;
};

constexpr const char* kEntry = "01a20d5b-28bf-7db6-9ec0-ff42b450a3cf";
constexpr const char* kLater = "01a20d5b-28bf-7db6-9ec0-ff42b450a3d0";

TEST_F(Log, NobodyInsertsIntoIt) {
  for (const std::string user : {"service", "keys", "auditor", "app"}) {
    EXPECT_EQ(
        StateOf("INSERT INTO rowseal.audit_log SELECT * FROM rowseal.audit_log WHERE false", user),
        "42501")
        << user;
  }
}

TEST_F(Log, AnEntryCoversOneReadAndItsExactRepetition) {
  EXPECT_EQ(StateOf(Get("token", kEntry, now_), "service"), "done");
  EXPECT_EQ(StateOf(Get("token", kEntry, now_), "service"), "done");
  EXPECT_EQ(Entries("action = 'get'"), "get granted");
  EXPECT_EQ(StateOf(Get("token,token", kEntry, now_), "service"), "RS003");
  EXPECT_EQ(StateOf(Get("other", kEntry, now_), "service"), "RS004");
  EXPECT_EQ(StateOf(Get("token", kEntry, now_ + " + 1"), "service"), "RS004");
  // One of long ago is no repetition.
  EXPECT_EQ(StateOf(Get("token", kLater, now_ + " - 3600000000"), "service"), "done");
  EXPECT_EQ(StateOf(Get("token", kLater, now_ + " - 3600000000"), "service"), "RS004");
}

TEST_F(Log, VersionsAreReadForAChangeThatTheLogNames) {
  EXPECT_EQ(StateOf(ReadVersion(), "service"), "RS003");
  const std::string rename = Append(kEntry, "a", "rename", "done", secret_);
  EXPECT_EQ(StateOf(rename + ReadVersion(), "service"), "RS003") << "another transaction's entry";
  EXPECT_EQ(
      StateOf("BEGIN;" + Append(kLater, "a", "rename", "done", secret_) + ReadVersion() + "COMMIT;",
              "service"),
      "done");
  EXPECT_EQ(Entries("action = 'rename'"), "rename begun\nrename begun") << "nothing was renamed";
  EXPECT_EQ(StateOf("BEGIN;" +
                        Append("01a20d5b-28bf-7db6-9ec0-ff42b450a3d1", "a", "expire", "done",
                               secret_ + "@2") +
                        ReadVersion() + "COMMIT;",
                    "service"),
            "RS003")
      << "it names another version";
}

TEST_F(Log, ChangesAreLoggedAsDoneByWhatMakesThem) {
  Client client = Open("service");
  Must(client.Rename(Project("ann"), Named("token"), Named("renamed")));
  Must(client.Expire(Project("ann"), Named("renamed"), {}, {}));
  Must(client.Rollback(Project("ann"), Named("renamed"), SecretVersion{1}));
  Must(client.Delete(Project("ann"), Named("renamed")));
  EXPECT_EQ(Entries("action <> 'put'"),
            "rename done\nexpire done\nrollback granted\nrollback done\ndelete done");
  EXPECT_EQ(StateOf("SELECT rowseal.secret_delete('ann', '" + secret_ + "')", "service"), "RS003");
  const std::string mac =
      "(SELECT int8send(i4) || decode(repeat('00', 32), 'hex') FROM rowseal.trust_load()"
      " WHERE source = 'installation')";
  EXPECT_EQ(StateOf("SELECT rowseal.secret_rename('ann', '" + secret_ + "', 'x', 2, " + mac + ")",
                    "service"),
            "RS003");
}

TEST_F(Log, ALoginRecordsFailuresOfItsOwnCallsOnly) {
  ASSERT_EQ(StateOf(Get("token", kEntry, now_), "service"), "done");
  const std::string object = secret_ + "@1";
  EXPECT_EQ(StateOf(Append(kLater, "b", "get", "integrity", object), "service"), "RS003");
  EXPECT_EQ(StateOf(Append(kLater, "a", "open", "integrity", object), "service"), "RS003");
  EXPECT_EQ(StateOf(Append(kLater, "a", "get", "integrity", secret_ + "@2"), "service"), "RS003");
  EXPECT_EQ(StateOf(Append(kLater, "a", "get", "granted", object), "service"), "42501");
  EXPECT_EQ(StateOf(Append(kLater, "a", "get", "done", object), "service"), "42501");
  EXPECT_EQ(StateOf(Append(kLater, "a", "kek.rotate", "done", "1"), "service"), "42501");
  EXPECT_EQ(StateOf(Append(kLater, "a", "get", "done", object), "keys"), "42501");
  EXPECT_EQ(StateOf(Append("0fa20d5b-28bf-7db6-9ec0-ff42b450a3d0", "a", "get", "integrity", object),
                    "service"),
            "RS003")
      << "of long after the grant";
  EXPECT_EQ(StateOf(Append(kLater, "a", "get", "integrity", object), "service"), "done");
  EXPECT_EQ(Entries("action = 'get'"), "get granted\nget integrity");
}

// --- arguments ----------------------------------------------------------------------------------

TEST_F(Log, ArgumentsAreCheckedBeforeAnythingIsWritten) {
  const std::string zeros = "decode(repeat('00', 32), 'hex')";
  const auto dek =
      [&](const std::string& project, const std::string& purpose, const std::string& suite,
          const std::string& check, const std::string& wrapped, const std::string& tag,
          const std::string& born = "1", const std::string& replaced = "NULL, NULL, NULL") {
        return "SELECT count(*) FROM rowseal.dek_insert(" + project + ", gen_random_uuid(), 1, " +
               purpose + ", " + suite + ", " + check + ", " + wrapped + ", " + tag + ", " + born +
               ", " + replaced + ")";
      };
  const std::string wrapped = "'\\x0101' || decode(repeat('00', 72), 'hex')";
  const std::string tag =
      "(SELECT int8send(i4) FROM rowseal.trust_load() WHERE source = 'installation')"
      " || " +
      zeros;
  ASSERT_EQ(StateOf("BEGIN;" + dek("'ann'", "'value'", "1", zeros, wrapped, tag) + "; ROLLBACK;",
                    "service"),
            "done");
  const std::string deks_before = Run("SELECT count(*) FROM rowseal.dek");
  for (const std::string& call :
       {dek("'ann'", "'junk1'", "1", zeros, wrapped, tag),
        dek("'ann'", "NULL", "1", zeros, wrapped, tag),
        dek("'ann'", "'value'", "2", zeros, wrapped, tag),
        dek("'ann'", "'value'", "NULL", zeros, wrapped, tag),
        dek("'ann'", "'value'", "1", zeros + " || '\\x00'", wrapped, tag),
        dek("'ann'", "'value'", "1", zeros, wrapped + " || '\\x00'", tag),
        dek("'ann'", "'value'", "1", zeros, "decode(repeat('00', 74), 'hex')", tag),
        dek("'ann'", "'value'", "1", zeros, "NULL", tag),
        dek("'ann'", "'value'", "1", zeros, wrapped, zeros),
        dek("'ann'", "'value'", "1", zeros, wrapped, "decode(repeat('ff', 40), 'hex')"),
        dek("E'a\\nb'", "'value'", "1", zeros, wrapped, tag),
        dek("''", "'value'", "1", zeros, wrapped, tag),
        dek("NULL", "'value'", "1", zeros, wrapped, tag),
        dek("'ann'", "'value'", "1", zeros, wrapped, tag, "NULL"),
        dek("'ann'", "'value'", "1", zeros, wrapped, tag, "1", "gen_random_uuid(), NULL, NULL"),
        dek("'ann'", "'value'", "1", zeros, wrapped, tag, "1", "gen_random_uuid(), 1, " + tag),
        dek("'ann'", "'value'", "1", zeros, wrapped, tag, "1", "gen_random_uuid(), 2, " + zeros)}) {
    EXPECT_EQ(StateOf(call, "service"), "RS003") << call;
  }
  EXPECT_EQ(StateOf(dek("'nobody'", "'value'", "1", zeros, wrapped, tag), "service"), "RS001");
  EXPECT_EQ(Run("SELECT count(*) FROM rowseal.dek"), deks_before);

  const std::string dek_id = Run("SELECT id FROM rowseal.dek LIMIT 1");
  using Arguments = std::map<std::string, std::string>;
  const auto put = [&](const Arguments& changed) {
    Arguments all = {{"names", "'{new}'"},
                     {"kinds", "'{webhook}'"},
                     {"ids", "ARRAY[gen_random_uuid()]"},
                     {"versions", "'{1}'"},
                     {"deks", "'{" + dek_id + "}'"},
                     {"nonces", "ARRAY[decode(repeat('00', 24), 'hex')]"},
                     {"data", "ARRAY[decode(repeat('00', 48), 'hex')]"},
                     {"expires", "'{NULL}'"},
                     {"macs", "ARRAY[" + tag + "]"},
                     {"secret_counts", "'{1}'"},
                     {"secret_macs", "ARRAY[" + tag + "]"},
                     {"at", now_},
                     {"actor", "'a'"},
                     {"reason", "''"},
                     {"action", "'put'"}};
    for (const auto& [name, value] : changed) {
      all[name] = value;
    }
    return "SELECT count(*) FROM rowseal.secret_put('ann', " + all["names"] + ", " + all["kinds"] +
           ", " + all["ids"] + ", " + all["versions"] + ", " + all["deks"] + ", " + all["nonces"] +
           ", " + all["data"] + ", " + all["expires"] + ", " + all["macs"] + ", " +
           all["secret_counts"] + ", " + all["secret_macs"] + ", '" + kEntry + "', " + all["at"] +
           ", " + all["actor"] + ", " + all["reason"] + ", " + all["action"] + ", false)";
  };
  ASSERT_EQ(StateOf("BEGIN;" + put({}) + "; ROLLBACK;", "service"), "done");
  for (const Arguments& wrong :
       std::vector<Arguments>{{{"names", "'{}'"}},
                              {{"names", "'{NULL}'"}},
                              {{"names", "'{\"\"}'"}},
                              {{"names", "E'{a\\x01b}'"}},
                              {{"names", "ARRAY[repeat('n', 256)]"}},
                              {{"names", "'{a,b}'"}},
                              {{"kinds", "'{other}'"}},
                              {{"kinds", "'{NULL}'"}},
                              {{"ids", "ARRAY[NULL::uuid]"}},
                              {{"versions", "'{0}'"}},
                              {{"versions", "'{-1}'"}},
                              {{"versions", "'{9223372036854775807}'"}},
                              {{"versions", "'{NULL}'"}},
                              {{"deks", "'{NULL}'"}},
                              {{"nonces", "ARRAY[decode(repeat('00', 23), 'hex')]"}},
                              {{"nonces", "ARRAY[NULL::bytea]"}},
                              {{"data", "ARRAY[decode(repeat('00', 47), 'hex')]"}},
                              {{"data", "ARRAY[decode(repeat('00', 16), 'hex')]"}},
                              {{"data", "ARRAY[NULL::bytea]"}},
                              {{"expires", "'{9223372036854775807}'"}},
                              {{"expires", "'{}'"}},
                              {{"macs", "ARRAY['\\x00'::bytea]"}},
                              {{"macs", "ARRAY[" + zeros + "]"}},
                              {{"macs", "ARRAY[decode(repeat('ff', 40), 'hex')]"}},
                              {{"secret_macs", "ARRAY[" + zeros + "]"}},
                              {{"secret_macs", "'{}'"}},
                              {{"secret_macs", "ARRAY[NULL::bytea]"}},
                              {{"secret_counts", "'{0}'"}},
                              {{"secret_counts", "'{NULL}'"}},
                              {{"secret_counts", "'{1,2}'"}},
                              {{"at", "9223372036854775807"}},
                              {{"at", "NULL"}},
                              {{"actor", "''"}},
                              {{"actor", "repeat('a', 8193)"}},
                              {{"reason", "NULL"}},
                              {{"action", "'PUT'"}},
                              {{"action", "repeat('a', 100)"}}}) {
    EXPECT_EQ(StateOf(put(wrong), "service"), "RS003")
        << wrong.begin()->first << wrong.begin()->second;
  }
  EXPECT_EQ(Entries("action = 'put'"), "put done") << "that of the one secret";
}

}  // namespace
}  // namespace rowseal::testing
