// Rows that somebody with write access to the database made: texts that are no names, words that
// there are not, values of hostile size, numbers at the ends of their range. One bad row hides no
// other, none is calculated with, and nothing is decided by a list that lacks some.
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "store/value_limits.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

// A list as a test sees it: how many rows, and which cannot be read.
struct Listed {
  std::size_t rows = 0;
  std::vector<UnreadRow> unreadable;
};

template <class T>
Listed Shown(Listing<T> list) {
  return {list.size(), std::move(list.unreadable)};
}

// A list, the table that it reads, and which of its rows is changed.
struct HostileList {
  std::string name;
  std::function<Listed(Client&)> read;
  std::string table;
  std::string where;
  std::vector<std::string> texts;  // columns with words of a closed set, or ids
  std::vector<std::string> long_texts;
  std::vector<std::string> numbers;
};

std::vector<HostileList> Lists() {
  return {
      {"secrets",
       [](Client& client) { return Shown(Must(client.List(Project("acme")))); },
       "secret",
       "name = 'b'",
       {"kind"},
       {"kind"},
       {"next_version", "created_at"}},
      {"versions",
       [](Client& client) { return Shown(Must(client.Versions(Project("acme"), Named("a")))); },
       "secret_version",
       "version = 2",
       {},
       {"created_by"},
       {"created_at", "expires_at"}},
      {"columns",
       [](Client& client) { return Shown(Must(client.Columns())); },
       "sealed_column",
       "label = 't.b'",
       {"label", "context", "state"},
       {"context"},
       {"revision", "created_at"}},
      {"audit log",
       [](Client& client) { return Shown(Must(client.AuditLog(Project("beta")))); },
       "audit_log",
       "project_id = 'beta' AND action = 'put'",
       {},
       {"actor", "object"},
       {"at"}},
      {"jobs",
       [](Client& client) { return Shown(Must(ListJobs(client))); },
       "job",
       "kind = 'reseal-column' OR kind = 'reseal'",
       {},
       {"argument"},
       {"run", "total", "done", "failed", "created_at", "changed_at"}},
      {"KEKs",
       [](Client& client) { return Shown(Must(ListKeks(client))); },
       "kek",
       "purpose = 'wrap' AND state = 'active'",
       {},
       {},
       {"compromised_at", "destroy_at"}},
      {"DEKs",
       [](Client& client) { return Shown(Must(ListDeks(client))); },
       "dek",
       "project_id = 'beta'",
       {"purpose", "state"},
       {"state"},
       {"created_at", "drained_at"}},
      {"destroyed KEKs",
       [](Client& client) { return Shown(Must(ListDestroyedKeks(client))); },
       "destroyed_key",
       "kind = 'kek' AND id = '90'",
       {"id"},
       {"actor", "census"},
       {"destroyed_at"}},
      {"destroyed DEKs",
       [](Client& client) { return Shown(Must(ListDestroyedDeks(client))); },
       "destroyed_key",
       "kind = 'dek' AND project_id = 'gone'",
       {"id"},
       {"actor", "census"},
       {"destroyed_at"}},
      {"retired projects",
       [](Client& client) { return Shown(Must(ListRetirements(client))); },
       "retired_project",
       "project_id = 'gone'",
       {},
       {},
       {"retired_at", "destroy_at", "destroyed_at"}},
      {"policies",
       [](Client& client) { return Shown(Must(Policies(client))); },
       "policy",
       "name = 'destroy.wait'",
       {"value"},
       {"value"},
       {}},
  };
}

class HostileRows : public ::testing::Test {
 protected:
  HostileRows() {
    for (const std::string name : {"a", "b", "c"}) {
      Must(Put(client_, "acme", name, "value of " + name));
    }
    Must(Put(client_, "acme", "a", "another value"));
    Must(Put(client_, "beta", "x", "y"));
    Must(Put(client_, "gone", "x", "y"));
    Must(Put(client_, "left", "x", "y"));
    for (const std::string label : {"t.a", "t.b"}) {
      Must(client_.AddColumn(Label(label), ContextKind::kField));
    }
    Must(SetPolicy(client_, "destroy.wait", "3d"));
    Must(RetireProject(client_, Project("gone")));
    Must(RetireProject(client_, Project("left")));
    Must(RotateDeks(client_, Project("acme")));
    for (const std::string id : {"90", "91"}) {
      Evidence("kek", "system", id);
    }
    Evidence("dek", "gone", "01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c10");
    Evidence("dek", "left", "01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c11");
  }

  void Evidence(const std::string& kind, const std::string& project, const std::string& id) {
    intruder_.Run(
        "INSERT INTO destroyed_key (project_id, kind, id, scope, purpose, suite, state, revision,"
        " check_value, created_at, destroyed_at, actor, reason, census) VALUES ($1, $2, $3, '',"
        " 'wrap', 1, 'deactivated', 1, $4, 0, 0, 'keeper', '', 'needed by nothing')",
        {project, kind, id, Bytes()});
  }

  // Changes a list's row, and expects it to be named and the others to be listed.
  void ExpectNamed(const HostileList& list, const std::string& column, const Param& value,
                   const std::string& shown) {
    const std::string what = list.name + ": " + list.table + "." + column + " = " + shown;
    const std::vector<Row> before = intruder_.Table(list.table);
    const std::size_t rows = list.read(client_).rows;
    intruder_.Run("UPDATE " + list.table + " SET " + column + " = $1 WHERE " + list.where, {value});
    const Listed listed = list.read(client_);
    ASSERT_THAT(listed.unreadable, SizeIs(1)) << what;
    EXPECT_EQ(listed.rows, rows - 1) << what;
    EXPECT_LE(listed.unreadable.front().row.size(), 300U) << what;
    EXPECT_EQ(listed.unreadable.front().row.find('\x1b'), std::string::npos) << what;
    EXPECT_FALSE(listed.unreadable.front().message.empty()) << what;
    intruder_.Restore(list.table, before);
    EXPECT_THAT(list.read(client_).unreadable, SizeIs(0)) << what;
  }

  TestStore store_;
  Client client_ = store_.Open();
  Intruder intruder_{store_.path()};
};

TEST_F(HostileRows, EveryListNamesABadRowAndShowsTheOthers) {
  for (const HostileList& list : Lists()) {
    ASSERT_GE(list.read(client_).rows, 1U) << list.name;
    for (const std::string& column : list.texts) {
      for (const std::string text : {"nonsense\x1b[31m\n", "\x7f"}) {
        ExpectNamed(list, column, text, Printable(text));
      }
    }
    for (const std::string& column : list.numbers) {
      for (const std::int64_t number : {kMin, kMax}) {
        ExpectNamed(list, column, number, std::to_string(number));
      }
    }
  }
}

TEST_F(HostileRows, AValueOfHostileSizeIsNamedAndNotRead) {
  const std::string huge(40'000'000, 'x');
  for (const HostileList& list : Lists()) {
    for (const std::string& column : list.long_texts) {
      ExpectNamed(list, column, huge, "40 MB");
    }
  }
}

TEST_F(HostileRows, VerifyNamesAHugeCiphertextAndGoesOn) {
  intruder_.Run("UPDATE secret_version SET encrypted_data = $1 WHERE version = 2",
                {Bytes(40'000'000, 1)});
  const std::vector<VerifyFailure> failures = VerifyFailures(client_);
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures.front().message, HasSubstr("larger than any"));
  EXPECT_FALSE(Get(client_, "acme", "a").has_value());
  EXPECT_EQ(Must(Get(client_, "acme", "c")), "value of c");
}

TEST_F(HostileRows, ANameThatIsNoneHidesNoOtherAndEndsNoPage) {
  std::vector<std::string> names = {
      "", "b\n", "b\x1b[31m", "b\x7f", std::string(256, 'b'), std::string(100'000, 'b')};
  if (!TestsPostgres()) {  // which keeps texts well-formed, and none of this size in an index
    names.insert(names.end(), {"b\xff", "\xed\xa0\x80", std::string(3'000'000, 'b'),
                               std::string(40'000'000, 'b')});
  }
  const auto names_of = [](const Listing<SecretSummary>& secrets) {
    std::vector<std::string> texts;
    for (const SecretSummary& secret : secrets) {
      texts.push_back(secret.name.text());
    }
    return texts;
  };
  for (const std::string& name : names) {
    const std::vector<Row> before = intruder_.Table("secret");
    intruder_.Run("UPDATE secret SET name = $1 WHERE name = 'b'", {name});
    const Listing<SecretSummary> all = Must(client_.List(Project("acme")));
    EXPECT_THAT(names_of(all), ElementsAre("a", "c")) << Printable(name);
    ASSERT_THAT(all.unreadable, SizeIs(1)) << Printable(name);
    EXPECT_EQ(all.unreadable[0].row, "secret '" + Printable(name) + "'");
    EXPECT_THAT(CheckAllRead(all.unreadable), FailsNaming(ErrorCode::kIntegrity, Printable(name)));

    Listing<SecretSummary> paged;
    for (bool more = true; more;) {
      const std::string after = paged.empty() ? "" : paged.back().name.text();
      Listing<SecretSummary> page = Must(client_.List(Project("acme"), after, 1));
      more = !page.empty();
      paged.Append(std::move(page));
    }
    EXPECT_THAT(names_of(paged), ElementsAre("a", "c")) << Printable(name);
    EXPECT_THAT(paged.unreadable, SizeIs(1)) << Printable(name);
    EXPECT_EQ(Must(Get(client_, "acme", "c")), "value of c");
    intruder_.Restore("secret", before);
  }
}

// Also where a page holds nothing else, and at the end of a list.
TEST_F(HostileRows, PagesOfBadRowsAloneAreWalkedThrough) {
  intruder_.Run("UPDATE secret SET kind = 'none' WHERE project_id = 'acme'");
  const Listing<SecretSummary> secrets = Must(client_.List(Project("acme"), "", 1));
  EXPECT_THAT(secrets, SizeIs(0));
  EXPECT_THAT(secrets.unreadable, SizeIs(3));
  ListDeksOptions one;
  one.limit = 1;
  intruder_.Run("UPDATE dek SET purpose = 'none' WHERE project_id IN ('beta', 'gone')");
  one.after_project = "acme";
  one.after_id = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  const Listing<DekSummary> deks = Must(ListDeks(client_, one));
  ASSERT_THAT(deks, SizeIs(1));
  EXPECT_EQ(deks.front().project, "left");
  EXPECT_THAT(deks.unreadable, SizeIs(2));
}

TEST_F(HostileRows, ABadJobKeepsNoOtherFromItsWork) {
  intruder_.Run(
      "INSERT INTO job (id, kind, object, argument, state, run, position, total, done, failed,"
      " created_at, changed_at) VALUES ('00000000-0000-7000-8000-000000000001', 'reseal', 'x', '',"
      " 'ready', 9223372036854775807, '', 0, 0, 0, 0, 0)");
  const JobsReport report = Must(RunJobs(client_));
  EXPECT_THAT(report.unreadable, SizeIs(1));
  EXPECT_THAT(Must(ListJobs(client_)), SizeIs(0));
  EXPECT_EQ(Must(Get(client_, "acme", "c")), "value of c");
}

TEST_F(HostileRows, NothingIsDecidedByColumnsThatCannotBeRead) {
  intruder_.Run(
      "INSERT INTO dek (project_id, id, kek_id, purpose, suite, state, revision, check_value,"
      " wrapped_key, row_tag, created_at, born_epoch) SELECT 'junk',"
      " '01980f3c-5b7e-7c3a-9d51-2f8e6a4b7c12', kek_id, purpose, suite, state, revision,"
      " check_value, wrapped_key, row_tag, created_at, born_epoch"
      " FROM dek WHERE project_id = 'beta'");
  intruder_.Run("UPDATE sealed_column SET context = 'nonsense' WHERE label = 't.a'");
  const Listing<UnreadableDek> kept = Must(DiscardDeks(client_));
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_FALSE(kept.front().discarded);
  EXPECT_THAT(kept.unreadable, SizeIs(1));
  const Listing<KekCensus> census = Must(TakeCensus(client_, CountFrom::kEveryRow));
  EXPECT_THAT(census, SizeIs(1));
  EXPECT_THAT(census.unreadable, SizeIs(1));
  EXPECT_THAT(client_.AddColumn(Label("t.a"), ContextKind::kField),
              FailsNaming(ErrorCode::kIntegrity, "t.a"));
  EXPECT_THAT(client_.AddColumn(Label("t.b"), ContextKind::kField), Succeeds());
  const std::vector<VerifyFailure> failures = VerifyFailures(client_);
  EXPECT_THAT(failures, SizeIs(2));
}

TEST_F(HostileRows, ACensusCountsDeksOfWordsThatThereAreNot) {
  intruder_.Run("UPDATE dek SET purpose = 'nonsense', state = 'broken' WHERE project_id = 'beta'");
  const Listing<KekCensus> census = Must(TakeCensus(client_, CountFrom::kEveryRow));
  ASSERT_THAT(census, SizeIs(1));
  EXPECT_THAT(census.unreadable, SizeIs(1));
  std::int64_t deks = 0;
  for (const DekCount& count : census.front().deks) {
    deks += count.deks;
  }
  EXPECT_EQ(deks, intruder_.Integer("SELECT count(*) FROM dek"));
  EXPECT_THAT(DestroyKek(client_, KekId{1}), FailsWith(ErrorCode::kRefusedByState));
}

// Every number of the store, at the ends of its range, before every kind of call. Built with the
// undefined-behaviour sanitizer, an overflow ends the test.
TEST_F(HostileRows, NumbersAtTheEndsOfTheirRangeAreNamedAndNotCalculatedWith) {
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"installation", "epoch"},     {"installation", "next_kek_id"},
      {"root_key", "revision"},      {"root_key", "created_at"},
      {"kek", "revision"},           {"kek", "created_at"},
      {"kek", "destroy_at"},         {"dek", "revision"},
      {"dek", "created_at"},         {"dek", "deactivated_at"},
      {"dek", "drained_at"},         {"secret", "next_version"},
      {"secret", "created_at"},      {"secret_version", "expires_at"},
      {"sealed_column", "revision"}, {"sealed_column", "scanned_at"},
      {"audit_log", "at"},           {"version_mac", "write_count"},
      {"secret_mac", "write_count"}, {"secret", "lowest_version"},
      {"dek", "born_epoch"},         {"job", "run"},
      {"job", "lease_until"},        {"retired_project", "destroy_at"}};
  for (const auto& [table, column] : numbers) {
    const std::vector<Row> before = intruder_.Table(table);
    for (const std::int64_t number : {kMin, kMax}) {
      intruder_.Run("UPDATE " + table + " SET " + column + " = $1", {number});
      const std::string where = table + "." + column + " = " + std::to_string(number);
      const auto expect_named = [&](const auto& result, const char* call) {
        EXPECT_TRUE(result.has_value() || result.error().code != ErrorCode::kInternal)
            << where << ", " << call << ": " << (result ? "" : result.error().message);
      };
      expect_named(store_.TryOpen(), "open");
      expect_named(Get(client_, "acme", "a"), "get");
      expect_named(client_.List(Project("acme")), "list");
      expect_named(client_.AuditLog(Project("acme")), "audit");
      expect_named(ListKeks(client_), "keks");
      expect_named(ListDeks(client_), "deks");
      expect_named(ListJobs(client_), "jobs");
      expect_named(ListRetirements(client_), "retirements");
      expect_named(Status(client_), "status");
      expect_named(TakeCensus(client_, CountFrom::kEveryRow), "census");
      expect_named(Verify(client_, [](const VerifyFailure&) {}), "verify");
      expect_named(PlanRetirement(client_, Project("acme")), "plan");
    }
    intruder_.Restore(table, before);
  }
  EXPECT_EQ(Must(Get(client_, "acme", "a")), "another value");
}

TEST(HostileNumbers, ChangesMeetThemToo) {
  for (const auto& [table, column] :
       std::vector<std::pair<std::string, std::string>>{{"dek", "deactivated_at"},
                                                        {"dek", "drained_at"},
                                                        {"kek", "destroy_at"},
                                                        {"job", "run"},
                                                        {"job", "lease_until"},
                                                        {"sealed_column", "scanned_at"},
                                                        {"retired_project", "destroy_at"}}) {
    for (const std::int64_t number : {kMin, kMax}) {
      TestStore copy;
      Client client = copy.Open();
      Must(Put(client, "acme", "a", "1"));
      Must(client.AddColumn(Label("t.a"), ContextKind::kField));
      Must(client.SealValue(Project("acme"), Label("t.a"), AsBytes("v"), {}));
      Must(RotateDeks(client, Project("acme")));
      Must(Put(client, "gone", "x", "y"));
      Must(RetireProject(client, Project("gone")));
      Intruder(copy.path()).Run("UPDATE " + table + " SET " + column + " = $1", {number});
      const std::string where = table + "." + column + " = " + std::to_string(number);
      const auto expect_named = [&](const auto& result, const char* call) {
        EXPECT_TRUE(result.has_value() || result.error().code != ErrorCode::kInternal)
            << where << ", " << call << ": " << (result ? "" : result.error().message);
      };
      expect_named(Put(client, "acme", "a", "2"), "put");
      expect_named(RotateDeks(client, Project("acme")), "rotate DEKs");
      expect_named(RotateKek(client), "rotate the KEK");
      expect_named(RunJobs(client), "run jobs");
      expect_named(Maintain(client, {}), "maintain");
      expect_named(CancelRetirement(client, Project("gone")), "cancel");
      EXPECT_EQ(Must(ListDestroyedDeks(client)).size(), 0U) << where;
    }
  }
}

}  // namespace
}  // namespace rowseal::testing
