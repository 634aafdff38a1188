// A store that answers another question than it was asked: another version, project or order, rows
// too many or too few, NULLs, wrong types, huge and cut values, numbers out of range. Each answer
// is changed in every way of its kind, for every call, by what src/store/calls says of its columns;
// each change is an error, and nothing is released. A call without a scenario here fails the test.
#include <limits>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "client/session.h"
#include "store/calls/all_calls.h"
#include "support/lying_connection.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

struct LieAboutRows {
  std::string name;
  LyingConnection::Lie tell;
};

void ChangeCell(std::vector<LieAboutRows>& lies, const std::string& name, std::size_t row,
                std::size_t column, Value value) {
  lies.push_back({name, [=](Rows& rows) {
                    if (row < rows.rows.size() && column < rows.rows[row].size()) {
                      rows.rows[row][column] = value;
                    }
                  }});
}

// What a cell could hold that no Rowseal wrote.
std::vector<std::pair<std::string, Value>> WrongValues(const CellInfo& cell) {
  std::vector<std::pair<std::string, Value>> wrong;
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(cell.limits.most, 0));
  const auto least = static_cast<std::size_t>(std::max<std::int64_t>(cell.limits.least, 0));
  if (!cell.is_nullable) {
    wrong.emplace_back("NULL", Null{});
  }
  switch (cell.type) {
    case CellType::kInteger:
    case CellType::kBoolean:
      wrong.emplace_back("text", std::string("1"));
      wrong.emplace_back("bytes", Bytes{1});
      wrong.emplace_back("below", cell.limits.least - 1);
      wrong.emplace_back("above", cell.limits.most + 1);
      wrong.emplace_back("lowest", std::numeric_limits<std::int64_t>::min());
      wrong.emplace_back("highest", std::numeric_limits<std::int64_t>::max());
      break;
    case CellType::kText:
    case CellType::kUuid:
      wrong.emplace_back("number", std::int64_t{1});
      wrong.emplace_back("bytes", Bytes{1});
      wrong.emplace_back("not_utf8", std::string("\xff"));
      wrong.emplace_back("huge", std::string(most + 1, 'x'));
      if (cell.type == CellType::kUuid) {
        wrong.emplace_back("cut", std::string("01a20d5b-28bf-7db6-9ec0-ff42b450a3c"));
        wrong.emplace_back("another", std::string("01a20d5b-28bf-7db6-9ec0-ff42b450a3cf"));
      }
      break;
    case CellType::kBytes:
      wrong.emplace_back("number", std::int64_t{1});
      wrong.emplace_back("text", std::string(most, 'x'));
      wrong.emplace_back("huge", Bytes(most + 1));
      if (least > 0) {
        wrong.emplace_back("cut", Bytes(least - 1));
      }
      break;
  }
  return wrong;
}

void LieAboutCells(std::vector<LieAboutRows>& lies, const Rows& honest, std::size_t row,
                   const std::vector<CellInfo>& cells) {
  for (std::size_t column = 0; column < cells.size(); ++column) {
    // A column that an optional part leaves NULL here is another row's.
    if (std::holds_alternative<Null>(honest.rows[row][column])) {
      continue;
    }
    for (auto& [what, value] : WrongValues(cells[column])) {
      if (value != honest.rows[row][column]) {
        ChangeCell(lies, std::string(cells[column].name) + "_" + what, row, column,
                   std::move(value));
      }
    }
  }
}

// The columns of a trusted row by what they hold: the tags cover the rest.
std::vector<CellInfo> TrustCellsOf(const Row& row) {
  std::vector<CellInfo> cells;
  for (std::size_t column = 0; column < row.size(); ++column) {
    CellInfo cell{"column", CellType::kText, false, false, kAnyText};
    if (std::holds_alternative<std::int64_t>(row[column])) {
      cell.type = CellType::kInteger;
      cell.limits = kTimes;
    } else if (std::holds_alternative<Bytes>(row[column])) {
      cell.type = CellType::kBytes;
      cell.limits = {1, kProviderBytes.most};
    }
    cells.push_back(cell);
  }
  return cells;
}

template <class Call>
std::vector<LieAboutRows> LiesAbout(const Rows& honest) {
  std::vector<LieAboutRows> lies;
  if constexpr (Call::kProcedure == Procedure::kTrustLoad) {
    for (std::size_t row = 0; row < honest.rows.size(); ++row) {
      LieAboutCells(lies, honest, row, TrustCellsOf(honest.rows[row]));
    }
  } else if constexpr (!std::is_void_v<typename Call::Row>) {
    std::vector<CellInfo> cells;
    ForEachCell<typename Call::Row>([&](const CellInfo& cell) { cells.push_back(cell); });
    for (std::size_t row = 0; row < honest.rows.size(); ++row) {
      EXPECT_EQ(honest.rows[row].size(), cells.size()) << Call::kName;
      LieAboutCells(lies, honest, row, cells);
    }
  }
  if (!honest.rows.empty()) {
    lies.push_back({"column_more", [](Rows& rows) {
                      for (Row& row : rows.rows) {
                        row.emplace_back(Null{});
                      }
                    }});
    lies.push_back({"column_fewer", [](Rows& rows) {
                      for (Row& row : rows.rows) {
                        row.pop_back();
                      }
                    }});
    lies.push_back({"no_columns", [](Rows& rows) { rows.rows.front().clear(); }});
    lies.push_back({"row_twice", [](Rows& rows) {
                      if (!rows.rows.empty()) {
                        rows.rows.push_back(rows.rows.back());
                      }
                    }});
  } else {
    lies.push_back({"rows_of_nothing", [](Rows& rows) { rows.rows.push_back({"x"}); }});
  }
  if (honest.rows.size() > 1 && honest.rows[0] != honest.rows[1]) {
    lies.push_back({"swapped", [](Rows& rows) { std::swap(rows.rows[0], rows.rows[1]); }});
  }
  return lies;
}

// A text that is equal to the honest one, or an uuid that stands for nothing yet, is no lie.
bool IsDocumented(ErrorCode code) {
  // PostgreSQL's own functions reject an id that no secret of the project has.
  return code == ErrorCode::kIntegrity || code == ErrorCode::kNotFound ||
         code == ErrorCode::kInvalidArgument;
}

class LyingStore : public ::testing::Test {
 protected:
  using Scenario = std::function<Result<void>()>;

  LyingStore() {
    Client honest = store_.Open();
    Must(honest.AddColumn(Label("field"), ContextKind::kField));
    for (const std::string_view name : {"a", "b"}) {
      Must(Put(honest, "acme", name, "one"));
      Must(Put(honest, "acme", name, "two"));
    }
    Must(Put(honest, "globex", "a", "of another project"));
    sealed_ = Must(honest.SealValue(Project("acme"), Label("field"), AsBytes("value")));
    Reconnect();
  }

  // A client that has seen nothing yet, so that it asks.
  void Reconnect() {
    auto owned = std::make_unique<LyingConnection>(OpenTestConnection(store_.path()));
    connection_ = owned.get();
    client_.emplace(Must(store_.Connect(std::move(owned))));
  }

  Result<void> GetBoth(std::optional<SecretVersion> version = {}) {
    ROWSEAL_ASSIGN(
        const auto secrets,
        client_->GetBatch(Project("acme"), {{Named("a"), version}, {Named("b"), version}}, {}));
    for (const Result<Secret>& secret : secrets) {
      if (!secret) {
        return tl::unexpected(secret.error());
      }
    }
    return {};
  }

  Result<void> PutBoth() {
    ROWSEAL_ASSIGN(const auto stored, client_->PutBatch(Project("acme"),
                                                        {{Named("a"), AsBytes("x"), {}, {}},
                                                         {Named("b"), AsBytes("y"), {}, {}}},
                                                        Batch::kEachAlone, {}));
    for (const Result<StoredSecret>& secret : stored) {
      ROWSEAL_TRY(secret);
    }
    return {};
  }

  Result<void> Expire() {
    return client_->Expire(Project("acme"), Named("a"), SecretVersion{1},
                           Timestamp(std::chrono::years(200)), {});
  }

  // Goes from a name to another and back.
  Result<void> RenameBack() {
    ROWSEAL_TRY(client_->Rename(Project("acme"), Named("b"), Named("c"), {}));
    return client_->Rename(Project("acme"), Named("c"), Named("b"), {});
  }

  Result<void> ListAll() {
    ROWSEAL_ASSIGN(const auto secrets, client_->List(Project("acme"), {}, 100));
    // A row that Rowseal does not write is left out and named in the log.
    return secrets.size() == 2 ? Result<void>() : Fail(ErrorCode::kIntegrity, "a row is left out");
  }

  template <class Request>
  Result<void> AskOnly(Request request) {
    ROWSEAL_TRY(rowseal::Ask(*connection_, std::move(request)));
    return {};
  }

  Result<void> InsertDek() {
    return Put(*client_, "new" + std::to_string(++projects_), "a", "value").map([](auto&&) {});
  }

  Result<void> Rewrap() { return AskOnly(DekRewrap::Request{{}, KekId{1}}); }

  std::map<Procedure, Scenario> Scenarios() {
    const ProjectId acme = Project("acme");
    return {
        {Procedure::kTrustLoad, [this] { return SessionOf(*client_).LoadTrust(*connection_); }},
        {Procedure::kSecretGet, [this] { return GetBoth(); }},
        {Procedure::kSecretPut, [this] { return PutBoth(); }},
        {Procedure::kDekActive,
         [this, acme] {
           return AskOnly(DekActive::Request{acme, DekPurpose::kSecret});
         }},
        {Procedure::kDekInsert, [this] { return InsertDek(); }},
        {Procedure::kValuePrepare,
         [this, acme] {
           return client_->OpenValue(acme, Label("field"), sealed_).map([](auto&&) {});
         }},
        {Procedure::kAuditAppend, [this] { return Expire(); }},
        {Procedure::kClock, [this] { return AskOnly(StoreTime::Request{}); }},
        {Procedure::kStoreFormat, [this] { return AskOnly(StoreFormat::Request{}); }},
        {Procedure::kSecretList, [this] { return ListAll(); }},
        {Procedure::kSecretVersions,
         [this, acme]() -> Result<void> {
           ROWSEAL_ASSIGN(const auto versions, client_->Versions(acme, Named("a")));
           return CheckAllRead(versions.unreadable);
         }},
        {Procedure::kSecretLock, [this] { return Expire(); }},
        {Procedure::kSecretVersionRead, [this] { return Expire(); }},
        {Procedure::kSecretReseal, [this] { return Expire(); }},
        {Procedure::kSecretRename, [this] { return RenameBack(); }},
        {Procedure::kSecretDelete,
         [this, acme]() -> Result<void> {
           ROWSEAL_TRY(Put(*client_, "acme", "gone", "value"));
           return client_->Delete(acme, Named("gone"), {});
         }},
        {Procedure::kDekRewrap, [this] { return Rewrap(); }},
    };
  }

  // What an id stands for, or what a row says of another time, can be told only by what comes
  // after: the call as a whole is to fail, or to give what the honest answer gave.
  static bool IsNoLie(std::string_view call, const std::string& lie) {
    static const std::set<std::pair<std::string_view, std::string>> harmless = {
        {"dek_active", "id_another"},  // the tag of the row covers it
        {"secret_list", "id_another"},
        {"secret_put", "secret_id_another"},
        {"trust_load", "swapped"},  // a set has no order
    };
    return harmless.contains({call, lie});
  }

  template <class Call>
  void Try(const Scenario& scenario) {
    Rows honest;
    connection_->LieAbout(Call::kProcedure, [&](Rows& rows) { honest = rows; });
    ASSERT_THAT(scenario(), Succeeds()) << Call::kName;
    ASSERT_GT(connection_->BeHonest(), 0) << Call::kName << " is not asked by its scenario";
    int told = 0;
    for (const LieAboutRows& lie : LiesAbout<Call>(honest)) {
      if (IsNoLie(Call::kName, lie.name)) {
        continue;
      }
      SCOPED_TRACE(std::string(Call::kName) + ": " + lie.name);
      connection_->LieAbout(Call::kProcedure, lie.tell);
      const Result<void> outcome = scenario();
      told += connection_->BeHonest() > 0 ? 1 : 0;
      EXPECT_FALSE(outcome);
      if (!outcome) {
        EXPECT_TRUE(IsDocumented(outcome.error().code))
            << ErrorName(outcome.error().code) << ": " << outcome.error().message;
      }
      ASSERT_THAT(scenario(), Succeeds()) << "afterwards";
    }
    EXPECT_GT(told, 0) << Call::kName;
  }

  TestStore store_;
  LyingConnection* connection_ = nullptr;
  std::optional<Client> client_;
  std::string sealed_;
  int projects_ = 0;
};

TEST_F(LyingStore, EveryAnswerThatIsNotOfItsKindIsRefused) {
  const std::map<Procedure, Scenario> scenarios = Scenarios();
  ForEachCall([&]<class Call>(CallIs<Call>) {
    const auto scenario = scenarios.find(Call::kProcedure);
    ASSERT_NE(scenario, scenarios.end()) << Call::kName << " has no scenario here";
    Try<Call>(scenario->second);
  });
}

TEST_F(LyingStore, AnotherVersionsRowIsRefused) {
  Rows older;
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { older = rows; });
  Must(GetBoth(SecretVersion{1}));
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { rows = older; });
  EXPECT_THAT(GetBoth(SecretVersion{2}), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(GetBoth(), FailsWith(ErrorCode::kIntegrity));
  // With the counter set back it is the newest: what this client has seen says otherwise.
  Must(Put(*client_, "acme", "a", "three"));
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) {
    rows = older;
    for (Row& row : rows.rows) {
      row[2] = std::int64_t{2};
    }
  });
  EXPECT_THAT(GetBoth(), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(LyingStore, AnotherSecretsAndAnotherProjectsRowIsRefused) {
  const auto get = [&](std::string_view project, std::string_view name) {
    return rowseal::testing::Get(*client_, project, name);
  };
  Rows others;
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { others = rows; });
  Must(get("globex", "a"));
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { rows = others; });
  EXPECT_THAT(get("acme", "a"), FailsWith(ErrorCode::kIntegrity));
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { others = rows; });
  Must(get("acme", "b"));
  connection_->LieAbout(Procedure::kSecretGet, [&](Rows& rows) { rows = others; });
  EXPECT_THAT(get("acme", "a"), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(LyingStore, RenameAndExpireTakeNoOtherSecretsVersion) {
  connection_->LieAbout(Procedure::kSecretVersionRead,
                        [](Rows& rows) { rows.rows.front()[1] = std::string("b"); });
  EXPECT_THAT(Expire(), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(LyingStore, APutIsNotStoredWhereTheHeadThatWasFoundSaysOtherwise) {
  connection_->LieAbout(Procedure::kSecretPut, [](Rows& rows) {
    for (Row& row : rows.rows) {
      row[0] = std::string("no_such_outcome");
    }
  });
  EXPECT_THAT(PutBoth(), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(LyingStore, OneRefusedRowDoesNotHideTheRestOfAList) {
  connection_->LieAbout(Procedure::kSecretList, [](Rows& rows) {
    if (!rows.rows.empty() && rows.rows.front().front() == Value(std::string("a"))) {
      rows.rows.front()[1] = std::string("no_kind");
    }
  });
  const auto listed = Must(client_->List(Project("acme"), {}, 1));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed.front().name.text(), "b");
}

}  // namespace
}  // namespace rowseal::testing
