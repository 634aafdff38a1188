#pragma once

#include <memory>
#include <string>

#include "support/postgres_server.h"
#include "support/test_store.h"

namespace rowseal::testing {

/// AppKind is the kind of an app's own database.
enum class AppKind { kSqlite, kPostgres };

/// AppDb is an app's database. SQL is written so that both kinds take it; `BYTES` stands for the
/// type of bytes. On PostgreSQL it is made on a server of the test's, or on the shared one.
class AppDb final {
 public:
  explicit AppDb(AppKind kind, PostgresServer* server = nullptr) : kind_(kind), server_(server) {
    if (kind == AppKind::kPostgres) {
      server_ = server == nullptr ? &PostgresServer::Shared() : server;
      database_ = server_->CreateDatabase();
    } else {
      WriteFile(folder_ / "app.db", "");
    }
  }
  ~AppDb() {
    if (kind_ == AppKind::kPostgres) {
      server_->DropDatabase(database_);
    }
  }
  AppDb(const AppDb&) = delete;
  AppDb& operator=(const AppDb&) = delete;

  bool OnPostgres() const { return kind_ == AppKind::kPostgres; }
  std::string Url() const {
    return OnPostgres() ? server_->Url(database_) : "sqlite:" + (folder_ / "app.db");
  }

  /// Run gives the first column of every row, a line each.
  std::string Run(std::string sql) const {
    for (std::size_t at = 0; (at = sql.find("BYTES", at)) != std::string::npos;) {
      sql.replace(at, 5, OnPostgres() ? "bytea" : "BLOB");
    }
    std::string text;
    if (OnPostgres()) {
      text = server_->Run(database_, sql);
    } else {
      Intruder app(folder_ / "app.db");       // for each: nothing is held while others are killed
      app.Run("PRAGMA trusted_schema = ON");  // as an app's connection has it
      for (const Row& row : app.Run(sql)) {
        if (const auto* integer = std::get_if<std::int64_t>(&row[0])) {
          text += std::to_string(*integer) + "\n";
        } else if (const auto* bytes = std::get_if<Bytes>(&row[0])) {
          text += std::string(AsText(*bytes)) + "\n";
        } else {
          text += TextAt(row, 0) + "\n";
        }
      }
    }
    while (text.ends_with('\n')) {
      text.pop_back();
    }
    return text;
  }
  /// Refuses tells whether a statement of the app's fails, with this in its error.
  bool Refuses(const std::string& sql, const std::string& why) const {
    try {
      Run(sql);
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
      return true;
    }
    return false;
  }

 private:
  const AppKind kind_;
  PostgresServer* server_;
  TempFolder folder_;
  std::string database_;
};

}  // namespace rowseal::testing
