#include <rowseal/error.h>

#include <set>

#include <gtest/gtest.h>

namespace rowseal {
namespace {

TEST(ErrorCodes, HaveDistinctNamesAndExitCodesFromOneToSeven) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_TRUE(names.insert(ErrorName(code)).second) << ErrorName(code);
    EXPECT_FALSE(ErrorName(code).empty());
    EXPECT_GE(ExitCode(code), 1);
    EXPECT_LE(ExitCode(code), 7);
  }
}

TEST(ErrorCodes, ExitAsTheManualSays) {
  EXPECT_EQ(ExitCode(ErrorCode::kPartial), 1);
  EXPECT_EQ(ExitCode(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(ExitCode(ErrorCode::kNotFound), 3);
  EXPECT_EQ(ExitCode(ErrorCode::kIntegrity), 4);
  EXPECT_EQ(ExitCode(ErrorCode::kUnavailable), 5);
  EXPECT_EQ(ExitCode(ErrorCode::kRootKeyMismatch), 6);
  EXPECT_EQ(ExitCode(ErrorCode::kRefusedByState), 7);
}

Result<int> Half(int number) {
  if (number % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument, "odd", "give an even number");
  }
  return number / 2;
}

Result<int> Quarter(int number) {
  ROWSEAL_TRY(Half(number));
  ROWSEAL_ASSIGN(const int half, Half(number));
  return Half(half);
}

TEST(Result, MacrosPassTheWholeErrorOn) {
  EXPECT_EQ(*Quarter(8), 2);
  for (const int number : {3, 6}) {
    const Result<int> quarter = Quarter(number);
    ASSERT_FALSE(quarter);
    EXPECT_EQ(quarter.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(quarter.error().message, "odd");
    EXPECT_EQ(quarter.error().hint, "give an even number");
  }
}

}  // namespace
}  // namespace rowseal
