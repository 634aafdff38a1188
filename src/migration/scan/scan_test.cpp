// What a scan proposes for tables of every kind, over a catalogue in memory.
#include "migration/scan/scan.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migration/scan/manifest_writer.h"

namespace rowseal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Verdict = Proposal::Verdict;
using Cell = std::optional<std::string>;

const std::string kToken =
    "gh"
    "p_16C7e42F292c6912E7710c838347Ae178B4a";
const std::string kStripe =
    "sk"
    "_live_4eC39HqLyjWDarjtT1zdp7dc";
const std::string kHash = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
const std::string kHex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

CatalogueColumn Text(const std::string& name, bool nullable = true) {
  CatalogueColumn column;
  column.name = name;
  column.type = "text";
  column.content = ContentKind::kText;
  column.nullable = nullable;
  return column;
}

CatalogueColumn Id(const std::string& name = "id") {
  CatalogueColumn column;
  column.name = name;
  column.type = "uuid";
  column.indexed = true;
  return column;
}

class MemoryCatalogue final : public AppCatalogue {
 public:
  // A table whose primary key is its first column.
  CatalogueTable& Add(const std::string& name, std::vector<CatalogueColumn> columns,
                      std::vector<std::vector<Cell>> rows, const std::string& schema = "public") {
    CatalogueTable table;
    table.name = schema + "." + name;
    table.schema = schema;
    table.base_name = name;
    table.columns = std::move(columns);
    table.primary_key = {table.columns.front().name};
    table.unique_keys = {table.primary_key};
    rows_[table.name] = std::move(rows);
    return tables_.emplace_back(std::move(table));
  }

  Result<std::vector<CatalogueTable>> Tables() override {
    return std::vector<CatalogueTable>(tables_.begin(), tables_.end());
  }

  Result<void> Sample(const CatalogueTable& table, const std::vector<std::size_t>& columns,
                      const Visitor& visit) override {
    EXPECT_LE(columns.size(), kMostSampledColumns);
    if (table.base_name == failing) {
      return Fail(failure, "the statement took too long");
    }
    for (const std::vector<Cell>& row : rows_.at(table.name)) {
      for (const std::size_t column : columns) {
        Show(column, row[column], visit);
      }
    }
    return {};
  }

  Result<void> SampleGiven(const CatalogueTable& table, std::size_t column,
                           const Visitor& visit) override {
    for (const Cell& cell : given[table.base_name]) {
      Show(column, cell, visit);
    }
    return {};
  }

  std::string failing;
  ErrorCode failure = ErrorCode::kPartial;
  std::map<std::string, std::vector<Cell>> given;

 private:
  static void Show(std::size_t column, const Cell& cell, const Visitor& visit) {
    SampledValue value;
    if (cell) {
      value = {SampledValue::State::kGiven, AsBytes(*cell), std::ssize(*cell)};
    }
    visit(column, value);
  }

  std::deque<CatalogueTable> tables_;
  std::map<std::string, std::vector<std::vector<Cell>>> rows_;
};

ScanReport Scan(MemoryCatalogue& catalogue) {
  Result<ScanReport> report = ScanDatabase(catalogue);
  EXPECT_TRUE(report) << report.error().message;
  return report ? std::move(*report) : ScanReport();
}

Proposal OnlyOf(MemoryCatalogue& catalogue) {
  ScanReport report = Scan(catalogue);
  EXPECT_THAT(report.proposals, SizeIs(1));
  return report.proposals.empty() ? Proposal() : std::move(report.proposals.front());
}

TEST(Scan, ATableOfNamesAndValuesMoves) {
  MemoryCatalogue catalogue;
  catalogue
      .Add("secrets", {Id(), Text("project_id", false), Text("key", false), Text("value", false)},
           {{"1", "acme", "A", kStripe}, {"2", "acme", "B", "hunter22!Z"}})
      .unique_keys.push_back({"project_id", "key"});
  const Proposal proposal = OnlyOf(catalogue);
  EXPECT_EQ(proposal.verdict, Verdict::kActive);
  EXPECT_EQ(proposal.mode, Proposal::Mode::kMove);
  EXPECT_EQ(proposal.name_rule, "{key}");
  EXPECT_EQ(proposal.leave, Proposal::Leave::kMarker);
  EXPECT_EQ(proposal.project.column, "project_id");
  EXPECT_EQ(proposal.matched, 2);
}

TEST(Scan, ANameOfSeveralColumnsBecomesOneRule) {
  MemoryCatalogue catalogue;
  catalogue
      .Add("secrets", {Id(), Text("org_id", false), Text("env"), Text("name"), Text("value")},
           {{"1", "acme", "prod", "A", kStripe}})
      .unique_keys.push_back({"org_id", "env", "name"});
  const Proposal proposal = OnlyOf(catalogue);
  EXPECT_EQ(proposal.name_rule, "{env}/{name}");
  EXPECT_EQ(proposal.leave, Proposal::Leave::kNull);
}

TEST(Scan, NamesOfASecondTableKeepClearOfTheFirst) {
  MemoryCatalogue catalogue;
  for (const char* table : {"secrets", "team_secrets"}) {
    catalogue.Add(table, {Id(), Text("key"), Text("value")}, {{"1", "A", kStripe}})
        .unique_keys.push_back({"key"});
  }
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  EXPECT_EQ(report.proposals[0].name_rule, "{key}");
  EXPECT_EQ(report.proposals[1].name_rule, "team_secrets/{key}");
}

TEST(Scan, WithoutAUniqueNameTheValueIsSealedWhereItStands) {
  MemoryCatalogue catalogue;
  catalogue.Add("secrets", {Id(), Text("key"), Text("value")}, {{"1", "A", kStripe}});
  const Proposal proposal = OnlyOf(catalogue);
  EXPECT_EQ(proposal.mode, Proposal::Mode::kValue);
  EXPECT_EQ(proposal.context, ContextKind::kCell);
  EXPECT_EQ(proposal.label, "public.secrets.value");
}

TEST(Scan, ATableOfSettingsIsDoubtfulWhereNotAllAreSecrets) {
  MemoryCatalogue catalogue;
  catalogue.Add("settings", {Text("key", false), Text("value")},
                {{"site_name", "Acme"}, {"smtp_password", "hunter22!Z"}, {"motd", "Hello to you"}});
  const Proposal proposal = OnlyOf(catalogue);
  EXPECT_EQ(proposal.verdict, Verdict::kDoubtful);
  EXPECT_EQ(proposal.mode, Proposal::Mode::kMove);
  EXPECT_THAT(proposal.reasons, Contains(HasSubstr("only some")));
}

TEST(Scan, ATableOfSettingsThatAreAllSecretsMoves) {
  MemoryCatalogue catalogue;
  catalogue.Add("settings", {Text("key", false), Text("value")},
                {{"smtp_password", "hunter22!Z"}, {"api_key", kStripe}});
  EXPECT_EQ(OnlyOf(catalogue).verdict, Verdict::kActive);
}

TEST(Scan, PlainColumnsAreSealedByCell) {
  MemoryCatalogue catalogue;
  catalogue.Add("users", {Id(), Text("email"), Text("totp"), Text("password"), Text("bio")},
                {{"1", "a@example.com", "JBSWY3DPEHPK3PXP", kHash, "I like long walks."},
                 {"2", "b@example.com", std::nullopt, kHash, "So do I, at times."}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  EXPECT_EQ(report.proposals[0].column, "totp");
  EXPECT_EQ(report.proposals[0].verdict, Verdict::kActive);
  EXPECT_EQ(report.proposals[0].values, 1);
  EXPECT_EQ(report.proposals[0].rows, 2);
  EXPECT_EQ(report.proposals[1].column, "password");
  EXPECT_EQ(report.proposals[1].verdict, Verdict::kSkipped);
  EXPECT_THAT(report.proposals[1].reasons, ElementsAre(HasSubstr("password hashes")));
}

TEST(Scan, WhatStandsInTheWayOfAColumnIsNamed) {
  struct Obstacle {
    std::function<void(CatalogueTable&)> put;
    std::string reason;
  };
  const std::vector<Obstacle> obstacles = {
      {[](CatalogueTable& t) { t.columns[1].max_length = 64; }, "sealed values need 211"},
      {[](CatalogueTable& t) { t.columns[1].checked = true; }, "CHECK constraint"},
      {[](CatalogueTable& t) { t.columns[1].indexed = true; }, "an index covers"},
      {[](CatalogueTable& t) { t.columns[1].generated = true; }, "generated"},
      {[](CatalogueTable& t) { t.unique_keys.push_back({"token"}); }, "part of a unique key"},
      {[](CatalogueTable& t) { t.primary_key = {"token"}; }, "part of the primary key"},
      {[](CatalogueTable& t) { t.primary_key.clear(); }, "no primary key"},
      {[](CatalogueTable& t) {
         t.references.push_back({"token", "public.x", "id"});
       },
       "refers to"},
  };
  for (const Obstacle& obstacle : obstacles) {
    MemoryCatalogue catalogue;
    obstacle.put(catalogue.Add("integrations", {Id(), Text("token")}, {{"1", kToken}}));
    const Proposal proposal = OnlyOf(catalogue);
    EXPECT_EQ(proposal.verdict, Verdict::kDoubtful) << obstacle.reason;
    EXPECT_THAT(proposal.reasons, Contains(HasSubstr(obstacle.reason)));
  }
  MemoryCatalogue catalogue;
  catalogue.Add("integrations", {Id(), Text("token")}, {{"1", kToken}}).columns[1].max_length = 211;
  EXPECT_EQ(OnlyOf(catalogue).verdict, Verdict::kActive);
}

TEST(Scan, NamesAndValuesThatDisagreeAreDoubtful) {
  MemoryCatalogue catalogue;
  catalogue.Add("t", {Id(), Text("secret"), Text("note"), Text("code"), Text("api_key")},
                {{"1", "Nobody knows what I did", "see " + kToken, kHex, std::nullopt},
                 {"2", "Nor will they ever know", "nothing here", kHex, std::nullopt},
                 {"3", "It was a quiet evening", "nor is here", kHex, std::nullopt}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(4));
  EXPECT_THAT(report.proposals[0].reasons, ElementsAre(HasSubstr("sentence")));
  EXPECT_THAT(report.proposals[1].reasons, ElementsAre(HasSubstr("only some")));
  EXPECT_THAT(report.proposals[2].reasons, ElementsAre(HasSubstr("does not say")));
  EXPECT_THAT(report.proposals[3].reasons, ElementsAre(HasSubstr("no value was seen")));
  EXPECT_EQ(report.CountOf(Verdict::kDoubtful), 4);
}

TEST(Scan, OrdinaryColumnsAreNotMentioned) {
  MemoryCatalogue catalogue;
  catalogue.Add(
      "orders",
      {Id(), Text("checksum"), Text("slug"), Text("email"), Text("created"), Text("ref_id"),
       Text("avatar"), Text("homepage"), Text("amount"), Text("token_type")},
      {{"1", kHex, "my-first-order", "a@example.com", "2026-01-20T10:00:00Z",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479", "data:image/png;base64,iVBORw0KGgoAAAANSU",
        "https://example.com/a?b=c", "12.50", "bearer"}});
  EXPECT_THAT(Scan(catalogue).proposals, IsEmpty());
}

TEST(Scan, WhatIsEncryptedAlreadyIsCommentedWithItsForm) {
  MemoryCatalogue catalogue;
  catalogue.Add("t", {Id(), Text("api_secret"), Text("api_key"), Text("api_token")},
                {{"1", "8f3a1b2c4d5e6f708192a3b4:5f4dcc3b5aa765d61d8327deb882cf99:9f86d081884c7d65",
                  "U2FsdGVkX1+vupppZksvRf5pq5g5XjFRlipRkwB0K1Y=", "rs1.AQEBAAAAAAAAAAAAAAAAAAAA"}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(3));
  EXPECT_EQ(report.proposals[0].cipher, Shape::kGcmCipher);
  EXPECT_THAT(report.proposals[0].reasons, ElementsAre(HasSubstr("hexadecimal")));
  EXPECT_EQ(report.proposals[1].cipher, Shape::kOpenSslCipher);
  EXPECT_THAT(report.proposals[1].reasons, ElementsAre(HasSubstr("OpenSSL")));
  EXPECT_EQ(report.proposals[2].verdict, Verdict::kSkipped);
  EXPECT_THAT(report.proposals[2].reasons, ElementsAre(HasSubstr("sealed or moved by Rowseal")));
  EXPECT_THAT(WriteManifest(report, "sqlite:/a.db"),
              AllOf(HasSubstr("# [column.source]\n# format = \"node-gcm\"\n# encoding = \"hex\"\n"
                              "# layout = \"iv:tag:ciphertext\""),
                    HasSubstr("# format = \"openssl\""), HasSubstr("# key = \"\"  # fill in")));
}

TEST(Scan, StringsOfDocumentsAreSealedByField) {
  MemoryCatalogue catalogue;
  CatalogueColumn definition = Text("definition", false);
  definition.content = ContentKind::kJson;
  const std::string document =
      R"({"nodes": [{"headers": {"authorization": "Bearer )" + kToken +
      R"("}, "type": "http"},)"
      R"({"credentials": {"user": "bob", "value": "hunter22!Z"}, "etag": ")" +
      kHex + R"("}]})";
  catalogue.Add("definitions", {Id(), Text("project_id", false), definition},
                {{"1", "acme", document}, {"2", "acme", document}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  for (const Proposal& proposal : report.proposals) {
    EXPECT_EQ(proposal.verdict, Verdict::kActive) << proposal.path;
    EXPECT_EQ(proposal.mode, Proposal::Mode::kValue);
    EXPECT_EQ(proposal.context, ContextKind::kField);
    EXPECT_EQ(proposal.label, "public.definitions.definition");
  }
  EXPECT_EQ(report.proposals[0].path, "$.nodes[*].credentials.value");
  EXPECT_EQ(report.proposals[1].path, "$.nodes[*].headers.authorization");
}

TEST(Scan, ReferencesInTemplatesAreNoSecrets) {
  MemoryCatalogue catalogue;
  catalogue.Add("t", {Id(), Text("token"), Text("api_key")},
                {{"1", "{{secrets.A}}", "{{secrets.A}}"}, {"2", "{{secrets.B}}", kToken}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  EXPECT_EQ(report.proposals[0].verdict, Verdict::kSkipped);
  EXPECT_EQ(report.proposals[1].verdict, Verdict::kActive);
  EXPECT_THAT(report.proposals[1].notes, Contains(HasSubstr("1 of the values are references")));
}

TEST(Scan, ProjectsAreFoundInTheRowOrOneStepAway) {
  MemoryCatalogue catalogue;
  catalogue.Add("organizations", {Id()}, {});
  catalogue.Add("workflows", {Id(), Text("owner", false)}, {})
      .references.push_back({"owner", "public.organizations", "id"});
  catalogue
      .Add("hooks", {Id(), Text("workflow_id", false), Text("webhook_secret")},
           {{"1", "7", kToken}})
      .references.push_back({"workflow_id", "public.workflows", "id"});
  catalogue.Add("calls", {Id(), Text("hook_id", false), Text("api_key")}, {{"1", "1", kToken}})
      .references.push_back({"hook_id", "public.hooks", "id"});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  EXPECT_EQ(report.proposals[0].project.join_table, "public.workflows");
  EXPECT_EQ(report.proposals[0].project.join_on, "workflow_id");
  EXPECT_EQ(report.proposals[0].project.join_key, "id");
  EXPECT_EQ(report.proposals[0].project.column, "owner");
  EXPECT_EQ(report.proposals[1].project.fixed, "system");
  EXPECT_THAT(report.proposals[1].notes, Contains(HasSubstr("project system")));
}

TEST(Scan, ValuesWithoutAProjectAreDoubtful) {
  MemoryCatalogue catalogue;
  catalogue.Add("users", {Id(), Text("api_key"), Text("tenant_id")},
                {{"1", kToken, "acme"}, {"2", std::nullopt, std::nullopt}});
  EXPECT_EQ(OnlyOf(catalogue).verdict, Verdict::kActive);
  MemoryCatalogue other;
  other.Add("users", {Id(), Text("api_key"), Text("tenant_id")},
            {{"1", kToken, "acme"}, {"2", kToken, std::nullopt}});
  EXPECT_THAT(OnlyOf(other).reasons, ElementsAre(HasSubstr("1 of the values stand in rows whose")));
}

TEST(Scan, ManyColumnsAreReadInGroupsAndCountedOnce) {
  MemoryCatalogue catalogue;
  std::vector<CatalogueColumn> columns = {Id(), Text("project_id"), Text("name"), Text("value")};
  std::vector<Cell> row = {"1", "acme", "api_key", "hunter22!Z"};
  for (int i = 0; i < 50; ++i) {
    columns.push_back(Text("token_" + std::string(1, static_cast<char>('a' + i % 26)) +
                           std::string(1, static_cast<char>('a' + i / 26))));
    row.emplace_back(kToken);
  }
  catalogue.Add("wide", columns, {row, row, row});
  const ScanReport report = Scan(catalogue);
  ASSERT_EQ(report.proposals.size(), 51U);
  for (const Proposal& proposal : report.proposals) {
    EXPECT_EQ(proposal.values, 3) << proposal.column;
    EXPECT_EQ(proposal.verdict, Verdict::kActive) << proposal.column;
  }
}

TEST(Scan, WhatCannotBeReadIsAGapAndNeverSilence) {
  MemoryCatalogue catalogue;
  catalogue.Add("hidden", {Id(), Text("token")}, {{"1", kToken}}).unreadable =
      "row-level security would hide rows from the login";
  catalogue.Add("slow", {Id(), Text("token")}, {{"1", kToken}});
  catalogue.Add("part", {Id(), Text("token")}, {{"1", kToken}}).columns[1].readable = false;
  catalogue.failing = "slow";
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.gaps, SizeIs(3));
  EXPECT_EQ(report.gaps[0].place, "public.hidden");
  EXPECT_EQ(report.gaps[1].place, "public.slow");
  EXPECT_EQ(report.gaps[2].place, "public.part, column token");
  EXPECT_THAT(WriteManifest(report, "sqlite:/a.db"),
              AllOf(HasSubstr("NOT EVERYTHING WAS SEEN"),
                    HasSubstr("public.hidden: row-level security would hide rows")));
}

TEST(Scan, ALostDatabaseEndsIt) {
  MemoryCatalogue catalogue;
  catalogue.Add("slow", {Id(), Text("token")}, {});
  catalogue.failing = "slow";
  catalogue.failure = ErrorCode::kUnavailable;
  const Result<ScanReport> report = ScanDatabase(catalogue);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);
}

TEST(Scan, RareValuesAreLookedForWhereTheNameSaysSo) {
  MemoryCatalogue catalogue;
  catalogue.Add("users", {Id(), Text("totp"), Text("nickname")},
                {{"1", std::nullopt, std::nullopt}});
  catalogue.given["users"] = {"JBSWY3DPEHPK3PXP"};
  const Proposal proposal = OnlyOf(catalogue);
  EXPECT_EQ(proposal.column, "totp");
  EXPECT_EQ(proposal.verdict, Verdict::kActive);
}

TEST(Scan, SupabasesOwnTablesAreLeftToIt) {
  MemoryCatalogue catalogue;
  catalogue.Add("users", {Id(), Text("instance_id"), Text("recovery_token")}, {{"1", "1", kToken}},
                "auth");
  catalogue.Add("mine", {Id(), Text("token")}, {{"1", kToken}});
  const ScanReport report = Scan(catalogue);
  ASSERT_THAT(report.proposals, SizeIs(2));
  EXPECT_THAT(report.proposals[0].reasons, ElementsAre(HasSubstr("Supabase")));
  EXPECT_EQ(report.proposals[1].verdict, Verdict::kActive);
}

// ---- the text ----

TEST(Manifest, HostileNamesAreQuotedOnOneLine) {
  MemoryCatalogue catalogue;
  CatalogueTable& table =
      catalogue.Add("t", {Id("k\"]\n[[column]]"), Text("api\\key\x7f\n# \"ä")}, {{"1", kToken}});
  table.base_name = "x\n\"y";
  const std::string manifest = WriteManifest(Scan(catalogue), "postgres:///app");
  EXPECT_THAT(manifest, HasSubstr(R"(keys = ["k\"]\u000a[[column]]"])"));
  EXPECT_THAT(manifest, HasSubstr(R"(column = "api\\key\u007f\u000a# \"ä")"));
  EXPECT_THAT(manifest, HasSubstr(R"(label = "public.x_\"y.api\\key__# \"ä")"));
  EXPECT_THAT(manifest, Not(HasSubstr("\n[[column]]\n[[column]]")));
  EXPECT_THAT(manifest, Not(HasSubstr("16C7")));
}

TEST(Manifest, CommentedBlocksHoldNoLineThatIsNone) {
  MemoryCatalogue catalogue;
  catalogue.Add("t", {Id(), Text("secret\n[[column]]")}, {{"1", "a few words"}});
  const std::string manifest = WriteManifest(Scan(catalogue), "postgres:///app");
  EXPECT_THAT(manifest, Not(HasSubstr("\n[[column]]")));
  EXPECT_THAT(manifest, HasSubstr("\n# [[column]]\n"));
}

TEST(Manifest, ANameThatIsNoUtf8IsACommentOnly) {
  MemoryCatalogue catalogue;
  catalogue.Add("t", {Id(), Text("token\xff")}, {{"1", kToken}});
  const std::string manifest = WriteManifest(Scan(catalogue), "postgres:///app");
  EXPECT_THAT(manifest, AllOf(HasSubstr("no UTF-8"), Not(HasSubstr("[[column]]\ntable"))));
}

TEST(Manifest, AnEmptyDatabaseIsSaidToBeOne) {
  MemoryCatalogue catalogue;
  EXPECT_THAT(WriteManifest(Scan(catalogue), "postgres:///app"),
              AllOf(HasSubstr("Nothing that looks like a secret was found."),
                    HasSubstr("version = 1\nname = \"app\"\ndatabase = \"postgres:///app\"\n")));
}

TEST(Manifest, AMigrationIsCalledAfterItsDatabase) {
  EXPECT_EQ(MigrationNameOf("postgres:///app"), "app");
  EXPECT_EQ(MigrationNameOf("postgres://u@h:5432/my-app?sslmode=require"), "my_app");
  EXPECT_EQ(MigrationNameOf("sqlite:/srv/x y/app.db"), "app");
  EXPECT_EQ(MigrationNameOf("service=prod dbname=x"), "prod");
  EXPECT_EQ(MigrationNameOf("postgres://u@h:5432/"), "app");
  EXPECT_EQ(MigrationNameOf("postgres:///"), "app");
  EXPECT_EQ(MigrationNameOf("postgres:///2024_app"), "app_2024_app");
  EXPECT_EQ(MigrationNameOf("postgres:///" + std::string(80, 'x')), std::string(40, 'x'));
}

}  // namespace
}  // namespace rowseal
