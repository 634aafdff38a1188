#pragma once

#include <memory>
#include <string>

#include <rowseal/connection.h>

struct sqlite3;

namespace rowseal::testing {

/// PlainSqlite is SQLite as an application or an attacker has it, with none of Rowseal's settings:
/// triggers run, views are read, and nothing is limited. Plain SQL only.
class PlainSqlite final : public Connection {
 public:
  explicit PlainSqlite(const std::string& path);

  Result<Rows> Execute(const Statement& statement) override;
  Result<void> Begin(TransactionKind kind) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;

  /// ExecuteScript runs several statements without parameters.
  Result<void> ExecuteScript(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  tl::unexpected<Error> Failure() const;

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace rowseal::testing
