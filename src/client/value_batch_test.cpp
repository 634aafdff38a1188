// Many sealed values of a column with one statement: each has its own outcome, and what is audited,
// counted and refused is as for one.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/kernel_random.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

class ValueBatches : public ::testing::Test {
 protected:
  ValueBatches() {
    Must(client_.AddColumn(Label("cells"), ContextKind::kCell));
    Must(client_.AddColumn(Label("tokens"), ContextKind::kField));
  }

  std::vector<ValueToSeal> Cells(std::size_t count) {
    std::vector<ValueToSeal> values;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string text = "value " + std::to_string(i);
      values.push_back({Must(SecretBytes::CopyOf(AsBytes(text))), {std::to_string(i)}});
    }
    return values;
  }

  Listing<AuditEntry> Log() { return Must(client_.AuditLog(Project("acme"))); }

  TestStore store_;
  Client client_ = store_.Open();
};

TEST_F(ValueBatches, ManyValuesComeBackInTheirOrderUnderOneAuditEntry) {
  const auto sealed = Must(client_.SealValues(Project("acme"), Label("cells"), Cells(300)));
  std::vector<ValueToOpen> values;
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    values.push_back({Must(Result<std::string>(sealed[i])), {std::to_string(i)}});
  }
  const std::size_t entries = Log().size();
  const auto opened = Must(client_.OpenValues(Project("acme"), Label("cells"), values));
  ASSERT_EQ(opened.size(), 300U);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    ASSERT_TRUE(opened[i]) << i;
    EXPECT_EQ(TextOf(*opened[i]), "value " + std::to_string(i));
  }
  EXPECT_EQ(Log().size(), entries + 1);
  EXPECT_EQ(Log().front().outcome, "granted");
}

TEST_F(ValueBatches, NoncesOfABatchAreDrawnByOneRequest) {
  Must(client_.SealValues(Project("acme"), Label("cells"), Cells(1)));  // makes the DEK
  const DrawnFromKernel before = DrawnSoFar();
  Must(client_.SealValues(Project("acme"), Label("cells"), Cells(300)));
  EXPECT_EQ(DrawnSoFar().calls - before.calls, 1U);
  EXPECT_EQ(DrawnSoFar().bytes - before.bytes, 300U * 24);
}

TEST_F(ValueBatches, CallsAreTimed) {
  StoreOptions options = store_.Options();
  options.client.observer = std::make_shared<Observer>();
  Client watched = Must(OpenStore(options));
  const auto sealed = Must(watched.SealValues(Project("acme"), Label("cells"), Cells(3)));
  Must(watched.OpenValues(Project("acme"), Label("cells"),
                          std::vector<ValueToOpen>{{Must(Result<std::string>(sealed[0])), {"0"}}}));
  EXPECT_EQ(options.client.observer->Observations(Timer::kSealValues), 1U);
  EXPECT_EQ(options.client.observer->Observations(Timer::kOpenValues), 1U);
  EXPECT_THAT(options.client.observer->PrometheusText(),
              ::testing::HasSubstr("rowseal_seal_values_seconds_count 1"));
}

TEST_F(ValueBatches, ValuesOfSeveralDeksOpenTogether) {
  std::vector<ValueToOpen> values;
  for (int i = 0; i < 4; ++i) {
    values.push_back({Must(client_.SealValue(Project("acme"), Label("tokens"),
                                             AsBytes("value " + std::to_string(i)))),
                      {}});
    Must(RotateDeks(client_, Project("acme")));
  }
  std::swap(values[0], values[3]);
  const auto opened = Must(client_.OpenValues(Project("acme"), Label("tokens"), values));
  const std::vector<std::string> wanted = {"value 3", "value 1", "value 2", "value 0"};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_TRUE(opened[i]) << opened[i].error().message;
    EXPECT_EQ(TextOf(*opened[i]), wanted[i]);
  }
}

TEST_F(ValueBatches, OneBadValueHarmsNoOther) {
  const auto sealed = Must(client_.SealValues(Project("acme"), Label("cells"), Cells(2)));
  const std::string elsewhere =
      Must(client_.SealValue(Project("other"), Label("cells"), AsBytes("x"), {"0"}));
  const auto opened = Must(client_.OpenValues(Project("acme"), Label("cells"),
                                              {{*sealed[0], {"0"}},
                                               {"plain text", {"0"}},
                                               {*sealed[1], {"0"}},
                                               {elsewhere, {"0"}},
                                               {*sealed[1], {}},
                                               {*sealed[1], {"1"}}}));
  ASSERT_EQ(opened.size(), 6U);
  EXPECT_EQ(TextOf(Must(client_.OpenValue(Project("acme"), Label("cells"), *sealed[0], {"0"}))),
            "value 0");
  ASSERT_TRUE(opened[0] && opened[5]);
  EXPECT_EQ(TextOf(*opened[5]), "value 1");
  for (const std::size_t refused : {1U, 2U, 3U}) {
    EXPECT_THAT(opened[refused], FailsWith(ErrorCode::kIntegrity)) << refused;
  }
  EXPECT_THAT(opened[4], FailsWith(ErrorCode::kInvalidArgument));
  const Listing<AuditEntry> log = Log();
  EXPECT_EQ(log[0].outcome, "granted");  // of the single open that came last
  EXPECT_EQ(log[1].outcome, "integrity");
  EXPECT_EQ(log[2].outcome, "granted");
}

TEST_F(ValueBatches, TextsThatAreNoSealedValuesAreRefusedAndLogged) {
  const auto opened = Must(client_.OpenValues(Project("acme"), Label("tokens"),
                                              {{"plain", {}}, {"rs1.", {}}, {"rs1.!", {}}}));
  for (const auto& value : opened) {
    EXPECT_THAT(value, FailsWith(ErrorCode::kIntegrity));
  }
  EXPECT_EQ(Log().front().outcome, "integrity");
}

TEST_F(ValueBatches, ACallThatFailsAsAWholeSaysSo) {
  EXPECT_THAT(client_.SealValues(Project("acme"), Label("nowhere"), Cells(2)),
              FailsWith(ErrorCode::kNotFound));
  const std::string sealed =
      Must(client_.SealValue(Project("acme"), Label("tokens"), AsBytes("x")));
  EXPECT_THAT(client_.OpenValues(Project("acme"), Label("nowhere"), {{sealed, {}}}),
              FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(Log().front().outcome, "not_found");
}

TEST_F(ValueBatches, AnEmptyBatchIsNothing) {
  const std::size_t entries = Log().size();
  EXPECT_TRUE(Must(client_.SealValues(Project("acme"), Label("tokens"), {})).empty());
  EXPECT_TRUE(Must(client_.OpenValues(Project("acme"), Label("tokens"), {})).empty());
  EXPECT_EQ(Log().size(), entries);
}

TEST_F(ValueBatches, AWrongRowKeyHarmsItsValueOnlyAndMakesNoKey) {
  std::vector<ValueToSeal> values = Cells(2);
  values[0].row_key.clear();
  const auto sealed = Must(client_.SealValues(Project("acme"), Label("cells"), values));
  EXPECT_THAT(sealed[0], FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_TRUE(sealed[1]);
  values.pop_back();
  EXPECT_THAT(client_.SealValues(Project("fresh"), Label("cells"), values),
              FailsWith(ErrorCode::kInvalidArgument));
  ListDeksOptions fresh;
  fresh.project = Project("fresh");
  EXPECT_TRUE(Must(ListDeks(client_, fresh)).empty());
}

}  // namespace
}  // namespace rowseal::testing
