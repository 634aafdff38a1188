#include "base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rowseal {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(Split, KeepsEmptyPieces) {
  EXPECT_EQ(Split("", ","), Pieces{""});
  EXPECT_EQ(Split(",", ","), (Pieces{"", ""}));
  EXPECT_EQ(Split("a,,b,", ","), (Pieces{"a", "", "b", ""}));
  EXPECT_EQ(Split("a, b,c", ", "), (Pieces{"a", "b,c"}));
}

TEST(Lines, LackNothingWhereTheLastLineFeedIsMissing) {
  EXPECT_EQ(Lines(""), Pieces{});
  EXPECT_EQ(Lines("\n"), Pieces{""});
  EXPECT_EQ(Lines("a"), Pieces{"a"});
  EXPECT_EQ(Lines("a\nb\n"), (Pieces{"a", "b"}));
  EXPECT_EQ(Lines("a\n\nb"), (Pieces{"a", "", "b"}));
  EXPECT_EQ(Lines("a\n\n"), (Pieces{"a", ""}));
}

RC_GTEST_PROP(Join, PutsTogetherWhatSplitTookApart, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,;\n")));
  RC_ASSERT(Join(Split(text, ","), ",") == text);
}

TEST(Sql, QuotesAreDoubled) {
  EXPECT_EQ(QuotedIdentifier("a\"b'c"), "\"a\"\"b'c\"");
  EXPECT_EQ(SqlLiteral("a'b\"c\\"), "'a''b\"c\\'");
  EXPECT_EQ(SqlLiteral(""), "''");
}

TEST(Join, WritesEachItemAsItIsTold) {
  EXPECT_EQ(Join(std::vector<int>{1, 2, 3}, ", ", [](int n) { return std::to_string(n); }),
            "1, 2, 3");
  EXPECT_EQ(Join(Pieces{"", ""}, ","), ",");
  EXPECT_EQ(Join(Pieces{}, ","), "");
}

}  // namespace
}  // namespace rowseal
