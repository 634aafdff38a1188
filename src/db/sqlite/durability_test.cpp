// A read entry may be lost in a crash; what was written may not, whatever was read before it.
#include "db/sqlite/sqlite_connection.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::int64_t kFull = 2;  // PRAGMA synchronous

// Notes how durable the file's commits are when they come.
class NotesCommits final : public Connection {
 public:
  NotesCommits(std::unique_ptr<SqliteConnection> inner, std::vector<std::int64_t>& levels)
      : inner_(std::move(inner)), levels_(levels) {}

  Result<Rows> Execute(const Statement& statement) override {
    if (statement.procedure != Procedure::kSql) {
      levels_.push_back(Level());
    }
    return inner_->Execute(statement);
  }
  Result<void> Begin(TransactionKind kind) override { return inner_->Begin(kind); }
  Result<void> Commit() override {
    levels_.push_back(Level());
    return inner_->Commit();
  }
  void Rollback() noexcept override { inner_->Rollback(); }

  std::int64_t Level() {
    const Rows rows = Must(inner_->Execute(Statement::Sql("PRAGMA synchronous")));
    return std::get<std::int64_t>(rows.rows[0][0]);
  }

 private:
  std::unique_ptr<SqliteConnection> inner_;
  std::vector<std::int64_t>& levels_;
};

TEST(SqliteDurability, WritesAreFlushedAlsoAfterReadsAndAfterReadsThatFailed) {
  TestStore store;
  std::vector<std::int64_t> levels;
  auto connection =
      std::make_unique<NotesCommits>(Must(SqliteConnection::Open(store.path())), levels);
  NotesCommits& noted = *connection;
  Client client = Must(store.Connect(std::move(connection)));
  Must(Put(client, "acme", "name", "1"));
  Must(Get(client, "acme", "name"));
  EXPECT_EQ(noted.Level(), kFull);
  EXPECT_THAT(Get(client, "acme", "none"), FailsWith(ErrorCode::kNotFound));
  Must(Put(client, "acme", "name", "2"));
  Must(client.AddColumn(Label("field"), ContextKind::kField));
  const std::string sealed =
      Must(client.SealValue(Project("acme"), Label("field"), AsBytes("value")));
  Must(client.OpenValue(Project("acme"), Label("field"), sealed));
  Must(client.Rename(Project("acme"), Named("name"), Named("renamed")));
  Must(RotateKek(client));
  // A read whose entry cannot be written.
  Intruder(store.path()).Run("ALTER TABLE audit_log RENAME TO gone");
  EXPECT_FALSE(Get(client, "acme", "renamed"));
  EXPECT_EQ(noted.Level(), kFull);
  ASSERT_GT(levels.size(), 8U);
  EXPECT_THAT(levels, ::testing::Each(kFull));
}

}  // namespace
}  // namespace rowseal::testing
