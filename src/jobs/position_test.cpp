#include "jobs/position.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rowseal {
namespace {

RC_GTEST_PROP(Position, GivesBackWhatItWasMadeOf,
              (const std::string& a, const std::string& b, const std::string& c)) {
  const auto parts = SplitPosition(JoinPosition({"walk", a, b, c}), 4);
  RC_ASSERT(parts.has_value());
  RC_ASSERT(*parts == (std::vector<std::string>{"walk", a, b, c}));
}

TEST(Position, OfKeysThatSomebodyMadeIsNotTakenForAnother) {
  EXPECT_NE(JoinPosition({"a\nb", "c"}), JoinPosition({"a", "b", "c"}));
  EXPECT_EQ(*SplitPosition(JoinPosition({"", "%0a\n"}), 2),
            (std::vector<std::string>{"", "%0a\n"}));
  EXPECT_EQ(JoinPosition({"acme", "0a1b"}), "acme\n0a1b");
}

TEST(Position, ThatWasChangedIsRefused) {
  EXPECT_TRUE(SplitPosition("", 4)->empty());
  for (const char* changed : {"a", "a\nb\nc", "a\n%zz", "a\n%0A"}) {
    ASSERT_FALSE(SplitPosition(changed, 2)) << changed;
    EXPECT_EQ(SplitPosition(changed, 2).error().code, ErrorCode::kIntegrity);
  }
}

TEST(TextKey, IsOfTextsOnly) {
  EXPECT_EQ(*TextKey(Row{std::string("a"), std::string("b"), std::int64_t{1}}, 2, "dek"),
            (std::vector<std::string>{"a", "b"}));
  for (const Value& other : {Value(Null{}), Value(Bytes{'a'}), Value(std::int64_t{1})}) {
    const auto key = TextKey(Row{std::string("a"), other}, 2, "dek");
    ASSERT_FALSE(key);
    EXPECT_NE(key.error().message.find("a/"), std::string::npos);
  }
  EXPECT_FALSE(TextKey(Row{std::string("a")}, 2, "dek"));
}

}  // namespace
}  // namespace rowseal
