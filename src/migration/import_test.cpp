#include "migration/import.h"

#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "migration/app_table_source.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::Must;
using testing::Named;
using testing::TestStore;

// Gives batches that a test wrote down.
class ListedSource final : public ImportSource {
 public:
  ListedSource& Add(std::string project,
                    const std::vector<std::pair<std::string, std::string>>& all) {
    ImportBatch batch{std::move(project), {}, {}};
    for (const auto& [name, value] : all) {
      batch.items.push_back({Named(name), {}, Must(SecretBytes::CopyOf(AsBytes(value)))});
    }
    batches_.push_back(std::move(batch));
    return *this;
  }

  Result<std::optional<ImportBatch>> Next() override {
    if (batches_.empty()) {
      return std::nullopt;
    }
    ImportBatch batch = std::move(batches_.front());
    batches_.pop_front();
    return batch;
  }

 private:
  std::deque<ImportBatch> batches_;
};

class ImportTest : public ::testing::Test {
 protected:
  ImportReport Run(ImportSource& source) {
    problems_.clear();
    return Must(Import(client_, source, {}, [this](const ImportProblem& problem) {
      problems_.push_back(problem.project + "/" + problem.name);
    }));
  }

  TestStore store_;
  Client client_ = store_.Open();
  std::vector<std::string> problems_;
};

TEST_F(ImportTest, SecondRunChangesNothing) {
  const auto source = [] {
    ListedSource listed;
    listed.Add("a", {{"A", "1"}, {"B", ""}}).Add("b", {{"A", "3"}});
    return listed;
  };
  ListedSource first = source();
  EXPECT_EQ(Run(first).created, 3);
  ListedSource second = source();
  const ImportReport report = Run(second);
  EXPECT_EQ(report.created, 0);
  EXPECT_EQ(report.unchanged, 3);
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(Must(client_.Versions(testing::Project("a"), Named("A"))).size(), 1U);
}

TEST_F(ImportTest, ProjectWithAConflictIsLeftAsItIsAndOthersAreTaken) {
  Must(testing::Put(client_, "a", "B", "stored"));
  ListedSource source;
  source.Add("a", {{"A", "new"}, {"B", "other"}, {"C", "new"}}).Add("b", {{"A", "new"}});
  const ImportReport report = Run(source);
  EXPECT_EQ(report.created, 1);
  EXPECT_EQ(report.conflicts, 1);
  EXPECT_EQ(problems_, std::vector<std::string>{"a/B"});
  EXPECT_EQ(Must(testing::Get(client_, "a", "B")), "stored");
  EXPECT_EQ(testing::Get(client_, "a", "A").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(testing::Get(client_, "a", "C").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Must(testing::Get(client_, "b", "A")), "new");
}

TEST_F(ImportTest, NameThatComesTwiceIsAConflictEvenWithTheSameValue) {
  ListedSource source;
  source.Add("a", {{"A", "1"}, {"A", "1"}});
  EXPECT_EQ(Run(source).created, 0);
  EXPECT_EQ(problems_, std::vector<std::string>{"a/A"});
}

TEST_F(ImportTest, NameThatIsNoProjectIsAConflict) {
  ListedSource source;
  source.Add("", {{"A", "1"}}).Add("a\n", {{"A", "1"}});
  EXPECT_EQ(Run(source).created, 0);
  EXPECT_EQ(problems_.size(), 2U);
}

TEST_F(ImportTest, ComparesMoreThanOnePortion) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 600; ++i) {
    many.emplace_back("name-" + std::to_string(i), "value-" + std::to_string(i));
  }
  ListedSource first;
  first.Add("a", many);
  EXPECT_EQ(Run(first).created, 600);
  many[599].second = "other";
  ListedSource second;
  second.Add("a", many);
  EXPECT_EQ(Run(second).unchanged, 0);
  EXPECT_EQ(problems_, std::vector<std::string>{"a/name-599"});
}

TEST_F(ImportTest, DamagedStoredValueEndsTheImportAndIsNotOverwritten) {
  Must(testing::Put(client_, "a", "A", "1"));
  testing::Intruder intruder(store_.path());
  intruder.Run("UPDATE secret_version SET encrypted_data = zeroblob(48)");
  ListedSource source;
  source.Add("a", {{"A", "1"}, {"B", "2"}});
  const Result<ImportReport> report = Import(client_, source, {}, [](const ImportProblem&) {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kIntegrity);
  EXPECT_EQ(testing::Get(client_, "a", "B").error().code, ErrorCode::kNotFound);
}

TEST(AppTableSource, GroupsProjectsWhateverTheOrderAndCollationOfTheRows) {
  const testing::TempFolder folder;
  testing::WriteFile(folder / "app.db", "");
  testing::Intruder app(folder / "app.db");
  app.Run("CREATE TABLE s (p TEXT COLLATE NOCASE, n TEXT, v)");
  for (const char* row : {"('b','1','x')", "('B','1','x')", "('a','1','x')", "('b','2','x')"}) {
    app.Run("INSERT INTO s VALUES " + std::string(row));
  }
  const auto source =
      Must(OpenAppTableSource(folder / "app.db", {"s", "p", "n", "v", std::nullopt}, {}));
  std::vector<std::string> seen;
  while (const std::optional<ImportBatch> batch = Must(source->Next())) {
    seen.push_back(batch->project + ":" + std::to_string(batch->items.size()));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"B:1", "a:1", "b:2"}));
  EXPECT_FALSE(Must(source->Next())) << "the end stays the end";
}

TEST(AppTableSource, TakesTextAndBlobsByteForByte) {
  const testing::TempFolder folder;
  testing::WriteFile(folder / "app.db", "");
  testing::Intruder app(folder / "app.db");
  app.Run("CREATE TABLE s (p, n, v)");
  app.Run("INSERT INTO s VALUES ('a', 'blob', $1), ('a', 'text', CAST($1 AS TEXT))",
          {Bytes{0x00, 0xFF, 0x0A, 0x00}});
  const auto source =
      Must(OpenAppTableSource(folder / "app.db", {"s", "p", "n", "v", std::nullopt}, {}));
  const ImportBatch batch = Must(source->Next()).value();
  ASSERT_EQ(batch.items.size(), 2U);
  for (const ImportItem& item : batch.items) {
    EXPECT_EQ(testing::TextOf(item.value), std::string("\0\xFF\n\0", 4)) << item.name.text();
  }
}

}  // namespace
}  // namespace rowseal
